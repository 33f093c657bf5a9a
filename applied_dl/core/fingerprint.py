"""The sha256 of data: what a bundle was trained on, and which rows are exact duplicates."""

from __future__ import annotations

import hashlib

import numpy as np

from applied_dl.core.mapped import row_pieces


def fingerprint(*pieces: object) -> str:
    """Hex digest of arrays, bytes and texts, in order; an array's shape and type count too."""
    digest = hashlib.sha256()
    for piece in pieces:
        if isinstance(piece, np.ndarray):
            digest.update(f"{piece.dtype}{piece.shape}".encode())
            array = np.frombuffer(repr(piece.tolist()).encode(), np.uint8) if piece.dtype == object else piece
            for part in row_pieces(np.atleast_1d(array)):
                digest.update(np.ascontiguousarray(part).view(np.uint8).data)
        else:
            digest.update(piece if isinstance(piece, bytes) else str(piece).encode())
        digest.update(b"\0")
    return digest.hexdigest()


def row_keys(array: np.ndarray) -> np.ndarray:
    """A content hash per row (N,) of texts: equal rows have equal keys."""
    return np.array([hashlib.blake2b(row.tobytes(), digest_size=12).hexdigest() for part in row_pieces(array) for row in part])
