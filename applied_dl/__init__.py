"""applied_dl: your own data to a trained Keras model, and to the file that runs on the phone, the server or the edge box.

    import applied_dl
    run = applied_dl.train("pipelines/digits.toml")         # trains, exports, verifies
    predictor = applied_dl.load("saved_models/digits")       # numpy and LiteRT; no TensorFlow
    predictor.predict(["a.png", "b.jpg"])

Axis letters, everywhere: B batch, N rows, H W C image, T time, F features, V vocabulary, D embedding.
Importing this module costs neither TensorFlow nor Keras: names are looked up when they are first used (PEP 562).
"""

import importlib
from importlib.metadata import PackageNotFoundError, version

_HOMES = {
    "train": "applied_dl.workflows.train",
    "evaluate": "applied_dl.workflows.evaluate",
    "Run": "applied_dl.workflows.train",
    "load": "applied_dl.predictor",
    "Predictor": "applied_dl.predictor",
    "AppliedError": "applied_dl.core.errors",
}

__all__ = [*_HOMES, "__version__"]

try:
    __version__ = version("applied_dl")
except PackageNotFoundError:  # a source tree that was never installed
    __version__ = "0+unknown"


def __getattr__(name: str):
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'applied_dl' has no attribute {name!r}")


def __dir__():
    return sorted(__all__)
