"""A TFLite file with every shape fixed: for runtimes that take no free dimension (LiteRT.js in a browser, many accelerators).

The graph is the same; only the sizes that were free are written down. Needs no TensorFlow.
"""

from __future__ import annotations

import io
import os
import tempfile
import zipfile
from pathlib import Path

import numpy as np

from applied_dl.core.bundle import checked_bytes, open_bundle
from applied_dl.core.errors import DataError, RefusedError, UsageError
from applied_dl.runtime.check import TOLERANCE
from applied_dl.runtime.interpreter import Runtime

LENGTH = 64  # of a free dimension that is not the batch (tokens of a text), where nothing else is said


def freeze(path: str | Path, target: str | Path, *, variant: str | None = None, batch: int = 1, length: int = LENGTH) -> Path:
    """Write a bundle's file with `batch` rows and `length` steps a row wherever these are free; proven on the golden examples first.

    Shorter inputs are padded by the caller, with 0 or the encoder's padding. Raises `UsageError` where the target is there already,
    `RefusedError` where the fixed file answers otherwise.
    """
    path, target = Path(path), Path(target)
    if batch < 1 or length < 1:
        raise UsageError(f"--batch and --length must be at least 1, received {batch} and {length}.")
    if target.exists():
        raise UsageError(f"{str(target)!r} exists already; name another file.")
    manifest = open_bundle(path)
    item = manifest.variant(variant)
    content = checked_bytes(path, manifest, item.file)
    free = Runtime(content, threads=1)
    shapes = {name: _fixed(detail["shape_signature"], batch, length) for name, detail in free.inputs.items()}
    rows = _rows(path, shapes)
    wanted = free.run(rows)
    fixed = fix_shapes(content, shapes, {name: array.shape for name, array in wanted.items()})
    _prove(wanted, Runtime(fixed, threads=1).run(rows), TOLERANCE[item.variant])
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, part = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    with os.fdopen(handle, "wb") as file:
        file.write(fixed)
    os.chmod(part, 0o644)
    os.replace(part, target)
    return target


def fix_shapes(content: bytes, inputs: dict[str, tuple[int, ...]], outputs: dict[str, tuple[int, ...]]) -> bytes:
    """The file with these shapes by name, and no free dimension anywhere; labels and metadata stay."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromPackedBuf(content, 0)
    (signature,) = model.signatureDefs
    for entries, shapes in ((signature.inputs, inputs), (signature.outputs, outputs)):
        for entry in entries:
            model.subgraphs[0].tensors[entry.tensorIndex].shape = np.array(shapes[entry.name.decode()], np.int32)
    for graph in model.subgraphs:
        for tensor in graph.tensors:
            tensor.shapeSignature = None
    builder = flatbuffers.Builder(len(content))
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output()) + _attached(content)


def _attached(content: bytes) -> bytes:
    """The associated files that follow the model, as an archive again."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            files = {entry: packed.read(entry) for entry in packed.infolist()}
    except zipfile.BadZipFile:
        return b""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as again:
        for entry, data in files.items():
            again.writestr(zipfile.ZipInfo(entry.filename, entry.date_time), data)
    return archive.getvalue()


def _fixed(signature, batch: int, length: int) -> tuple[int, ...]:
    return tuple(int(n) if n != -1 else batch if i == 0 else length for i, n in enumerate(signature))


def _rows(path: Path, shapes: dict[str, tuple[int, ...]]) -> dict[str, np.ndarray]:
    """The golden inputs in these shapes: repeated or cut in rows, cut or filled with zeros in steps."""
    try:
        with np.load(path / "golden.npz", allow_pickle=False) as file:
            given = {name: file[f"input/{name}"] for name in shapes}
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise DataError(f"The golden examples of {str(path)!r} cannot be read: {error}.") from error
    found = {}
    for name, shape in shapes.items():
        rows = np.resize(given[name], (shape[0], *given[name].shape[1:]))
        fitted = np.zeros(shape, rows.dtype)
        common = tuple(slice(0, min(a, b)) for a, b in zip(shape, rows.shape))
        fitted[common] = rows[common]
        found[name] = fitted
    return found


def _prove(wanted: dict[str, np.ndarray], got: dict[str, np.ndarray], tolerance: float) -> None:
    for name, want in wanted.items():
        scale = float(np.nanmax(np.abs(want), initial=0.0)) or 1.0
        gap = float(np.nanmax(np.abs(got[name].astype(np.float64) - want), initial=0.0)) if got[name].shape == want.shape else np.inf
        if gap > tolerance * scale:
            raise RefusedError(
                f"The file with fixed shapes answers otherwise in {name!r} (by {gap / scale:.1e} of its scale); it was not written."
            )
