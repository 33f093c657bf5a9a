"""Before the first step: is the input standardised, is the target, is the loss what a net that knows nothing should have?

Karpathy, A Recipe for Training Neural Networks (2019): verify the loss at initialisation, overfit one batch.
"""

from __future__ import annotations

import math

import keras
import numpy as np
import tensorflow as tf

from applied_dl.training.diagnostics.case import WEIGHTED, Case, kept, kind_of, loss_of, outputs_of, rows, without_dropout
from applied_dl.training.diagnostics.finding import Finding

ROWS = 256
INPUT_SPREAD = (0.02, 30.0)  # root mean square of what the first layer with weights is fed
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
    answers = tf.cast(case.model(inputs, training=False), tf.float32)
    kind = kind_of(case.loss)
    if kind not in KNOWN:
        return found
    found += _target(target, answers, kind)
    return found + ([] if found else _first_loss(case, target, answers, kind))


def check_input(model: keras.Model, inputs) -> list[Finding]:
    """What the first layer with weights is fed."""
    bad = [name for name, x in inputs.items() if x.dtype.is_floating and not np.isfinite(np.asarray(x)).all()]
    if bad:
        share = max(1 - float(np.isfinite(np.asarray(inputs[name])).mean()) for name in bad)
        return [
            Finding(
                name="input_not_finite",
                where=bad[0],
                evidence=share,
                limit=0.0,
                saw=f"{share:.1%} of the values of the input {bad[0]!r} are not finite numbers",
                why="one NaN in a batch makes every weight NaN, and Keras does not say so",
                change="clean the data, or let the reader fill the gaps",
            )
        ]
    fed = outputs_of(model, inputs, WEIGHTED)
    if not fed:
        return []
    layer, x, _ = fed[0]
    x = x.reshape(-1, x.shape[-1])
    size = float(np.sqrt(np.mean(np.square(x, dtype=np.float64))))
    if not INPUT_SPREAD[0] <= size <= INPUT_SPREAD[1]:
        return [
            _not_standardised(layer, size, INPUT_SPREAD[size > 1], f"the first layer is fed values of size {size:.3g} (about 1 is healthy)")
        ]
    spread = x.std(0)
    spread = spread[spread > 0]
    ratio = float(spread.max() / np.median(spread)) if len(spread) > 1 else 1.0
    if ratio > FEATURE_RATIO:
        return [
            _not_standardised(
                layer, ratio, FEATURE_RATIO, f"one feature of the first layer's input spreads {ratio:,.0f} times wider than the median one"
            )
        ]
    return []


def _not_standardised(layer, evidence: float, limit: float, saw: str) -> Finding:
    return Finding(
        name="input_not_standardised",
        where=layer.path,
        evidence=evidence,
        limit=limit,
        saw=saw,
        why="the step that suits the large features is far from the one that suits the small ones, so training crawls or explodes",
        change="standardise the input (preprocess.normalize), or transform the columns of extreme range",
    )


def _target(target, answers, kind: str) -> list[Finding]:
    """Numbers to be predicted should be of the answers' size."""
    if kind in ("CategoricalCrossentropy", "BinaryCrossentropy", "Focal"):
        return []
    truth = np.asarray(tf.cast(target, tf.float32), np.float64)
    guess = np.asarray(answers, np.float64)
    if kind in ("GaussianNLL", "Quantile"):
        guess = guess[..., 0] if kind == "GaussianNLL" else guess.mean(-1)
    if guess.size != truth.size:
        return []
    spread, own, off = float(truth.std()), float(guess.std()), float(abs(truth.mean() - guess.mean()))
    usual = min(own, 1.0) or 1.0
    if off > TARGET_OFFSET * spread > 0:
        evidence, limit, saw = (
            off / spread,
            TARGET_OFFSET,
            f"the target lies {off / spread:.1f} of its standard deviations from the first answers",
        )
    elif spread > TARGET_SPREAD * max(own, 1.0):
        evidence, limit, saw = spread, TARGET_SPREAD, f"the target's standard deviation is {spread:.3g}; the first answers' is {own:.3g}"
    elif 0 < spread < usual / TARGET_SPREAD:
        evidence, limit, saw = spread, usual / TARGET_SPREAD, f"the target's standard deviation is only {spread:.3g}"
    else:
        return []
    return [
        Finding(
            name="target_not_standardised",
            where="target",
            evidence=evidence,
            limit=limit,
            saw=saw,
            why="most of the training goes into finding the target's size, and the gradients are as far off as the target is",
            change="train on (target − mean) / deviation and undo it in the serving graph, or take the logarithm of amounts",
        )
    ]


