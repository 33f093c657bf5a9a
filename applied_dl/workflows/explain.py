"""Explain answers of a bundle: how much each column, word, patch or step contributed. Runs the exported file; no TensorFlow."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from applied_dl.core.bundle import EXPLANATION, checked_bytes, open_bundle
from applied_dl.core.errors import UsageError
from applied_dl.predictor import Predictor, load
from applied_dl.runtime.answers import add_answers
from applied_dl.runtime.golden import golden_inputs
from applied_dl.runtime.interpreter import Runtime
from applied_dl.runtime.shapley import Contributions, Parts, added_up, shapley
from applied_dl.tasks import load_cells, load_explain

CHUNK = 128  # mixed inputs that are made at a time


def explain(
    bundle: str | os.PathLike[str] | Predictor,
    inputs: Any,
    *,
    label: str | None = None,
    out: str | os.PathLike[str] | None = None,
    sampled: bool = False,
) -> dict[str, Any]:
    """Contributions of the parts of each input; see `applied_dl.explain`."""
    predictor = bundle if isinstance(bundle, Predictor) else load(bundle)
    parts_of = load_explain(predictor.task)
    if not {"probabilities", "prediction", "forecast", "asked"} & set(predictor.runtime.outputs):
        raise UsageError(
            "explain is for labels, numbers, forecasts and recommendations; this model gives vectors, which have no single value to divide."
        )
    inputs = predictor.as_list(inputs)
    encoded, golden = predictor.encode(inputs), golden_inputs(predictor.folder, predictor.manifest)
    if "asked" in predictor.runtime.outputs and encoded.kept:  # without a question, the first recommendation is explained
        ask, best = encoded.inputs["ask"], predictor.run(encoded.inputs)["items"][:, :1]
        encoded.inputs["ask"] = np.where(ask > 0, ask, best).astype(ask.dtype)
    found: list[dict[str, Any]] = []
    mapped = None if sampled else _class_map(predictor)
    for row in range(len(next(iter(encoded.inputs.values()), ()))):
        if mapped is not None and (item := _from_map(predictor, mapped, encoded, row, label)) is not None:
            found.append(item)
            continue
        for series, parts in parts_of(predictor.encoder, inputs, encoded, row, golden):
            found += _explained(predictor, encoded, row, series, parts, label, sampled)
    for number, item in enumerate(found):
        if out is not None:
            item["plot"] = str(_draw(Path(out), number, item))
        item.pop("parts")
    errors = [{"input": place, "error": sentence} for place, sentence in sorted(encoded.errors.items())]
    return {"explanations": found + errors, "warnings": [*encoded.warnings, *_far(predictor, encoded)]}


def _far(predictor: Predictor, encoded: Any) -> list[str]:
    """What `predict` warns of: inputs unlike the training data."""
    if "distance" not in predictor.runtime.outputs or not encoded.kept:
        return []
    return add_answers([{} for _ in encoded.kept], {"distance": predictor.run(encoded.inputs)["distance"]}, ())


def _explained(
    predictor: Predictor, encoded: Any, row: int, series: str, parts: Parts, label: str | None, sampled: bool
) -> list[dict[str, Any]]:
    """One dict for each answer of a row: the predicted label, the number, each of several targets, or the mean of the forecast.

    Exact where a label's log-odds, the number or the forecast is a sum over the parts, unless `sampled`.
    """
    outputs = predictor.run({name: array[row : row + 1] for name, array in encoded.inputs.items()})
    names, pick = _answers(predictor.encoder, outputs, series, _channel(encoded, row, series), label)
    number = row if series and "forecast" in outputs else encoded.kept[row]

    def answer(present: np.ndarray, order: np.ndarray) -> dict[str, np.ndarray]:
        chunks = range(0, len(present), CHUNK)
        made = [predictor.run(parts.mixed(present[i : i + CHUNK], order[i : i + CHUNK])) for i in chunks]
        return {name: np.concatenate([one[name] for one in made]) for name in made[0]}

    if not sampled:
        odds = _log_odds(predictor.encoder, outputs, label)
        summed, of = odds or (names, pick)
        if (exact := added_up(lambda *which: of(answer(*which)), len(parts.names), parts.fillings)) is not None:
            return [_as_dict(number, name, "exact", parts, exact, place) for place, name in enumerate(summed)]
    made = shapley(lambda *which: pick(answer(*which)), len(parts.names))
    return [_as_dict(number, name, "sampled", parts, made, place) for place, name in enumerate(names)]


def _class_map(predictor: Predictor) -> Runtime | None:
    """The bundle's graph of contributions, where it has one."""
    if EXPLANATION not in predictor.manifest.files:
        return None
    open_bundle(predictor.folder, only={EXPLANATION})
    return Runtime(checked_bytes(predictor.folder, predictor.manifest, EXPLANATION))


