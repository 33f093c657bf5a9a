"""Words to rows of an embedding table, the same in training and prediction.

State: `encoder.json` (settings), `encoder.npz` (words, counts, vectors).

Row 0 of the table is padding, rows 1 … V are the words by falling frequency, the rows after them the buckets of hashed sub-words
(Bojanowski et al., 2017), where there are any.
"""

from __future__ import annotations

import zlib
from pathlib import Path
from zipfile import BadZipFile

import msgspec
import numpy as np
from msgspec import Struct, field

from applied_dl.core.errors import DataError
from applied_dl.text.string_arrays import vocabulary_arrays, vocabulary_words
from applied_dl.text.word_tokens import JOIN, tokens

MOST_WORDS = 4096  # words of a text that make its vector, and about as many rows
MOST_GRAMS = 32  # sub-words of a word that are used; of a longer word an even sample


class WordEncoder(Struct, frozen=True, kw_only=True):
    """words (V,) by falling count; `arrays` holds counts (V,) int64 and, once trained, vectors (V, D) float32."""

    words: list[str]
    lowercase: bool = True
    ngrams: tuple[int, int] | None = None
    buckets: int = 0
    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    places: dict[str, int] = field(default_factory=dict)
    phrases: dict[str, int] = field(default_factory=dict)

    def __post_init__(self):
        self.places.update({word: i for i, word in enumerate(self.words)})
        for word in self.words:
            if (parts := word.split(JOIN))[1:]:  # the first two words of a phrase, and how many the longest that begins so has
                start = JOIN.join(parts[:2])
                self.phrases[start] = max(len(parts), self.phrases.get(start, 0))

    @property
    def padding(self) -> int:
        """What fills short rows of `ids`."""
        return 0

    @property
    def rows(self) -> int:
        """Of the table."""
        return 1 + len(self.words) + self.buckets


def place(encoder: WordEncoder, text: str) -> int | None:
    """The place of a word or phrase in the vocabulary, as it is written or joined; None where it is unknown."""
    found = encoder.places.get(text)
    if found is None:
        found = encoder.places.get(JOIN.join(tokens(text.replace(JOIN, " "), encoder.lowercase)))
    return found


def joined(encoder: WordEncoder, words: list[str]) -> list[str]:
    """The words with neighbours that are a phrase as one, from left to right, the longest phrase first."""
    if not encoder.phrases:
        return words
    found, i = [], 0
    while i < len(words):
        n = encoder.phrases.get(f"{words[i]}{JOIN}{words[i + 1]}", 1) if i + 1 < len(words) else 1
        while n > 1 and JOIN.join(words[i : i + n]) not in encoder.places:
            n -= 1
        found.append(JOIN.join(words[i : i + n]))
        i += n
    return found


def rows_of(encoder: WordEncoder, text: str) -> list[int]:
    """Rows whose mean is the mean of the vectors of the text's words; [] where none has one.

    A known word or phrase has one row. An unknown one has its sub-words' rows, fewer of each word in a long text; the rows of the others
    then come as often as it has rows. Of a text the first `MOST_WORDS` words are read.
    """
    known = place(encoder, text)
    if known is not None:
        return [known + 1]
    words = joined(encoder, tokens(text, encoder.lowercase)[:MOST_WORDS])
    room = max(1, min(MOST_GRAMS, MOST_WORDS // max(1, len(words))))
    rows = [[encoder.places[word] + 1] if word in encoder.places else spread(subword_rows(encoder, word), room) for word in words]
    most = max(map(len, rows), default=0)
    return [row for own in rows if own for row in own * round(most / len(own))]


def spread(rows: list[int], most: int) -> list[int]:
    """At most so many of the rows, evenly."""
    return rows if len(rows) <= most else [rows[i] for i in np.unique(np.linspace(0, len(rows) - 1, most).astype(int))]


def subword_rows(encoder: WordEncoder, word: str) -> list[int]:
    """The bucket rows of a word's character n-grams, `<` and `>` marking its ends."""
    if encoder.ngrams is None:
        return []
    first = 1 + len(encoder.words)
    return [first + zlib.crc32(gram.encode("utf-8", "replace")) % encoder.buckets for gram in grams(word, encoder.ngrams)]


def grams(word: str, lengths: tuple[int, int]) -> list[str]:
    """Character n-grams of `<word>` of `lengths[0]` to `lengths[1]` characters, the whole left out."""
    text = f"<{word}>"
    return [text[i : i + n] for n in range(lengths[0], lengths[1] + 1) for i in range(len(text) - n + 1) if n < len(text)]


def save(encoder: WordEncoder, folder: Path) -> None:
    """Write `encoder.json` and `encoder.npz`."""
    settings = {"lowercase": encoder.lowercase, "ngrams": encoder.ngrams, "buckets": encoder.buckets}
    (Path(folder) / "encoder.json").write_bytes(msgspec.json.encode(settings))
    np.savez(Path(folder) / "encoder.npz", **vocabulary_arrays(encoder.words), **encoder.arrays)


def load(folder: Path) -> WordEncoder:
    """Read what `save` wrote. Raises `DataError` where it is damaged."""
    try:
        settings = msgspec.json.decode((Path(folder) / "encoder.json").read_bytes())
        with np.load(Path(folder) / "encoder.npz", allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        words = vocabulary_words(arrays)
    except (OSError, ValueError, KeyError, BadZipFile, msgspec.DecodeError) as error:
        raise DataError(f"The word encoder at {str(folder)!r} cannot be read: {error}.") from error
    ngrams = tuple(settings["ngrams"]) if settings["ngrams"] else None
    kept = {name: array for name, array in arrays.items() if name not in ("words", "ends")}
    return WordEncoder(words=words, lowercase=settings["lowercase"], ngrams=ngrams, buckets=settings["buckets"], arrays=kept)
