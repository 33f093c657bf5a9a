"""Every loss by name. Classification losses take logits, never probabilities, so that softmax is not applied twice.

mse is ordinary least squares; gaussian_nll and the cross-entropies are maximum likelihood; hinge is the support vector machine's.
"""

from __future__ import annotations

import math

import keras
from keras import losses, ops

from applied_dl.core.errors import UsageError, nearest

NAMES = (
    "mse", "mae", "huber", "quantile", "gaussian_nll", "binary_crossentropy", "crossentropy", "hinge", "squared_hinge",
    "categorical_hinge", "focal",
)  # fmt: skip
SMOOTHED = ("binary_crossentropy", "crossentropy", "focal")  # those that have label smoothing


def loss(name: str, *, label_smoothing: float = 0.0, quantiles: tuple[float, ...] = (0.05, 0.5, 0.95), gamma: float = 2.0):
    """A Keras loss by the name that a recipe gives it.

    Targets are numbers for regression, one-hot (B, C) for crossentropy, categorical_hinge and focal, and 0 or 1 for the binary losses.

    Args:
        name: One of `NAMES`.
        label_smoothing: Share of the label spread over all classes, for the losses in `SMOOTHED`.
        quantiles: Those that "quantile" learns.
        gamma: Exponent of "focal".

    Raises:
        UsageError: There is no such loss.

    Example:
        >>> float(loss("mse")([[1.0]], [[3.0]]))
        4.0
    """
    losses_by_name = {
        "mse": losses.MeanSquaredError,
        "mae": losses.MeanAbsoluteError,
        "huber": losses.Huber,
        "quantile": lambda: Quantile(quantiles),
        "gaussian_nll": GaussianNLL,
        "binary_crossentropy": lambda: losses.BinaryCrossentropy(from_logits=True, label_smoothing=label_smoothing),
        "crossentropy": lambda: losses.CategoricalCrossentropy(from_logits=True, label_smoothing=label_smoothing),
        "hinge": losses.Hinge,
        "squared_hinge": losses.SquaredHinge,
        "categorical_hinge": losses.CategoricalHinge,
        "focal": lambda: Focal(gamma, label_smoothing),
    }
    if name not in losses_by_name:
        raise UsageError(f"Unknown train.loss {name!r}.{nearest(name, losses_by_name)}")
    return losses_by_name[name]()


@keras.saving.register_keras_serializable(package="applied_dl")
class Quantile(losses.Loss):
    """Pinball loss of several quantiles at once (Koenker and Bassett, 1978). Target (B, …), prediction (B, …, Q)."""

    def __init__(self, quantiles=(0.05, 0.5, 0.95), name="quantile", reduction="sum_over_batch_size"):
        super().__init__(name=name, reduction=reduction)
        self.quantiles = tuple(quantiles)

    def call(self, y_true, y_pred):
        y_true = ops.cast(y_true, y_pred.dtype)
        if len(y_true.shape) == len(y_pred.shape) - 1:
            y_true = ops.expand_dims(y_true, -1)
        gap = y_true - y_pred
        q = ops.convert_to_tensor(self.quantiles, gap.dtype)
        return ops.mean(ops.maximum(q * gap, (q - 1) * gap), axis=-1)

    def get_config(self):
        return {"quantiles": list(self.quantiles), "name": self.name, "reduction": self.reduction}


@keras.saving.register_keras_serializable(package="applied_dl")
class GaussianNLL(losses.Loss):
    """Negative log likelihood of a normal: prediction (B, …, 2) is its mean and log variance (Nix and Weigend, 1994), in nats."""

    def __init__(self, name="gaussian_nll", reduction="sum_over_batch_size"):
        super().__init__(name=name, reduction=reduction)

    def call(self, y_true, y_pred):
        mean, log_variance = y_pred[..., 0], y_pred[..., 1]
        y_true = ops.reshape(ops.cast(y_true, y_pred.dtype), ops.shape(mean))
        return 0.5 * (math.log(2 * math.pi) + log_variance + ops.square(y_true - mean) * ops.exp(-log_variance))

    def get_config(self):
        return {"name": self.name, "reduction": self.reduction}


@keras.saving.register_keras_serializable(package="applied_dl")
class Focal(losses.Loss):
    """Cross-entropy times (1 − p)^gamma of the true class, from logits: easy rows count less (Lin et al., 2017)."""

    def __init__(self, gamma=2.0, label_smoothing=0.0, name="focal", reduction="sum_over_batch_size"):
        super().__init__(name=name, reduction=reduction)
        self.gamma, self.label_smoothing = gamma, label_smoothing

    def call(self, y_true, y_pred):
        y_true = ops.cast(y_true, y_pred.dtype)
        smooth = y_true * (1 - self.label_smoothing) + self.label_smoothing / y_pred.shape[-1]
        logs = ops.log_softmax(y_pred, axis=-1)
        return -ops.sum(smooth * (1 - ops.exp(logs)) ** self.gamma * logs, axis=-1)

    def get_config(self):
        return {"gamma": self.gamma, "label_smoothing": self.label_smoothing, "name": self.name, "reduction": self.reduction}
