"""Decode every picture once: `uint8 (N, H, W, C)` on disk, memory-mapped when large, so that no epoch ever decodes again."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np

from applied_dl.data.fingerprint import fingerprint
from applied_dl.data.images import Pictures
from applied_dl.encoders.image import decode, probe
from applied_dl.errors import DataError

LARGEST_IN_MEMORY = 2**30  # bytes; above, the array stays on disk and is mapped
PROBED = 200  # pictures whose headers decide size and colour


class Decoded(NamedTuple):
    """`images` (n, H, W, C) of the readable pictures, their row numbers, and one sentence for each of the others."""

    images: np.ndarray
    rows: np.ndarray
    unreadable: dict[int, str]


def probe_sizes(pictures: Pictures) -> tuple[int, int, int]:
    """Median height and width, and 1 or 3 channels, over an even sample; unreadable pictures are passed over."""
    if isinstance(pictures.sources, np.ndarray):
        shape = pictures.sources.shape
        return shape[1], shape[2], 3 if len(shape) == 4 and shape[3] > 1 else 1
    found = []
    for i in np.unique(np.linspace(0, len(pictures) - 1, PROBED).astype(int)):
        try:
            found.append(probe(pictures.sources[i]))
        except DataError:
            continue
    if not found:
        raise DataError(f"None of the first {min(PROBED, len(pictures))} pictures of {pictures.name!r} can be read.")
    heights, widths, colour = zip(*found)
    return int(np.median(heights)), int(np.median(widths)), 3 if any(colour) else 1


def decode_all(pictures: Pictures, height: int, width: int, channels: int, cache: Path) -> Decoded:
    """Decode through the one decoder, in threads, into `cache`; a second run reads the cache."""
    key = fingerprint(*_identity(pictures), f"{height}x{width}x{channels}")[:24]
    data, note = cache / f"images-{key}.npy", cache / f"images-{key}.rows.npy"
    sentences = cache / f"images-{key}.txt"
    if not (data.exists() and note.exists() and sentences.exists()):
        _decode_into(pictures, height, width, channels, data, note, sentences)
    mapped = np.load(data, mmap_mode="r", allow_pickle=False)
    images = mapped if mapped.nbytes > LARGEST_IN_MEMORY else np.asarray(mapped).copy()
    rows = np.load(note, allow_pickle=False)
    lines = [line.split("\t", 1) for line in sentences.read_text(encoding="utf-8").splitlines()]
    return Decoded(images, rows, {int(row): text for row, text in lines})


def _identity(pictures: Pictures):
    """What the cache of these pictures is named by: contents of arrays; path, size and time of files."""
    if isinstance(pictures.sources, np.ndarray):
        yield pictures.sources
        return
    for path in pictures.sources:
        try:
            status = path.stat()
            yield f"{path.resolve()}|{status.st_size}|{status.st_mtime_ns}"
        except (OSError, RuntimeError):  # RuntimeError: a loop of symbolic links
            yield f"{path}|gone"


def _decode_into(pictures, height, width, channels, data: Path, note: Path, sentences: Path) -> None:
    work = data.with_suffix(f".{os.getpid()}.part")
    images = np.lib.format.open_memmap(work, "w+", np.uint8, (len(pictures), height, width, channels))
    failed: dict[int, str] = {}

    def one(row: int) -> None:
        try:
            images[row] = decode(pictures.sources[row], height, width, channels)
        except DataError as error:
            failed[row] = str(error)

    if isinstance(pictures.sources, np.ndarray):
        for row in range(len(pictures)):
            one(row)
    else:
        with ThreadPoolExecutor() as pool:
            list(pool.map(one, range(len(pictures))))
    rows = np.array([row for row in range(len(pictures)) if row not in failed], np.int64)
    if failed:
        kept = np.lib.format.open_memmap(work.with_suffix(".kept"), "w+", np.uint8, (len(rows), height, width, channels))
        for place, row in enumerate(rows):
            kept[place] = images[row]
        kept.flush()
        work.with_suffix(".kept").replace(work)
    images.flush()
    sentences.write_text("".join(f"{row}\t{text}\n" for row, text in sorted(failed.items())), encoding="utf-8")
    np.save(note, rows)
    work.replace(data)
