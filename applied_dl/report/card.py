"""The model card: a bundle's `README.md` with Hugging Face front matter. It answers first what the model's owner asks.

Is it good, what does it get wrong, which file is to be shipped and how, what comes next; then, folded away, everything that was measured.
"""

from __future__ import annotations

import json
import shlex
from pathlib import Path

from msgspec import Struct, field

from applied_dl.core import console
from applied_dl.core.bundle import Manifest
from applied_dl.report import details
from applied_dl.report.details import plain
from applied_dl.report.html import write_page
from applied_dl.report.progress_lines import IMPORTANT
from applied_dl.report.usage import mobile_usage, server_usage
from applied_dl.report.wording import answers_sentence, drop_text, interval_text, milliseconds, percent, rounded, size

WORST_SLICES = 5
SHOWN_WARNINGS = 6
CELL = 60  # characters of a cell of the examples
FEW_ROWS = 300  # test rows, below which the card recommends more of them


class TaskCard(Struct, frozen=True, kw_only=True):
    """What a task contributes to the card of one of its models.

    Args:
        kind: what the model is: "An image classifier with 10 classes".
        pipeline_tag: Hugging Face's name of the task.
        summary: one sentence about the test score, in words.
        example: a line of Python that predicts, with the shape of its result as a comment.
        error_plots: files in `plots/` that show what the model gets wrong, the most useful one first.
        captions: alternative text by file name in `plots/`.
        origin: one sentence about pretrained weights that the training began with, and their licence.
        page: whether `applied-dl page` writes a page of such a model.
        remedy: what to try where the model is worst.
    """

    kind: str
    pipeline_tag: str
    summary: str
    example: str
    error_plots: tuple[str, ...] = ()
    captions: dict[str, str] = field(default_factory=dict)
    origin: str = ""
    page: bool = True
    remedy: str = "more training data of this kind is the first thing to try"


def write_card(folder: Path, manifest: Manifest, tensors: dict[str, list[dict]], about: TaskCard) -> None:
    """Write `README.md` into a bundle's folder, and the same as a page, `report.html`.

    Args:
        folder: of the bundle; its plots are in `plots/`.
        manifest: what was measured.
        tensors: names, dtypes and shapes of the serving graph, from `export.describe`.
        about: what the task contributes.
    """
    card = manifest.recipe["card"]
    _draw_comparison(folder, manifest)
    parts = [
        _front_matter(manifest, card, about),
        f"# {plain(card['title'] or manifest.name)}",
        _important(manifest),
        f"{about.kind}, trained by applied_dl on {plain(manifest.facts.get('summary') or manifest.recipe['data']['source'])}."
        + (f" {about.origin}" if about.origin else ""),
        card["description"],
        _quality(folder, manifest, about),
        _mistakes(folder, manifest, about),
        _shipping(manifest, about),
        _next_steps(manifest, about),
        _limits(manifest, card),
        "## Details",
        _fold("All scores", details.all_scores(manifest)),
        _fold("Models within the budget", _table(budget["tried"]) if (budget := manifest.facts.get("budget")) else ""),
        _fold("Verification of the files", details.verification(manifest)),
        _fold("Latency and memory", details.costs(manifest)),
        _fold("Inputs and outputs", details.tensor_table(tensors, manifest.facts.get("inputs", {}))),
        _fold("Android and iOS", mobile_usage(tensors) if manifest.chosen else ""),
        _fold("TF Serving", server_usage(manifest, tensors)),
        _fold("Plots", details.plots(folder, about.captions)),
        _fold("Data and training", details.training(manifest)),
        _not_stated(card),
    ]
    (folder / "README.md").write_text("\n\n".join(part for part in parts if part) + "\n", encoding="utf-8")
    write_page(folder)


def _front_matter(manifest: Manifest, card: dict, about: TaskCard) -> str:
    test = {name: value for name, value in manifest.metrics.get("test", {}).items() if value is not None}
    tag = about.pipeline_tag
    lines = ["---", "library_name: applied_dl", f"pipeline_tag: {tag}", "tags:", "- keras", "- tflite", "- litert"]
    if card["license"]:
        lines.append(f"license: {card['license']}")
    lines += [
        "model-index:",
        f"- name: {json.dumps(manifest.name)}",
        "  results:",
        "  - task:",
        f"      type: {tag}",
        "    dataset:",
        f"      name: {json.dumps(str(manifest.recipe['data']['source']))}",
        f"      type: {manifest.task}",
        "    metrics:",
    ]
    for name, value in test.items():
        lines += [f"    - type: {name}", f"      value: {value:.6g}"]
    return "\n".join([*lines, "---"])


