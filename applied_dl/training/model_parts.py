"""What a Keras model is made of: its layers, nested ones too, and all the state that training reads.

The one place that reads `_flatten_layers`, `_layers` and `_symbolic_build`: Keras has no public way into a layer that is not a model, nor
one to create the variables of compiled metrics, so pyproject.toml bounds its version.
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


def build_metrics(model: keras.Model, batch: tuple) -> None:
    """Create the variables of the compiled loss and metrics, of which JAX' steps are functions; `batch` has shapes and types."""
    model._symbolic_build(data_batch=batch)
