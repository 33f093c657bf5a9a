"""What the units output: relu units that are 0 for every row, saturated sigmoid and tanh units, layers whose output is constant."""

from __future__ import annotations

import keras
import numpy as np
from keras import layers

from applied_dl.training.diagnostics.case import WEIGHTED, layer_outputs
from applied_dl.training.diagnostics.finding import Finding

DEAD_LIMIT = 0.5  # share of a layer's units
SATURATED, SATURATED_LIMIT = 0.02, 0.5  # distance from an end, as a share of the range; share of a layer's outputs
FLAT = 1e-4  # spread over the rows, as a share of the outputs' size


def check_activations(model: keras.Model, inputs, when: str) -> list[Finding]:
    """Dead relu units, saturated sigmoid and tanh units, and layers whose output does not depend on the row; the worst layer of each."""
    outputs = layer_outputs(model, inputs, (*WEIGHTED, layers.ReLU, layers.Activation))
    last = model.operations[-1]
    found = []
    for kind, check in (("relu", _dead), ("ends", _saturated), ("flat", _flat)):
        worst = [check(layer, y, when) for layer, _, y in outputs if layer is not last and _applies(kind, layer, y)]
        worst = [finding for finding in worst if finding]
        if worst:
            found.append(max(worst, key=lambda f: f.evidence) if kind != "flat" else worst[0])
    return found


def _applies(kind: str, layer, y) -> bool:
    name = _activation(layer)
    if kind == "flat":
        return isinstance(layer, WEIGHTED) and layer.trainable and len(y) > 1
    return name == "relu" if kind == "relu" else name in ("sigmoid", "tanh")


def _activation(layer) -> str:
    """The name of a layer's activation function."""
    if isinstance(layer, layers.ReLU):
        return "relu" if layer.max_value is None and not layer.negative_slope else ""
    return getattr(getattr(layer, "activation", None), "__name__", "")


def _dead(layer, y, when: str) -> Finding | None:
    units = y.reshape(-1, y.shape[-1])
    share = float((units <= 0).all(0).mean())
    if share <= DEAD_LIMIT:
        return None
    return Finding(
        name="dead_relu",
        where=layer.path,
        evidence=share,
        limit=DEAD_LIMIT,
        observed=f"{share:.0%} of the {units.shape[1]} relu units of {layer.path!r} are 0 for every row {when}",
        why="a unit that is 0 for every row has no gradient and never learns again",
        change='lower train.learning_rate, or set model.activation = "leaky_relu", "elu" or "gelu"',
    )


def _saturated(layer, y, when: str) -> Finding | None:
    name = _activation(layer)
    low, high = (-1.0, 1.0) if name == "tanh" else (0.0, 1.0)
    margin = SATURATED * (high - low)
    share = float(((y < low + margin) | (y > high - margin)).mean())
    if share <= SATURATED_LIMIT:
        return None
    return Finding(
        name="saturated",
        where=layer.path,
        evidence=share,
        limit=SATURATED_LIMIT,
        observed=f"{share:.0%} of the outputs of the {name} layer {layer.path!r} are saturated {when}",
        why=f"{name} is flat where it is saturated, so almost no gradient passes",
        change='start with smaller weights, standardize the input, set model.norm = "batch", or model.activation = "gelu"',
    )


def _flat(layer, y, when: str) -> Finding | None:
    size, spread = float(np.sqrt(np.mean(np.square(y)))), float(y.std(0).mean())
    if not np.isfinite(size) or spread > FLAT * size or size == 0 and not np.any(layer.get_weights()[0]):
        return None  # a layer that is initialized to zero (a head, the end of a residual branch) is constant by design
    return Finding(
        name="constant_layer",
        where=layer.path,
        evidence=1 - spread / size if size else 1.0,
        limit=1 - FLAT,
        observed=f"the output of {layer.path!r} is the same for every row {when}",
        why="the layers after it receive nothing of the input",
        change="check the layers before it for dead units, too small initial weights, or a constant input",
    )
