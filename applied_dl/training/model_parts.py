"""What a Keras model is made of: its layers, nested ones too, and all the state that training reads.

The one place that reads `_flatten_layers` and `_layers`: Keras has no public way into a layer that is not a model, so pyproject.toml bounds
its version.
"""

from __future__ import annotations

import keras


def all_layers(model: keras.Model) -> list[keras.layers.Layer]:
    """Every layer of `model`, of nested models and of layers made of layers, in the order of the data."""
    return list(model._flatten_layers(include_self=False, recursive=True))


def leaf_layers(model: keras.Model) -> list[keras.layers.Layer]:
    """Every layer that holds no other layer."""
    return [layer for layer in all_layers(model) if not list(layer._layers)]


def training_state(model: keras.Model) -> list[keras.Variable]:
    """Weights, optimizer slots and seeds of a compiled model, in a fixed order."""
    seeds = [variable for variable in model.variables if "seed_generator_state" in variable.path]
    return [*model.weights, *model.optimizer.variables, *seeds]
