"""The trained graph → files, and the proof that the files answer as it does."""

import importlib

from applied_dl.export.convert import check, warm_up

LATER = {  # these need Keras, which is loaded when they are asked for
    "Serving": "serving", "export": "ladder", "keras_outputs": "ladder", "signature_of": "saved_model", "write_saved_model": "saved_model",
}  # fmt: skip
__all__ = ["Serving", "check", "export", "keras_outputs", "signature_of", "warm_up", "write_saved_model"]


def __getattr__(name: str):
    if name not in LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{LATER[name]}"), name)
