"""Images decoded once: uint8 (N, H, W, C) in a `.npy`, memory-mapped when large, so that no epoch decodes again."""

from __future__ import annotations

import itertools
import json
import os
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import PIL
from msgspec import Struct

from applied_dl.core import console
from applied_dl.core.cache import trim, used
from applied_dl.core.errors import DataError
from applied_dl.core.fingerprint import fingerprint
from applied_dl.core.mapped import release, row_reader
from applied_dl.vision.images import ImageForm, decode

Result = TypeVar("Result")

LARGE = 2**29  # bytes; larger arrays stay on disk and are memory-mapped
CHUNK = 256  # images that are read ahead
TOGETHER = 16  # images that a thread decodes before it waits for the others
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
        with _Writer(path, (len(rows), *pixels.shape[1:])) as write:
            for start in range(0, len(rows), CHUNK):
                write(read(rows[start : start + CHUNK]))
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


class _Writer:
    """A `.npy` of uint8 whose rows are written in order, and that gets its name when it is complete."""

    def __init__(self, path: Path, shape: tuple):
        self.path, self.part = path, path.with_suffix(f".{os.getpid()}.part")
        path.parent.mkdir(parents=True, exist_ok=True)
        self.file = open(self.part, "wb")  # noqa: SIM115
        np.lib.format.write_array_header_1_0(self.file, {"descr": "|u1", "fortran_order": False, "shape": shape})

    def __enter__(self) -> Callable[[np.ndarray], object]:
        return lambda rows: self.file.write(np.ascontiguousarray(rows).data)

    def __exit__(self, kind, error, trace):
        try:
            self.file.close()  # a full disk may show only here
            if kind is None:
                self.part.replace(self.path)
        finally:
            self.part.unlink(missing_ok=True)


def _fill(encoder: ImageForm, items: list, stem: Path) -> None:
    """Decode by threads, since Pillow's decoders let others run: CHUNK images are read ahead."""
    errors: dict[int, str] = {}
    notes: dict[int, str] = {}
    empty = np.zeros((encoder.height, encoder.width, encoder.channels), np.uint8)

    def decoded(first: int) -> list[tuple[int, Any, str]]:
        found: list[tuple[int, Any, str]] = []
        for i in range(first, min(first + TOGETHER, len(items))):
            try:
                found.append((i, decode(encoder, items[i]), ""))
            except DataError as error:
                found.append((i, None, str(error)))
        return found

    try:
        with (
            _Writer(stem.with_suffix(".npy"), (len(items), *empty.shape)) as write,
            ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool,
            console.counting("decode", "images", len(items)) as count,
        ):
            for i, image, error in itertools.chain.from_iterable(_ahead(pool, decoded, range(0, len(items), TOGETHER))):
                count(1)
                write(empty if image is None else image.pixels)
                if image is None:
                    errors[i] = error
                elif image.note:
                    notes[i] = image.note
        part = stem.with_suffix(f".{os.getpid()}.json.part")
        part.write_text(json.dumps({"errors": errors, "notes": notes}, ensure_ascii=False), encoding="utf-8")
        part.replace(stem.with_suffix(".json"))
    except OSError as error:
        raise DataError(f"The decoded images could not be kept in {str(stem.parent)!r}: {error.strerror}.") from error


def _ahead(pool: ThreadPoolExecutor, work: Callable[[int], Result], items: Iterable[int]) -> Iterator[Result]:
    """`work` of each item in order, by the threads of a pool, of which none waits for the slowest of a chunk."""
    waiting: deque[Future] = deque()
    try:
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) == CHUNK // TOGETHER:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
