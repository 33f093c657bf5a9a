"""Users or their items in, the best items out: the part of the task that needs no TensorFlow."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from applied_dl.core.errors import UsageError
from applied_dl.core.plurals import numbered
from applied_dl.runtime.interpreter import Encoded
from applied_dl.tasks.recommend.encoder import RecommendEncoder, id_text, load
from applied_dl.tasks.recommend.inputs import Question, question_of, rows_of_table

load_encoder = load
AT_ONCE = None
INPUT = "row"
TOP = 10
SHOWN = 5  # unknown items that a warning names


def expand_inputs(arguments: list[str]) -> Any:
    """Tables with a row for each user, JSON objects, or ids of users, from command-line arguments."""
    from applied_dl.io.tables import read_table

    found: list[Any] = []
    for text in arguments:
        if text.lstrip()[:1] in ("{", "["):
            try:
                one = json.loads(text)
            except json.JSONDecodeError as error:
                raise UsageError(f"{text[:60]!r} is not valid JSON: {error}.") from error
            found += one if isinstance(one, list) else [one]
        elif len(text) < 1024 and os.path.isfile(text):
            table = read_table(text, header="guess")
            if len(arguments) == 1:
                return table
            found += rows_of_table(table.frame)
        else:
            found.append(text)
    return found


def input_batches(arguments: list[str]) -> Iterator[Any]:
    """The same inputs; the rows of a large file in batches."""
    from applied_dl.io.batches import can_batch, table_batches

    for text in arguments:
        if text.lstrip()[:1] not in ("{", "[") and len(text) < 1024 and can_batch(Path(text)):
            yield from table_batches(Path(text))
        else:
            yield expand_inputs([text])


def raw_inputs(encoder: RecommendEncoder) -> list[tuple[str, str]]:
    """A user's id, or their items with "|" between them."""
    return [("user", "BYTES"), ("items", "BYTES")]


def examples(encoder: RecommendEncoder) -> list[Any]:
    """A user, somebody with two items, somebody with an item that is not known, an item whose like are wanted."""
    first, second = (encoder.items * 2)[:2]
    return [encoder.users[0], {"items": [first, second]}, {"items": [second, "ünknown item 🙂"]}, {"similar": first}]


def encode(encoder: RecommendEncoder, inputs: Any) -> Encoded:
    """Ids of users, dicts with `user`, `items`, `values`, `item` or `similar`, or a table of these columns → the inputs of the graph."""
    rows = rows_of_table(inputs, encoder) if hasattr(inputs, "columns") else list(inputs)
    asked: list[Question] = []
    kept, errors, unknown = [], {}, []
    for place, row in enumerate(rows):
        one = question_of(encoder, row)
        if one.error:
            errors[place] = one.error
            continue
        kept.append(place)
        asked.append(one)
        unknown += one.unknown
    width = max((len(one.items) for one in asked), default=0) or 1
    arrays = {
        "user": np.array([one.user for one in asked], np.int32), "items": np.zeros((len(asked), width), np.int32),
        "values": np.zeros((len(asked), width), np.float32), "ask": np.array([[one.ask] for one in asked], np.int32).reshape(-1, 1),
    }  # fmt: skip
    for i, one in enumerate(asked):
        arrays["items"][i, : len(one.items)] = one.items
        arrays["values"][i, : len(one.items)] = one.values
    warnings = []
    if unknown:
        named = ", ".join(map(repr, list(dict.fromkeys(unknown))[:SHOWN]))
        warnings = [
            f"{numbered(len(unknown), 'item is', 'items are')} not among the {len(encoder.items):,} of the training and not used ({named})"
        ]
    return Encoded(inputs=arrays if asked else {}, kept=kept, errors=errors, warnings=warnings, extra={"asked": asked})


def postprocess(encoder: RecommendEncoder, outputs: dict, encoded: Encoded, *, top: int = TOP) -> list[dict]:
    """`{"user", "items": [{"item", "score"}]}` each; `{"user", "item", "score"}` where an item was asked about."""
    if top < 1:
        raise UsageError(f"top must be at least 1, received {top}.")
    given = outputs["items"].shape[1]
    limited = not all(one.similar and "vectors" in encoder.arrays for one in encoded.extra["asked"])  # type: ignore[attr-defined]
    if limited and given < min(top, len(encoder.items) - 1):
        raise UsageError(f"top is at most {given}, the number of items that the file gives; received {top}.")
    found: list[dict] = []
    for one, best, scores, asked in zip(encoded.extra["asked"], outputs["items"], outputs["scores"], outputs["asked"]):  # type: ignore[call-overload]
        if one.ask:
            found.append({"user": one.name, "item": encoder.items[one.ask - 1], "score": float(asked[0])})
            continue
        if one.similar and "vectors" in encoder.arrays:
            best, scores = _nearest(encoder, one.items[0], top)
        listed = [
            {"item": encoder.items[item - 1], "score": float(score)} for item, score in zip(best[:top].tolist(), scores[:top]) if item > 0
        ]
        found.append({"similar": encoder.items[one.items[0] - 1], "items": listed} if one.similar else {"user": one.name, "items": listed})
    return found


def _nearest(encoder: RecommendEncoder, item: int, top: int) -> tuple[np.ndarray, np.ndarray]:
    """The items whose vectors have the largest cosine with an item's, and the cosines."""
    vectors = np.asarray(encoder.arrays["vectors"], np.float32)
    lengths = np.linalg.norm(vectors, axis=1)
    cosine = vectors @ vectors[item] / np.maximum(lengths * lengths[item], 1e-12)
    cosine[[0, item]] = -np.inf
    cosine[lengths == 0] = -np.inf
    best = np.argsort(-cosine, kind="stable")[:top]
    best = best[np.isfinite(cosine[best])]
    return best, cosine[best]


__all__ = [
    "AT_ONCE", "INPUT", "encode", "examples", "expand_inputs", "id_text", "input_batches", "load_encoder", "postprocess", "raw_inputs",
]  # fmt: skip
