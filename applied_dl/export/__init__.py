"""The trained graph → files, and the proof that the files answer as it does."""

from applied_dl.export.convert import warm_up
from applied_dl.export.ladder import check, export, keras_outputs
from applied_dl.export.saved_model import signature_of, write_saved_model
from applied_dl.export.serving import Serving

__all__ = ["Serving", "check", "export", "keras_outputs", "signature_of", "warm_up", "write_saved_model"]
