"""Raw inputs that a bundle keeps with the arrays that its encoder made of them: another version of a library may decode otherwise."""

from __future__ import annotations

import base64
import json
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from applied_dl.core.errors import DataError, RefusedError

INPUTS, ARRAYS = "examples.json", "examples.npz"
LIBRARIES = ("Pillow", "polars", "tokenizers", "numpy")  # what the encoders rest on
CLOSE = 1e-6  # largest relative difference of floats; whole numbers are equal


def library_versions() -> dict[str, str]:
    """The versions of Python and of the libraries that encoders rest on."""
    found = {"python": platform.python_version()}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def write_examples(folder: Path, predict: Any) -> None:
    """Write `examples.json` and `examples.npz` into a bundle whose encoder is written.

    Args:
        folder: of the bundle.
        predict: the prediction module of its task.
    """
    encoder = predict.load_encoder(folder)
    raw = predict.examples(encoder)
    arrays: dict[str, np.ndarray] = {}
    for i, one in enumerate(raw):
        arrays |= {f"{i}/{name}": array for name, array in predict.encode(encoder, [one]).inputs.items() if len(array)}
    plain = {"versions": library_versions(), "inputs": [_to_json(one) for one in raw]}
    np.savez(folder / ARRAYS, **arrays)  # type: ignore[arg-type]  # numpy's stubs take the names for its own options
    (folder / INPUTS).write_text(json.dumps(plain, ensure_ascii=False, indent=1), encoding="utf-8")


def replay_examples(folder: Path, predict: Any) -> int:
    """Encode the examples of a bundle again and compare the arrays with those of its training.

    Args:
        folder: of the bundle, whose checksums were verified.
        predict: the prediction module of its task.

    Returns:
        How many examples gave the same arrays; 0 for bundles that keep none.

    Raises:
        DataError: the examples cannot be read.
        RefusedError: the encoder gives other arrays here; the libraries that differ are named.
    """
    if not (folder / INPUTS).is_file():
        return 0
    try:
        plain = json.loads((folder / INPUTS).read_text(encoding="utf-8"))
        raw, versions = [_from_json(one) for one in plain["inputs"]], dict(plain["versions"])
        with np.load(folder / ARRAYS, allow_pickle=False) as file:
            wanted = {name: file[name] for name in file.files}
    except (OSError, ValueError, KeyError, TypeError, BadZipFile) as error:
        raise DataError(f"The examples of {str(folder)!r} cannot be read: {error}.") from error
    encoder = predict.load_encoder(folder)
    for i, one in enumerate(raw):
        got = {f"{i}/{name}": array for name, array in predict.encode(encoder, [one]).inputs.items() if len(array)}
        want = {name: array for name, array in wanted.items() if name.startswith(f"{i}/")}
        for name in sorted(got.keys() | want.keys()):
            if gap := _difference(got.get(name), want.get(name)):
                raise RefusedError(
                    f"The encoder of {str(folder)!r} gives other arrays here than where it was trained: example {i + 1}, input "
                    f"{name.partition('/')[2]!r}, {gap}. {_changed(versions)}"
                )
    return len(raw)


def _difference(got: np.ndarray | None, want: np.ndarray | None) -> str:
    """How two arrays differ, empty where they do not."""
    if got is None or want is None:
        return "it cannot be read" if got is None else "it could not be read there"
    if got.shape != want.shape or got.dtype != want.dtype:
        return f"{got.dtype} {got.shape} instead of {want.dtype} {want.shape}"
    if want.dtype.kind != "f":
        return "" if np.array_equal(got, want) else f"apart by up to {int(np.abs(got.astype(np.int64) - want.astype(np.int64)).max())}"
    if np.allclose(got, want, rtol=CLOSE, atol=0, equal_nan=True):
        return ""
    return f"apart by up to {float(np.nanmax(np.abs(got.astype(np.float64) - want), initial=0.0)):.3g}"


def _changed(versions: dict[str, str]) -> str:
    """The libraries that are of another version, and what to do."""
    here = library_versions()
    other = [f"{name} {here.get(name, 'not installed')} (there {there})" for name, there in versions.items() if here.get(name) != there]
    if not other:
        return (
            "The versions of its libraries are the same, so applied_dl itself reads inputs otherwise: install the version that trained it."
        )
    return f"Other versions here: {', '.join(other)}; install those of the training, or train again."


def _to_json(raw: Any) -> Any:
    return {"base64": base64.b64encode(raw).decode()} if isinstance(raw, bytes) else raw


def _from_json(plain: Any) -> Any:
    return base64.b64decode(plain["base64"]) if isinstance(plain, dict) and plain.keys() == {"base64"} else plain
