"""The gradient: vanishing and exploding from layer to layer, layers it never reaches, and how far one step moves the weights.

Glorot and Bengio, Understanding the difficulty of training deep feedforward neural networks (2010).
"""

from __future__ import annotations

import msgspec
import numpy as np
import tensorflow as tf

from applied_dl.training.diagnostics.case import WEIGHTED, Case, loss_of, restoring, rows
from applied_dl.training.diagnostics.finding import Finding
from applied_dl.training.model_parts import leaf_layers
from applied_dl.training.optimizers import optimizer as make_optimizer

ROWS = 64
FADE = 1e-4  # gradient of the first layer over that of the last
GROW = 1e3
LARGEST_UPDATE, SMALLEST_UPDATE = 0.5, 1e-6  # of the weights, in one step at the peak rate
TRAINABLE = 0.05  # least share of trainable parameters


def check_gradients(case: Case) -> list[Finding]:
    """Check the gradients of one batch on the untrained model."""
    kernels = [
        layer.kernel for layer in leaf_layers(case.model) if isinstance(layer, WEIGHTED) and layer.trainable and hasattr(layer, "kernel")
    ]
    found = _frozen(case)
    if not kernels:
        return found
    gradients = _gradients(case, kernels)
    sizes = np.array([np.nan if g is None else _rms(g) for g in gradients])
    if not np.isfinite(sizes[~np.array([g is None for g in gradients])]).all():
        return [*found, _exploding(kernels[0].path, float("inf"), "the first gradient is not finite")]
    equal = [k.path for k, g in zip(kernels, gradients) if g is not None and _same(k.numpy()) and _same(g)]
    if equal:
        found.append(
            Finding(
                name="identical_units",
                where=equal[0],
                evidence=float(len(equal)),
                limit=0.0,
                observed=f"the units of {equal[0]!r} start the same and have the same gradient",
                why="equal units stay equal: the layer acts as one unit, however wide it is",
                change="use random initial weights (Glorot or He initialization), not a constant",
            )
        )
    unreached = [k.path for k, size in zip(kernels, sizes) if not size > 0]
    starts_at_zero = any(not np.any(k.numpy()) for k in kernels)  # no gradient passes a zero kernel in the first step, by design
    if unreached and not starts_at_zero and not equal:
        found.append(
            Finding(
                name="no_gradient",
                where=unreached[0],
                evidence=float(len(unreached)),
                limit=0.0,
                observed=f"no gradient reaches {len(unreached)} of {len(kernels)} layers, the first {unreached[0]!r}",
                why="a layer without a gradient does not learn",
                change="check for dead or saturated units after it, an output that is not used, or a stop_gradient",
            )
        )
    alive = sizes[sizes > 0]
    if len(alive) >= 3 and not found:
        ratio = float(alive[0] / alive[-1])
        if ratio < FADE:
            found.append(_vanishing(kernels[0].path, ratio))
        elif ratio > GROW:
            found.append(_exploding(kernels[0].path, ratio, f"the first layer's gradient is {ratio:,.0f} times the last one's"))
    return found + ([] if found else _updates(case))


def _frozen(case: Case) -> list[Finding]:
    total = sum(int(np.prod(v.shape)) for v in case.model.weights)
    learning = sum(int(np.prod(v.shape)) for v in case.model.trainable_variables)
    if case.settings.unfreeze_epochs or not total or learning >= TRAINABLE * total:
        return []
    return [
        Finding(
            name="frozen",
            where="model",
            evidence=learning / total,
            limit=TRAINABLE,
            observed=f"only {learning:,} of {total:,} parameters are trainable",
            why="a frozen layer keeps its random initial weights",
            change="set layer.trainable = True, or train in stages with train.unfreeze_epochs where the backbone is pretrained",
        )
    ]


def _gradients(case: Case, kernels) -> list[np.ndarray | None]:
    inputs, target = rows(case, ROWS)
    with restoring(case.model), tf.GradientTape() as tape:
        value = loss_of(case, target, case.model(inputs, training=True))
        found = tape.gradient(value, [k.value for k in kernels])
    return [None if g is None else np.asarray(tf.cast(tf.convert_to_tensor(g), tf.float32)) for g in found]


def _rms(a: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(a, dtype=np.float64))))


def _same(a: np.ndarray) -> bool:
    """Whether all units (the last axis) are alike, and not zero."""
    return bool(a.ndim > 1 and a.shape[-1] > 1 and np.any(a) and np.ptp(a, axis=-1).max() <= 1e-6 * np.abs(a).max())


def _vanishing(where: str, ratio: float) -> Finding:
    return Finding(
        name="vanishing_gradient",
        where=where,
        evidence=ratio,
        limit=FADE,
        observed=f"the first layer's gradient is {ratio:.1e} of the last one's",
        why="the layers near the input learn very slowly",
        change='set model.norm = "batch" or "layer", an activation like "gelu" in place of sigmoid, fewer layers, or residual blocks',
    )


def _exploding(where: str, evidence: float, observed: str) -> Finding:
    return Finding(
        name="exploding_gradient",
        where=where,
        evidence=evidence,
        limit=GROW,
        observed=observed,
        why="one step moves the weights far from any useful value",
        change="set train.clip_norm = 1.0, start with smaller weights, or set model.norm",
    )


def _updates(case: Case) -> list[Finding]:
    """One step of the recipe's optimizer at its peak learning rate."""
    flat = msgspec.structs.replace(case.settings, schedule="constant", warmup=0.0, ema=0.0)
    model = case.model
    variables = model.trainable_variables
    inputs, target = rows(case, ROWS)
    with restoring(model):
        optimizer = make_optimizer(flat, 1, case.rates)
        optimizer.build(variables)
        before = [v.numpy() for v in variables]

        @tf.function  # the optimizer knows the variables by their graph form
        def step():
            with tf.GradientTape() as tape:
                value = loss_of(case, target, model(inputs, training=True))
            gradients = tape.gradient(value, [v.value for v in variables])
            optimizer.apply(
                [tf.zeros_like(v.value) if g is None else tf.convert_to_tensor(g) for g, v in zip(gradients, variables)], variables
            )

        step()
        moved = [_rms(v.numpy() - b) / _rms(b) for v, b in zip(variables, before) if b.ndim > 1 and np.any(b)]
    ratio = float(np.median([m for m in moved if np.isfinite(m)] or [1e-3]))
    if ratio == 0 and any(b.ndim > 1 and not np.any(b) for b in before):
        return []  # no gradient passes a head that is initialized to zero in the first step, by design
    if SMALLEST_UPDATE <= ratio <= LARGEST_UPDATE:
        return []
    high = ratio > LARGEST_UPDATE
    return [
        Finding(
            name="update_too_large" if high else "update_too_small",
            where="model",
            evidence=ratio,
            limit=LARGEST_UPDATE if high else SMALLEST_UPDATE,
            observed=f"one step at the rate {case.settings.learning_rate:g} changes the weights by {ratio:.1e} (1e-3 is usual)",
            why="the weights are replaced rather than improved" if high else "the weights hardly change",
            change=f"{'lower' if high else 'raise'} train.learning_rate; `applied-dl lr-find` suggests a value",
        )
    ]
