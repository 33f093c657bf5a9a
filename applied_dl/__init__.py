"""applied_dl: from your own data to a trained Keras model, and to the file that runs on the phone, the server or the edge device.

    import applied_dl
    run = applied_dl.train("pipelines/digits.toml")         # trains, exports, verifies
    predictor = applied_dl.load("saved_models/digits")       # numpy and LiteRT; no TensorFlow
    predictor.predict(["a.png", "b.jpg"])

Axis letters, everywhere: B batch, N rows, H W C image, T time, F features, V vocabulary, D embedding.
Importing this module loads neither TensorFlow nor Keras: each function imports what it needs when it is called.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from applied_dl.api.bundles import diff, evaluate, explain, export, generate, load, load_keras, predict
from applied_dl.api.recipes import backtest, diagnose, dry_run, find_lr, inspect, train, tune
from applied_dl.core.errors import AppliedError, DataError, RefusedError, UsageError

if TYPE_CHECKING:
    from applied_dl.predictor import Predictor
    from applied_dl.workflows.train import Run

    __version__: str

__all__ = [
    "AppliedError",
    "DataError",
    "Predictor",
    "RefusedError",
    "Run",
    "UsageError",
    "__version__",
    "backtest",
    "diagnose",
    "diff",
    "dry_run",
    "evaluate",
    "explain",
    "export",
    "find_lr",
    "generate",
    "inspect",
    "load",
    "load_keras",
    "predict",
    "train",
    "tune",
]


def __getattr__(name: str) -> Any:
    """Classes and the version, looked up when they are first used (PEP 562)."""
    if name == "Predictor":
        from applied_dl.predictor import Predictor

        return Predictor
    if name == "Run":
        from applied_dl.workflows.train import Run

        return Run
    if name == "__version__":
        from importlib.metadata import PackageNotFoundError, version

        try:
            return version("applied_dl")
        except PackageNotFoundError:  # a source tree that was never installed
            return "0+unknown"
    raise AttributeError(f"module 'applied_dl' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
