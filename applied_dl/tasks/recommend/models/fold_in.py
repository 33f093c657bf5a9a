"""Scores by factors whose users are solved in the graph: what makes a new user known by their items alone.

Axes: B users, I items (row 0 is padding), U users (row 0 is nobody), D factors.
"""

from __future__ import annotations

import keras
from keras import ops

from applied_dl.tasks.recommend.models.layers import zero_table


def _nonzero(x):
    """1 where x (B, 1) is 0: a user without items has nothing to be solved, and no number is so small that it is 0 in half precision."""
    return x + ops.cast(x <= 0, x.dtype)


@keras.saving.register_keras_serializable(package="applied_dl")
class FoldIn(keras.layers.Layer):
    """The factors p (B, D) of users by their items: the solution of (1 + Fᵀ diag(ω) F) p = Fᵀ r, and the scores F p (B, I + 1).

    The factors F (I + 1, D) of the items are scaled such that the penalty on p is the unit matrix, so that a few steps of conjugate
    gradients give it: a matrix inverse has no builtin operator on a phone, their products do.

    Args:
        items, dimensions: I and D.
        steps: of conjugate gradients.
    """

    def __init__(self, items: int, dimensions: int, steps: int = 24, **options):
        super().__init__(**options)
        self.items, self.dimensions, self.steps = items, dimensions, min(steps, dimensions + 2)

    def build(self, *shapes):
        self.factors_ = zero_table(self, "factors", (self.items + 1, self.dimensions))
        self.built = True

    def scores(self, p):
        """(B, D) → (B, I + 1)."""
        return ops.matmul(p, ops.transpose(self.factors_))

    def call(self, omega, target):
        def product(p):
            return p + ops.matmul(omega * self.scores(p), self.factors_)  # (B, D)

        residual = ops.matmul(target, self.factors_)
        p, direction = ops.zeros_like(residual), residual
        size = ops.sum(residual * residual, axis=1, keepdims=True)  # (B, 1)
        for _ in range(self.steps):
            along = product(direction)
            step = size / _nonzero(ops.sum(direction * along, axis=1, keepdims=True))
            p, residual = p + step * direction, residual - step * along
            before, size = size, ops.sum(residual * residual, axis=1, keepdims=True)
            direction = residual + size / _nonzero(before) * direction
        return p

    def get_config(self):
        return {**super().get_config(), "items": self.items, "dimensions": self.dimensions, "steps": self.steps}


@keras.saving.register_keras_serializable(package="applied_dl")
class Implicit(keras.layers.Layer):
    """Weights (B, I + 1) of events → scores by implicit least squares: an event is a 1 with weight 1 + α w, any other pair a 0 with 1."""

    def __init__(self, items: int, dimensions: int, confidence: float = 1.0, steps: int = 24, **options):
        super().__init__(**options)
        self.items, self.dimensions, self.confidence, self.steps = items, dimensions, confidence, steps
        self.fold = FoldIn(items, dimensions, steps, name="fold")

    def build(self, input_shape=None):
        self.fold.build()
        self.built = True

    def call(self, weights):
        omega = self.confidence * weights
        p = self.fold(omega, ops.cast(weights > 0, "float32") + omega)
        return self.fold.scores(p)

    def get_config(self):
        own = {"items": self.items, "dimensions": self.dimensions, "confidence": self.confidence, "steps": self.steps}
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable(package="applied_dl")
class Ratings(keras.layers.Layer):
    """Ratings by factors and biases: base (I + 1,) + F (I + 1, D) p. A known user's p is in a table (U + 1, D); a user who comes with
    ratings gets the most probable p given them (`FoldIn`).

    Args:
        users, items, dimensions: U, I and D.
        precision: of a rating about what the factors explain, 1 / variance.
    """

    def __init__(self, users: int, items: int, dimensions: int, precision: float = 1.0, steps: int = 24, **options):
        super().__init__(**options)
        self.users, self.items, self.dimensions, self.precision, self.steps = users, items, dimensions, precision, steps
        self.fold = FoldIn(items, dimensions, steps, name="fold")

    def build(self, *shapes):
        self.fold.build()
        self.base_ = zero_table(self, "base", (self.items + 1,))
        self.users_ = zero_table(self, "users", (self.users + 1, self.dimensions))
        self.built = True

    def call(self, user, given, values, seen):
        """user (B,), given (B, 1) whether the user came with ratings, values and seen (B, I + 1) → (B, I + 1)."""
        omega = self.precision * seen
        folded = self.fold(omega, omega * (values - self.base_))
        p = given * folded + (1.0 - given) * ops.take(self.users_, user, axis=0)
        return self.base_ + self.fold.scores(p)

    def get_config(self):
        own = {"users": self.users, "items": self.items, "dimensions": self.dimensions, "precision": self.precision, "steps": self.steps}
        return {**super().get_config(), **own}
