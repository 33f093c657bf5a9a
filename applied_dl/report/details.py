"""The folded parts of the model card: all scores, the verification of every file, costs, tensors, plots and the training."""

from __future__ import annotations

from pathlib import Path

from applied_dl.core.bundle import ExportedFile, Manifest
from applied_dl.report.metric_words import legend
from applied_dl.report.wording import drop_text, interval_text, milliseconds, rounded, size

COMPARISON = "baselines.png"
CAPTIONS = {  # alternative texts of the plots that every task has
    COMPARISON: "The model's score on the test rows beside those of the baselines",
    "training.png": "Loss and metric of training and validation rows by epoch, and the learning rate",
}
NO_BREAK = "\u00a0"
BRACKETS = str.maketrans("[]", "()")  # an unbalanced bracket of a column's name would end the caption


def all_scores(manifest: Manifest) -> str:
    """Every metric of the model and of the baselines, and what their names mean."""
    names = list(manifest.metrics.get("test", {}))
    rows = ["| | " + " | ".join(names) + " |", "|---|" + "---|" * len(names)]
    for part in ("test", "validation"):
        cells = []
        for name in names:
            interval = manifest.intervals.get(part, {}).get(name)
            ends = interval_text(interval)
            cells.append(rounded(manifest.metrics.get(part, {}).get(name), interval) + (f" ({ends})" if ends else ""))
        rows.append(f"| **this model**, {part} | " + " | ".join(cells) + " |")
    for baseline, scores in manifest.baselines.items():
        rows.append(f"| {baseline}, test | " + " | ".join(rounded(scores.get(name)) for name in names) + " |")
    rows += ["", "In brackets: 95% intervals.", "", *(f"- {line}" for line in legend(names, manifest.task))]
    if slices := manifest.facts.get("slices"):
        rows += ["", "| slice of the test rows | metric | value | rows |", "|---|---|---|---|"]
        rows += [
            f"| {plain(name)} | {one.get('metric') or manifest.main} | {rounded(one['value'])} | {one['rows'] or '—'} |"
            for name, one in slices.items()
        ]
    return "\n".join(rows)


def verification(manifest: Manifest) -> str:
    """Every file, run in its own runtime."""
    if not manifest.exports:
        return ""
    lines = [
        f"Every file was run on {_rows_run(manifest)} in its own runtime, and compared with the Keras model."
        + (
            " That model was fitted again on all rows, these among them: here only the differences count, "
            f"the {manifest.main} of the model stands above."
            if (manifest.recipe.get("train") or {}).get("refit")
            else ""
        ),
        "",
        f"| file | precision | size | {manifest.main} | against Keras (95% interval of the drop) | largest output difference | |",
        "|---|---|---|---|---|---|---|",
    ]
    for item in manifest.exports:
        interval = item.metric_drop_interval
        drop = drop_text(item.metric_drop, manifest.rises())
        if interval is not None and drop != "same":
            drop += f" ({' to '.join(_signed(end, manifest.rises()) for end in interval)})"
        difference = _difference(item.max_abs_diff)
        cells = (
            item.file or "—",
            item.variant,
            size(item.bytes).replace(" ", NO_BREAK),
            rounded(item.metric),
            drop,
            difference,
            _verdict(item),
        )
        lines.append("| " + " | ".join(cells) + " |")
    operators = sorted({op for item in manifest.exports if item.chosen for op in item.ops})
    if operators:
        lines += ["", "Operators of `model.tflite`, all TFLite builtins: " + ", ".join(operators) + "."]
    return "\n".join(lines)


def _rows_run(manifest: Manifest) -> str:
    """The test rows that the files were run on, and of how many."""
    rows, test = max((item.rows or 0 for item in manifest.exports), default=0), manifest.rows.get("test") or 0
    if not rows:
        return "test rows"
    return f"{rows:,} of the {test:,} test rows" if rows < test else f"{rows:,} test rows"


