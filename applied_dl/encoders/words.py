"""Words to rows of a table, the same in training and prediction. State: `encoder.json` (settings), `encoder.npz` (words, counts, vectors).

Row 0 of the table is padding, rows 1 … V are the words by falling frequency, the rows after them the buckets of hashed sub-words
(Bojanowski et al., 2017), where there are any.
"""

from __future__ import annotations

import re
import unicodedata
import zlib
from functools import cache
from pathlib import Path
from zipfile import BadZipFile

import msgspec
import numpy as np
from msgspec import Struct, field

from applied_dl.errors import DataError

JOIN = "_"  # between the words of a phrase
LONGEST = 100  # characters of a word; what is longer is cut
ASCII = re.compile(r"[a-zA-Z0-9]+(?:'[a-zA-Z0-9]+)*")
EMOJI = "\u2600-\u27bf\U0001f300-\U0001faff"


class WordEncoder(Struct, frozen=True, kw_only=True):
    """words (V,) by falling count; `arrays` holds counts (V,) int64 and, once trained, vectors (V, D) float32."""

    words: list[str]
    lowercase: bool = True
    ngrams: tuple[int, int] | None = None
    buckets: int = 0
    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    places: dict[str, int] = field(default_factory=dict)

    def __post_init__(self):
        self.places.update({word: i for i, word in enumerate(self.words)})

    @property
    def rows(self) -> int:
        """Of the table."""
        return 1 + len(self.words) + self.buckets


@cache
def pattern() -> re.Pattern:
    """Letters and digits of any script with their combining marks, apostrophes inside a word, and each emoji for itself."""
    marks = "".join(c for c in map(chr, range(0x300, 0x10000)) if unicodedata.category(c)[0] == "M")
    inside = rf"(?:[^\W_]|[{_ranges(marks)}])+"
    return re.compile(rf"{inside}(?:'{inside})*|[{EMOJI}]")


def _ranges(characters: str) -> str:
    """Neighbouring characters as ranges of a character class."""
    codes = np.array([ord(c) for c in characters])
    cuts = np.flatnonzero(np.diff(codes) > 1) + 1
    return "".join(f"{chr(part[0])}-{chr(part[-1])}" for part in np.split(codes, cuts))


def tokens(text: str, lowercase: bool = True) -> list[str]:
    """The words of a text, in order."""
    text = text.lower() if lowercase else text
    text = text.replace("’", "'")
    found = pattern().findall(text) if not text.isascii() else ASCII.findall(text)
    return found if len(text) <= LONGEST or max(map(len, found), default=0) <= LONGEST else [word[:LONGEST] for word in found]


def place(encoder: WordEncoder, text: str) -> int | None:
    """The place of a word or phrase in the vocabulary, as it is written or joined; None where it is unknown."""
    found = encoder.places.get(text)
    if found is None:
        found = encoder.places.get(JOIN.join(tokens(text.replace(JOIN, " "), encoder.lowercase)))
    return found


def rows_of(encoder: WordEncoder, text: str) -> list[int]:
    """Rows whose mean is the text's vector: the phrase, or its known words, or else the sub-words of the unknown; [] where it has none."""
    known = place(encoder, text)
    if known is not None:
        return [known + 1]
    words = tokens(text, encoder.lowercase)
    found = [encoder.places[word] + 1 for word in words if word in encoder.places]
    return found or [row for word in words for row in subword_rows(encoder, word)]


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


def vocabulary_arrays(words: list[str]) -> dict[str, np.ndarray]:
    """Words as UTF-8 bytes and where each ends: what an `.npz` holds without pickle."""
    raw = [word.encode("utf-8", "replace") for word in words]
    return {"words": np.frombuffer(b"".join(raw), np.uint8), "ends": np.cumsum([len(r) for r in raw], dtype=np.int64)}


def vocabulary_words(arrays) -> list[str]:
    """The words of `vocabulary_arrays`."""
    raw, ends = arrays["words"].tobytes(), arrays["ends"].tolist()
    return [raw[a:b].decode() for a, b in zip([0, *ends[:-1]], ends)]


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
