"""What the model card of a text model says that no other task's does. No TensorFlow."""

from __future__ import annotations

import numpy as np

from applied_dl.core.bundle import Manifest
from applied_dl.core.column_reports import ColumnReport, describe_labels, describe_numbers
from applied_dl.report.card import TaskCard
from applied_dl.report.wording import interval_text, percent, rounded, score_sentence

EXAMPLES = 5  # texts of the table of the largest errors


def describe_card(manifest: Manifest) -> TaskCard:
    """The texts of the card, from the manifest alone."""
    labels = bool(manifest.facts.get("labels"))
    result = '[{"label", "probability", "top"}]' if labels else '[{"vector"}]'
    return TaskCard(
        kind="A text classifier" if labels else "A sentence encoder",
        pipeline_tag="text-classification" if labels else "sentence-similarity",
        summary=score_sentence(manifest, "texts") if labels else _summary(manifest),
        example=f'predictor.predict(["a text"])  # {result}',
        error_plots=("confusion.png", "pairs.png", "similarity.png"),
        captions={
            "confusion.png": "Confusion matrix of the test texts: rows are true classes, columns are predicted ones",
            "pairs.png": "Cosine similarity of true test pairs and of random pairs",
            "similarity.png": "Cosine similarity of test pairs against their human rating",
            "neighbourhood.png": "Test texts in two dimensions: texts with similar vectors are near each other (t-SNE)",
        },
    )


def _summary(manifest: Manifest) -> str:
    test, intervals = manifest.metrics.get("test", {}), manifest.intervals.get("test", {})
    if test.get("spearman") is not None:
        interval = intervals.get("spearman")
        ends = f" (95% interval {interval_text(interval)})" if interval_text(interval) else ""
        return f"The rank correlation of its similarities with the human ratings is **{rounded(test['spearman'], interval)}**{ends}."
    if test.get("recall_at_k") is None:
        return score_sentence(manifest, "texts")
    interval = intervals.get("recall_at_k")
    among = f" {manifest.rows['test'] // 2:,}" if manifest.rows.get("test") else ""
    ten = f"; for {percent(test['recall_at_10'])} it is among the ten nearest" if test.get("recall_at_10") is not None else ""
    first = percent(test["recall_at_k"], interval)
    return f"For **{first}** of the held-out texts the right partner is the nearest of all{among} (`recall_at_k`, k = 1){ten}."


def worst_examples(outputs, part, encoder, facts: dict) -> list[dict]:
    """The misclassified test texts of which the model was most certain; none for pairs.

    Args:
        outputs: of the serving graph on the test texts, by name.
        part: the test texts; `extra["text"]` are the texts themselves.
        encoder: with the `labels` of a classifier.
        facts: of the manifest; not used.
    """
    truth = part.target
    if not encoder.labels or "probabilities" not in outputs or truth is None:
        return []
    if truth.ndim == 2:
        return _worst_lists(outputs["probabilities"], part, encoder.labels)
    best, certainty = outputs["probabilities"].argmax(1), outputs["probabilities"].max(1)
    wrong = np.flatnonzero(best != truth)
    rows = wrong[np.argsort(-certainty[wrong], kind="stable")[:EXAMPLES]]
    return [
        {
            "true": encoder.labels[int(truth[i])],
            "predicted": f"{encoder.labels[int(best[i])]} ({certainty[i]:.0%})",
            "text": str(part.extra["text"][i]),
        }
        for i in rows
    ]


def _worst_lists(probabilities: np.ndarray, part, labels: tuple[str, ...]) -> list[dict]:
    """The test texts with the most wrong labels (N, C) at the threshold 0.5."""
    predicted = probabilities >= 0.5
    wrong = (predicted != (part.target > 0)).sum(1)
    rows = [i for i in np.argsort(-wrong, kind="stable")[:EXAMPLES] if wrong[i]]

    def listed(row: np.ndarray) -> str:
        return ", ".join(labels[k] for k in np.flatnonzero(row)) or "none"

    return [{"true": listed(part.target[i] > 0), "predicted": listed(predicted[i]), "text": str(part.extra["text"][i])} for i in rows]


SHOWN_TEXTS, CUT = 3, 80  # examples of the training texts, and their characters


def describe_data(prepared) -> list[ColumnReport]:
    """The texts, their length, and the labels where there are any."""
    encoder, part = prepared.encoder, prepared.train
    texts = [str(text) for text in part.extra["text"]]
    ids = part.inputs[encoder.input]
    unit = "tokens" if encoder.tokenizer else "bytes"
    reports = [
        ColumnReport(
            name="text",
            kind="text",
            read_as=f"{len(texts):,} texts, read as {prepared.facts.get('kind', 'texts')}",
            examples=tuple(text[:CUT] for text in texts[:SHOWN_TEXTS]),
            note=f"{len(texts) - len(set(texts)):,} of the texts occur more than once" if len(set(texts)) < len(texts) else "",
            key="data.column",
        ),
        describe_numbers("length", (ids != encoder.padding).sum(1), kind=unit, note=f"cut after {encoder.length}", key="preprocess.length"),
    ]
    if encoder.labels and part.target is not None and part.target.ndim == 1:
        reports.append(describe_labels("label", part.target, encoder.labels, kind="target", key="data.target"))
    return reports
