"""What changed from one bundle to another: scores with a paired interval, rows whose answer flipped, recipe, data, size and latency."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from threadpoolctl import threadpool_limits

from applied_dl.core import bundle, config
from applied_dl.core.bundle import Manifest
from applied_dl.core.errors import RefusedError, UsageError
from applied_dl.core.metrics.intervals import paired_interval
from applied_dl.core.records import Part, Scores
from applied_dl.runtime.interpreter import Runtime
from applied_dl.tasks import load_task
from applied_dl.workflows import recipes
from applied_dl.workflows.preparation import reread

SHOWN_ROWS = 20
SPLIT = ("data.source", "data.train", "data.validation", "data.test", "data.split", "data.group", "data.order", "train.seed")
SEEN = (
    "{names}: fitted again on all rows once the scores were measured, so the file has seen the test rows. The scores are those measured "
    "before, and have no paired interval; name labelled rows that neither has seen with --data."
)
ROW_TEXT = 80  # characters of a text that names a row


class Side:
    """One of the two bundles: its manifest, task and encoder, and its outputs on the rows.

    Args:
        path: the bundle.
    """

    def __init__(self, path: Path):
        self.path, self.manifest = path, bundle.open_bundle(path)
        self.recipe = recipes.resolve(self.manifest.recipe, str(path))
        self.task = load_task(self.recipe.task)
        self.encoder = self.task.load_encoder(path)
        self.part: Part = Part(inputs={})
        self.outputs: dict[str, np.ndarray] = {}

    @property
    def has_seen_test(self) -> bool:
        """Whether the shipped file was fitted to the test rows too."""
        return bool(getattr(self.recipe.train, "refit", False))

    def run(self, data: Any) -> None:
        """Read the rows (the held-out ones of the bundle's own data for None) and run the chosen file on them."""
        read = reread(self.task, self.recipe, self.manifest, self.path).test if data is None else None
        self.part = read if read is not None else self.task.load_labeled(self.recipe, self.encoder, data)
        content = bundle.checked_bytes(self.path, self.manifest, self.manifest.variant(None).file)
        self.outputs = Runtime(content, padding=getattr(self.encoder, "padding", None)).run(self.part.inputs)
        light = {name: array if array.ndim <= 2 else array.reshape(len(array), -1)[:, :0] for name, array in self.part.inputs.items()}
        self.part = msgspec.structs.replace(self.part, inputs=light)  # no score reads the images, and copying them would be slow

    def score(self, rows: Any = slice(None)) -> Scores:
        """Metrics on some of the rows."""
        outputs = {name: array[rows] for name, array in self.outputs.items()}
        scores: Scores = self.task.score(self.recipe, outputs, self.part.take(rows), self.encoder, metrics_only=True)
        return scores


def diff(a: str | os.PathLike[str], b: str | os.PathLike[str], data: Any = None) -> dict[str, Any]:
    """Compare two bundles of one task on the same labelled rows; see `applied_dl.diff`."""
    sides = Side(Path(a)), Side(Path(b))
    tasks = [side.manifest.task for side in sides]
    if tasks[0] != tasks[1]:
        raise UsageError(f"{str(a)!r} is a bundle of the task {tasks[0]!r} and {str(b)!r} of {tasks[1]!r}; give two of the same task.")
    if data is None:
        _check_same_split(sides)
    for side in sides:
        side.run(os.fspath(data) if isinstance(data, os.PathLike) else data)
    _check_same_rows(sides)
    fitted = [str(side.path) for side in sides if data is None and side.has_seen_test]
    metrics, main = _recorded(sides) if fitted else _metrics(sides)
    flipped = _flipped(sides)
    result: dict[str, Any] = bundle.finite(
        {
            "a": str(a), "b": str(b), "task": tasks[0], "data": "test rows" if data is None else str(data), "rows": len(sides[0].part),
            "main": main, "metrics": metrics, "flipped": len(flipped), "worse": sum(row["worse"] for row in flipped),
            "flipped_rows": flipped[:SHOWN_ROWS], "recipe": _recipes(sides), "facts": _facts(sides), "files": _files(sides),
            "warnings": [SEEN.format(names=" and ".join(dict.fromkeys(fitted)))] if fitted else [],
        }
    )  # fmt: skip
    return result


def _check_same_split(sides: tuple[Side, Side]) -> None:
    first, second = (_flat(config.as_dict(side.recipe)) for side in sides)
    for key in SPLIT:
        if first.get(key) != second.get(key):
            names = [str(side.path) for side in sides]
            raise RefusedError(
                f"{names[0]!r} has {key} = {first.get(key)!r} and {names[1]!r} has {second.get(key)!r}, so the test rows of one may be "
                "training rows of the other; name labelled rows that neither has seen with --data."
            )


def _check_same_rows(sides: tuple[Side, Side]) -> None:
    first, second = (_truth(side) for side in sides)
    same = len(first) == len(second) and (
        np.array_equal(first, second) if first.dtype == object else np.allclose(first, second, equal_nan=True)
    )
    if not same:
        raise RefusedError(
            f"{str(sides[0].path)!r} and {str(sides[1].path)!r} do not read the same rows ({len(first):,} and {len(second):,}), or read "
            "other targets; name labelled rows that both can read and neither has seen with --data."
        )


def _truth(side: Side) -> np.ndarray:
    """The targets (N, …), class codes as names, because two bundles may number their classes differently."""
    target, labels = side.part.target, getattr(side.encoder, "labels", ())
    if target is None:
        return np.zeros(len(side.part))
    return np.array(labels, object)[target] if labels and target.ndim == 1 and target.dtype.kind in "iu" else target


def _metrics(sides: tuple[Side, Side]) -> tuple[dict[str, dict[str, Any]], str]:
    """Each metric that both have: its values, the change from a to b with a paired 95% interval, and whether b is better."""
    scores = sides[0].score()
    first, second = scores.metrics, sides[1].score().metrics
    shared = [name for name in first if name in second]
    unit = int(sides[0].part.extra.get("together", 1))  # type: ignore[call-overload]

    def change(rows: np.ndarray) -> np.ndarray:
        before, after = (side.score(rows).metrics for side in sides)
        return np.array([after[name] - before[name] for name in shared])

    with threadpool_limits(1):  # the matrices are so small that BLAS threads would mostly wait for each other
        intervals = paired_interval(change, np.array([second[name] - first[name] for name in shared]), len(sides[0].part), unit)
    found = {}
    for name, (low, high) in zip(shared, intervals):
        sign = 1 if scores.rises(name) else -1
        verdict = "same" if low <= 0 <= high else "better" if sign * low > 0 else "worse"
        one = {"a": first[name], "b": second[name], "change": second[name] - first[name]}
        found[name] = {**one, "interval": (low, high), "verdict": verdict}
    for name in ("coverage", "set_coverage", "lowest_set_coverage", "set_size", "false_alarms", *scores.neutral):  # more is not better
        if name in found:
            found[name]["verdict"] = ""
    return found, scores.main


def _recorded(sides: tuple[Side, Side]) -> tuple[dict[str, dict[str, Any]], str]:
    """As `_metrics`, what was measured on the test rows when the bundles were trained: no intervals and no verdict."""
    first, second = (side.manifest.metrics["test"] for side in sides)
    shared = [name for name in first if None not in (first[name], second.get(name))]
    found = {
        name: {"a": first[name], "b": second[name], "change": second[name] - first[name], "interval": (None, None), "verdict": ""}
        for name in shared
    }
    return found, sides[0].manifest.main


def _flipped(sides: tuple[Side, Side]) -> list[dict[str, Any]]:
    """The rows that the two answer differently, those where b loses most first.

    Of classes, where the most probable one differs; of numbers, where one lies outside the interval of the other.
    """
    first, second = sides
    if first.part.target is None:
        return []
    if "probabilities" in first.outputs and first.part.target.ndim == 1:
        rows = _flipped_classes(sides)
    elif "prediction" in first.outputs and first.part.target.ndim == 1:
        rows = _moved_numbers(sides)
    else:
        return []  # vectors, forecasts and several labels or targets have no single answer per row
    return sorted(rows, key=lambda row: -row["loss"])


def _flipped_classes(sides: tuple[Side, Side]) -> list[dict[str, Any]]:
    truth = _truth(sides[0])
    names, confidence = [], []
    for side in sides:
        p, labels = side.outputs["probabilities"], np.array(side.encoder.labels, object)
        best = side.outputs["decision"].astype(int) if "decision" in side.outputs else p.argmax(1)
        names.append(labels[best])
        confidence.append(p[np.arange(len(p)), np.array([list(labels).index(name) for name in truth])])
    return [
        {
            "row": _row_name(sides[0].part, i), "true": str(truth[i]), "a": str(names[0][i]), "b": str(names[1][i]),
            "loss": float(confidence[0][i] - confidence[1][i]), "worse": bool(names[0][i] == truth[i]),
        }
        for i in np.flatnonzero(names[0] != names[1])
    ]  # fmt: skip


def _moved_numbers(sides: tuple[Side, Side]) -> list[dict[str, Any]]:
    truth = np.asarray(sides[0].part.target, np.float64)
    names = ("prediction", "lower", "upper")
    (p, low, high), (q, under, over) = ([side.outputs[name].astype(np.float64) for name in names] for side in sides)
    moved = (p < under) | (p > over) | (q < low) | (q > high)
    more = np.abs(q - truth) - np.abs(p - truth)
    return [
        {
            "row": _row_name(sides[0].part, i), "true": float(truth[i]), "a": float(p[i]), "b": float(q[i]), "loss": float(more[i]),
            "worse": bool(more[i] > 0),
        }
        for i in np.flatnonzero(moved)
    ]  # fmt: skip


def _row_name(part: Part, row: int) -> str:
    """A row's file or text where the part keeps it, else its number."""
    for key in ("path", "text"):
        named = part.extra.get(key)
        if isinstance(named, np.ndarray) and len(named) == len(part):
            text = " ".join(str(named[row]).split())
            return text if len(text) <= ROW_TEXT else f"{text[: ROW_TEXT - 1]}…"
    return f"row {row + 1}"


def _recipes(sides: tuple[Side, Side]) -> dict[str, list[Any]]:
    """Keys of the recipes whose values differ."""
    first, second = (_flat(config.as_dict(side.recipe)) for side in sides)
    return {key: [first.get(key), second.get(key)] for key in {**first, **second} if first.get(key) != second.get(key)}


def _flat(recipe: dict[str, Any]) -> dict[str, Any]:
    sections = {name: keys for name, keys in recipe.items() if isinstance(keys, dict)}
    return {f"{name}.{key}": value for name, keys in sections.items() for key, value in keys.items()}


def _facts(sides: tuple[Side, Side]) -> dict[str, list[Any]]:
    """What the two bundles' data differ in: rows, columns, classes, and other facts that are short."""
    first, second = (_data_facts(side.manifest, side.encoder) for side in sides)
    return {key: [first.get(key), second.get(key)] for key in {**first, **second} if first.get(key) != second.get(key)}


def _data_facts(manifest: Manifest, encoder: Any) -> dict[str, Any]:
    short = {key: value for key, value in manifest.facts.items() if isinstance(value, str | int | float)}
    names = {"columns": list(manifest.facts.get("columns", {})), "classes": list(getattr(encoder, "labels", ()))}
    rows = {f"{part} rows": count for part, count in manifest.rows.items()}
    return {"fingerprint": manifest.fingerprint[:16], **rows, **names, **short}


def _files(sides: tuple[Side, Side]) -> dict[str, list[Any]]:
    """The chosen files, as they were measured when they were exported."""
    first, second = (side.manifest.variant(None) for side in sides)
    return {key: [getattr(first, key), getattr(second, key)] for key in ("variant", "bytes", "latency_ms", "memory_mb")}
