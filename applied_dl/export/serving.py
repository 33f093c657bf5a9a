"""What a task hands to export: the graph people get, by named inputs and outputs."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import keras


class Serving(NamedTuple):
    """`model` takes a dict of raw inputs (dynamic batch) and gives a dict of named answers; it is saved as `model.keras`.

    `call`, where given, replaces the model in the exported files and must give the same answers (recurrent layers as loops).
    `endpoints` are further SavedModel signatures: name → (function, input signature); they never go into TFLite.
    `samples` maps an endpoint to a function Part → (row numbers, inputs by name), by which its agreement with the model is measured.
    `labels` and `normalisation` (mean, std of an image input) go into standard TFLite metadata.
    """

    model: keras.Model
    call: Callable[[dict], dict] | None = None
    endpoints: dict[str, tuple[Callable, list]] = {}
    samples: dict[str, Callable] = {}
    labels: tuple[str, ...] = ()
    normalisation: tuple[tuple[float, ...], tuple[float, ...]] | None = None
    files: dict[str, bytes] = {}
