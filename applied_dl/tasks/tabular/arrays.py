"""A prepared table as arrays for training: columns stacked into matrices, targets one-hot or standardised."""

from __future__ import annotations

import numpy as np

from applied_dl.tasks.tabular.columns import TableEncoder


def matrices(encoder: TableEncoder, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Columns by name (N,) or (N, width) → "numbers" float32 (N, F) and "codes" int32 (N, C), where there are any."""
    found = {}
    if encoder.numbers:
        scalars = [name for name in encoder.numbers if name not in encoder.widths]
        parts = [np.stack([inputs[name] for name in scalars], axis=1)] if scalars else []
        parts += [inputs[name] for name in encoder.numbers if name in encoder.widths]
        found["numbers"] = np.concatenate(parts, axis=1) if len(parts) > 1 else parts[0]
    if encoder.codes:
        found["codes"] = np.stack([inputs[name] for name in encoder.codes], axis=1)
    return found


def row_count(prepared) -> int:
    """How many rows train: of a table larger than memory, those on disk."""
    return len(prepared.train if prepared.state.stored is None else prepared.state.stored)


def targets(prepared, part) -> np.ndarray:
    """(N, 1, C) one-hot, or (N, 1, T) standardised numbers: with the rank of the predictions, so that Keras squeezes neither."""
    if prepared.encoder.labels:
        return one_hot(part.target, prepared.encoder)[:, None]
    return standardised(prepared, part.target)[:, None].astype(np.float32)


def one_hot(codes: np.ndarray, encoder: TableEncoder) -> np.ndarray:
    """(N, C) float32."""
    return np.eye(len(encoder.labels), dtype=np.float32)[codes]


def scaled(prepared, y: np.ndarray) -> np.ndarray:
    """Targets (N,) or (N, T) on the scale on which they are learned."""
    return np.log(np.maximum(y, 1e-30)) if prepared.state.log else y


def moments(prepared) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation (T,) of the training targets on the scale on which they are learned."""
    y = _columns(scaled(prepared, prepared.train.target))
    deviation = np.array([float(column.std()) or 1.0 for column in y.T])
    return np.array([float(column.mean()) for column in y.T]), deviation


def standardised(prepared, y: np.ndarray) -> np.ndarray:
    """(N, T): (y − mean) / deviation, on the scale on which the targets are learned."""
    mean, deviation = moments(prepared)
    return (_columns(scaled(prepared, y)) - mean) / deviation


def _columns(y: np.ndarray) -> np.ndarray:
    """(N, T) of (N,) or (N, T); N may be 0."""
    return y[:, None] if y.ndim == 1 else y
