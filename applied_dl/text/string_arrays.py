"""Texts as arrays: what an `.npz` holds without pickle."""

from __future__ import annotations

import numpy as np


def vocabulary_arrays(words: list[str]) -> dict[str, np.ndarray]:
    """Words as UTF-8 bytes and where each ends: what an `.npz` holds without pickle."""
    raw = [word.encode("utf-8", "replace") for word in words]
    return {"words": np.frombuffer(b"".join(raw), np.uint8), "ends": np.cumsum([len(r) for r in raw], dtype=np.int64)}


def vocabulary_words(arrays) -> list[str]:
    """The words of `vocabulary_arrays`."""
    raw, ends = arrays["words"].tobytes(), arrays["ends"].tolist()
    return [raw[a:b].decode() for a, b in zip([0, *ends[:-1]], ends)]
