"""What a prediction says beside the answer: the set of labels, the distance from the training data, and a warning where it is large."""

from __future__ import annotations

from typing import Any

import numpy as np

UNLIKE = "unlike the training data"


def add_answers(predictions: list[dict[str, Any]], outputs: dict[str, np.ndarray], labels: tuple[str, ...]) -> list[str]:
    """Add `"set"`, `"distance"` and `"warning"` to predictions, from the graph's outputs `set` (N, C) and `distance` (N, 1).

    A graph without these outputs, as those of earlier versions, adds nothing; a key that a prediction has already is kept.

    Args:
        predictions: one per row, changed in place.
        outputs: of the graph, by name.
        labels: the names of the C classes.

    Returns:
        A warning where rows are unlike the training data.
    """
    if "set" in outputs:
        order = np.argsort(-outputs["probabilities"], axis=1, kind="stable")
        for prediction, inside, ranked in zip(predictions, outputs["set"] > 0.5, order):
            prediction.setdefault("set", [labels[i] for i in ranked if inside[i]])
    if "distance" not in outputs:
        return []
    distances = outputs["distance"].reshape(-1).tolist()
    for prediction, distance in zip(predictions, distances):
        prediction.setdefault("distance", distance)
        if distance > 1:
            prediction.setdefault("warning", f"{UNLIKE}: {distance:.3g} times the usual distance")
    far = sum(distance > 1 for distance in distances)
    return [f"{far} of {len(distances)} inputs are {UNLIKE} (their distance is above 1): their predictions may be wrong"] if far else []