def _important(manifest: Manifest) -> str:
    return "\n\n".join(f"> **{plain(text)}**" for text in manifest.warnings if text.startswith(IMPORTANT))


def _quality(folder: Path, manifest: Manifest, about: TaskCard) -> str:
    parts = ["## Is it good?", " ".join(text for text in (about.summary, verdict(manifest), answers_sentence(manifest)) if text)]
    if image := details.image(folder, details.COMPARISON, about.captions):
        parts.append(image)
    return "\n\n".join(parts)


def verdict(manifest: Manifest) -> str:
    """How the model compares with the best baseline on the test rows, as one or two sentences; empty without a baseline."""
    main, own = manifest.main, manifest.metrics.get("test", {}).get(manifest.main)
    scores = {name: found[main] for name, found in manifest.baselines.items() if found.get(main) is not None}
    if not scores or own is None:
        return ""
    higher = manifest.rises()
    best = (max if higher else min)(scores, key=lambda name: scores[name])
    other, interval = scores[best], manifest.intervals.get("test", {}).get(main)
    of = f"the best of {len(scores)} baselines" if len(scores) > 1 else "the baseline"
    facts = f"{of}, {best}, has {main} {rounded(other, interval)}"
    inside = interval is not None and interval[0] <= other <= interval[1]
    if other == own or inside:
        return f"{facts[0].upper()}{facts[1:]}: within the uncertainty of the test rows, **it is as good as the model**."
    if (other > own) == higher:
        return f"**{facts[0].upper()}{facts[1:]}, better than the model: prefer it unless you need this file.**"
    gain = abs((1 - own) / (1 - other) - 1) if higher and other < 1 else abs(own / other - 1) if other else 0.0
    less = f" (its error is {percent(gain)} lower)" if gain else ""
    return f"{facts[0].upper()}{facts[1:]}: **the model is better**{less}."


def _mistakes(folder: Path, manifest: Manifest, about: TaskCard) -> str:
    parts = []
    worst = _worst_slices(manifest)
    if worst:
        rows = [f"| worst on | {manifest.main} | test rows |", "|---|---|---|"]
        rows += [f"| {plain(name)} | {rounded(one['value'])} | {one['rows'] or '—'} |" for name, one in worst]
        parts.append("\n".join(rows))
    if examples := manifest.facts.get("worst_examples"):
        parts += ["The test rows with the largest errors:", _table(examples)]
    images = [image for name in about.error_plots if (image := details.image(folder, name, about.captions))]
    parts += images[:1]
    return "\n\n".join(["## What does it get wrong?", *parts]) if parts else ""


def _worst_slices(manifest: Manifest) -> list[tuple[str, dict]]:
    """The slices that are worse than all test rows together, the worst first."""
    slices, own = manifest.facts.get("slices") or {}, manifest.metrics.get("test", {}).get(manifest.main)
    if own is None:
        return []
    sign = 1.0 if manifest.rises() else -1.0
    known = [(name, one) for name, one in slices.items() if one["value"] is not None and one.get("metric", "") in ("", manifest.main)]
    worse = [(name, one) for name, one in known if sign * one["value"] < sign * own]
    return sorted(worse, key=lambda pair: sign * pair[1]["value"])[:WORST_SLICES]


def _table(rows: list[dict]) -> str:
    columns = list(rows[0])
    lines = ["| " + " | ".join(plain(name) for name in columns) + " |", "|---" * len(columns) + "|"]
    lines += ["| " + " | ".join(_cell(row.get(name)) for name in columns) + " |" for row in rows]
    return "\n".join(lines)


def _cell(value) -> str:
    if isinstance(value, float):
        return rounded(value)
    text = plain("" if value is None else value)
    return text if len(text) <= CELL else text[: CELL - 1] + "…"


