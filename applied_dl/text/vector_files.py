"""The file formats of word vectors: our `.npz`, and word2vec's binary and text formats, which other programs read and write.

Readers return words and vectors (V, D) float32. They raise `ValueError`, whose text ends the sentence of the caller, where a
file is damaged or of another kind.
"""

from __future__ import annotations

import gzip
import re
from itertools import islice
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from applied_dl.core.errors import DataError, UsageError
from applied_dl.text.string_arrays import vocabulary_arrays, vocabulary_words

GAP = re.compile(r"[ \t]")
KINDS = (".npz", ".bin", ".txt", ".vec")
TEXT_KINDS = (".txt", ".vec")  # which may be compressed by gzip


def kind_of(path: Path) -> str:
    """The suffix that names the format. Raises `UsageError` for another."""
    name = path.with_suffix("") if path.suffix == ".gz" and path.with_suffix("").suffix in TEXT_KINDS else path
    if name.suffix not in KINDS:
        raise UsageError(f"Word vectors are kept as {', '.join(KINDS)}; received {path.name!r}.")
    return name.suffix


def read_vectors(path: str | Path, limit: int | None = None) -> tuple[list[str], np.ndarray]:
    """Words and vectors (V, D) float32 of a file.

    Args:
        path: `.npz` (ours), `.bin` (word2vec binary), `.txt` or `.vec` (GloVe, word2vec text), also compressed by gzip.
        limit: read only so many first words.

    Raises:
        DataError: where the file is not what its name says.
        UsageError: for another suffix.
    """
    path = Path(path)
    read = {".npz": read_npz, ".bin": read_binary}.get(kind_of(path), read_text)
    try:
        return read(path, limit)
    except (OSError, EOFError, ValueError, KeyError, IndexError, BadZipFile) as error:
        raise DataError(f"{str(path)!r} holds no word vectors: {error}.") from error


def is_vector_file(path: str | Path) -> bool:
    """Whether a path is a file of word vectors by its name and its first lines, rather than a bundle or a text."""
    path = Path(path)
    if not path.is_file():
        return False
    try:
        return read_vectors(path, limit=3)[1].shape[1] > 1
    except (DataError, UsageError):
        return False


def read_npz(path: Path, limit: int | None):
    """What `write_npz` wrote, or a bundle's `encoder.npz`."""
    with np.load(path, allow_pickle=False) as file:
        words, vectors = vocabulary_words(file)[:limit], file["vectors"][:limit]
    if vectors.ndim != 2 or len(words) != len(vectors):
        raise ValueError(f"it names {len(words)} words and has vectors of shape {vectors.shape}")
    return words, _finite(words, vectors)


def read_binary(path: Path, limit: int | None):
    """A line `V D`, then each word, a space, and D float32 little-endian."""
    with open(path, "rb") as file:
        head = file.readline(100).split()
        if len(head) != 2 or not all(n.isdigit() for n in head) or int(head[1]) < 1:
            raise ValueError("it does not begin with a line of two numbers, the words and the length of their vectors")
        count, D = map(int, head)
        left = path.stat().st_size - file.tell()
        wanted = count if limit is None else min(count, limit)
        if wanted * (4 * D + 1) > left:
            raise ValueError(f"its first line says {count:,} words of {D} numbers, but it has only {left:,} bytes: it is cut short")
        words, vectors = [], np.zeros((wanted, D), np.float32)
        for i in range(wanted):
            words.append(_word(file, i, count))
            row = file.read(4 * D)
            if len(row) < 4 * D:
                raise ValueError(f"it ends within the vector of word {i + 1} of {count}")
            vectors[i] = np.frombuffer(row, "<f4")
        if wanted == count and file.read(2).strip():
            raise ValueError(f"its first line says {count:,} words of {D} numbers, and there is more after them")
    return words, _finite(words, vectors)


def _word(file, i: int, count: int) -> str:
    word = bytearray()
    while (byte := file.read(1)) != b" ":
        if not byte:
            raise ValueError(f"it ends after {i} of {count} words")
        if byte != b"\n":  # word2vec's own files have a line break before each word
            word += byte
    return word.decode("utf-8", "replace")


def read_text(path: Path, limit: int | None):
    """Lines of a word and its D numbers, with or without a first line `V D`; separated by spaces or tabs."""
    words, rows, count, D = [], [], None, None
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8-sig", errors="replace", newline="\n") as file:
        for number, line in islice(enumerate(file, 1), None if limit is None else limit + 1):
            parts = GAP.split(line.rstrip())
            if number == 1 and len(parts) == 2 and all(part.isdigit() for part in parts):
                count, D = map(int, parts)
                continue
            if parts == [""]:
                continue
            D = len(parts) - 1 if D is None else D
            if D < 1 or len(parts) <= D:
                raise ValueError(f"line {number} has {len(parts) - 1} numbers after its word, expected {max(D, 1)}")
            try:
                row = np.array(parts[-D:], np.float32)
            except ValueError:
                raise ValueError(f"line {number} does not end in {D} numbers: {' '.join(parts)[:40]!r}") from None
            words.append(" ".join(parts[:-D]))  # some published words hold spaces
            rows.append(row)
    if not rows:
        raise ValueError("it is empty")
    if count is not None and limit is None and len(words) != count:
        raise ValueError(f"its first line says {count:,} words, but it holds {len(words):,}")
    return words[:limit], _finite(words, np.stack(rows))[:limit]


def _finite(words: list[str], vectors: np.ndarray) -> np.ndarray:
    bad = np.flatnonzero(~np.isfinite(vectors).all(1))
    if len(bad):
        raise ValueError(f"the vector of {words[bad[0]][:40]!r} holds NaN or infinity")
    return vectors


def write_npz(path: Path, words: list[str], vectors: np.ndarray) -> None:
    """Write words as UTF-8 bytes with their ends, and the vectors."""
    np.savez(path, **vocabulary_arrays(words), vectors=vectors)


def write_word2vec(path: Path, words: list[str], vectors: np.ndarray, binary: bool) -> None:
    """As the reader of the same name reads it; text keeps every digit that a float32 has."""
    with open(path, "wb") as file:
        file.write(f"{len(words)} {vectors.shape[1]}\n".encode())
        for word, row in zip(words, vectors):
            if binary:
                file.write(word.encode() + b" " + row.astype("<f4").tobytes())
            else:
                file.write(word.encode() + b" " + " ".join(map(repr, row.tolist())).encode() + b"\n")