def constant_loss(case: Case, target, answers) -> float:
    """The loss of an answer that knows nothing: zero logits (ln C), or the mean of the target (its variance)."""
    kind = kind_of(case.loss)
    blind = tf.zeros_like(answers)
    if kind in ("MeanSquaredError", "MeanAbsoluteError", "Huber", "Quantile"):
        blind += tf.reduce_mean(tf.cast(target, tf.float32))
    return float(loss_of(case, target, blind))


def _first_loss(case: Case, target, answers, kind: str) -> list[Finding]:
    """Higher than knowing nothing means that the net starts sure of nonsense."""
    expected, seen = constant_loss(case, target, answers), float(loss_of(case, target, answers))
    limit = max(LOSS_RATIO * expected, expected + LOSS_GAP) if kind != "GaussianNLL" else expected + 2
    found = []
    p = np.asarray(answers)
    if kind in ("CategoricalCrossentropy", "Focal") and p.min() >= 0 and np.allclose(p.sum(-1), 1, atol=1e-3):
        found.append(
            Finding(
                name="squashed_twice",
                where="output",
                evidence=1.0,
                limit=0.0,
                saw="the answers are probabilities already, and the loss squashes them again",
                why="a second softmax can never be sure, so the gradient fades long before the classes are separated",
                change="let the last layer be linear: losses take logits",
            )
        )
    if not math.isfinite(seen) or seen > limit:
        found.append(
            Finding(
                name="loss_at_start",
                where="output",
                evidence=seen,
                limit=limit,
                saw=f"the loss starts at {seen:.3g}; an answer that knows nothing has {expected:.3g}",
                why="the first epochs only unlearn the random start, and the first gradients are the largest of all",
                change="start with smaller weights (Glorot or He initialisation, a normalisation layer), or standardise the target",
            )
        )
    return found


def check_one_batch(case: Case) -> list[Finding]:
    """The model must be able to memorise a few rows; where it cannot, the graph, the loss or the labels are broken."""
    inputs, target = rows(case, FEW_ROWS)
    least = math.inf
    answers = tf.cast(case.model(inputs, training=False), tf.float32)
    floor = max(0.0, _freely(case, target, answers))
    known = kind_of(case.loss) in KNOWN
    for rate in RATES:
        with kept(case.model), without_dropout(case.model):
            losses = _by_heart(case, inputs, target, rate)
        least = min([least, *(value for value in losses if math.isfinite(value))])
        start = max(losses[0], constant_loss(case, target, answers) if known else 0.0)  # a trained model may know these rows already
        left = (least - floor) / max(start - floor, 1e-9)
        if left <= LEFT or start - floor < 0.02 * abs(start):
            return []
    return [
        Finding(
            name="cannot_overfit",
            where="model",
            evidence=left,
            limit=LEFT,
            saw=f"after {STEPS} steps on {FEW_ROWS} rows {left:.0%} of the loss {start:.3g} is left",
            why="a network that cannot memorise a handful of rows is cut off from its input, frozen, or far too small",
            change="look for frozen or dead layers, raise model.width or model.hidden, and check that inputs and targets belong together",
        )
    ]


def _by_heart(case: Case, inputs, target, rate: float) -> list[float]:
    """Losses of Adam on one batch, in the training mode of the normalisation layers."""
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


def _freely(case: Case, target, answers) -> float:
    """The loss where every answer may be chosen freely: what is left of it is in the labels (smoothing), not in the net."""
    free = tf.Variable(tf.zeros_like(tf.cast(answers, tf.float32)))
    optimizer = keras.optimizers.Adam(0.3)

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            value = loss_of(case, target, free)
        gradient = tape.gradient(value, free)
        optimizer.apply([tf.zeros_like(free) if gradient is None else gradient], [free])
        return value

    return min(float(step()) for _ in range(STEPS))
