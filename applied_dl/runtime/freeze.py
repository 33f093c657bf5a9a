"""A TFLite file with every shape fixed, for runtimes without dynamic shapes (LiteRT.js in a browser, many accelerators).

The graph stays the same; only the dynamic dimensions become numbers. TensorFlow is not needed.
"""

from __future__ import annotations

import io
import os
import tempfile
import zipfile
from pathlib import Path

import numpy as np

from applied_dl.core.bundle import open_bundle, own_file
from applied_dl.core.errors import RefusedError, UsageError
from applied_dl.runtime.check import TOLERANCE
from applied_dl.runtime.golden import read_golden, recorded
from applied_dl.runtime.interpreter import Runtime

LENGTH = 64  # default of a dynamic dimension that is not the batch (tokens of a text)


def freeze(path: str | Path, target: str | Path, *, variant: str | None = None, batch: int = 1, length: int = LENGTH) -> Path:
    """Write a TFLite file of a bundle with fixed shapes, after its outputs were compared with the original's on the golden examples.

    Args:
        path: folder of the bundle.
        target: the file to write. Its callers pad shorter inputs, with 0 or the encoder's padding.
        variant: precision; the chosen file by default.
        batch: rows of a call.
        length: steps of every other dynamic dimension.

    Returns:
        The path of the new file.

    Raises:
        UsageError: `target` exists already, or a size is below 1.
        DataError: the golden examples lack an input of the file.
        RefusedError: the outputs of the fixed file differ.
    """
    path, target = Path(path), Path(target)
    if batch < 1 or length < 1:
        raise UsageError(f"--batch and --length must be at least 1, received {batch} and {length}.")
    if target.exists():
        raise UsageError(f"{str(target)!r} exists already; name another file.")
    manifest = open_bundle(path)
    item = manifest.variant(variant)
    content = own_file(path, manifest, item.file).read_bytes()
    free = Runtime(content, threads=1)
    shapes = {name: _fixed(detail["shape_signature"], batch, length) for name, detail in free.inputs.items()}
    golden = read_golden(path, manifest)
    rows = _rows({name: recorded(golden, f"input/{name}", path) for name in shapes}, shapes)
    wanted = free.run(rows)
    fixed = fix_shapes(content, shapes, {name: array.shape for name, array in wanted.items()})
    _compare(wanted, Runtime(fixed, threads=1).run(rows), TOLERANCE[item.variant])
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, part = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    with os.fdopen(handle, "wb") as file:
        file.write(fixed)
    os.chmod(part, 0o644)
    os.replace(part, target)
    return target


def fix_shapes(content: bytes, inputs: dict[str, tuple[int, ...]], outputs: dict[str, tuple[int, ...]]) -> bytes:
    """The file with these shapes by tensor name and no dynamic dimension; labels and metadata are kept."""
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
    """The files packed behind the model, as a new archive."""
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


def _fixed(signature: np.ndarray, batch: int, length: int) -> tuple[int, ...]:
    return tuple(int(n) if n != -1 else batch if i == 0 else length for i, n in enumerate(signature))


def _rows(given: dict[str, np.ndarray], shapes: dict[str, tuple[int, ...]]) -> dict[str, np.ndarray]:
    """The golden inputs in these shapes: rows are repeated or cut, steps are cut or padded with zeros."""
    resized = {}
    for name, shape in shapes.items():
        rows = np.resize(given[name], (shape[0], *given[name].shape[1:]))
        fitted = np.zeros(shape, rows.dtype)
        common = tuple(slice(0, min(a, b)) for a, b in zip(shape, rows.shape))
        fitted[common] = rows[common]
        resized[name] = fitted
    return resized


def _compare(wanted: dict[str, np.ndarray], got: dict[str, np.ndarray], tolerance: float) -> None:
    for name, want in wanted.items():
        scale = float(np.nanmax(np.abs(want), initial=0.0)) or 1.0
        gap = float(np.nanmax(np.abs(got[name].astype(np.float64) - want), initial=0.0)) if got[name].shape == want.shape else np.inf
        if gap > tolerance * scale:
            raise RefusedError(
                f"The output {name!r} of the file with fixed shapes differs by {gap / scale:.1e} of its scale; the file was not written."
            )
