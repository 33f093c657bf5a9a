"""Images decoded once: uint8 (N, H, W, C) in a `.npy`, memory-mapped when large, so that no epoch decodes again."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import BinaryIO

import numpy as np
import PIL
from msgspec import Struct

from applied_dl.core import console
from applied_dl.core.cache import remove_abandoned, trim, used
from applied_dl.core.errors import DataError
from applied_dl.core.fingerprint import fingerprint
from applied_dl.core.mapped import release, row_reader
from applied_dl.core.parallel import in_order
from applied_dl.vision.images import ImageForm, decode

LARGE = 2**29  # bytes; larger arrays stay on disk and are memory-mapped
MANY_BYTES = 2**26  # of image files from which on processes decode them: they take about a second to start
CHUNK = 256  # images that are copied at a time
TOGETHER = 16  # images that a worker decodes at a time
OWN = re.compile(r"(rows-)?[0-9a-f]{32}")  # names of what is kept here; a folder that a person names may hold other files
DECODER = f"decoder 3, Pillow {PIL.__version__}"  # another one may give other pixels; count up when `vision.images` changes


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
    if not all(stem.with_suffix(suffix).exists() for suffix in (".json", ".npy")):
        _fill(encoder, items, stem)
        trim(path for path in stem.parent.glob("*.npy") if OWN.fullmatch(path.stem))
    used(stem.with_suffix(".npy"))
    facts = json.loads(stem.with_suffix(".json").read_text())
    pixels = np.load(stem.with_suffix(".npy"), mmap_mode="r" if _size(encoder, len(items)) > LARGE else None)
    return DecodedImages(pixels=pixels, **{k: {int(i): text for i, text in facts[k].items()} for k in ("errors", "notes")})


def rows_of(pixels: np.ndarray, rows: np.ndarray, cache: Path) -> np.ndarray:
    """`pixels[rows]`; where that is large, written once beside the cache and memory-mapped."""
    if pixels[:1].nbytes * len(rows) <= LARGE:
        kept = np.ascontiguousarray(pixels[rows])
        release(pixels)
        return kept
    path = cache / "images" / f"rows-{fingerprint(str(getattr(pixels, 'filename', None) or fingerprint(pixels)), rows)[:32]}.npy"
    if not path.exists():
        read = row_reader(pixels)
        with _whole(path, (len(rows), *pixels.shape[1:])) as file:
            for start in range(0, len(rows), CHUNK):
                file.write(np.ascontiguousarray(read(rows[start : start + CHUNK])).data)
    used(path)
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


@contextmanager
def _whole(path: Path, shape: tuple) -> Iterator[BinaryIO]:
    """A `.npy` of uint8, open after its header, that gets its name when it is complete."""
    part = path.with_suffix(f".{os.getpid()}.part")
    path.parent.mkdir(parents=True, exist_ok=True)
    remove_abandoned(left for left in path.parent.glob("*.part") if OWN.fullmatch(left.name.split(".")[0]))
    try:
        file = open(part, "wb")  # noqa: SIM115
        try:
            np.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": shape})
            yield file
        finally:
            file.close()  # a full disk may show only here
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _fill(encoder: ImageForm, items: list, stem: Path) -> None:
    """Decode by processes, or where there is little to decode by threads, since Pillow's decoders let others run."""
    errors: dict[int, str] = {}
    notes: dict[int, str] = {}
    workers, threads = min(8, os.cpu_count() or 1), _bytes(items) < MANY_BYTES
    some = ((first, items[first : first + TOGETHER]) for first in range(0, len(items), TOGETHER))
    try:
        with (
            _whole(stem.with_suffix(".npy"), (len(items), encoder.height, encoder.width, encoder.channels)) as file,
            console.counting("decode", "images", len(items)) as count,
        ):
            start = file.tell()
            file.truncate(start + _size(encoder, len(items)))
            file.flush()
            work = partial(_decode_some, encoder, file.name, start)
            for place, (bad, noted) in zip(range(0, len(items), TOGETHER), in_order(work, some, workers, threads)):
                errors |= bad
                notes |= noted
                count(min(TOGETHER, len(items) - place))
        part = stem.with_suffix(f".{os.getpid()}.json.part")
        part.write_text(json.dumps({"errors": errors, "notes": notes}, ensure_ascii=False), encoding="utf-8")
        part.replace(stem.with_suffix(".json"))
    except OSError as error:
        raise DataError(f"The decoded images could not be kept in {str(stem.parent)!r}: {error.strerror}.") from error


def _decode_some(encoder: ImageForm, path: str, start: int, some: tuple[int, list]) -> tuple[dict[int, str], dict[int, str]]:
    """Decode images and write them to their place in a file, zeros for those that cannot be read. Returns errors and notes by number."""
    first, items = some
    errors: dict[int, str] = {}
    notes: dict[int, str] = {}
    pixels = np.zeros((len(items), encoder.height, encoder.width, encoder.channels), np.uint8)
    for i, item in enumerate(items):
        try:
            image = decode(encoder, item)
        except DataError as error:
            errors[first + i] = str(error)
            continue
        pixels[i] = image.pixels
        if image.note:
            notes[first + i] = image.note
    with open(path, "r+b") as file:
        file.seek(start + _size(encoder, first))
        file.write(pixels.data)
    return errors, notes


def _bytes(items: list) -> int:
    """Of the files, as far as they are there."""
    total = 0
    for item in items:
        if not isinstance(item, np.ndarray):
            with suppress(OSError, TypeError, ValueError):
                total += os.stat(item).st_size
    return total
