"""IDX files, the form of MNIST and of the sets made after it: `train-images-idx3-ubyte.gz` beside `train-labels-idx1-ubyte.gz`."""

from __future__ import annotations

import gzip
import re
import struct
from pathlib import Path

import numpy as np

from applied_dl.core.errors import DataError

IMAGES = re.compile(r"images?", re.IGNORECASE)
TEST = re.compile(r"t10k|test", re.IGNORECASE)
BYTES = 8  # the code of uint8 in the third byte


def idx_parts(files: list[Path]) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Images (N, H, W) and labels (N,) by part, "train" and "test"; "all" for files that name no part. Empty without IDX files.

    Raises:
        DataError: the labels of a file of images are missing, damaged, or of another number, or the files are of several sets.
    """
    found: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    files_of: dict[str, Path] = {}
    for file in files:
        images = read_idx(file) if IMAGES.search(file.name) else None
        if images is None or images.ndim != 3:
            continue
        wanted = IMAGES.sub("labels", file.name).replace("idx3", "idx1")
        beside = (other for other in files if _plain(other.name) == _plain(wanted))
        labels = next((own for other in beside if (own := read_idx(other)) is not None), None)
        if labels is None or labels.shape != (len(images),):
            raise DataError(f"The images of {str(file)!r} have no file of as many labels beside them; expected {wanted!r}.")
        part = "test" if TEST.search(file.name) else "train" if "train" in file.name.lower() else "all"
        if part in found:
            raise DataError(
                f"{str(files_of[part])!r} and {str(file)!r} are both the {part} images of a set; keep the files of one set in a folder of "
                "their own and name that."
            )
        found[part], files_of[part] = (images, labels), file
    return found


def read_idx(file: Path) -> np.ndarray | None:
    """The array of an IDX file of uint8, compressed or not; None where it is none. Raises `DataError` where it is cut short."""
    with (gzip.open if file.suffix.lower() == ".gz" else open)(file, "rb") as opened:
        try:
            head = opened.read(4)
            if len(head) < 4 or head[:3] != bytes((0, 0, BYTES)) or not 1 <= head[3] <= 4:
                return None
            shape = struct.unpack(f">{head[3]}I", opened.read(4 * head[3]))
            values = np.frombuffer(opened.read(), np.uint8)
        except (OSError, EOFError, struct.error):
            return None
    if values.size != int(np.prod(shape)):
        raise DataError(f"{str(file)!r} is cut short: its head promises {shape}, and {values.size:,} values follow.")
    return values.reshape(shape)


def _plain(name: str) -> str:
    """A name without its marks and the ending of compressed files."""
    return re.sub(r"\.gz$|\W|_", "", name.lower())
