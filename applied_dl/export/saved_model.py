"""Keras → SavedModel with named inputs and outputs."""

from __future__ import annotations

from pathlib import Path

import keras
import tensorflow as tf

from applied_dl.export.serving import Serving


def signature_of(model: keras.Model) -> dict[str, tf.TensorSpec]:
    """The named input specs of a serving graph, the batch dimension dynamic."""
    inputs = model.input if isinstance(model.input, dict) else {model.inputs[0].name: model.inputs[0]}
    return {name: tf.TensorSpec((None, *tensor.shape[1:]), tensor.dtype, name=name) for name, tensor in inputs.items()}


def write_saved_model(serving: Serving, folder: Path, *, endpoints: bool = True) -> None:
    """Write `serving_default` (dict in, dict out) and, with `endpoints`, the further signatures of the task.

    The phone's file is converted from a SavedModel without those: string inputs have no TFLite builtin.
    """
    specs = signature_of(serving.model)
    names = list(specs)
    call = serving.call or (lambda inputs: serving.model(inputs, training=False))

    def answer(*tensors):
        return call(dict(zip(names, tensors)))

    archive = keras.export.ExportArchive()
    archive.track(serving.model)
    archive.add_endpoint("serving_default", answer, input_signature=[specs[name] for name in names])
    for name, (function, signature) in (serving.endpoints if endpoints else {}).items():
        archive.add_endpoint(name, function, input_signature=signature)
    archive.write_out(str(folder), verbose=False)
