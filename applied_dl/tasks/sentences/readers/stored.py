"""Labeled texts larger than memory as arrays on disk, tokenised batch by batch, that training reads.

Each text trains once, unless it is equal to one that is held out or of its group; one with two different labels does not train.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
import polars as pl
from msgspec import Struct
from msgspec import json as coded
from msgspec.structs import replace

from applied_dl.core import console
from applied_dl.core.array_folder import Form, append, stored_arrays
from applied_dl.core.errors import DataError
from applied_dl.core.parallel import in_order
from applied_dl.core.plurals import numbered
from applied_dl.io.labels import known_spellings, label_key
from applied_dl.tasks.sentences.encoder import SubwordEncoder, token_stream
from applied_dl.tasks.sentences.readers.groups import Groups
from applied_dl.tasks.sentences.readers.label_columns import cells_of
from applied_dl.tasks.sentences.readers.labels import labels_by, read_columns
from applied_dl.tasks.sentences.readers.large import RowForm, row_batches
from applied_dl.tasks.sentences.readers.read import many_conflicts
from applied_dl.tasks.sentences.readers.sources import parts_of, texts_of
from applied_dl.text.decoding import Reading
from applied_dl.text.markup import tidy
from applied_dl.text.tables import Table

SMALL_BYTES = 2**25  # of a file for which it does not pay to start processes
PIECE = 2**20  # rows whose targets are copied at a time


class Held(Struct, frozen=True, kw_only=True):
    """What belongs to validation and test: hashes of the texts, ascending, and their groups."""

    keys: np.ndarray
    groups: tuple[str, ...] = ()


class Stored(Struct, frozen=True, kw_only=True):
    """Training texts on disk.

    Args:
        tokens: (K,) sub-words of all texts, one after the other.
        places: (N, 2) int64, where the tokens of a text begin and how many they are.
        target: (N,) int32 class codes, or (N, C) uint8 of 0 and 1 where a text may have several labels.
        width: tokens of the longest text.
    """

    tokens: np.ndarray
    places: np.ndarray
    target: np.ndarray
    width: int

    def __len__(self) -> int:
        return len(self.places)


class Encoded(Struct, frozen=True, kw_only=True):
    """A batch of training texts: their sub-words, how many each has, targets and hashes; and how many were left out, by reason.

    `apart` (N,): of a group that is held out, so that the text only shows whether others have the same labels, and has no sub-words.
    """

    tokens: np.ndarray
    sizes: np.ndarray
    target: np.ndarray
    keys: np.ndarray
    apart: np.ndarray
    left_out: dict[str, int]


def held_out(parts: list[Groups]) -> Held:
    """What the texts of these parts keep out of training."""
    keys = [text_keys([part.texts[i] for i in part.rows[:, 0]]) for part in parts]
    groups = {group for part in parts for group in part.groups or ()}
    return Held(keys=np.unique(np.concatenate([np.empty(0, np.uint64), *keys])), groups=tuple(sorted(groups)))


def text_keys(texts: list[str]) -> np.ndarray:
    """(N,) uint64, equal for equal texts."""
    return pl.Series(texts, dtype=pl.String).hash(seed=0).to_numpy()


def store(
    path: Path, data, form: RowForm, encoder: SubwordEncoder, held: Held, cache: Path, processes: int | None = None
) -> tuple[Stored, list[str]]:
    """Tokenise every training text of a file into the cache.

    Args:
        path: The file.
        data: The data section of the recipe.
        form: How its rows are read.
        encoder: Fitted; its `length` is how many tokens of a text train.
        held: What belongs to validation and test.
        cache: A folder; the arrays of the same file and encoder are found there again.
        processes: How many tokenise; by default as many as there are CPUs, one for a small file.

    Returns:
        The texts, and notes for the user.

    Raises:
        DataError: many texts have rows with different labels.
    """
    work = partial(_encode, replace(encoder, index={}), form, held)
    if processes is None:
        processes = 1 if path.stat().st_size < SMALL_BYTES else os.cpu_count() or 1
    numbers = _numbered(row_batches(path, data, Reading()))
    write = partial(_write, path, in_order(work, numbers, processes))
    arrays, facts = stored_arrays(cache / "texts" / _stamp(path, data, form, encoder, held), write)
    notes = [f"{numbered(count, 'row', 'rows')} {reason}." for reason, count in facts["left_out"].items() if count]
    return Stored(**arrays, width=facts["width"]), notes


def _numbered(batches: Iterator[Table]) -> Iterator[tuple[int, Table]]:
    """Each batch with the number of its first row."""
    first = 1
    for batch in batches:
        yield first, batch
        first += len(batch.rows)


def _encode(encoder: SubwordEncoder, form: RowForm, held: Held, batch: tuple[int, Table]) -> Encoded:
    """The training texts of a batch."""
    first, table = batch
    texts = [tidy(text, encoder.html) for text in texts_of(table, form.layout)]
    rows = _labels_of(first, table, form)
    codes = [_codes(row, encoder) for row in rows]
    trains = np.array([bool(text) and row is not None for text, row in zip(texts, rows)], bool)
    left_out = {"dropped: without enough text or without a label": int((~trains).sum())}
    keys = text_keys(texts)
    reasons = {
        "held out for validation and test, or equal to a text that is": _among(keys, held.keys),
        "held out by the column that names the parts": _in_other_parts(table, form),
        "left out: of a label that the sample lacks": np.array([row is not None and None in row for row in codes], bool),
    }
    if not encoder.multi_label:
        reasons["left out: with several labels, of which the sample has none"] = np.array(
            [row is not None and len(row) != 1 for row in codes], bool
        )
    for reason, found in reasons.items():
        left_out[reason] = int((trains & found).sum())
        trains &= ~found
    kept = np.flatnonzero(trains)
    apart = _in_groups(table, form, held)[kept]
    tokens, sizes = token_stream(encoder, ["" if other else texts[i] for i, other in zip(kept, apart)])
    own = [codes[i] for i in kept]
    if encoder.multi_label:
        target = np.zeros((len(kept), len(encoder.labels)), np.uint8)
        for i, row in enumerate(own):
            target[i, list(row)] = 1
    else:
        target = np.array([row[0] for row in own], np.int32)
    tokens = tokens.astype(np.uint16 if encoder.vocabulary <= 2**16 else np.int32)
    return Encoded(tokens=tokens, sizes=sizes, target=target, keys=keys[kept], apart=apart, left_out=left_out)


def _labels_of(first: int, table: Table, form: RowForm) -> list[tuple[str, ...] | None]:
    """The labels of each row, as they are written."""
    if form.several:
        columns = {name: cells_of(table, i) for name, i in zip(form.several, form.layout.labels)}
        return read_columns(columns, table.path, form.labels, first).rows
    return labels_by(form.labels, cells_of(table, form.layout.labels[0]))


def _codes(row: tuple[str, ...] | None, encoder: SubwordEncoder) -> tuple[int | None, ...] | None:
    """The codes of labels in any spelling that training knows; None of another label."""
    if row is None:
        return None
    place, spelling = _known(encoder.labels)
    return tuple(dict.fromkeys(place.get(label, place.get(spelling.get(label_key(label), ""))) for label in row))


@lru_cache(maxsize=1)
def _known(labels: tuple[str, ...]) -> tuple[dict[str, int], dict[str, str]]:
    """The code of each label, and the label of each spelling."""
    return {label: code for code, label in enumerate(labels)}, known_spellings(labels)


def _in_other_parts(table: Table, form: RowForm) -> np.ndarray:
    """(N,) whether a column says that a row is for validation or test, or leaves it open."""
    parts = parts_of(table, form.layout)
    return np.zeros(len(table.rows), bool) if parts is None else np.array([part != "train" for part in parts], bool)


def _in_groups(table: Table, form: RowForm, held: Held) -> np.ndarray:
    if form.layout.group is None:
        return np.zeros(len(table.rows), bool)
    known = set(held.groups)
    return np.array([str(cell or "") in known for cell in cells_of(table, form.layout.group)], bool)


def _write(path: Path, batches: Iterator[Encoded], folder: Path) -> tuple[dict[str, Form], dict]:
    """Append the batches; then the places and targets of the texts that remain when each stands once and none has two different labels."""
    left_out: dict[str, int] = {}
    keys, sizes, apart = [np.empty(0, np.uint64)], [np.empty(0, np.int64)], [np.empty(0, bool)]

    def arrays() -> Iterator[dict[str, np.ndarray]]:
        with console.counting("tokenise", "texts") as count:
            for batch in batches:
                yield {"tokens": batch.tokens, "all": batch.target}
                keys.append(batch.keys)
                sizes.append(batch.sizes)
                apart.append(batch.apart)
                left_out.update({reason: left_out.get(reason, 0) + more for reason, more in batch.left_out.items()})
                count(len(batch.sizes))

    forms = append(folder, arrays())
    dtype, shape = forms.pop("all")
    target = np.memmap(folder / "all", dtype=dtype, mode="r+", shape=shape) if shape[0] else np.zeros(shape, dtype)
    kept, repeated, conflicts = once(np.concatenate(keys), target, path)
    keys.clear()
    others = np.concatenate(apart)[kept]
    kept = kept[~others]
    lengths = np.concatenate(sizes)
    begins = np.cumsum(lengths) - lengths
    pieces = (kept[start : start + PIECE] for start in range(0, max(len(kept), 1), PIECE))
    forms |= append(folder, ({"places": np.stack([begins[one], lengths[one]], axis=1), "target": target[one]} for one in pieces))
    (folder / "all").unlink()
    left_out |= {"of groups that are held out": int(others.sum()), "dropped: repeated": repeated}
    left_out["dropped: their text has two different labels"] = conflicts
    return forms, {"left_out": left_out, "width": int(lengths[kept].max(initial=1))}


def once(keys: np.ndarray, target: np.ndarray, where) -> tuple[np.ndarray, int, int]:
    """The rows that remain when every text stands once, how many repeat one, and how many have a text with two different labels.

    Args:
        keys: (N,) hashes of the texts.
        target: (N,) codes; a text with two different ones does not remain. (N, C) of 0 and 1, changed in place: a text has the labels of
            all of its rows.
        where: names the file in messages.

    Raises:
        DataError: so many texts have rows with different labels that these are several labels of a text.
    """
    ordered = np.sort(keys)
    twice = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
    distinct = len(keys) - int((ordered[1:] == ordered[:-1]).sum())
    del ordered
    rows = np.flatnonzero(_among(keys, twice))
    remains = np.ones(len(keys), bool)
    remains[rows] = False
    if not len(rows):
        return np.flatnonzero(remains), 0, 0
    _, first, text = np.unique(keys[rows], return_index=True, return_inverse=True)
    own, lost = np.asarray(target[rows]), 0
    if target.ndim == 1:
        differs = np.zeros(len(first), bool)
        differs[text[own != own[first][text]]] = True
        if many_conflicts(int(differs.sum()), distinct):
            raise DataError(
                f"{str(where)!r}: {differs.sum():,} of {distinct:,} texts have rows with different labels, which are several labels of a "
                "text; such rows are read in memory alone: set data.in_memory = true, or write all labels of a text in one row."
            )
        lost = int(differs[text].sum())
        first = first[~differs]
    else:
        whole = np.zeros((len(first), target.shape[1]), target.dtype)
        np.maximum.at(whole, text, own)
        target[rows[first]] = whole
    remains[rows[first]] = True
    return np.flatnonzero(remains), len(rows) - len(first) - lost, lost


def _among(keys: np.ndarray, known: np.ndarray) -> np.ndarray:
    """(N,) whether each key is one of those known, which are ascending."""
    if not len(known):
        return np.zeros(len(keys), bool)
    return known[np.minimum(np.searchsorted(known, keys), len(known) - 1)] == keys


def _stamp(path: Path, data, form: RowForm, encoder: SubwordEncoder, held: Held) -> str:
    """A hash of the file's name, size and time, and of all that decides how it is read and tokenised."""
    stat = path.resolve().stat()
    parts = [
        f"{path.resolve()} {stat.st_size} {stat.st_mtime_ns}".encode(),
        coded.encode([encoder.tokenizer, encoder.length, encoder.special, encoder.labels, encoder.multi_label, encoder.html]),
        coded.encode(form),
        coded.encode(data),
        held.keys.tobytes(),
        coded.encode(held.groups),
    ]
    return hashlib.sha256(b"\n".join(parts)).hexdigest()[:24]