def _shipping(manifest: Manifest, about: TaskCard) -> str:
    chosen, saved = manifest.chosen, any(item.format == "saved_model" for item in manifest.exports)
    lines = ["## Which file do I ship?"]
    if chosen is not None:
        speed = f", {milliseconds(chosen.latency_ms)} ms per row on one {details.machine(manifest)} core" if chosen.latency_ms else ""
        drop = drop_text(chosen.metric_drop, manifest.rises())
        change = f"the same {manifest.main} as" if drop == "same" else f"its {manifest.main} is {drop} than that of"
        lines.append(
            f"**`model.tflite`** ({chosen.variant}, {size(chosen.bytes)}{speed}), for phones, edge devices, browsers and Python without "
            f"TensorFlow: {change} the Keras model, measured on {chosen.rows or 0:,} test rows. Numeric preprocessing is inside the file."
        )
        if budget := manifest.facts.get("budget"):
            among = f", chosen on validation rows among {len(budget['tried'])} that fit" if len(budget["tried"]) > 1 else ""
            lines.append(f"It keeps to the budget of {plain(budget['asked'])}: {plain(budget['chosen'])}{among}.")
    elif any(item.format == "tflite" for item in manifest.exports):
        lines.append("**No TFLite file passed verification**; the reasons are in the details below.")
    if saved:
        lines.append("**`saved_model/`** for TF Serving and other TensorFlow servers; `model.keras` to train further.")
    else:
        lines.append("`model.keras` to train further.")
    if chosen is not None:
        lines.append(
            "```python\nimport applied_dl  # pip install applied_dl; TensorFlow is not needed\n\n"
            f"predictor = applied_dl.load({json.dumps(manifest.name, ensure_ascii=False)})\n{about.example}\n```"
        )
        lines.append(f"Over HTTP (Open Inference Protocol v2): `applied-dl serve {shlex.quote(manifest.name)}`.")
        if about.page:
            lines.append(f"As one HTML page that predicts in any browser: `applied-dl page {shlex.quote(manifest.name)}`.")
    return "\n\n".join(lines)


def _next_steps(manifest: Manifest, about: TaskCard) -> str:
    name, test = manifest.name, manifest.rows.get("test")
    interval = manifest.intervals.get("test", {}).get(manifest.main)
    steps = []
    if any(text.startswith(IMPORTANT) for text in manifest.warnings):
        steps.append("Read the warning at the top first; where it is not as it should be, remove its cause and train again.")
    for where, one in _worst_slices(manifest)[:1]:
        if interval is not None and interval[0] <= one["value"] <= interval[1]:
            continue  # no worse than chance explains
        rows = f" (only {one['rows']} test rows)" if one["rows"] and one["rows"] < FEW_ROWS else ""
        steps.append(f"Look at *{plain(where)}*{rows}: {about.remedy}.")
    if test and test < FEW_ROWS and interval_text(interval):
        ends = interval_text(interval).replace(" to ", " and ")
        steps.append(f"Keep more rows for testing: with {test} the {manifest.main} is uncertain between {ends}.")
    if manifest.chosen is not None:
        steps.append(
            f"On the machine where it will run: `applied-dl check {name}` compares its outputs, "
            f"`applied-dl bench {name}` measures its speed."
        )
    steps.append(f"On new labeled data: `applied-dl evaluate {name} --data FILE`.")
    return "\n".join(["## What next?", "", *(f"- {step}" for step in steps)])


def _limits(manifest: Manifest, card: dict) -> str:
    lines = [f"- {plain(text).removesuffix('.')}." for text in manifest.warnings if not text.startswith(IMPORTANT)]
    lines += [f"- {card['limits']}"] if card["limits"] else []
    if not lines:
        return ""
    more = _fold(f"{len(lines) - SHOWN_WARNINGS} more", "\n".join(lines[SHOWN_WARNINGS:])) if len(lines) > SHOWN_WARNINGS else ""
    return "\n\n".join(part for part in ("## Limits", "\n".join(lines[:SHOWN_WARNINGS]), more) if part)


def _not_stated(card: dict) -> str:
    left = [name for name in ("description", "license", "author", "limits") if not card[name]]
    return f"*Not stated by the author: {', '.join(left)} (the `[card]` section of the recipe).*" if left else ""


def _fold(title: str, text: str) -> str:
    """A part of the card that is closed until somebody opens it; GitHub, Hugging Face and `report.html` show it so."""
    return f"<details><summary>{title}</summary>\n\n{text}\n\n</details>" if text else ""


def _draw_comparison(folder: Path, manifest: Manifest) -> None:
    """Draw the model beside its baselines; a plot that fails must not cost the training its card."""
    from applied_dl.report.plots import comparison

    main, own = manifest.main, manifest.metrics.get("test", {}).get(manifest.main)
    scores = {name: found[main] for name, found in manifest.baselines.items() if found.get(main) is not None}
    if own is None or not scores or not (folder / "plots").is_dir():
        return
    try:
        comparison(own, manifest.intervals.get("test", {}).get(main), scores, main, manifest.rises(), folder / "plots" / details.COMPARISON)
    except Exception as error:  # whatever a font or a backend raises
        console.warn(f"the plot of the baselines could not be drawn: {type(error).__name__}: {error}")
