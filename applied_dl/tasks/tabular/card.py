"""What the model card of a table model says that no other task's does. No TensorFlow."""

from __future__ import annotations

import numpy as np

from applied_dl.core.bundle import Manifest
from applied_dl.core.column_reports import ColumnReport, describe_labels, describe_numbers
from applied_dl.report.card import TaskCard
from applied_dl.report.wording import score_sentence
from applied_dl.tasks.tabular.columns import ABSENT, FIRST, TableEncoder

EXAMPLES, COLUMNS = 5, 4  # rows and feature columns of the table of the largest errors


def describe_card(manifest: Manifest) -> TaskCard:
    """The texts of the card, from the manifest alone."""
    classes = "accuracy" in manifest.metrics.get("test", {})
    target = " ".join(str(manifest.facts.get("target", "the target")).split())
    columns = ", ".join(f"{name!r}: …" for name in list(manifest.facts.get("columns", {}))[:2]) or "'column': …"
    several = manifest.main == "r2"
    result = '[{"label", "probability", "top"}]' if classes else '[{"prediction", "lower", "upper"}]'
    result = '[{target: {"prediction", "lower", "upper"}, …}]' if several else result
    return TaskCard(
        kind=f"A {'classifier' if classes else 'regression model'} of `{target}` from the columns of a table",
        pipeline_tag="tabular-classification" if classes else "tabular-regression",
        summary=score_sentence(manifest, "rows", f"`{target}`"),
        example=f"predictor.predict([{{{columns}, …}}])  # {result}",
        error_plots=("residuals.png", "confusion.png"),
        captions={
            "residuals.png": f"Predicted against true {target} on the test rows, and the distribution of the errors",
            "confusion.png": "Confusion matrix of the test rows: rows are true classes, columns are predicted ones",
            "reliability.png": "Predicted probability against the share of correct predictions on the test rows",
            "importance.png": "Permutation importance of the columns",
        },
    )


def worst_examples(outputs, part, encoder: TableEncoder, facts: dict) -> list[dict]:
    """The test rows with the largest errors: their most important columns, the true and the predicted value.

    Args:
        outputs: of the serving graph on the test rows, by name.
        part: the test rows.
        encoder: of the columns.
        facts: of the manifest; `importance` orders the columns.
    """
    truth = part.target
    if truth is None or truth.ndim != 1 or not len(truth):
        return []
    if encoder.labels:
        probabilities = outputs["probabilities"]
        error = 1 - probabilities[np.arange(len(truth)), truth]
        wrong = probabilities.argmax(1) != truth
        rows = [i for i in np.argsort(-error, kind="stable")[:EXAMPLES] if wrong[i]]
    else:
        rows = np.argsort(-np.abs(outputs["prediction"] - truth), kind="stable")[:EXAMPLES]
    important = list(facts.get("importance", {})) or [column.name for column in encoder.columns]
    readable = [c for c in encoder.columns if all(part.inputs[name].ndim == 1 for name in c.inputs)]  # texts are known as terms alone
    shown = [c for c in readable if c.name in important and c.name not in ("true", "predicted")]
    columns = sorted(shown, key=lambda c: important.index(c.name))[:COLUMNS]
    return [{**_result(outputs, truth, encoder, i), **{c.name: _cell(c, part.inputs, i) for c in columns}} for i in rows]


def _result(outputs, truth, encoder: TableEncoder, row: int) -> dict:
    if encoder.labels:
        best = int(outputs["probabilities"][row].argmax())
        share = float(outputs["probabilities"][row, best])
        return {"true": encoder.labels[int(truth[row])], "predicted": f"{encoder.labels[best]} ({share:.0%})"}
    return {"true": float(truth[row]), "predicted": float(outputs["prediction"][row])}


def _cell(column, inputs: dict[str, np.ndarray], row: int) -> float | str:
    """A cell as the model read it."""
    values = {name: inputs[name][row] for name in column.inputs if name in inputs}
    if column.kind == "category" and values:
        code = int(next(iter(values.values()))) - FIRST
        return column.levels[code] if 0 <= code < len(column.levels) else "—"
    numbers = [float(value) for value in values.values() if np.isscalar(value) or np.ndim(value) == 0]
    if len(numbers) == 1:
        return numbers[0]
    return ", ".join(f"{part} {value:g}" for part, value in zip(column.parts, numbers)) or "—"


KEYS = {
    "number": "data.categorical",
    "measures": "data.categorical",
    "boolean": "data.categorical",
    "category": "data.numeric",
    "moment": "data.categorical",
}


def describe_data(prepared) -> list[ColumnReport]:
    """Every column of the table: the targets, the features and what was dropped. Of a column with several inputs the first is described."""
    encoder, part = prepared.encoder, prepared.train
    reports = []
    for target, values in zip(encoder.targets, np.reshape(part.target, (len(part), -1)).T):
        if target.labels:
            reports.append(describe_labels(target.name, values, target.labels, kind="target", key="data.target"))
        else:
            reports.append(describe_numbers(target.name, values, kind="target", key="data.target", read_as=_format(target.format)))
    for column in encoder.columns:
        values, key = part.inputs[column.inputs[0]], KEYS.get(column.kind, "data.ignore")
        if column.kind == "category":
            name = f"{column.name} (its unit)" if column.of_unit else column.name
            reports.append(describe_labels(name, values, column.levels, first=FIRST, absent=ABSENT, key=key))
        elif column.kind == "tags":
            read_as = f"lists of {len(column.levels)} values, separated by {column.separator!r}"
            reports.append(ColumnReport(name=column.name, kind="tags", read_as=read_as, examples=column.levels[:COLUMNS], key=key))
        elif column.kind == "text":
            reports.append(ColumnReport(name=column.name, kind="text", read_as="texts, scored by their terms", key=key))
        elif column.kind == "measures":
            read_as = f"{column.separator.count('#')} numbers, {column.separator}"
            for name, place in zip(column.inputs, column.parts):
                values = part.inputs[name]
                reports.append(describe_numbers(f"{column.name} ({place})", values, kind="number", read_as=read_as, key=key))
        else:
            read_as = f"date as {', '.join(column.parts)}" if column.kind == "moment" else _format(column.format)
            reports.append(describe_numbers(column.name, values, kind=column.kind, read_as=read_as, key=key))
    return reports + [ColumnReport(name=name, kind="dropped", note=why, key="data.numeric") for name, why in encoder.dropped.items()]


def _format(form) -> str:
    """What is special in the cells of a column of numbers: units, and marks and numbers that count as empty."""
    empty = [*map(repr, form.missing), *(f"{value:g}" for value in form.sentinels)]
    parts = [f"in {', '.join(filter(None, form.units))}" if any(form.units) else "", f"{', '.join(empty)} count as empty" if empty else ""]
    return "; ".join(part for part in parts if part)
