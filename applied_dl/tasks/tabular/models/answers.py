"""The last layers of the serving graph: members averaged, predictions in the units of the target with intervals, or probabilities."""

from __future__ import annotations

import keras
import numpy as np
from keras import layers, ops

ENOUGH = 50  # rows for a line through their errors
LEAST_SPREAD = 0.4  # share of the usual spread that any prediction has at least


@keras.saving.register_keras_serializable(package="applied_dl")
class Stack(layers.Layer):
    """Columns (B,) → (B, F)."""

    def call(self, columns):
        return ops.stack(columns, axis=1)

    def compute_output_shape(self, shapes):
        return (shapes[0][0], len(shapes))


@keras.saving.register_keras_serializable(package="applied_dl")
class Interval(layers.Layer):
    """(B, k, outputs) of standardised numbers → {"prediction", "lower", "upper"} (B,) in the user's units.

    kind: mean (the members' mean; their spread shapes the interval), normal (mean and log variance) or quantile (low, middle, high).
    `mean` and `deviation` undo the standardisation; predictions stay within `low`..`high`, the training range. Intervals are the spread
    times `factor` plus `margin`, conformal on validation rows (Lei et al., 2018; Romano et al., Conformalized Quantile Regression, 2019).
    Errors often grow with what is predicted: of `mean`, the spread is `floor` times `start` + `slope` · prediction, and the disagreement.
    Where `log`, all of these are of the logarithm of the target, and `shift` is added to the prediction, but not to its limits: the
    exponential of a mean logarithm is near the median, and the mean is above it (Duan, Smearing Estimate, 1983). `least` is the lower
    bound of predictions and limits. `column` is the output of this target where a net predicts several.
    """

    def __init__(
        self, kind="mean", mean=0.0, deviation=1.0, low=None, high=None, floor=1.0, factor=1.0, margin=0.0, log=False, least=None,
        column=None, shift=0.0, start=1.0, slope=0.0, **base,
    ):  # fmt: skip
        super().__init__(**base)
        self.least, self.column, self.start, self.slope = least, column, start, slope
        self.kind, self.mean, self.deviation, self.low, self.high = kind, mean, deviation, low, high
        self.floor, self.factor, self.margin, self.log, self.shift = floor, factor, margin, log, shift

    def spread(self, x):
        """Centre, and the distances below and above it (B,), all standardised."""
        x = x if self.column is None else x[:, :, self.column : self.column + 1]
        if self.kind == "quantile":
            low, middle, high = (ops.mean(x[:, :, i], axis=1) for i in range(3))
            return self.within(middle), ops.maximum(middle - low, 0.0), ops.maximum(high - middle, 0.0)
        center = ops.mean(x[:, :, 0], axis=1)
        if self.kind == "normal":
            around = ops.sqrt(ops.mean(ops.exp(x[:, :, 1]), axis=1))
        else:
            apart = ops.mean(ops.square(x[:, :, 0] - ops.expand_dims(center, 1)), axis=1)
            floor = self.floor
            if self.slope:
                floor = floor * ops.maximum(self.start + self.slope * self.within(center), LEAST_SPREAD)
            around = ops.sqrt(apart + ops.square(floor))
        return self.within(center), around, around

    def within(self, center):
        """Clip a standardised prediction to the training range; the interval is centred on the result."""
        if self.low is None:
            return center
        return ops.clip(center, *((end - self.mean) / self.deviation for end in (self.low, self.high)))

    def restored(self, value):
        """value · deviation + mean, in constants that half precision can hold (200,000 would overflow, 1,803.3 would lose its tenths)."""
        power = 2.0 ** max(0.0, np.ceil(np.log2(max(abs(self.mean), self.deviation, 1e-30) / 1024)))
        deviation = float(np.float16(self.deviation / power))
        mean = float(np.float16(self.mean / power))
        rest = self.mean / power - mean, self.deviation / power - deviation
        scaled = (value * deviation + mean) + (value * rest[1] + rest[0])
        return scaled * power

    def call(self, x):
        center, below, above = self.spread(x)
        found = {
            "prediction": center,
            "lower": center - ops.maximum(below * self.factor + self.margin, 0.0),  # a negative margin never inverts an interval
            "upper": center + ops.maximum(above * self.factor + self.margin, 0.0),
        }
        if self.shift:
            found["prediction"] = ops.minimum(self.within(center + self.shift), found["upper"])
        found = {name: self.restored(value) for name, value in found.items()}
        found = {name: ops.exp(value) if self.log else value for name, value in found.items()}
        return found if self.least is None else {name: ops.maximum(value, self.least) for name, value in found.items()}

    def compute_output_shape(self, shape):
        return dict.fromkeys(("prediction", "lower", "upper"), (shape[0],))

    def get_config(self):
        names = ("kind", "mean", "deviation", "low", "high", "floor", "factor", "margin", "log", "least", "column", "shift",
                 "start", "slope")  # fmt: skip
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


