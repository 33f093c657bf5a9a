"""Losses of logits at every pixel, where void pixels count nothing: cross-entropy, focal, Dice, Lovász, and sums of them."""

from __future__ import annotations

import keras
from keras import losses, ops

from applied_dl.core.errors import UsageError, nearest
from applied_dl.tasks.segment.encoder import VOID

PARTS = ("crossentropy", "focal", "dice", "lovasz")
GAMMA = 2.0  # exponent of the focal loss
SORTED = 6000  # pixels of an image that the Lovász loss sorts, evenly spread: sorting all of them would take longer than the net


def check_loss(name: str) -> tuple[str, ...]:
    """The parts of a loss such as "crossentropy+dice". Raises `UsageError` where one is unknown."""
    parts = tuple(part.strip() for part in name.split("+"))
    for part in parts:
        if part not in PARTS:
            raise UsageError(f"Unknown train.loss {part!r}; several are joined by +.{nearest(part, PARTS)}")
    return parts


@keras.saving.register_keras_serializable(package="applied_dl")
class PixelLoss(losses.Loss):
    """The sum of some losses of pixels.

    Args:
        parts: out of `PARTS`.
        weights: of each class, in cross-entropy and focal; the others weigh all classes that occur alike.
        label_smoothing: share of the label spread over all classes, in cross-entropy and focal.

    Call:
        y_true: (B, H, W) class numbers, `VOID` for pixels that count nothing.
        y_pred: (B, H, W, C) logits.

    References:
        Lin et al., Focal Loss (2017); Milletari et al., V-Net (2016); Berman et al., The Lovász-Softmax Loss (2018).
    """

    def __init__(self, parts=("crossentropy",), weights=None, label_smoothing=0.0, name="pixel_loss", reduction="sum_over_batch_size"):
        super().__init__(name=name, reduction=reduction)
        self.parts, self.weights, self.label_smoothing = tuple(parts), weights, label_smoothing

    def call(self, y_true, y_pred):
        classes = y_pred.shape[-1]
        y_true = ops.cast(y_true, "int32")
        valid = ops.cast(y_true != VOID, "float32")  # (B, H, W)
        truth = ops.one_hot(ops.where(y_true == VOID, 0, y_true), classes, dtype="float32") * valid[..., None]  # (B, H, W, C)
        logs = ops.log_softmax(ops.cast(y_pred, "float32"), axis=-1)
        total = 0.0
        if "crossentropy" in self.parts:
            total = total + self._cross_entropy(truth, valid, logs, 0.0)
        if "focal" in self.parts:
            total = total + self._cross_entropy(truth, valid, logs, GAMMA)
        if "dice" in self.parts:
            total = total + dice_loss(truth, ops.exp(logs) * valid[..., None])
        if "lovasz" in self.parts:
            step = max(1, round((y_pred.shape[1] * y_pred.shape[2] / SORTED) ** 0.5))
            p, t, v = (x[:, ::step, ::step] for x in (ops.exp(logs), truth, valid))
            total = total + lovasz_loss(ops.reshape(t, (-1, classes)), ops.reshape(p, (-1, classes)), ops.reshape(v, (-1, 1)))
        return total + ops.zeros_like(valid[:, 0, 0])  # (B,): one value for the batch

    def _cross_entropy(self, truth, valid, logs, gamma: float):
        """The mean over pixels, weighted by class."""
        smooth = truth * (1 - self.label_smoothing) + valid[..., None] * self.label_smoothing / truth.shape[-1]
        own = smooth * logs if not gamma else smooth * (1 - ops.exp(logs)) ** gamma * logs
        if self.weights is None:
            return -ops.sum(own) / ops.maximum(ops.sum(valid), 1.0)
        weight = ops.sum(truth * ops.convert_to_tensor(self.weights, "float32"), axis=-1)  # (B, H, W)
        return -ops.sum(own * weight[..., None]) / ops.maximum(ops.sum(weight), 1e-6)

    def get_config(self):
        return {
            "parts": list(self.parts), "weights": self.weights, "label_smoothing": self.label_smoothing, "name": self.name,
            "reduction": self.reduction,
        }  # fmt: skip


def dice_loss(truth, p):
    """1 less the mean Dice coefficient of the classes that occur in the batch; both (B, H, W, C)."""
    axes = (0, 1, 2)
    size = ops.sum(truth, axis=axes)
    dice = (2 * ops.sum(truth * p, axis=axes) + 1) / (size + ops.sum(p, axis=axes) + 1)
    present = ops.cast(size > 0, "float32")
    return 1 - ops.sum(dice * present) / ops.maximum(ops.sum(present), 1.0)


def lovasz_loss(truth, p, valid):
    """The Lovász extension of 1 less the mean IoU of the classes that occur; truth and p (P, C), valid (P, 1)."""
    foreground = ops.transpose(truth)  # (C, P)
    errors = ops.abs(foreground - ops.transpose(p * valid))
    order = ops.argsort(-errors, axis=-1)
    errors, foreground = ops.take_along_axis(errors, order, axis=-1), ops.take_along_axis(foreground, order, axis=-1)
    total = ops.sum(foreground, axis=-1, keepdims=True)
    union = total + ops.cumsum(1 - foreground, axis=-1)
    jaccard = 1 - (total - ops.cumsum(foreground, axis=-1)) / ops.maximum(union, 1e-6)
    steps = jaccard - ops.concatenate([ops.zeros_like(jaccard[:, :1]), jaccard[:, :-1]], axis=-1)
    present = ops.cast(total[:, 0] > 0, "float32")
    return ops.sum(ops.sum(errors * ops.stop_gradient(steps), axis=-1) * present) / ops.maximum(ops.sum(present), 1.0)
