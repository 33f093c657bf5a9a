"""The names, types and shapes of a serving graph, for the model card."""

from __future__ import annotations

import keras


def describe(model: keras.Model) -> dict[str, list[dict]]:
    """`{"inputs": [{"name", "dtype", "shape"}], "outputs": […]}` with `B` for the batch and `any` for other free dimensions."""
    outputs = model.output if isinstance(model.output, dict) else {"output_0": model.output}
    inputs = model.input if isinstance(model.input, dict) else {model.inputs[0].name: model.inputs[0]}
    return {"inputs": [_tensor(name, t) for name, t in inputs.items()], "outputs": [_tensor(name, t) for name, t in outputs.items()]}


def _tensor(name: str, tensor) -> dict:
    shape = ", ".join("B" if i == 0 else "any" if n is None else str(n) for i, n in enumerate(tensor.shape))
    return {"name": name, "dtype": str(tensor.dtype), "shape": f"({shape})"}
