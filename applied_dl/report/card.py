"""The model card: a bundle's `README.md`, with Hugging Face front matter, every fact measured and no empty heading."""

from __future__ import annotations

import json
from pathlib import Path

from applied_dl.core.bundle import ExportedFile, Manifest
from applied_dl.core.records import HIGHER_IS_BETTER
from applied_dl.report.html import write_page
from applied_dl.report.usage import usage

PIPELINE_TAGS = {
    "image": "image-classification",
    "tabular": "tabular-regression",
    "forecast": "time-series-forecasting",
    "words": "feature-extraction",
    "sentences": "sentence-similarity",
}
KINDS = {"image": "An image classifier", "tabular": "A tabular model", "forecast": "A forecaster", "words": "Word vectors",
         "sentences": "A sentence encoder"}  # fmt: skip


def write_card(folder: Path, manifest: Manifest, tensors: dict[str, list[dict]]) -> None:
    """Write `README.md` into a bundle's folder, and the same as a page, `report.html`; `tensors` describes the serving graph."""
    card = manifest.recipe["card"]
    parts = [
        _front_matter(manifest, card),
        f"# {card['title'] or manifest.name}",
        _first_lines(manifest),
        card["description"],
        _data(manifest),
        _results(manifest),
        _files(manifest),
        _tensors(tensors, manifest.facts.get("inputs", {})),
        usage(manifest, tensors),
        _limits(manifest, card),
        _made(manifest),
        _pictures(folder),
        _missing(card),
    ]
    (folder / "README.md").write_text("\n\n".join(part for part in parts if part) + "\n", encoding="utf-8")
    write_page(folder)


def _front_matter(manifest: Manifest, card: dict) -> str:
    test = {name: value for name, value in manifest.metrics.get("test", {}).items() if value is not None}
    tag = PIPELINE_TAGS[manifest.task]
    if manifest.task == "tabular" and "accuracy" in test:
        tag = "tabular-classification"
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


def _first_lines(manifest: Manifest) -> str:
    """What it is, what it scored, and whether a baseline wins, before anything else."""
    main = manifest.main
    own = manifest.metrics["test"].get(main)
    low, high = manifest.intervals["test"].get(main, (None, None))
    interval = f" (95 % interval {low:.4g} to {high:.4g})" if low is not None else ""
    lines = [f"{KINDS[manifest.task]} made by applied_dl. On held-out rows: **{main} {_number(own)}**{interval}."]
    for name, scores in manifest.baselines.items():
        rival = scores.get(main)
        if rival is None or own is None:
            continue
        if (rival > own) if main in HIGHER_IS_BETTER else (rival < own):
            lines.append(f"**The baseline {name} is better: {main} {_number(rival)}. Prefer it unless you need this file.**")
    return "\n".join(lines)


def _data(manifest: Manifest) -> str:
    facts = {key: value for key, value in manifest.facts.items() if isinstance(value, str | int | float) and key != "summary"}
    lines = [
        "## Data",
        "",
        str(manifest.facts.get("summary", "")),
        "",
        f"Source: `{manifest.recipe['data']['source']}`, sha256 `{manifest.fingerprint[:16]}…`; seed {manifest.seed}.",
    ]
    lines += ["", *(f"- {key.replace('_', ' ')}: {value}" for key, value in facts.items())] if facts else []
    return "\n".join(lines)


def _results(manifest: Manifest) -> str:
    names = list(manifest.metrics["test"])
    rows = ["## Results", "", "| | " + " | ".join(names) + " |", "|---|" + "---|" * len(names)]
    for part in ("test", "validation"):
        cells = []
        for name in names:
            interval = manifest.intervals.get(part, {}).get(name)
            text = _number(manifest.metrics.get(part, {}).get(name))
            cells.append(f"{text} [{interval[0]:.4g}, {interval[1]:.4g}]" if interval else text)
        rows.append(f"| **this model**, {part} | " + " | ".join(cells) + " |")
    for rival, scores in manifest.baselines.items():
        rows.append(f"| {rival}, test | " + " | ".join(_number(scores.get(name)) for name in names) + " |")
    slices = manifest.facts.get("slices")
    if isinstance(slices, dict) and slices:
        rows += [
            "",
            f"By slice of the test rows ({manifest.main}, where nothing else is named):",
            "",
            "| slice | value | rows |",
            "|---|---|---|",
        ]
        rows += [f"| {_plain(name)} | {_number(one['value'])} | {one['rows'] or '—'} |" for name, one in slices.items()]
    return "\n".join(rows)