def spread_line(y: np.ndarray, center: np.ndarray) -> tuple[float, float]:
    """How absolute errors depend on what is predicted: `start` and `slope` of the line of least squares, whose mean is 1.

    Args:
        y: standardised targets (N,) of rows that the model was not fitted to.
        center: standardised predictions (N,) of them.
    """
    errors = np.abs(y - center)
    if len(y) < ENOUGH or errors.mean() == 0 or center.std() == 0:
        return 1.0, 0.0
    slope, start = np.polyfit(center, errors / errors.mean(), 1)
    return float(start), float(slope)


def mean_shift(y: np.ndarray, center: np.ndarray, deviation: float) -> float:
    """What is added to predicted logarithms (N,) of known targets, in standard deviations of the logarithm, so that the exponentials of
    the predictions add up to the targets; y and center are standardised.

    Example:
        >>> round(mean_shift(np.array([-1.0, 1.0]), np.zeros(2), 1.0), 3)  # log cosh 1
        0.434
    """
    top = float(max(y.max(), center.max()))
    return float(np.log(np.exp(deviation * (y - top)).sum() / np.exp(deviation * (center - top)).sum()) / deviation)


@keras.saving.register_keras_serializable(package="applied_dl")
class StackOutputs(layers.Layer):
    """{"prediction", "lower", "upper"} (B,) of several targets → the same names, (B, T)."""

    def call(self, outputs):
        return {name: ops.stack([one[name] for one in outputs], axis=1) for name in ("prediction", "lower", "upper")}

    def compute_output_shape(self, shapes):
        return dict.fromkeys(("prediction", "lower", "upper"), (shapes[0]["prediction"][0], len(shapes)))


@keras.saving.register_keras_serializable(package="applied_dl")
class Probabilities(layers.Layer):
    """(B, k, C) logits → (B, C): the mean of the members' softmax, sharpened or softened by one `temperature` factor on its logarithm.

    Of one member the logits themselves take the factor, so that the log-odds of a linear model stay a sum over its columns.
    """

    def __init__(self, temperature=1.0, **base):
        super().__init__(**base)
        self.temperature = temperature

    def call(self, x):
        if x.shape[1] == 1:
            return ops.softmax(x[:, 0] * self.temperature, axis=-1)
        p = ops.mean(ops.softmax(x, axis=-1), axis=1)
        return ops.softmax(ops.log(p + 1e-7) * self.temperature, axis=-1)

    def compute_output_shape(self, shape):
        return (shape[0], shape[2])

    def get_config(self):
        return {**super().get_config(), "temperature": self.temperature}


@keras.saving.register_keras_serializable(package="applied_dl")
class MeanAnswer(layers.Layer):
    """(B, k, outputs) → (B, 1, outputs): the members' mean, of their probabilities where the outputs are logits of `classes`."""

    def __init__(self, classes=False, **base):
        super().__init__(**base)
        self.classes = classes

    def call(self, x):
        return ops.mean(ops.softmax(x, axis=-1) if self.classes else x, axis=1, keepdims=True)

    def compute_output_shape(self, shape):
        return (shape[0], 1, shape[2])

    def get_config(self):
        return {**super().get_config(), "classes": self.classes}


@keras.saving.register_keras_serializable(package="applied_dl")
class Logarithm(layers.Layer):
    """Probabilities → logits whose softmax they are."""

    def call(self, p):
        return ops.log(p + 1e-7)


@keras.saving.register_keras_serializable(package="applied_dl")
class Exponential(layers.Layer):
    """(B, 1, O) standardised logarithms, kept within `low`..`high` → exp(z · spread + center) − offset, standardised numbers."""

    def __init__(self, center, spread, offset, low, high, **base):
        super().__init__(**base)
        self.center, self.spread, self.offset, self.low, self.high = center, spread, offset, low, high

    def call(self, z):
        low, high, spread, center, offset = (
            ops.convert_to_tensor(value, self.compute_dtype) for value in (self.low, self.high, self.spread, self.center, self.offset)
        )
        return ops.exp(ops.minimum(ops.maximum(z, low), high) * spread + center) - offset

    def compute_output_shape(self, shape):
        return shape

    def get_config(self):
        names = ("center", "spread", "offset", "low", "high")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


@keras.saving.register_keras_serializable(package="applied_dl")
class Decision(layers.Layer):
    """(B, 2) → (B,) 0 or 1: whether the second class is at least as probable as `threshold`."""

    def __init__(self, threshold=0.5, **base):
        super().__init__(**base)
        self.threshold = threshold

    def call(self, p):
        return ops.cast(p[:, 1] >= self.threshold, "float32")

    def compute_output_shape(self, shape):
        return shape[:1]

    def get_config(self):
        return {**super().get_config(), "threshold": self.threshold}
