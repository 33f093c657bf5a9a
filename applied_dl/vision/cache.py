"""Images decoded once: uint8 (N, H, W, C) in a `.npy`, memory-mapped when large, so that no epoch decodes again."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import PIL
from msgspec import Struct

from applied_dl.core.errors import DataError
from applied_dl.core.fingerprint import fingerprint
from applied_dl.vision.images import ImageForm, decode

LARGE = 2**29  # bytes; larger arrays stay on disk and are memory-mapped
CHUNK = 256
DECODER = f"decoder 3, Pillow {PIL.__version__}"  # another one may give other pixels; count up when `vision.images` changes
MOST = 20 * 2**30  # bytes of the whole cache, above which the least recently used images are dropped


class DecodedImages(Struct, frozen=True, kw_only=True):
    """`pixels` (N, H, W, C) of all items (zeros where one could not be read), the error of each of those, and notes by item."""

    pixels: np.ndarray
    errors: dict[int, str]
    notes: dict[int, str]


def decode_all(encoder: ImageForm, items: list, cache: Path) -> DecodedImages:
    """Decode every item (paths or arrays), or take it from the cache. Images that cannot be read do not stop the others."""
    if items and all(isinstance(item, np.ndarray) for item in items):
        wanted = (encoder.height, encoder.width, encoder.channels)
        if all(item.shape == wanted and item.dtype == np.uint8 for item in items):
            return DecodedImages(pixels=np.stack(items), errors={}, notes={})
    stem = cache / "images" / _key(encoder, items)
    if not stem.with_suffix(".json").exists():
        _fill(encoder, items, stem)
        _shrink(stem.parent)
    os.utime(stem.with_suffix(".npy"))
    facts = json.loads(stem.with_suffix(".json").read_text())
    pixels = np.load(stem.with_suffix(".npy"), mmap_mode="r" if _size(encoder, len(items)) > LARGE else None)
    return DecodedImages(pixels=pixels, **{k: {int(i): text for i, text in facts[k].items()} for k in ("errors", "notes")})


def rows_of(pixels: np.ndarray, rows: np.ndarray, cache: Path) -> np.ndarray:
    """`pixels[rows]`; where that is large, written once beside the cache and memory-mapped."""
    if pixels[:1].nbytes * len(rows) <= LARGE:
        return np.ascontiguousarray(pixels[rows])
    path = cache / "images" / f"rows-{fingerprint(str(getattr(pixels, 'filename', None) or fingerprint(pixels)), rows)[:32]}.npy"
    if not path.exists():
        with _Writer(path, (len(rows), *pixels.shape[1:])) as copy:
            for i in range(0, len(rows), CHUNK):
                copy[i : i + CHUNK] = pixels[rows[i : i + CHUNK]]
    return np.load(path, mmap_mode="r")


def _size(encoder: ImageForm, n: int) -> int:
    return n * encoder.height * encoder.width * encoder.channels


def _key(encoder: ImageForm, items: Iterable) -> str:
    """A digest of all that decides the pixels: the decoder, the encoder, each file's path, size and time, or an array's bytes."""
    pieces: list = [DECODER, encoder.height, encoder.width, encoder.channels, encoder.fit, encoder.reduce_jpeg]
    pieces += [encoder.background, encoder.integer_range, encoder.float_range]
    for item in items:
        if isinstance(item, np.ndarray):
            pieces.append(item)
            continue
        try:
            stat = os.stat(item)
            pieces.append(f"{os.path.abspath(item)} {stat.st_size} {stat.st_mtime_ns}")
        except OSError:
            pieces.append(f"{item} missing")
    return fingerprint(*pieces)[:32]


def _shrink(folder: Path) -> None:
    """Drop the least recently used images until the rest fits; those of the last day are kept."""
    files = sorted((path.stat().st_mtime, path.stat().st_size, path) for path in folder.glob("*.npy"))
    total = sum(size for _, size, _ in files)
    for read, size, path in files:
        if total <= MOST or time.time() - read < 24 * 3600:
            return
        path.with_suffix(".json").unlink(missing_ok=True)
        path.unlink(missing_ok=True)
        total -= size


class _Writer:
    """A `.npy` that gets its name when it is complete."""

    def __init__(self, path: Path, shape: tuple):
        self.path, self.part = path, path.with_suffix(f".{os.getpid()}.part")
        path.parent.mkdir(parents=True, exist_ok=True)
        self.array = np.lib.format.open_memmap(self.part, mode="w+", dtype=np.uint8, shape=shape)

    def __enter__(self):
        return self.array

    def __exit__(self, kind, error, trace):
        self.array.flush()
        del self.array
        if kind is None:
            self.part.replace(self.path)
        else:
            self.part.unlink(missing_ok=True)


def _fill(encoder: ImageForm, items: list, stem: Path) -> None:
    errors: dict[int, str] = {}
    notes: dict[int, str] = {}

    def decoded(i: int):
        try:
            return i, decode(encoder, items[i]), ""
        except DataError as error:
            return i, None, str(error)

    try:
        with (
            _Writer(stem.with_suffix(".npy"), (len(items), encoder.height, encoder.width, encoder.channels)) as pixels,
            ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool,
        ):
            for start in range(0, len(items), CHUNK):
                for i, image, error in pool.map(decoded, range(start, min(start + CHUNK, len(items)))):
                    if image is None:
                        errors[i] = error
                        continue
                    pixels[i] = image.pixels
                    if image.note:
                        notes[i] = image.note
        part = stem.with_suffix(".json.part")
        part.write_text(json.dumps({"errors": errors, "notes": notes}, ensure_ascii=False), encoding="utf-8")
        part.replace(stem.with_suffix(".json"))
    except OSError as error:
        raise DataError(f"The decoded images could not be kept in {str(stem.parent)!r}: {error.strerror}.") from error
