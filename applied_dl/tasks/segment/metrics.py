"""Mean IoU while a net trains: one count of (true, predicted) pairs per batch."""

from __future__ import annotations

import keras
from keras import ops

from applied_dl.tasks.segment.encoder import VOID


class PixelIoU(keras.metrics.Metric):
    """The mean over classes of intersection over union, of the classes that occur among the true pixels; void counts nowhere.

    Args:
        classes: how many there are.
        name: of the metric.
    """

    def __init__(self, classes: int, name="miou"):
        super().__init__(name=name)
        self.classes = classes
        self.counts = self.add_variable((classes * classes + 1,), initializer="zeros", name="counts")

    def update_state(self, y_true, y_pred, sample_weight=None):
        truth = ops.cast(y_true, "int32")
        codes = ops.where(truth == VOID, self.classes**2, truth * self.classes + ops.cast(ops.argmax(y_pred, axis=-1), "int32"))
        codes = ops.reshape(codes, (-1,))
        found = ops.segment_sum(ops.ones_like(codes), codes, num_segments=self.classes**2 + 1)  # JAX has no bincount within a graph
        self.counts.assign_add(ops.cast(found, self.counts.dtype))

    def result(self):
        table = ops.reshape(self.counts[:-1], (self.classes, self.classes))
        hit, true = ops.diagonal(table), ops.sum(table, axis=1)
        union = true + ops.sum(table, axis=0) - hit
        seen = ops.cast(true > 0, "float32")
        return ops.sum(seen * hit / ops.maximum(union, 1.0)) / ops.maximum(ops.sum(seen), 1.0)