def _files(manifest: Manifest) -> str:
    """The parity table: every file through its own runtime."""
    if not manifest.exports:
        return ""
    rows = [
        "## Files and their verification",
        "",
        f"Each file was run on {_asked(manifest)}held-out rows in the runtime that people use; `{manifest.main}` is its own on these, the",
        "loss is against Keras, with its 95 % interval over paired halves of the rows.",
        "",
        f"| file | precision | bytes | {manifest.main} | loss | largest, median difference | |",
        "|---|---|---|---|---|---|---|",
    ]
    for item in manifest.exports:
        loss = _short(item.metric_drop) + (f" [{', '.join(map(_short, item.metric_drop_interval))}]" if item.metric_drop_interval else "")
        differences = f"{_short(item.max_abs_diff)}, {_short(item.median_abs_diff)}" if item.max_abs_diff is not None else "—"
        rows.append(
            f"| {item.file or '—'} | {item.variant} | {item.bytes:,} | {_number(item.metric)} | {loss} | {differences} | {_verdict(item)} |"
        )
    rows += _costs(manifest)
    operators = sorted({op for item in manifest.exports if item.chosen for op in item.ops})
    if operators:
        rows += ["", "Operators of `model.tflite`, all TFLite builtins: " + ", ".join(operators) + "."]
    return "\n".join(rows)


def _asked(manifest: Manifest) -> str:
    """How many rows the files answered, where that is known."""
    rows = max((item.rows or 0 for item in manifest.exports), default=0)
    return f"{rows:,} " if rows else ""


def _costs(manifest: Manifest) -> list[str]:
    """What the files cost on the machine that made them."""
    timed = [item for item in manifest.exports if item.threaded_ms is not None]
    if not timed:
        return []
    rows = [
        "",
        "On the machine that made them: milliseconds of one row (median, 95th percentile), milliseconds from a file's bytes to its first",
        "answer, and megabytes by which the process grew at its peak.",
        "",
        f"| precision | 1 thread | {timed[0].threads} threads | start | memory |",
        "|---|---|---|---|---|",
    ]
    for item in timed:
        rows.append(
            f"| {item.variant} | {_short(item.latency_ms)}, {_short(item.latency_p95_ms)} | {_short(item.threaded_ms)}, "
            f"{_short(item.threaded_p95_ms)} | {_short(item.cold_start_ms)} | {_short(item.memory_mb)} |"
        )
    return rows


def _verdict(item: ExportedFile) -> str:
    return "**model.tflite**" if item.chosen else f"refused: {item.refused}" if item.refused else ""


def _tensors(tensors: dict[str, list[dict]], columns: dict[str, list[str]]) -> str:
    """The tensors of the files; `columns` says which of them a column of the user's table feeds, where it goes by another name."""
    rows = ["## Inputs and outputs", "", "| | name | type | shape |", "|---|---|---|---|"]
    for kind in ("inputs", "outputs"):
        rows += [f"| {kind[:-1]} | `{t['name']}` | {t['dtype']} | {t['shape']} |" for t in tensors[kind]]
    renamed = [
        f"`{_plain(column)}` is {', '.join(f'`{name}`' for name in names)}" for column, names in columns.items() if [column] != names
    ]
    return "\n".join(rows + (["", "Columns of the table and their inputs: " + "; ".join(renamed) + "."] if renamed else []))


def _limits(manifest: Manifest, card: dict) -> str:
    lines = [*manifest.warnings, *([card["limits"]] if card["limits"] else [])]
    return "\n".join(["## Limits", "", *(f"- {line}" for line in lines)]) if lines else ""


def _made(manifest: Manifest) -> str:
    versions = ", ".join(f"{name} {value}" for name, value in manifest.versions.items())
    return f"## How it was made\n\n{manifest.created}, {manifest.seconds:.0f} s; {versions}. The whole recipe is in `bundle.json`."


def _pictures(folder: Path) -> str:
    plots = sorted((folder / "plots").glob("*.png")) if (folder / "plots").exists() else []
    return "\n\n".join(["## Pictures", *(f"![{p.stem.replace('_', ' ')}](plots/{p.name})" for p in plots)]) if plots else ""


def _missing(card: dict) -> str:
    left = [name for name in ("description", "license", "author", "limits") if not card[name]]
    return f"*Not stated by the author: {', '.join(left)} (the `[card]` section of the recipe).*" if left else ""


def _plain(name: str) -> str:
    """A name from people's data in a cell of a table."""
    return " ".join(str(name).split()).replace("|", "\\|")


def _short(value: float | None) -> str:
    """Three digits."""
    return "—" if value is None or value != value else f"{value + 0.0 if abs(value) > 1e-9 else 0:.3g}"


def _number(value: float | None) -> str:
    return "—" if value is None or value != value else f"{value + 0.0 if abs(value) > 1e-12 else 0:.4g}"
