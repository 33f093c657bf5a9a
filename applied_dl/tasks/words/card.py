"""What the model card of word vectors says that no other task's does. No TensorFlow."""

from __future__ import annotations

from applied_dl.core.bundle import Manifest
from applied_dl.core.column_reports import ColumnReport
from applied_dl.report.card import TaskCard
from applied_dl.report.wording import interval_text, percent, percent_interval, rounded


def describe_card(manifest: Manifest) -> TaskCard:
    """The texts of the card, from the manifest alone."""
    return TaskCard(
        kind="Word vectors",
        pipeline_tag="feature-extraction",
        summary=_summary(manifest),
        example='predictor.predict(["king"], nearest=5)  # [{"vector", "nearest"}]',
        captions={"neighbourhood.png": "Common words and their nearest neighbours in two dimensions (t-SNE)"},
    )


def _summary(manifest: Manifest) -> str:
    test, intervals = manifest.metrics.get("test", {}), manifest.intervals.get("test", {})
    parts = []
    for name, sentence in (
        ("spearman", "the rank correlation with human similarity ratings is **{}**{}"),
        ("auc", "in **{}** of held-out cases a word is nearer to the word beside it than to another word's neighbour (50% by chance{})"),
        ("analogy", "**{}** of the analogies are answered correctly{}"),
    ):
        if test.get(name) is None:
            continue
        interval = intervals.get(name)
        value = rounded(test[name], interval) if name == "spearman" else percent(test[name], interval)
        ends = interval_text(interval) if name == "spearman" else percent_interval(interval)
        parts.append(sentence.format(value, f", 95% interval {ends}" if ends else ""))
    text = "; ".join(parts)
    return f"{text[0].upper()}{text[1:]}." if text else ""


def worst_examples(outputs, part, encoder, facts: dict) -> list[dict]:
    """None: a single pair of words says little."""
    return []


COMMONEST = 5  # words


def describe_data(prepared) -> list[ColumnReport]:
    """The text and its vocabulary."""
    facts, words = prepared.facts, prepared.encoder.words
    covered = f"{len(words):,} different words at least {facts['min_count']} times, {facts['covered']:.1%} of the text"
    return [
        ColumnReport(name="text", kind="text", read_as=f"{facts['words']:,} words", key="data.column"),
        ColumnReport(name="vocabulary", kind="words", read_as=covered, examples=tuple(words[:COMMONEST]), key="preprocess.min_count"),
    ]
