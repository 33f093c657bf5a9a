"""The golden examples of a bundle: a few held-out inputs with the outputs of Keras and of every file, recorded at training."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np

from applied_dl.core.bundle import Manifest, checked_bytes
from applied_dl.core.errors import DataError

FILE = "golden.npz"


def read_golden(folder: Path, manifest: Manifest) -> dict[str, np.ndarray]:
    """The arrays (N, …) by `input/NAME`, `keras/NAME` and `VARIANT/NAME`, after the file matched its checksum.

    Args:
        folder: of the bundle.
        manifest: of the bundle.

    Raises:
        DataError: the file is missing, is not the one that the manifest lists, or cannot be read.
    """
    content = checked_bytes(folder, manifest, FILE)
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise DataError(f"The golden examples of {str(folder)!r} cannot be read: {error}.") from error


def recorded(golden: dict[str, np.ndarray], name: str, folder: Path) -> np.ndarray:
    """One of the arrays of `read_golden`. Raises `DataError` where it was not recorded."""
    if name not in golden:
        raise DataError(
            f"The golden examples of {str(folder)!r} ({FILE}) hold no {name!r}, so that its files cannot be compared with the training; "
            "write them anew with `applied-dl export`."
        )
    return golden[name]


def golden_inputs(folder: Path, manifest: Manifest) -> dict[str, np.ndarray]:
    """The inputs (N, …) of the golden examples, by name."""
    return inputs_of(read_golden(folder, manifest))


def inputs_of(golden: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The inputs among the arrays of `read_golden`, by name."""
    return {name.removeprefix("input/"): array for name, array in golden.items() if name.startswith("input/")}
