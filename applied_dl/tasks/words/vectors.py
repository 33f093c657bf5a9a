"""A table of word vectors: neighbours, analogies, similarity."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from applied_dl.core.errors import DataError, UsageError
from applied_dl.text.nearest import nearest_rows
from applied_dl.text.vector_files import kind_of, read_vectors, write_npz, write_word2vec


class WordVectors:
    """words (V,) and vectors (V, D) float32. Search is exact, in blocks: a million words need no cleverer index.

    unseen: gives the vector (D,) of a word that is not among them, or None; a bundle with sub-words has one.
    """

    def __init__(self, words: list[str], vectors: np.ndarray, unseen: Callable[[str], np.ndarray | None] | None = None):
        vectors = np.asarray(vectors, np.float32)
        if vectors.ndim != 2 or len(words) != len(vectors):
            raise UsageError(f"Word vectors need one row per word, received {len(words)} words and an array of shape {vectors.shape}.")
        self.words, self.vectors = list(words), vectors
        self.places = {word: i for i, word in reversed(list(enumerate(self.words)))}  # of a word named twice the first counts
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        self.units, self.unseen = vectors / np.maximum(norms, 1e-12), unseen

    def __len__(self) -> int:
        return len(self.words)

    def __contains__(self, word: str) -> bool:
        return word in self.places

    def __getitem__(self, word: str) -> np.ndarray:
        """The vector (D,) of a word, by its sub-words where it is unknown and there are any. Raises `DataError` where it has none."""
        if word not in self.places and self.unseen is not None and (found := self.unseen(word)) is not None:
            return found
        return self.vectors[self.place(word)]

    def unit(self, word: str) -> np.ndarray:
        """The vector (D,) of a word at length one."""
        if word in self.places:
            return self.units[self.places[word]]
        found = self[word]
        return found / max(float(np.linalg.norm(found)), 1e-12)

    def place(self, word: str) -> int:
        """The row of a word."""
        if word not in self.places:
            raise DataError(f"{word!r} has no vector.{_close(word, self.words)}")
        return self.places[word]

    def similarity(self, a: str, b: str) -> float:
        """The cosine of two words' vectors."""
        return float(self.unit(a) @ self.unit(b))

    def most_similar(
        self, positive: str | list[str] = (), negative: str | list[str] = (), count: int = 10, restrict: int | None = None
    ) -> list[tuple[str, float]]:
        """Words nearest to the sum of the unit vectors of `positive` minus those of `negative`, with their cosine; these words excluded.

        restrict: search only the first (most frequent) words.
        """
        plus, minus = ([p] if isinstance(p, str) else list(p) for p in (positive, negative))
        if not plus and not minus:
            raise UsageError("most_similar needs at least one word.")
        query = sum(map(self.unit, plus), np.zeros(self.vectors.shape[1], np.float32)) - sum(map(self.unit, minus))
        own = [self.places[word] for word in (*plus, *minus) if word in self.places]
        return self.nearest(query[None], count, [own], restrict)[0]

    def analogy(self, a: str, b: str, c: str, count: int = 1) -> list[tuple[str, float]]:
        """What is to c as b is to a (3CosAdd, Mikolov et al., 2013)."""
        return self.most_similar([b, c], [a], count)

    def nearest(self, vectors: np.ndarray, count: int = 10, leave_out=None, restrict: int | None = None) -> list[list[tuple[str, float]]]:
        """For each query (N, D) the `count` words of greatest cosine, best first; `leave_out` lists rows that each query excludes."""
        queries = np.asarray(vectors, np.float32)
        if queries.ndim == 2:
            queries = queries / np.maximum(np.linalg.norm(queries, axis=1, keepdims=True), 1e-12)
        found = nearest_rows(queries, self.units[:restrict], count, leave_out)
        return [[(self.words[p], float(s)) for p, s in zip(*row)] for row in found]

    def save(self, path: str | Path) -> None:
        """Write `.npz` (ours), `.bin` (word2vec binary) or `.txt`, `.vec` (word2vec text), by the name's end."""
        path = Path(path)
        kind = kind_of(path)
        if kind == ".npz":
            write_npz(path, self.words, self.vectors)
            return
        spaced = [word for word in self.words if not word or any(c.isspace() for c in word)]
        if spaced:
            raise UsageError(f"The word2vec format separates words by spaces, and {spaced[0]!r} holds one or is empty; save as .npz.")
        write_word2vec(path, self.words, self.vectors, kind == ".bin")

    @classmethod
    def load(cls, path: str | Path, limit: int | None = None) -> WordVectors:
        """Read a bundle's folder, `.npz`, word2vec `.bin` or text (`.txt`, `.vec`; with or without its head line).

        limit: only the so many first words. Raises `DataError` where the file is not what its name says.
        """
        path = Path(path)
        bundle = path if path.is_dir() else None
        path = path / "encoder.npz" if bundle else path
        words, vectors = read_vectors(path, limit)
        return cls(words, vectors, _by_sub_words(bundle) if bundle else None)


def _by_sub_words(folder: Path) -> Callable[[str], np.ndarray | None] | None:
    """A function that composes the vector of an unknown word from the bundle's sub-word rows; None where it has no sub-words."""
    from applied_dl.core.bundle import checked_bytes, open_bundle
    from applied_dl.runtime.interpreter import Runtime
    from applied_dl.tasks.words.encoder import load, rows_of

    if not (folder / "bundle.json").is_file():
        return None
    encoder = load(folder)
    if encoder.ngrams is None:
        return None
    opened: list[Runtime] = []

    def vector(word: str) -> np.ndarray | None:
        if not opened:
            manifest = open_bundle(folder)
            opened.append(Runtime(checked_bytes(folder, manifest, manifest.variant(None).file)))
        rows = rows_of(encoder, word)
        return opened[0].run({"ids": np.array([rows], np.int32)})["vector"][0] if rows else None

    return vector


def _close(word: str, words: list[str]) -> str:
    import difflib

    close = difflib.get_close_matches(word, words[:20_000], n=1, cutoff=0.75)
    return f" Did you mean {close[0]!r}?" if close else ""
