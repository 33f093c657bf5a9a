"""What sub-words have in common: their letters, and their places in a table of vectors; features that texts share through them."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np

COLUMNS = 2**15  # that the character n-grams share by hashing
LENGTHS = (2, 5)  # of the character n-grams
CONTINUES = "##"  # before a sub-word that continues a word
START, END = "^", "$"


def character_ngrams(tokens: list[str]) -> Any:
    """How often each character n-gram occurs in each token, as a sparse matrix (V, COLUMNS).

    Args:
        tokens: sub-words; one that begins a word has an n-gram of its own for that ("^un"), and so has its end ("ing$").

    Example:
        >>> a, b, c = character_ngrams(["walking", "talking", "##s"]).toarray()
        >>> float(a @ b), float(a @ c)
        (18.0, 0.0)
    """
    import scipy.sparse as sp

    found = [_ngrams(token) for token in tokens]
    ends = np.r_[0, np.cumsum([len(row) for row in found])]
    places = np.fromiter((place for row in found for place in row), np.int32, ends[-1])
    matrix = sp.csr_matrix((np.ones(ends[-1], np.float32), places, ends), (len(tokens), COLUMNS))
    matrix.sum_duplicates()
    return matrix


def _ngrams(token: str) -> list[int]:
    word = token[len(CONTINUES) :] if token.startswith(CONTINUES) else START + token
    word += END
    low, high = LENGTHS
    return [
        zlib.crc32(word[i : i + n].encode("utf-8", "replace")) % COLUMNS for n in range(low, high + 1) for i in range(len(word) - n + 1)
    ]
