"""Before the first step: is the input standardized, is the target, does the loss start at that of a constant prediction?

Karpathy, A Recipe for Training Neural Networks (2019): verify the loss at initialisation, overfit one batch.
"""

from __future__ import annotations

import math

import keras
import numpy as np
import tensorflow as tf

from applied_dl.training.diagnostics.case import WEIGHTED, Case, kind_of, layer_outputs, loss_of, restoring, rows, without_dropout
from applied_dl.training.diagnostics.finding import Finding

ROWS = 256
INPUT_SPREAD = (0.02, 30.0)  # root mean square of the input of the first layer with weights
FEATURE_RATIO = 1000.0  # largest over median spread of its features
TARGET_SPREAD, TARGET_OFFSET = 30.0, 3.0
LOSS_RATIO, LOSS_GAP = 2.0, 0.7  # times, and above, the loss of the best constant answer
FEW_ROWS, STEPS, RATES, LEFT = 8, 150, (3e-3, 3e-2), 0.4
KNOWN = (
    "CategoricalCrossentropy",
    "BinaryCrossentropy",
    "Focal",
    "MeanSquaredError",
    "MeanAbsoluteError",
    "Huber",
    "Quantile",
    "GaussianNLL",
)


def check_start(case: Case) -> list[Finding]:
    """Input, target and first loss, from one pass."""
    inputs, target = rows(case, ROWS)
    found = check_input(case.model, inputs)
    if any(not np.isfinite(np.asarray(x)).all() for x in inputs.values() if x.dtype.is_floating):
        return found
    outputs = tf.cast(case.model(inputs, training=False), tf.float32)
    kind = kind_of(case.loss)
    if kind not in KNOWN:
        return found
    found += _target(target, outputs, kind)
    return found + ([] if found else _first_loss(case, target, outputs, kind))


def check_input(model: keras.Model, inputs) -> list[Finding]:
    """Check the input of the first layer with weights."""
    bad = [name for name, x in inputs.items() if x.dtype.is_floating and not np.isfinite(np.asarray(x)).all()]
    if bad:
        share = max(1 - float(np.isfinite(np.asarray(inputs[name])).mean()) for name in bad)
        return [
            Finding(
                name="input_not_finite",
                where=bad[0],
                evidence=share,
                limit=0.0,
                observed=f"{share:.1%} of the values of the input {bad[0]!r} are not finite numbers",
                why="one NaN in a batch makes every weight NaN, without a warning from Keras",
                change="clean the data, or let the reader fill missing values",
            )
        ]
    fed = layer_outputs(model, inputs, WEIGHTED)
    if not fed:
        return []
    layer, x, _ = fed[0]
    x = x.reshape(-1, x.shape[-1])
    size = float(np.sqrt(np.mean(np.square(x, dtype=np.float64))))
    if not INPUT_SPREAD[0] <= size <= INPUT_SPREAD[1]:
        return [
            _not_standardized(layer, size, INPUT_SPREAD[size > 1], f"the first layer gets values of size {size:.3g} (about 1 is healthy)")
        ]
    spread = x.std(0)
    spread = spread[spread > 0]
    ratio = float(spread.max() / np.median(spread)) if len(spread) > 1 else 1.0
    if ratio > FEATURE_RATIO:
        return [
            _not_standardized(
                layer, ratio, FEATURE_RATIO, f"one feature of the first layer's input has {ratio:,.0f} times the spread of the median one"
            )
        ]
    return []


def _not_standardized(layer, evidence: float, limit: float, observed: str) -> Finding:
    return Finding(
        name="input_not_standardized",
        where=layer.path,
        evidence=evidence,
        limit=limit,
        observed=observed,
        why="no learning rate suits both the large and the small features, so training is slow or diverges",
        change="standardize the input (preprocess.normalize), or transform the columns of extreme range",
    )


def _target(target, outputs, kind: str) -> list[Finding]:
    """Check that numeric targets are of the size of the outputs."""
    if kind in ("CategoricalCrossentropy", "BinaryCrossentropy", "Focal"):
        return []
    truth = np.asarray(tf.cast(target, tf.float32), np.float64)
    output = np.asarray(outputs, np.float64)
    if kind in ("GaussianNLL", "Quantile"):
        output = output[..., 0] if kind == "GaussianNLL" else output.mean(-1)
    if output.size != truth.size:
        return []
    spread, own, off = float(truth.std()), float(output.std()), float(abs(truth.mean() - output.mean()))
    usual = min(own, 1.0) or 1.0
    if off > TARGET_OFFSET * spread > 0:
        evidence, limit, observed = (
            off / spread,
            TARGET_OFFSET,
            f"the mean of the target lies {off / spread:.1f} standard deviations from the first outputs",
        )
    elif spread > TARGET_SPREAD * max(own, 1.0):
        evidence, limit, observed = (
            spread,
            TARGET_SPREAD,
            f"the target's deviation is {spread:.3g}; that of the first outputs is {own:.3g}",
        )
    elif 0 < spread < usual / TARGET_SPREAD:
        evidence, limit, observed = spread, usual / TARGET_SPREAD, f"the target's standard deviation is only {spread:.3g}"
    else:
        return []
    return [
        Finding(
            name="target_not_standardized",
            where="target",
            evidence=evidence,
            limit=limit,
            observed=observed,
            why="most of the training is spent on finding the target's size",
            change="train on (target − mean) / deviation and undo it in the serving graph, or take the logarithm of amounts",
        )
    ]


