"""Progress of a training, one line per fact, on stderr; and scores and reasons as text."""

from __future__ import annotations

from pathlib import Path

from applied_dl.core import console
from applied_dl.core.bundle import ExportedFile, Manifest
from applied_dl.core.records import Scores
from applied_dl.report.metric_words import legend


def log_baselines(baselines: dict[str, Scores]) -> None:
    """Every baseline with its score."""
    for name, scores in baselines.items():
        console.say("baseline", f"{name:<28} {scores.main} {format_score(scores)}")


IMPORTANT = "IMPORTANT"  # begins the warnings that come before everything else, in the output and in the card


def important_first(warnings: list[str]) -> list[str]:
    """The warnings in their order, those that begin with `IMPORTANT` first."""
    return sorted(warnings, key=lambda text: not text.startswith(IMPORTANT))


def log_data(prepared) -> None:
    """What was read, the sizes of the three parts, and the warnings; the important ones first of all."""
    important = [text for text in prepared.warnings if text.startswith(IMPORTANT)]
    for warning in important:
        console.warn(warning)
    console.say("data", prepared.facts.get("summary", "") + f"  ({format_rows(prepared.rows)})")
    for warning in prepared.warnings:
        if warning not in important:
            console.warn(warning)


def log_scores(scores: Scores, baselines: dict[str, Scores], task: str) -> None:
    """The metrics on the test rows, what their names mean, and a warning for each baseline that scores better."""
    others = "  ".join(f"{k} {v:.4g}" for k, v in scores.metrics.items() if k != scores.main)
    console.say("test", f"{scores.main} {format_score(scores)}   {others}")
    for line in legend(scores.metrics, task):
        console.say("", line)
    for name, baseline in baselines.items():
        if scores.drop_against(baseline) > 0:
            low, high = scores.intervals.get(scores.main, (float("nan"),) * 2)
            how = "as good as" if low <= baseline.value <= high else "better than"
            more = ", within the uncertainty of the test rows" if how == "as good as" else ""
            console.warn(f"the baseline {name!r} has {baseline.main} {baseline.value:.4g}, {how} the model's {scores.value:.4g}{more}")


def log_export(item: ExportedFile, main: str) -> None:
    """One exported file: its metric, the drop against Keras, size and latency, or why it was refused."""
    if item.refused:
        console.say("export", f"{item.format} {item.variant:<8} refused: {item.refused}")
        return
    size = f"{item.bytes / 1000:,.1f} kB" if item.bytes else ""
    speed = f"{item.latency_ms:.2f} ms" if item.latency_ms is not None else ""
    mark = "  ← model.tflite" if item.chosen else ""
    console.say(
        "export", f"{item.format} {item.variant:<8} {main} {item.metric:.4f}  drop {item.metric_drop:+z.4f}  {size:>12}  {speed}{mark}"
    )


def log_end(target: Path, manifest: Manifest) -> None:
    """Where the bundle is."""
    console.say("wrote", f"{target}/   report.html · {'model.tflite · ' if manifest.chosen else ''}README.md   in {manifest.seconds:.0f} s")


def format_rows(rows: dict[str, int]) -> str:
    """How many rows each part has."""
    return ", ".join(f"{count:,} {part}" for part, count in rows.items())


def format_score(scores: Scores) -> str:
    """A score with its 95% interval."""
    low, high = scores.intervals.get(scores.main, (float("nan"),) * 2)
    return f"{scores.value:.4f}" + (f" [{low:.4f}, {high:.4f}]" if low == low else "")


def format_refusals(exports: list[ExportedFile]) -> str:
    """Why no file was chosen, each reason once."""
    reasons: dict[str, list[str]] = {}
    for item in exports:
        if item.refused:
            reasons.setdefault(item.refused, []).append(item.variant)
    return "; ".join(f"{', '.join(variants)}: {reason}" for reason, variants in reasons.items()) or "the recipe names no variant"
