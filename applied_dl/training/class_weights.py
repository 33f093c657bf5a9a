"""Weights that make rare classes count, for imbalanced labels (fraud, defects, disease)."""

from __future__ import annotations

import numpy as np

from applied_dl.core.errors import UsageError, nearest


def class_weights(codes: np.ndarray, labels: list[str] | tuple[str, ...], setting: str | dict[str, float] | None) -> np.ndarray | None:
    """A weight per row (N,) with mean 1, or None where `train.class_weights` is not set.

    Args:
        codes: (N,) int class codes.
        labels: the classes by code.
        setting: "balanced" weighs each class by N / (C · rows of the class), as scikit-learn does; a dict gives each named class its
            weight and the others 1.

    Raises:
        UsageError: The setting names a class that does not exist.
    """
    if not setting:
        return None
    if setting == "balanced":
        counts = np.bincount(codes, minlength=len(labels)).astype(np.float64)
        per_class = len(codes) / (len(labels) * np.maximum(counts, 1))
    elif isinstance(setting, dict):
        for name in setting:
            if name not in labels:
                raise UsageError(f"train.class_weights names the class {name!r}.{nearest(name, labels)}")
        per_class = np.array([setting.get(label, 1.0) for label in labels])
    else:
        raise UsageError(f'train.class_weights must be "balanced" or a table of weights, received {setting!r}.')
    weights = per_class[codes]
    return (weights / weights.mean()).astype(np.float32)
