"""A prepared table as arrays for training: columns stacked into matrices, targets one-hot or standardised."""

from __future__ import annotations

import numpy as np

from applied_dl.tasks.tabular.encoder import TableEncoder


def matrices(encoder: TableEncoder, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Columns by name (N,) → "numbers" float32 (N, F) and "codes" int32 (N, C), where there are any."""
    found = {}
    if encoder.numbers:
        found["numbers"] = np.stack([inputs[name] for name in encoder.numbers], axis=1)
    if encoder.codes:
        found["codes"] = np.stack([inputs[name] for name in encoder.codes], axis=1)
    return found


def targets(prepared, part) -> np.ndarray:
    """(N, 1, C) one-hot, or (N, 1, 1) standardised numbers: with the rank of the predictions, so that Keras squeezes neither."""
    if prepared.encoder.labels:
        return one_hot(part.target, prepared.encoder)[:, None]
    return standardised(part.target, moments(prepared))[:, None, None].astype(np.float32)


def one_hot(codes: np.ndarray, encoder: TableEncoder) -> np.ndarray:
    """(N, C) float32."""
    return np.eye(len(encoder.labels), dtype=np.float32)[codes]


def moments(prepared) -> tuple[float, float]:
    """Mean and standard deviation of the training target."""
    y = prepared.train.target
    return float(y.mean()), float(y.std()) or 1.0


def standardised(y: np.ndarray, by: tuple[float, float]) -> np.ndarray:
    """(y − mean) / deviation."""
    return (y - by[0]) / by[1]
