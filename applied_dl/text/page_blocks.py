"""What the pages of words and sentences share: how much of a text and of the vectors they hold."""

from __future__ import annotations

import numpy as np

MOST_VECTORS = 20_000  # of the words or texts among which neighbours are searched
WIDEST = 256  # tokens or words of a text that a page reads; every input has this width


def vectors_block(vectors: np.ndarray) -> bytes:
    """Vectors (N, D) in half precision, as a page holds them."""
    return vectors.astype("<f2").tobytes()
