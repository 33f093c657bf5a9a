"""Outputs beside the prediction in the serving graph: the set of labels that is right with a stated coverage, and a distance from the
training data."""

from __future__ import annotations

import keras
import numpy as np

from applied_dl.core.metrics.answers import distance_threshold, set_thresholds
from applied_dl.core.records import Part
from applied_dl.exporting.evaluate import outputs_of
from applied_dl.layers.distance import Distance, fit_spread
from applied_dl.layers.label_set import LabelSet

HEAD = "logits"  # the layer whose input are the features of a net
MOST_ROWS = 2000  # training rows that the distance is fitted on
FEWEST_ROWS = 20  # validation rows, below which nothing is promised about new rows
MOST_CENTERS = 100  # classes that have a centre of their own


def with_sets(models: list[keras.Model], p: np.ndarray, truth: np.ndarray, calibration) -> list[keras.Model]:
    """Serving graphs with `probabilities` (B, C), with a further output `set` (B, C) of 0 and 1.

    Args:
        models: graphs for which the same thresholds hold.
        p: (N, C) probabilities of rows that the model which gave them was not trained on.
        truth: (N,) their codes, or (N, C) of 0 and 1.
        calibration: the section of the recipe, with `sets` and `coverage`.
    """
    if not calibration.sets or not len(truth):
        return models
    thresholds = set_thresholds(p, truth, calibration.coverage, calibration.sets == "by_class")
    one = truth.ndim == 1
    layers = [LabelSet(thresholds, one, dtype="float32", name="set") for _ in models]
    return [_beside(model, {"set": layer(model.output["probabilities"])}) for model, layer in zip(models, layers)]


def with_distance(
    model: keras.Model, features: keras.KerasTensor, train: Part, validation: Part, false_alarms: float, classes: bool = False
) -> keras.Model:
    """A serving graph with a further output `distance` (B, 1): above 1 a row is unlike the training data.

    Args:
        model: the graph; `features` (B, D) is a tensor of it.
        features: what rows are compared by.
        train: rows that say what is usual.
        validation: rows of which a share `false_alarms` lies above 1.
        false_alarms: 0 leaves the graph as it is.
        classes: targets are codes (N,) of classes, each of which has its own centre.
    """
    if not false_alarms or len(validation) < FEWEST_ROWS:
        return model
    measured = keras.Model(model.input, features)
    sample = train.take(np.linspace(0, len(train) - 1, min(len(train), MOST_ROWS)).astype(np.int64))
    known = outputs_of(measured, sample.inputs)
    codes = sample.target if classes and len(np.unique(sample.target)) <= MOST_CENTERS else None
    spread = fit_spread(known, codes)
    layer = Distance(known.shape[1], spread.axes.shape[1], len(spread.centers), dtype="float32", name="distance")
    output = layer(features)
    layer.assign(spread)
    held = outputs_of(keras.Model(model.input, output), validation.inputs)
    layer.assign(spread, distance_threshold(held[:, 0], false_alarms) or 1.0)
    return _beside(model, {"distance": output})


def _beside(model: keras.Model, outputs: dict) -> keras.Model:
    return keras.Model(model.input, {**model.output, **outputs}, name=model.name)


def with_features(model: keras.Model) -> tuple[keras.Model, keras.KerasTensor | None]:
    """The same graph, and the tensor (B, D) in it that the head of its net takes; None where no net has a layer named "logits".

    Nets may be nested; of several, as in an ensemble, one gives its features. The layers are shared, not copied.
    """
    found: list = []
    nets: dict = {}  # a net that is called twice, for two views of an image, stays one net

    def call(layer, *inputs, **options):
        if layer.name == HEAD:
            found.append(inputs[0])
        if not isinstance(layer, keras.Model):
            return layer(*inputs, **options)
        if layer not in nets:
            inner, features = with_features(layer)
            nets[layer] = None if features is None else keras.Model(inner.input, [inner.output, features], name=layer.name)
        if nets[layer] is None:
            return layer(*inputs, **options)
        output, features = nets[layer](*inputs, **options)
        found.append(features)
        return output

    same = keras.models.clone_model(model, clone_function=lambda layer: layer, call_function=call)
    return same, found[0] if found else None