def _from_map(predictor: Predictor, mapped: Runtime, encoded: Any, row: int, label: str | None) -> dict[str, Any] | None:
    """The contributions to the score of the predicted label or of `label`, by one run; None where the map is too coarse."""
    inputs = {name: array[row : row + 1] for name, array in encoded.inputs.items()}
    outputs = mapped.run(inputs)
    contributions, score = outputs["contributions"][0].astype(np.float64), outputs["score"][0].astype(np.float64)
    parts = load_cells(predictor.task)(encoded, row, contributions)
    if parts is None:
        return None
    names, chosen = _label(predictor.encoder, predictor.run(inputs), label)
    of_label = contributions[..., chosen].reshape(-1, 1)
    value = score[[chosen]]
    made = Contributions(of_label, value, value - of_label.sum(0))
    return _as_dict(encoded.kept[row], f"score of {names[chosen]}", "class map", parts, made, 0)


def _label(encoder: Any, outputs: dict[str, np.ndarray], label: str | None) -> tuple[list[str], int]:
    """All labels, and the number of the predicted one or of `label`."""
    labels = list(getattr(encoder, "labels", ()))
    if label is not None and label not in labels:
        raise UsageError(f"There is no label {label!r}; the model knows {', '.join(map(repr, labels[:10])) or 'none'}.")
    if label is not None or "probabilities" not in outputs:
        return labels, labels.index(label) if label is not None else 0
    return labels, int(outputs["decision"][0]) if "decision" in outputs else int(outputs["probabilities"][0].argmax())


def _channel(encoded: Any, row: int, series: str) -> int:
    """The place of a series in its window, where the task has series."""
    return next((channel for number, channel, name, *_ in encoded.extra.get("slots", ()) if (number, name) == (row, series)), 0)


def _answers(encoder: Any, outputs: dict[str, np.ndarray], series: str, channel: int, label: str | None):
    """The names of what is explained, and a function from outputs (M, …) to their values (M, K)."""
    labels, chosen = _label(encoder, outputs, label)
    if "probabilities" in outputs:
        return [f"probability of {labels[chosen]}"], lambda made: made["probabilities"][:, [chosen]]
    if "prediction" in outputs:
        targets = [target.name for target in getattr(encoder, "targets", ())] or ["prediction"]
        return targets, lambda made: made["prediction"].reshape(len(made["prediction"]), -1)
    if "asked" in outputs:
        return [f"score of {series}"], lambda made: made["asked"][:, [0]]
    return [f"mean forecast of {series}" if series else "mean forecast"], lambda made: made["forecast"][:, :, [channel]].mean(1)


def _log_odds(encoder: Any, outputs: dict[str, np.ndarray], label: str | None):
    """As `_answers`, the log-odds of the label against the (geometric mean of the) others, which a linear classifier adds up."""
    if "probabilities" not in outputs:
        return None
    labels, chosen = _label(encoder, outputs, label)
    several = bool(getattr(encoder, "multi_label", False))

    def odds(made: dict[str, np.ndarray]) -> np.ndarray:
        p = made["probabilities"].astype(np.float64)
        with np.errstate(divide="ignore"):  # a probability of 0 has none: then the sampled way is taken
            against = np.log(1 - p[:, chosen]) if several else np.log(np.delete(p, chosen, axis=1)).mean(1)
            return (np.log(p[:, chosen]) - against)[:, None]

    return [f"log-odds of {labels[chosen]}"], odds


def _as_dict(number: int, name: str, method: str, parts: Parts, made: Contributions, place: int) -> dict[str, Any]:
    contributions = made.contributions[:, place]
    order = np.argsort(-np.abs(contributions), kind="stable")
    listed = [
        {parts.kind: parts.names[i], **({"value": parts.values[i]} if parts.values else {}), "contribution": float(contributions[i])}
        for i in order
    ]
    return {
        "input": number, "answer": name, "value": float(made.value[place]), "base": float(made.base[place]), "absent": parts.absent,
        "method": method,
        "contributions": listed, "parts": (parts, contributions),
    }  # fmt: skip


def _draw(folder: Path, number: int, item: dict[str, Any]) -> Path:
    from applied_dl.report.explanation import draw

    folder.mkdir(parents=True, exist_ok=True)
    parts, contributions = item["parts"]
    return draw(folder / f"explanation_{number + 1}", parts, contributions, item["answer"], item["value"], item["base"])
