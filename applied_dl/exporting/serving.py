"""What a task passes to export: the serving graph, with named inputs and outputs."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import keras
import numpy as np


class Serving(NamedTuple):
    """The serving graph and what the exported files say about it.

    Args:
        model: raw inputs by name, (B, …) each, to outputs by name; saved as `model.keras`.
        call: replaces `model` in the exported files where it is given; it must compute the same outputs (recurrent layers as loops).
        endpoints: further SavedModel signatures, name → (function, input signature). They are never converted to TFLite.
        samples: for an endpoint, a function Part → (row numbers, inputs by name), to measure how far it agrees with the model.
        labels: class names, for the TFLite metadata.
        normalisation: (mean, std) of an image input, for the TFLite metadata.
        files: further files by name, packed behind the TFLite model.
        validation: outputs on the validation rows by name, where the graph itself was fitted to these rows: of cross-validation.
        scored: the graph whose scores are reported, where `model` was fitted again on all rows afterwards.
        explain: the same inputs to `contributions` (B, h, w, K) and `score` (B, K), a file and a signature of its own.
        unseen: parts that `model` never saw even so; on them its own scores are reported.
    """

    model: keras.Model
    call: Callable[[dict], dict] | None = None
    endpoints: dict[str, tuple[Callable, list]] = {}
    samples: dict[str, Callable] = {}
    labels: tuple[str, ...] = ()
    normalisation: tuple[tuple[float, ...], tuple[float, ...]] | None = None
    files: dict[str, bytes] = {}
    validation: dict[str, np.ndarray] | None = None
    scored: keras.Model | None = None
    explain: keras.Model | None = None
    unseen: tuple[str, ...] = ()