def constant_loss(case: Case, target, outputs) -> float:
    """The loss of a constant prediction: zero logits (ln C), or the mean of the target (its variance)."""
    kind = kind_of(case.loss)
    constant = tf.zeros_like(outputs)
    if kind in ("MeanSquaredError", "MeanAbsoluteError", "Huber", "Quantile"):
        constant += tf.reduce_mean(tf.cast(target, tf.float32))
    return float(loss_of(case, target, constant))


def _first_loss(case: Case, target, outputs, kind: str) -> list[Finding]:
    """Check that the first loss is not above that of a constant prediction."""
    expected, first = constant_loss(case, target, outputs), float(loss_of(case, target, outputs))
    limit = max(LOSS_RATIO * expected, expected + LOSS_GAP) if kind != "GaussianNLL" else expected + 2
    found = []
    p = np.asarray(outputs)
    if kind in ("CategoricalCrossentropy", "Focal") and p.min() >= 0 and np.allclose(p.sum(-1), 1, atol=1e-3):
        found.append(
            Finding(
                name="squashed_twice",
                where="output",
                evidence=1.0,
                limit=0.0,
                observed="the outputs are probabilities already, and the loss applies another softmax",
                why="a second softmax can never be confident, so the gradient vanishes long before the classes are separated",
                change="let the last layer be linear: losses take logits",
            )
        )
    if not math.isfinite(first) or first > limit:
        found.append(
            Finding(
                name="loss_at_start",
                where="output",
                evidence=first,
                limit=limit,
                observed=f"the loss starts at {first:.3g}; a constant prediction has {expected:.3g}",
                why="the first epochs are spent on undoing the initial weights, with the largest gradients of all",
                change="use smaller initial weights (Glorot or He initialization, a normalization layer), or standardize the target",
            )
        )
    return found


def check_one_batch(case: Case) -> list[Finding]:
    """Check that a few rows can be memorized; where they cannot, the graph, the loss or the labels are broken."""
    inputs, target = rows(case, FEW_ROWS)
    least = math.inf
    outputs = tf.cast(case.model(inputs, training=False), tf.float32)
    floor = max(0.0, _floor(case, target, outputs))
    known = kind_of(case.loss) in KNOWN
    for rate in RATES:
        with restoring(case.model), without_dropout(case.model):
            losses = _memorize(case, inputs, target, rate)
        least = min([least, *(value for value in losses if math.isfinite(value))])
        start = max(losses[0], constant_loss(case, target, outputs) if known else 0.0)  # a trained model may fit these rows already
        left = (least - floor) / max(start - floor, 1e-9)
        if left <= LEFT or start - floor < 0.02 * abs(start):
            return []
    return [
        Finding(
            name="cannot_overfit",
            where="model",
            evidence=left,
            limit=LEFT,
            observed=f"after {STEPS} steps on {FEW_ROWS} rows, {left:.0%} of the loss {start:.3g} is left",
            why="a net that cannot memorize a few rows is cut off from its input, frozen, or far too small",
            change="check for frozen or dead layers, raise model.width or model.hidden, and check that inputs and targets belong together",
        )
    ]


def _memorize(case: Case, inputs, target, rate: float) -> list[float]:
    """Losses of Adam on one batch, with normalization layers in training mode."""
    variables = case.model.trainable_variables
    if not variables:
        return [1.0, 1.0]
    optimizer = keras.optimizers.Adam(rate, global_clipnorm=10.0)
    optimizer.build(variables)

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            value = loss_of(case, target, case.model(inputs, training=True))
        gradients = tape.gradient(value, variables)
        if any(g is not None for g in gradients):
            optimizer.apply([tf.zeros_like(v) if g is None else g for g, v in zip(gradients, variables)], variables)
        return value

    return [float(step()) for _ in range(STEPS)]


def _floor(case: Case, target, outputs) -> float:
    """The least loss where each output is free: what is left of it is due to the labels (smoothing), not to the net."""
    free = tf.Variable(tf.zeros_like(tf.cast(outputs, tf.float32)))
    optimizer = keras.optimizers.Adam(0.3)

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            value = loss_of(case, target, free)
        gradient = tape.gradient(value, free)
        optimizer.apply([tf.zeros_like(free) if gradient is None else gradient], [free])
        return value

    return min(float(step()) for _ in range(STEPS))
