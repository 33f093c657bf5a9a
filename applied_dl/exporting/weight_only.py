"""int8 weights, float32 arithmetic: an fp32 TFLite file with its large constants stored in a quarter of their bytes.

Each weight becomes int8 with one scale per channel (symmetric, Jacob et al., 2018, section 3) and a DEQUANTIZE operator that the runtime
executes once, when it allocates its tensors. The dynamic-range file also rounds the activations: this one loses less of the metric at
about the same size, with the speed and the memory of fp32. The TFLite converter has no such mode, so the file is written here.
"""

from __future__ import annotations

import numpy as np

MIN_VALUES = 1024  # of a constant; smaller ones stay float32, as in the TFLite converter
MIN_CHANNEL = 32  # values per channel; a table with shorter rows gets one scale per column
DEPTHWISE_AXIS = 3
INT8_MAX = 127


def quantise_weights(content: bytes) -> bytes | None:
    """The same graph, its large float32 constants as int8; None where it has none."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromPackedBuf(content, 0)
    code = _operator_code(model, schema)
    quantised: dict[tuple[int, int], tuple[int, np.ndarray]] = {}
    for graph in model.subgraphs:
        front = []
        for place, axis in _weights(graph, model, schema).items():
            tensor = graph.tensors[place]
            key = (tensor.buffer, axis)
            if key not in quantised:
                quantised[key] = _int8_buffer(model, tensor, axis, schema)
            buffer, scale = quantised[key]
            graph.tensors.append(_as_int8(tensor, buffer, scale, axis, schema))
            front.append(_dequantise(len(graph.tensors) - 1, place, code, schema))
            tensor.buffer = 0  # computed by DEQUANTIZE now, no longer a constant
        graph.operators = [*front, *graph.operators]
    if not quantised:
        return None
    _drop_unused(model)
    builder = flatbuffers.Builder(len(content))
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _weights(graph, model, schema) -> dict[int, int]:
    """Large float32 constants with at least two axes that operators read: tensor number → axis of the channels."""
    names = schema.BuiltinOperator
    axes: dict[int, int] = {}
    for operator in graph.operators:
        kind = model.operatorCodes[operator.opcodeIndex]
        kind = max(kind.builtinCode, kind.deprecatedBuiltinCode)
        for place in operator.inputs:
            tensor = graph.tensors[place] if place >= 0 else None
            if tensor is None or tensor.type != schema.TensorType.FLOAT32 or tensor.shape is None or len(tensor.shape) < 2:
                continue
            data = model.buffers[tensor.buffer].data
            if data is None or len(data) < 4 * MIN_VALUES:
                continue
            axis = DEPTHWISE_AXIS if kind == names.DEPTHWISE_CONV_2D else 0
            if np.prod(tensor.shape) // tensor.shape[axis] < MIN_CHANNEL:
                axis = len(tensor.shape) - 1
            axes.setdefault(int(place), axis)
    for place in (*graph.inputs, *graph.outputs):
        axes.pop(int(place), None)
    return axes


def _int8_buffer(model, tensor, axis: int, schema) -> tuple[int, np.ndarray]:
    """Append a buffer of int8 values; its number, and the scale of each channel."""
    values = np.frombuffer(bytes(model.buffers[tensor.buffer].data), np.float32).reshape(tensor.shape)
    others = tuple(i for i in range(values.ndim) if i != axis)
    scale = np.maximum(np.abs(values).max(axis=others) / INT8_MAX, 1e-30).astype(np.float32)
    wide = np.expand_dims(scale, others)
    buffer = schema.BufferT()
    buffer.data = np.clip(np.rint(values / wide), -INT8_MAX, INT8_MAX).astype(np.int8).view(np.uint8).ravel()
    model.buffers.append(buffer)
    return len(model.buffers) - 1, scale


def _as_int8(tensor, buffer: int, scale: np.ndarray, axis: int, schema):
    int8 = schema.TensorT()
    int8.name, int8.shape, int8.shapeSignature = tensor.name + b"/int8", tensor.shape, tensor.shapeSignature
    int8.type, int8.buffer = schema.TensorType.INT8, buffer
    int8.quantization = schema.QuantizationParametersT()
    int8.quantization.scale, int8.quantization.zeroPoint = scale, np.zeros(len(scale), np.int64)
    int8.quantization.quantizedDimension = axis
    return int8


def _dequantise(source: int, target: int, code: int, schema):
    operator = schema.OperatorT()
    operator.opcodeIndex, operator.inputs, operator.outputs = code, np.array([source], np.int32), np.array([target], np.int32)
    operator.builtinOptionsType, operator.builtinOptions = schema.BuiltinOptions.DequantizeOptions, schema.DequantizeOptionsT()
    return operator


def _operator_code(model, schema) -> int:
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.DEQUANTIZE
    code.version = 5  # int8 with one scale per channel
    model.operatorCodes.append(code)
    return len(model.operatorCodes) - 1


def _drop_unused(model) -> None:
    """Empty the buffers that no tensor reads any more; the buffers keep their numbers, so that no reference changes."""
    used = {tensor.buffer for graph in model.subgraphs for tensor in graph.tensors} | {m.buffer for m in model.metadata or []}
    for place, buffer in enumerate(model.buffers):
        if place not in used:
            buffer.data = None