def _difference(value: float | None) -> str:
    """One significant digit, and 0 for rounding noise.

    Example:
        >>> _difference(6.1e-05), _difference(0.0326), _difference(14.2), _difference(0.0)
        ('6e-05', '0.03', '10', '0')
    """
    return "—" if value is None or value != value else "0" if value < 1e-9 else f"{float(f'{value:.1g}'):g}"


def _signed(drop: float, bounded: bool) -> str:
    return f"{drop:+.2g}" if bounded else f"{100 * drop:+.2g}%"


def _verdict(item: ExportedFile) -> str:
    return "**model.tflite**" if item.chosen else f"refused: {item.refused}" if item.refused else ""


def costs(manifest: Manifest) -> str:
    """What the files cost on the machine that wrote them."""
    timed = [item for item in manifest.exports if item.threaded_ms is not None]
    if not timed:
        return ""
    rows = [
        f"Measured on the training machine ({machine(manifest)}): milliseconds per row (median, 95th percentile), milliseconds from the "
        "bytes of the file to its first output, and growth of the process at its peak.",
        "",
        f"| precision | 1 thread | {timed[0].threads} threads | start | memory |",
        "|---|---|---|---|---|",
    ]
    for item in timed:
        rows.append(
            f"| {item.variant} | {milliseconds(item.latency_ms)}, {milliseconds(item.latency_p95_ms)} | {milliseconds(item.threaded_ms)}, "
            f"{milliseconds(item.threaded_p95_ms)} | {milliseconds(item.cold_start_ms)} | {rounded(item.memory_mb, (0, 0.4))} MB |"
        )
    return "\n".join(rows)


def tensor_table(tensors: dict[str, list[dict]], columns: dict[str, list[str]]) -> str:
    """The tensors of the files; `columns` are the input names of each column of the user's table, where they differ from its name."""
    rows = ["`B` is the batch.", "", "| | name | type | shape |", "|---|---|---|---|"]
    for kind in ("inputs", "outputs"):
        rows += [f"| {kind[:-1]} | `{t['name']}` | {t['dtype']} | {t['shape']} |" for t in tensors[kind]]
    renamed = [f"`{plain(column)}` is {', '.join(f'`{name}`' for name in names)}" for column, names in columns.items() if [column] != names]
    return "\n".join(rows + (["", "Columns of the table and their inputs: " + "; ".join(renamed) + "."] if renamed else []))


def plots(folder: Path, captions: dict[str, str]) -> str:
    """Every plot but the comparison, which stands above."""
    names = [path.name for path in sorted((folder / "plots").glob("*.png")) if path.name != COMPARISON]
    return "\n\n".join(image(folder, name, captions) for name in names)


def image(folder: Path, name: str, captions: dict[str, str]) -> str:
    if not (folder / "plots" / name).exists():
        return ""
    caption = plain((CAPTIONS | captions).get(name) or Path(name).stem.replace("_", " ").capitalize())
    return f"![{caption.translate(BRACKETS)}](plots/{name})"


def training(manifest: Manifest) -> str:
    facts = {key: value for key, value in manifest.facts.items() if isinstance(value, str | int | float) and key != "summary"}
    versions = ", ".join(f"{name} {value}" for name, value in manifest.versions.items())
    parts = ", ".join(f"{count:,} {name}" for name, count in manifest.rows.items())
    lines = [
        f"Source: `{plain(manifest.recipe['data']['source'])}`, sha256 `{manifest.fingerprint[:16]}…`.",
        *([f"Rows: {parts}."] if parts else []),
        "",
        *(f"- {key.replace('_', ' ')}: {plain(value)}" for key, value in facts.items()),
        "",
        f"Trained on {manifest.created[:10]} in {manifest.seconds:.0f} s with seed {manifest.seed}; {versions}. The whole recipe is in "
        "`bundle.json`.",
    ]
    return "\n".join(lines)


def machine(manifest: Manifest) -> str:
    return manifest.versions.get("machine", "CPU")


def plain(name) -> str:
    """A name from people's data, on one line and without a cell border."""
    return " ".join(str(name).split()).replace("|", "\\|")
