"""Losses of vectors that should lie near or far, on unit vectors side by side: (B, K·D) holds K texts a row."""

from __future__ import annotations

import keras
from keras import losses, ops

AWAY = -1e4  # score of pairs that are no negatives of each other


@keras.saving.register_keras_serializable(package="applied_dl")
class Contrastive(losses.Loss):
    """Each text must find its partner among all partners of the batch, both ways (InfoNCE; van den Oord et al., 2018).

    Predicted (B, K·D): anchor, positive and, with K = 3, a hard negative. True (B, K): a number for each text; equal numbers are the same
    text, which is never a negative. `dimensions`: leading columns that must do alone too (Kusupati et al., Matryoshka, 2022).
    """

    def __init__(self, parts: int = 2, temperature: float = 0.05, dimensions: tuple[int, ...] = (), name: str = "contrastive"):
        super().__init__(name=name, reduction="sum")
        self.parts, self.temperature, self.dimensions = parts, temperature, tuple(dimensions)

    def call(self, truth, predicted):
        sides = ops.split(predicted, self.parts, axis=-1)
        width = sides[0].shape[-1]
        away = _same_text([truth[:, i] for i in range(self.parts)])
        found = [self._one([_unit(side[:, :d]) if d < width else side for side in sides], away) for d in (width, *self.dimensions)]
        return sum(found) / len(found)

    def _one(self, sides, away):
        """Mean cross-entropy of finding each positive by its anchor (hard negatives among them), and each anchor by its positive."""
        anchor, positive = sides[:2]
        own = ops.sum(anchor * positive, axis=-1) / self.temperature  # (B,)
        scores = ops.matmul(anchor, ops.transpose(positive)) / self.temperature + away[0]  # (B, B)
        there, back = ops.logsumexp(scores, axis=1), ops.logsumexp(scores, axis=0)
        if len(sides) == 3:
            hard = ops.matmul(anchor, ops.transpose(sides[2])) / self.temperature + away[1]
            there = ops.logaddexp(there, ops.logsumexp(hard, axis=1))
        return ops.mean((there + back) / 2 - own)

    def get_config(self):
        return {"parts": self.parts, "temperature": self.temperature, "dimensions": list(self.dimensions), "name": self.name}


@keras.saving.register_keras_serializable(package="applied_dl")
class SameSimilarities(losses.Loss):
    """The student's similarities within a batch must be the teacher's: as numbers, and as a ranking by a softmax.

    True: the teacher's unit vectors (B, Dt); predicted: the student's (B, D). No projection is needed between the two widths
    (Tung and Mori, Similarity-preserving distillation, 2019).
    """

    def __init__(self, temperature: float = 0.05, dimensions: tuple[int, ...] = (), name: str = "same_similarities"):
        super().__init__(name=name, reduction="sum")
        self.temperature, self.dimensions = temperature, tuple(dimensions)

    def call(self, truth, predicted):
        width, teacher = predicted.shape[-1], ops.cast(truth, "float32")
        wanted = ops.matmul(teacher, ops.transpose(teacher))
        found = [self._one(wanted, _unit(predicted[:, :d]) if d < width else predicted) for d in (width, *self.dimensions)]
        return sum(found) / len(found)

    def _one(self, wanted, student):
        got = ops.matmul(student, ops.transpose(student))
        other = 1.0 - ops.eye(ops.shape(got)[0])
        rows = ops.cast(ops.shape(got)[0], "float32")
        shares = ops.softmax(wanted / self.temperature + (1 - other) * AWAY)
        ranking = -ops.sum(shares * ops.log_softmax(got / self.temperature + (1 - other) * AWAY)) / rows
        numbers = ops.sum(other * ops.square(got - wanted)) / ops.maximum(ops.sum(other), 1.0)
        return ranking + numbers / self.temperature

    def get_config(self):
        return {"temperature": self.temperature, "dimensions": list(self.dimensions), "name": self.name}


@keras.saving.register_keras_serializable(package="applied_dl")
class MaskedTokens(losses.Loss):
    """Cross-entropy of logits (B, T, V) at the places where the true id (B, T) is not −1."""

    def __init__(self, name: str = "masked_tokens"):
        super().__init__(name=name, reduction="sum")

    def call(self, truth, predicted):
        asked = ops.cast(truth >= 0, "float32")
        each = losses.sparse_categorical_crossentropy(ops.maximum(truth, 0), predicted, from_logits=True)
        return ops.sum(each * asked) / ops.maximum(ops.sum(asked), 1.0)

    def get_config(self):
        return {"name": self.name}


def _same_text(keys: list) -> list:
    """What to add to the scores (B, B) so that no text is a negative of itself: for the positives, and for the hard negatives."""
    anchor, positive = keys[0][:, None], keys[1][:, None]
    same = ops.logical_or(ops.logical_or(anchor == keys[1][None], positive == keys[1][None]), anchor == keys[0][None])
    other = 1.0 - ops.eye(ops.shape(same)[0])
    found = [ops.cast(same, "float32") * other * AWAY]
    if len(keys) == 3:
        hard = ops.logical_or(anchor == keys[2][None], positive == keys[2][None])
        found.append(ops.cast(hard, "float32") * AWAY)
    return found


def _unit(x):
    return x * ops.rsqrt(ops.maximum(ops.sum(x * x, axis=-1, keepdims=True), 1e-12))
