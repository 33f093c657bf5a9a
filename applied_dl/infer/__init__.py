"""`load(bundle) → Predictor`: raw inputs to answers with numpy and LiteRT, in well under a second, without TensorFlow."""

from applied_dl.infer.predictor import Predictor, load
from applied_dl.infer.runtime import Encoded, Runtime, operators

__all__ = ["Encoded", "Predictor", "Runtime", "load", "operators"]
