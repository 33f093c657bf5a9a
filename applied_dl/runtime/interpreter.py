"""A TFLite file as a function of named arrays: LiteRT and numpy, safe to call from many threads."""

from __future__ import annotations

import os
import queue
import threading
from contextlib import nullcontext

import numpy as np
from msgspec import Struct, field

from applied_dl.core import console
from applied_dl.core.errors import DataError

LARGEST_BATCH = 64  # rows per invoke; more costs memory and gains nothing on a CPU
WIDTHS = 4  # rows of like lengths are cut to a multiple of it, so that the interpreter is reshaped less often


class Encoded(Struct, kw_only=True):
    """Readable inputs as arrays (N, …), which inputs those were, and one sentence for each of the others.

    `origin` is the input by place, where one input has several answers (a file of several series).
    """

    inputs: dict[str, np.ndarray]
    kept: list[int]
    errors: dict[int, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    origin: dict[int, int] = field(default_factory=dict)
    extra: dict[str, object] = field(default_factory=dict)


class Runtime:
    """One TFLite file. `run` may be called from any thread: each call borrows an interpreter of the pool.

    An interpreter shared by two threads gives wrong answers without an error, so none ever is. `padding` is what fills sequences (N, T)
    on the right: many of them are then answered in batches of like lengths, each no wider than its longest.
    """

    def __init__(self, content: bytes, threads: int | None = None, padding: int | None = None):
        self.content, self.threads, self.padding = content, threads or min(4, os.cpu_count() or 1), padding
        self._idle: queue.LifoQueue = queue.LifoQueue()
        self._lock = threading.Lock()
        first = self._make()
        self.inputs: dict[str, dict] = first.details
        self.outputs: dict[str, np.dtype] = first.output_types
        self._idle.put(first)

    def _make(self) -> _Borrowed:
        return _Borrowed(self.content, self.threads)

    def run(self, inputs: dict[str, np.ndarray], batch: int = LARGEST_BATCH) -> dict[str, np.ndarray]:
        """Named inputs (N, …) → named outputs (N, …), in batches of at most `batch` rows."""
        self._check(inputs)
        rows = len(next(iter(inputs.values())))
        order, parts = self._like_lengths(inputs, batch) if rows > 1 and self.padding is not None else (None, None)
        try:
            worker = self._idle.get_nowait()
        except queue.Empty:
            worker = self._make()
        try:
            if rows <= batch and parts is None:
                return worker(inputs)
            parts = parts or [{k: v[i : i + batch] for k, v in inputs.items()} for i in range(0, rows, batch)]
            found = [worker(part) for part in parts]
        finally:
            self._idle.put(worker)
        outputs = {name: np.concatenate([part[name] for part in found]) for name in found[0]}
        return outputs if order is None else {name: array[np.argsort(order)] for name, array in outputs.items()}

    def _like_lengths(self, inputs: dict[str, np.ndarray], batch: int) -> tuple[np.ndarray | None, list[dict[str, np.ndarray]] | None]:
        """The rows by length, and batches of them without the padding that none of theirs needs; nothing where the width is fixed."""
        ((name, array),) = inputs.items() if len(inputs) == 1 else (("", np.empty(0)),)
        if array.ndim != 2 or self.inputs[name]["shape_signature"][1] != -1:
            return None, None
        used = array.shape[1] - (array[:, ::-1] != self.padding).argmax(1)  # a row of nothing but padding keeps its width
        order = np.argsort(used, kind="stable")
        groups = [order[i : i + batch] for i in range(0, len(order), batch)]
        widths = [min(-(-int(used[rows[-1]]) // WIDTHS) * WIDTHS, array.shape[1]) for rows in groups]
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
        self.shapes: dict[str, tuple] = {}
        del runner  # it holds the interpreter, which then refuses to be resized

    def __call__(self, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        try:
            return self._answer(inputs)
        except (RuntimeError, ValueError) as error:
            self.shapes = {}  # whatever state it is in, the next call starts afresh
            raise DataError(f"The TFLite file cannot answer inputs of these shapes: {error}.") from error

    def _answer(self, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        it, shapes = self.interpreter, {name: array.shape for name, array in inputs.items()}
        if shapes != self.shapes:
            known, self.shapes = bool(self.shapes), {}
            for name, shape in shapes.items():
                it.resize_tensor_input(self.details[name]["index"], shape)
            with nullcontext() if known else console.hushed():  # it announces its delegate there, once a process
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
    found = set()
    for graph in model.subgraphs:
        for operator in graph.operators or ():
            code = model.operatorCodes[operator.opcodeIndex]
            builtin = max(code.builtinCode, code.deprecatedBuiltinCode)
            custom = code.customCode.decode() if code.customCode else ""
            found.add(custom or names.get(builtin, str(builtin)))
    return sorted(found)
