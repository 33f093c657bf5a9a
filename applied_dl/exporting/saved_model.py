"""Keras → SavedModel with named inputs and outputs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import keras
import tensorflow as tf

from applied_dl.exporting.serving import Serving

EXPLAIN = "explain"  # the signature of `Serving.explain`


def signature_of(model: keras.Model) -> dict[str, tf.TensorSpec]:
    """The named input specs of a serving graph, the batch dimension dynamic."""
    inputs = model.input if isinstance(model.input, dict) else {model.inputs[0].name: model.inputs[0]}
    return {name: tf.TensorSpec((None, *tensor.shape[1:]), tensor.dtype, name=name) for name, tensor in inputs.items()}


def write_saved_model(serving: Serving, folder: Path, *, endpoints: bool = True) -> None:
    """Write a SavedModel with the signature `serving_default` (named inputs, named outputs), and `explain` where the task has it.

    Args:
        serving: the task's serving graph.
        folder: the folder to write.
        endpoints: also write the further signatures of the task. TFLite files are converted from a SavedModel without them, because
            string inputs have no TFLite builtin operator.
    """
    specs = signature_of(serving.model)
    names = list(specs)
    serve = _named(serving.call or (lambda inputs: serving.model(inputs, training=False)), names)
    archive = keras.export.ExportArchive()
    archive.track(serving.model)
    archive.add_endpoint("serving_default", serve, input_signature=[specs[name] for name in names])
    for name, (function, signature) in (serving.endpoints if endpoints else {}).items():
        archive.add_endpoint(name, function, input_signature=signature)
    if serving.explain is not None:
        archive.track(serving.explain)
        explain = _named(lambda inputs: serving.explain(inputs, training=False), names)
        archive.add_endpoint(EXPLAIN, explain, input_signature=[specs[name] for name in names])
    archive.write_out(str(folder), verbose=False)


def _named(call: Callable[[dict], dict], names: list[str]) -> Callable:
    """A function of tensors, in the order of their names, from a function of a dict."""

    def serve(*tensors):
        return call(dict(zip(names, tensors)))

    return serve
