"""A table of word vectors to ask: neighbours, analogies, similarity; and the file formats that other programs read and write."""

from __future__ import annotations

from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from applied_dl.encoders.words import vocabulary_arrays, vocabulary_words
from applied_dl.errors import DataError, UsageError

BLOCK = 256  # queries compared at a time
KINDS = (".npz", ".bin", ".txt", ".vec")


class WordVectors:
    """words (V,) and vectors (V, D) float32. Search is exact, in blocks: a million words need no cleverer index."""

    def __init__(self, words: list[str], vectors: np.ndarray):
        vectors = np.asarray(vectors, np.float32)
        if vectors.ndim != 2 or len(words) != len(vectors):
            raise UsageError(f"Word vectors need one row a word, received {len(words)} words and an array of shape {vectors.shape}.")
        self.words, self.vectors = list(words), vectors
        self.places = {word: i for i, word in reversed(list(enumerate(self.words)))}  # of a word named twice the first counts
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        self.units = vectors / np.maximum(norms, 1e-12)

    def __len__(self) -> int:
        return len(self.words)

    def __contains__(self, word: str) -> bool:
        return word in self.places

    def __getitem__(self, word: str) -> np.ndarray:
        """The vector (D,) of a word. Raises `DataError` where it has none."""
        return self.vectors[self.place(word)]

    def place(self, word: str) -> int:
        """The row of a word."""
        if word not in self.places:
            raise DataError(f"{word!r} has no vector.{_close(word, self.words)}")
        return self.places[word]

    def similarity(self, a: str, b: str) -> float:
        """The cosine of two words' vectors."""
        return float(self.units[self.place(a)] @ self.units[self.place(b)])

    def most_similar(
        self, positive: str | list[str] = (), negative: str | list[str] = (), count: int = 10, restrict: int | None = None
    ) -> list[tuple[str, float]]:
        """Words nearest to the sum of the unit vectors of `positive` less those of `negative`, with their cosine; these left out.

        restrict: only the so many first (most frequent) words answer.
        """
        plus, minus = ([p] if isinstance(p, str) else list(p) for p in (positive, negative))
        if not plus and not minus:
            raise UsageError("most_similar needs at least one word.")
        own = [self.place(word) for word in (*plus, *minus)]
        query = self.units[own[: len(plus)]].sum(0) - self.units[own[len(plus) :]].sum(0)
        return self.nearest(query[None], count, [own], restrict)[0]

    def analogy(self, a: str, b: str, c: str, count: int = 1) -> list[tuple[str, float]]:
        """What is to c as b is to a (3CosAdd, Mikolov et al., 2013)."""
        return self.most_similar([b, c], [a], count)

    def nearest(self, vectors: np.ndarray, count: int = 10, leave_out=None, restrict: int | None = None) -> list[list[tuple[str, float]]]:
        """For each query (N, D) the `count` words of greatest cosine, best first; `leave_out` names rows of each that must not answer."""
        table = self.units[:restrict]
        queries = np.asarray(vectors, np.float32)
        queries = queries / np.maximum(np.linalg.norm(queries, axis=1, keepdims=True), 1e-12)
        found = []
        for start in range(0, len(queries), BLOCK):
            scores = queries[start : start + BLOCK] @ table.T
            for i, row in enumerate(scores):
                out = [p for p in (leave_out[start + i] if leave_out else ()) if p < len(row)]
                row[out] = -np.inf
                most = max(0, min(count, len(row) - len(set(out))))
                best = np.argpartition(-row, most - 1)[:most] if 0 < most < len(row) else np.arange(len(row))
                best = best[np.lexsort((best, -row[best]))][:most]
                found.append([(self.words[p], float(row[p])) for p in best])
        return found

    def save(self, path: str | Path) -> None:
        """Write `.npz` (ours), `.bin` (word2vec binary) or `.txt`, `.vec` (word2vec text), by the name's end."""
        path = Path(path)
        kind = _kind(path)
        if kind == ".npz":
            np.savez(path, **vocabulary_arrays(self.words), vectors=self.vectors)
            return
        spaced = [word for word in self.words if not word or any(c.isspace() for c in word)]
        if spaced:
            raise UsageError(f"The word2vec format parts words by spaces, and {spaced[0]!r} holds one or is empty; save as .npz.")
        head = f"{len(self)} {self.vectors.shape[1]}\n".encode()
        with open(path, "wb") as file:
            file.write(head)
            for word, row in zip(self.words, self.vectors):
                if kind == ".bin":
                    file.write(word.encode() + b" " + row.astype("<f4").tobytes())
                else:
                    file.write(word.encode() + b" " + " ".join(map(repr, row.tolist())).encode() + b"\n")

    @classmethod
    def load(cls, path: str | Path, limit: int | None = None) -> WordVectors:
        """Read a bundle's folder, `.npz`, word2vec `.bin` or text (`.txt`, `.vec`; with or without its head line).

        limit: only the so many first words. Raises `DataError` where the file is not what its name says.
        """
        path = Path(path)
        path = path / "encoder.npz" if path.is_dir() else path
        read = {".npz": _read_npz, ".bin": _read_binary}.get(_kind(path), _read_text)
        try:
            words, vectors = read(path, limit)
        except (OSError, ValueError, KeyError, IndexError, BadZipFile) as error:
            raise DataError(f"{str(path)!r} holds no word vectors: {error}.") from error
        return cls(words, vectors)


def _read_npz(path: Path, limit: int | None):
    with np.load(path, allow_pickle=False) as file:
        return vocabulary_words(file)[:limit], file["vectors"][:limit]


def _read_binary(path: Path, limit: int | None):
    with open(path, "rb") as file:
        count, D = (int(n) for n in file.readline().split())
        count = count if limit is None else min(count, limit)
        words, vectors = [], np.zeros((count, D), np.float32)
        for i in range(count):
            word = bytearray()
            while (byte := file.read(1)) != b" ":
                if not byte:
                    raise ValueError(f"it ends after {i} of {count} words")
                if byte != b"\n":  # word2vec's own files have a line break before each word
                    word += byte
            row = file.read(4 * D)
            if len(row) < 4 * D:
                raise ValueError(f"it ends within the vector of word {i + 1} of {count}")
            words.append(word.decode("utf-8", "replace"))
            vectors[i] = np.frombuffer(row, "<f4")
    return words, vectors


def _read_text(path: Path, limit: int | None):
    words, rows = [], []
    with open(path, encoding="utf-8", errors="replace", newline="\n") as file:
        for number, line in enumerate(file, 1):
            word, *numbers = line.rstrip().split(" ")
            if number == 1 and len(numbers) == 1 and word.isdigit():
                continue
            if limit is not None and len(words) >= limit:
                break
            if rows and len(numbers) != len(rows[0]):
                raise ValueError(f"line {number} has {len(numbers)} numbers where the lines before have {len(rows[0])}")
            words.append(word)
            rows.append(np.array(numbers, np.float32))
    if not rows:
        raise ValueError("it is empty")
    return words, np.stack(rows)


def _kind(path: Path) -> str:
    if path.suffix not in KINDS:
        raise UsageError(f"Word vectors are kept as {', '.join(KINDS)}; received {path.name!r}.")
    return path.suffix


def _close(word: str, words: list[str]) -> str:
    import difflib

    close = difflib.get_close_matches(word, words[:20_000], n=1, cutoff=0.75)
    return f" Did you mean {close[0]!r}?" if close else ""
