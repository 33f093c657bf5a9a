"""The trained graph → files, and the proof that the files answer as it does."""

from applied_dl.export.ladder import export
from applied_dl.export.saved_model import signature_of, write_saved_model
from applied_dl.export.serving import Serving

__all__ = ["Serving", "export", "signature_of", "write_saved_model"]
