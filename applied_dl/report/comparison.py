"""Two bundles compared, as text for the terminal and as one page."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from applied_dl.report.details import plain
from applied_dl.report.html import page
from applied_dl.report.wording import interval_text, milliseconds, rounded, size

VALUE = 60  # characters of a value of a recipe or of a fact
FORMATS = {"bytes": size, "latency_ms": lambda value: f"{milliseconds(value)} ms", "memory_mb": lambda value: f"{rounded(value)} MB"}


def as_text(result: dict[str, Any]) -> str:
    """The comparison as aligned lines; `result` is what `workflows.diff.diff` returns."""
    lines = [f"{result['a']} → {result['b']}   {result['task']}, {result['rows']:,} rows ({result['data']})"]
    lines += [f"note: {text}" for text in result["warnings"]]
    for title, head, rows in _tables(result):
        lines += ["", title, *_aligned([head, *rows])]
    return "\n".join(lines)


def as_page(result: dict[str, Any]) -> str:
    """The comparison as one HTML page without external files."""
    parts = [
        f"# {plain(result['a'])} and {plain(result['b'])}",
        f"{result['task']}, {result['rows']:,} rows ({plain(result['data'])}).",
        *map(plain, result["warnings"]),
    ]
    for title, head, rows in _tables(result):
        lines = ["| " + " | ".join(map(plain, cells)) + " |" for cells in (head, ["---"] * len(head), *rows)]
        parts += [f"## {title[0].upper()}{title[1:]}", "\n".join(lines) if rows else "None."]
    with tempfile.TemporaryDirectory() as empty:
        return page("\n\n".join(parts) + "\n", Path(empty))


def _tables(result: dict[str, Any]) -> list[tuple[str, list[str], list[list[str]]]]:
    """Title, head and cells of each part; parts without a difference are left out."""
    order = sorted(result["metrics"], key=lambda name: name != result["main"])
    scores = []
    for name in order:
        one = result["metrics"][name]
        ends = tuple(one["interval"])
        known = None not in ends
        cells = [rounded(one["a"], ends if known else None), rounded(one["b"], ends if known else None), _signed(one["change"])]
        scores.append([name, *cells, interval_text(ends) if known else "—", one["verdict"]])
    found = [("scores", ["metric", "A", "B", "change", "95% interval", "B is"], scores)]
    if result["flipped_rows"]:
        rows = [[row["row"], _cell(row["true"]), _cell(row["a"]), _cell(row["b"]), _signed(row["loss"])] for row in result["flipped_rows"]]
        shown = f", {len(rows)} shown" if len(rows) < result["flipped"] else ""
        title = f"rows with another answer: {result['flipped']:,}, worse in B: {result['worse']:,}{shown}"
        found.append((title, ["row", "true", "A", "B", "lost by B"], rows))
    for title, key in (("recipe", "recipe"), ("data", "facts")):
        if result[key]:
            found.append((title, ["key", "A", "B"], [[name, *map(_cell, pair)] for name, pair in result[key].items()]))
    files = [[name, *(FORMATS.get(name, _cell)(value) for value in pair)] for name, pair in result["files"].items()]
    return [*found, ("the file model.tflite", ["", "A", "B"], files)]


def _signed(value: float | None) -> str:
    return "—" if value is None else f"{value:+z.4g}"


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return rounded(value)
    text = " ".join(str("—" if value is None else value).split())
    return text if len(text) <= VALUE else f"{text[: VALUE - 1]}…"


def _aligned(rows: list[list[str]]) -> list[str]:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return ["  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]
