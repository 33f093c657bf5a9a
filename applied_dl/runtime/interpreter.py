"""A TFLite file as a function of named arrays: LiteRT and numpy, safe to call from many threads."""

from __future__ import annotations

import os
import queue
import threading
from contextlib import nullcontext
from typing import Any

import numpy as np
from msgspec import Struct, field

from applied_dl.core import console
from applied_dl.core.errors import DataError

LARGEST_BATCH = 64  # rows per call; more rows cost memory and are not faster on a CPU
WIDTH_MULTIPLE = 4  # sequences are cut to a multiple of it, so that the interpreter is resized less often


class Encoded(Struct, kw_only=True):
    """Encoded inputs of a prediction.

    Args:
        inputs: arrays (N, …) by input name of the graph, of the inputs that could be read.
        kept: position of each of the N rows among all inputs.
        errors: one sentence for every other input, by position.
        warnings: notes about the inputs, for example values unlike the training data.
        origin: position → number of the given input, where one input has several predictions (a file with several series).
        extra: what the task's `postprocess` needs besides the outputs.
    """

    inputs: dict[str, np.ndarray]
    kept: list[int]
    errors: dict[int, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    origin: dict[int, int] = field(default_factory=dict)
    extra: dict[str, object] = field(default_factory=dict)


class Runtime:
    """One TFLite file. `run` may be called from any thread: each call borrows an interpreter from a pool.

    Two threads that share an interpreter get wrong outputs without an error, so no interpreter is shared.

    Args:
        content: the bytes of the file.
        threads: of each interpreter; `min(4, CPUs)` by default.
        padding: the value that fills sequences (N, T) on the right. Where it is given, rows of similar length run together, cut to the
            longest of them.
    """

    def __init__(self, content: bytes, threads: int | None = None, padding: int | None = None):
        self.content, self.threads, self.padding = content, threads or min(4, os.cpu_count() or 1), padding
        self._idle: queue.LifoQueue[_Borrowed] = queue.LifoQueue()
        self._lock = threading.Lock()
        first = self._make()
        self.inputs: dict[str, dict[str, Any]] = first.details
        self.outputs: dict[str, np.dtype] = first.output_types
        self.tensors: dict[str, str] = {name: d["name"] for name, d in {**first.details, **first.output_details}.items()}  # in the file
        self._idle.put(first)

    def _make(self) -> _Borrowed:
        return _Borrowed(self.content, self.threads)

    def run(self, inputs: dict[str, np.ndarray], batch: int = LARGEST_BATCH) -> dict[str, np.ndarray]:
        """Inputs (N, …) by name → outputs (N, …) by name, in batches of at most `batch` rows. Raises `DataError` for other shapes."""
        self._check(inputs)
        rows = len(next(iter(inputs.values())))
        order, parts = self._group_by_length(inputs, batch) if rows > 1 and self.padding is not None else (None, None)
        try:
            worker = self._idle.get_nowait()
        except queue.Empty:
            worker = self._make()
        try:
            if rows <= batch and parts is None:
                return worker(inputs)
            parts = parts or [{k: v[i : i + batch] for k, v in inputs.items()} for i in range(0, rows, batch)]
            results = [worker(part) for part in parts]
        finally:
            self._idle.put(worker)
        outputs = {name: np.concatenate([result[name] for result in results]) for name in results[0]}
        return outputs if order is None else {name: array[np.argsort(order)] for name, array in outputs.items()}

    def _group_by_length(self, inputs: dict[str, np.ndarray], batch: int) -> tuple[np.ndarray | None, list[dict[str, np.ndarray]] | None]:
        """The order of rows by length, and batches in this order, cut to their longest row; (None, None) where the width is fixed."""
        ((name, array),) = inputs.items() if len(inputs) == 1 else (("", np.empty(0)),)
        if array.ndim != 2 or self.inputs[name]["shape_signature"][1] != -1:
            return None, None
        used = array.shape[1] - (array[:, ::-1] != self.padding).argmax(1)  # a row of padding only keeps its width
        order = np.argsort(used, kind="stable")
        groups = [order[i : i + batch] for i in range(0, len(order), batch)]
        widths = [min(-(-int(used[rows[-1]]) // WIDTH_MULTIPLE) * WIDTH_MULTIPLE, array.shape[1]) for rows in groups]
        return order, [{name: np.ascontiguousarray(array[rows, :wide])} for rows, wide in zip(groups, widths)]

    def _check(self, inputs: dict[str, np.ndarray]) -> None:
        if set(inputs) != set(self.inputs):
            raise DataError(f"The model expects inputs {sorted(self.inputs)}, received {sorted(inputs)}.")
        for name, array in inputs.items():
            expected = self.inputs[name]
            kind, shape = expected["dtype"], tuple(int(n) for n in expected["shape_signature"])
            fits = array.ndim == len(shape) and all(e in (-1, n) for e, n in zip(shape[1:], array.shape[1:]))
            if array.dtype != kind or not fits:
                wanted = tuple("B" if i == 0 else n if n != -1 else "any" for i, n in enumerate(shape))
                raise DataError(
                    f"Input {name!r} must be {np.dtype(kind).name} of shape {wanted}, received {array.dtype.name} of shape {array.shape}."
                )


class _Borrowed:
    """One interpreter, used by one call at a time; reshaped only when the shape of a batch changes."""

    def __init__(self, content: bytes, threads: int):
        from ai_edge_litert.interpreter import Interpreter

        try:
            self.interpreter = Interpreter(model_content=content, num_threads=threads)
            signatures = self.interpreter.get_signature_list()
            self.key = "serving_default" if "serving_default" in signatures else next(iter(signatures))
            runner = self.interpreter.get_signature_runner(self.key)
        except (ValueError, RuntimeError, StopIteration) as error:
            raise DataError(f"The TFLite file cannot be run by LiteRT: {error}.") from error
        self.details = runner.get_input_details()
        self.output_details = runner.get_output_details()
        self.output_types = {name: d["dtype"] for name, d in self.output_details.items()}
        self.shapes: dict[str, tuple[int, ...]] = {}
        del runner  # as long as it exists, the interpreter refuses to be resized

    def __call__(self, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        try:
            return self._invoke(inputs)
        except (RuntimeError, ValueError) as error:
            self.shapes = {}  # its state is unknown: the next call resizes it again
            raise DataError(f"The TFLite file cannot run inputs of these shapes: {error}.") from error

    def _invoke(self, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        it, shapes = self.interpreter, {name: array.shape for name, array in inputs.items()}
        if shapes != self.shapes:
            known, self.shapes = bool(self.shapes), {}
            for name, shape in shapes.items():
                it.resize_tensor_input(self.details[name]["index"], shape)
            with nullcontext() if known else console.hushed():  # it prints the name of its delegate here, once per process
                it.allocate_tensors()
            self.shapes = shapes
        for name, array in inputs.items():
            it.set_tensor(self.details[name]["index"], array)
        it.invoke()
        return {name: it.get_tensor(detail["index"]) for name, detail in self.output_details.items()}


def operators(content: bytes) -> list[str]:
    """The distinct operators of a TFLite file, sorted; custom and Flex ones under their own names. Read from the file itself."""
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromPackedBuf(content, 0)
    names = {value: name for name, value in vars(schema.BuiltinOperator).items() if isinstance(value, int)}
    names_used = set()
    for graph in model.subgraphs:
        for operator in graph.operators or ():
            code = model.operatorCodes[operator.opcodeIndex]
            builtin = max(code.builtinCode, code.deprecatedBuiltinCode)
            custom = code.customCode.decode() if code.customCode else ""
            names_used.add(custom or names.get(builtin, str(builtin)))
    return sorted(names_used)
