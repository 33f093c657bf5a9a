"""A corpus as one memory-mapped file of word ids, written once; training reads it slice by slice, whatever its size.

A text is cut into pieces of at most `PIECE` words of one line. A piece goes to the train, validation or test part by the hash of its
words, so that equal pieces never straddle a split.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from array import array
from collections import defaultdict
from collections.abc import Iterator
from contextlib import nullcontext
from itertools import chain
from pathlib import Path

import numpy as np
from msgspec import Struct

from applied_dl.core.errors import DataError
from applied_dl.core.mapped import release
from applied_dl.core.plurals import numbered
from applied_dl.text import corpus
from applied_dl.text.decoding import Reading
from applied_dl.text.markup import USUAL, markup_share, without_markup
from applied_dl.text.word_tokens import JOIN, tokens

PIECE = 1000  # words
VERSION = 3  # of the cached files
SAMPLE = 20_000  # lines that are searched for markup
TAG_LINE = re.compile(r"\s*</?[A-Za-z][^<>]*>\s*\Z")
BLOCK = 2**20  # ids handled at a time


class Ids(Struct, frozen=True, kw_only=True):
    """`ids` (N,) int32 into `words` (provisional, by first appearance); piece p is `ids[ends[p-1]:ends[p]]` and has `hashes[p]`."""

    ids: np.ndarray
    ends: np.ndarray
    hashes: np.ndarray
    words: list[str]
    warnings: list[str]


def read_ids(source: str, column: str | None, lowercase: bool, cache: Path, sheet: str | None = None) -> Ids:
    """Tokenise a source, or open the ids that an earlier run wrote to the cache. Raises `DataError` if it holds no word."""
    key = _key(source, column, lowercase, sheet)
    folder = Path(cache) / f"words-{key}"
    if not (folder / "notes.json").exists():
        _write(source, column, lowercase, folder, sheet)
    notes = json.loads((folder / "notes.json").read_text())
    if not notes["ids"]:
        raise DataError(f"The text {str(source)!r} holds no word: expected letters or digits, received {notes['lines']:,} lines without.")
    return Ids(
        ids=np.memmap(folder / "ids.i32", np.int32, "r"),
        ends=np.load(folder / "ends.npy"),
        hashes=np.load(folder / "hashes.npy"),
        words=(folder / "words.txt").read_text("utf-8", "surrogatepass").split("\n"),
        warnings=notes["warnings"],
    )


def _key(source: str, column: str | None, lowercase: bool, sheet: str | None) -> str:
    files = [[p.name, (s := p.stat()).st_size, s.st_mtime_ns] for p in corpus.files(source)]
    return hashlib.sha256(json.dumps([VERSION, str(source), files, column, lowercase, sheet]).encode()).hexdigest()[:16]


def _write(source: str, column: str | None, lowercase: bool, folder: Path, sheet: str | None) -> None:
    """Write ids, ends, hashes, words and notes; the notes last, so that a process killed halfway leaves no file that seems complete."""
    folder.mkdir(parents=True, exist_ok=True)
    index: defaultdict[str, int] = defaultdict()
    index.default_factory = index.__len__
    ends, hashes, reading, total = array("q"), array("Q"), Reading(), 0
    warnings: list[str] = []
    part = folder / f"ids.{os.getpid()}"
    with open(part, "wb", buffering=2**20) as file:
        for line in _without_markup(corpus.lines(source, column, reading, sheet=sheet), warnings):
            found = tokens(line, lowercase)
            for start in range(0, len(found), PIECE):
                piece = found[start : start + PIECE]
                array("i", map(index.__getitem__, piece)).tofile(file)
                total += len(piece)
                ends.append(total)
                digest = hashlib.blake2b(" ".join(piece).encode("utf-8", "surrogatepass"), digest_size=8).digest()
                hashes.append(int.from_bytes(digest, "little"))
    index.default_factory = None  # the factory refers to the index itself, a cycle that would keep it in memory
    part.rename(folder / "ids.i32")
    np.save(folder / "ends.npy", np.array(ends, np.int64))
    np.save(folder / "hashes.npy", np.array(hashes, np.uint64))
    (folder / "words.txt").write_text("\n".join(index), "utf-8", "surrogatepass")
    notes = {"ids": total, "lines": reading.lines, "warnings": [*reading.warnings(), *warnings]}
    (folder / "notes.part").write_text(json.dumps(notes))
    (folder / "notes.part").rename(folder / "notes.json")


def _without_markup(lines: Iterator[str], warnings: list[str]) -> Iterator[str]:
    """The lines without HTML, and a warning, where the first ones hold some; tags that fill a line (`<doc id="7">`) go too."""
    some = corpus.first_of(lines, SAMPLE)
    found = markup_share([TAG_LINE.sub("<p>", line) for line in some]) >= USUAL
    if found:
        warnings.append("HTML tags and entities were removed from the text.")
    for line in chain(some, lines):
        yield without_markup(TAG_LINE.sub("", line)) if found else line


def fingerprint(found: Ids) -> str:
    """The sha256 of what was read."""
    return hashlib.sha256(found.hashes.tobytes() + found.ends.tobytes()).hexdigest()


def split_pieces(found: Ids, shares: tuple[float, float, float], seed: int) -> np.ndarray:
    """0 (train), 1 (validation) or 2 (test) for each piece (P,) uint8, by its hash; at least one piece each where there are three.

    Raises `DataError` where there are fewer than three different pieces.
    """
    mixed = (found.hashes ^ np.uint64(seed * 0x9E3779B97F4A7C15 % 2**64)) * np.uint64(0xBF58476D1CE4E5B9)
    mixed ^= mixed >> np.uint64(31)
    different = np.unique(mixed)
    if len(different) < 3:
        raise DataError(
            f"The text has {numbered(len(different), 'piece', 'pieces')} of at most {PIECE:,} words of a line; expected at least 3 "
            "different ones, for training, validation and test; give more text, on more lines."
        )
    held = [max(1, round(share * len(different))) for share in shares[1:]]
    bounds = len(different) - sum(held), len(different) - held[1]
    place = np.searchsorted(different, mixed)
    return (place >= bounds[0]).astype(np.uint8) + (place >= bounds[1])


def counts_of(found: Ids, kept: np.ndarray) -> np.ndarray:
    """How often each provisional id is in the pieces where `kept` (P,) bool; (len(words),) int64."""
    total = np.zeros(len(found.words), np.int64)
    for first, last in _runs(found, kept):
        total += np.bincount(_read(found, first, last), minlength=len(total))
    return total


def tally(ids: np.ndarray, size: int) -> np.ndarray:
    """How often each id is there (size,) int64, a block at a time."""
    total = np.zeros(size, np.int64)
    for start in range(0, len(ids), BLOCK):
        total += np.bincount(ids[start : start + BLOCK], minlength=size)
    return total


def _runs(found: Ids, kept: np.ndarray):
    """Stretches of neighbouring kept pieces, none much longer than `BLOCK` ids."""
    edges = np.flatnonzero(np.diff(np.r_[0, kept.view(np.uint8), 0].astype(np.int8)))
    starts = np.r_[0, found.ends[:-1]]
    for first, last in zip(edges[0::2], edges[1::2]):
        while first < last:
            stop = min(last, max(first + 1, int(np.searchsorted(starts, starts[first] + BLOCK, "right"))))
            yield int(first), stop
            first = stop


def _read(found: Ids, first: int, last: int) -> np.ndarray:
    """The ids of the pieces from `first` to before `last`."""
    ids = np.array(found.ids[found.ends[first - 1] if first else 0 : found.ends[last - 1]])
    release(found.ids)
    return ids


def final_ids(found: Ids, kept: np.ndarray, renamed: np.ndarray, path: Path | None = None) -> tuple[np.ndarray, np.ndarray]:
    """The kept pieces with ids `renamed[provisional]` (−1 is left out) one after the other, and where each piece ends.

    Written to `path` and mapped, or held in memory where there is none; uint16 where that holds every id, int32 otherwise.
    """
    starts, ends, total = np.r_[0, found.ends[:-1]], [], 0
    narrow = np.uint16 if renamed.max(initial=0) < 2**16 else np.int32
    whole = np.empty(0 if path else len(found.ids), narrow)  # what is not filled costs no memory
    with open(path, "wb") if path else nullcontext() as file:
        for first, last in _runs(found, kept):
            ids = renamed[_read(found, first, last)]
            known = np.r_[0, np.cumsum(ids >= 0)]
            ends.append(total + known[found.ends[first:last] - starts[first]])
            ids = ids[ids >= 0].astype(narrow)
            if path:
                ids.tofile(file)
            else:
                whole[total : total + len(ids)] = ids
            total += len(ids)
    edges = np.concatenate(ends) if ends else np.zeros(0, np.int64)
    if path:
        return (np.memmap(path, narrow, "r") if total else np.zeros(0, narrow)), edges
    return whole[:total], edges


def join_phrases(
    ids: np.ndarray, ends: np.ndarray, words: list[str], min_count: int, score: float
) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """One pass of word2phrase (Mikolov et al., 2013): neighbours with (n_ab − min_count) N / (n_a n_b) > score become one word `a_b`."""
    count, size = np.bincount(ids, minlength=len(words)), len(words)
    inner = np.ones(len(ids), bool)
    inner[ends[ends < len(ids)] - 1] = inner[-1:] = False  # the last word of a piece has no neighbour
    pair = ids[:-1].astype(np.int64) * size + ids[1:]
    found, n = np.unique(pair[inner[:-1]], return_counts=True)
    a, b = found // size, found % size
    good = found[(n - min_count) * (len(ids) / (count[a].astype(float) * count[b])) > score]
    hits = np.flatnonzero(np.isin(pair, good) & inner[:-1])
    taken, last = [], -2
    for at in hits.tolist():  # of overlapping pairs the first wins
        if at != last + 1:
            taken.append(at)
            last = at
    taken = np.array(taken, np.int64)
    joined = {int(p): size + i for i, p in enumerate(good)}
    new, keep = ids.astype(np.int32).copy(), np.ones(len(ids), bool)
    new[taken] = [joined[int(p)] for p in pair[taken]]
    keep[taken + 1] = False
    position = np.r_[0, np.cumsum(keep)]
    return new[keep], position[ends], [*words, *(words[p // size] + JOIN + words[p % size] for p in good.tolist())]
