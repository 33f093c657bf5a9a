"""What a run says on the way: one line a fact, on stderr."""

from __future__ import annotations

from pathlib import Path

from applied_dl.core import console
from applied_dl.core.bundle import ExportedFile, Manifest
from applied_dl.core.records import Scores


def tell_baselines(found: dict[str, Scores]) -> None:
    """Each honest rival with its score."""
    for name, scores in found.items():
        console.say("baseline", f"{name:<28} {scores.main} {with_interval(scores)}")


def tell_data(prepared) -> None:
    """What was read, how it is cut, and what to know about it."""
    train = prepared.facts.get("windows", len(prepared.train))
    rows = f"{train:,} train, {len(prepared.validation):,} validation, {len(prepared.test):,} test"
    console.say("data", prepared.facts.get("summary", "") + f"  ({rows})")
    for warning in prepared.warnings:
        console.warn(warning)


def tell_scores(scores: Scores, baselines: dict[str, Scores]) -> None:
    """The test score beside the others, and a warning for each rival that is better."""
    console.say(
        "test",
        f"{scores.main} {with_interval(scores)}   " + "  ".join(f"{k} {v:.4g}" for k, v in scores.metrics.items() if k != scores.main),
    )
    for name, rival in baselines.items():
        if scores.drop_against(rival) > 0:
            console.warn(f"the baseline {name!r} scores {rival.main} {rival.value:.4g}, better than the model's {scores.value:.4g}")


def tell_export(item: ExportedFile, main: str) -> None:
    """One exported file: its own metric, its loss, size and speed, or why it was refused."""
    if item.refused:
        console.say("export", f"{item.format} {item.variant:<8} refused: {item.refused}")
        return
    size = f"{item.bytes / 1000:,.1f} kB" if item.bytes else ""
    speed = f"{item.latency_ms:.2f} ms" if item.latency_ms is not None else ""
    mark = "  ← model.tflite" if item.chosen else ""
    console.say(
        "export", f"{item.format} {item.variant:<8} {main} {item.metric:.4f}  loss {item.metric_drop:+.4f}  {size:>12}  {speed}{mark}"
    )


def tell_end(target: Path, manifest: Manifest) -> None:
    """Where everything is."""
    console.say("wrote", f"{target}/   README.md · {'model.tflite · ' if manifest.chosen else ''}plots/   in {manifest.seconds:.0f} s")


def with_interval(scores: Scores) -> str:
    """A score with its 95 % interval."""
    low, high = scores.intervals.get(scores.main, (float("nan"),) * 2)
    return f"{scores.value:.4f}" + (f" [{low:.4f}, {high:.4f}]" if low == low else "")


def refusals(exports: list[ExportedFile]) -> str:
    """Why no file was chosen: each reason once."""
    reasons: dict[str, list[str]] = {}
    for item in exports:
        if item.refused:
            reasons.setdefault(item.refused, []).append(item.variant)
    return "; ".join(f"{', '.join(variants)}: {reason}" for reason, variants in reasons.items()) or "no variant was asked for"
