"""The sha256 of data: what a bundle was trained on, and which rows are exact duplicates."""

from __future__ import annotations

import hashlib

import numpy as np


def fingerprint(*pieces: object) -> str:
    """Hex digest of arrays, bytes and texts, in order; an array's shape and type count too."""
    digest = hashlib.sha256()
    for piece in pieces:
        if isinstance(piece, np.ndarray):
            digest.update(f"{piece.dtype}{piece.shape}".encode())
            digest.update(np.ascontiguousarray(piece).view(np.uint8).data if piece.dtype != object else repr(piece.tolist()).encode())
        else:
            digest.update(piece if isinstance(piece, bytes) else str(piece).encode())
        digest.update(b"\0")
    return digest.hexdigest()


def row_keys(array: np.ndarray) -> np.ndarray:
    """A content hash per row (N,) of texts: equal rows have equal keys."""
    rows = np.ascontiguousarray(array).reshape(len(array), -1)
    return np.array([hashlib.blake2b(row.tobytes(), digest_size=12).hexdigest() for row in rows])
