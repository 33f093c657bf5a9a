"""python benchmarks/table.py: docs/results.md and README's table from the JSON files in benchmarks/results; nothing is typed by hand."""

from __future__ import annotations

import importlib
import os
import sys

from runner import RESULTS, ROOT, Row, read

START, END = "<!-- results: written by benchmarks/table.py -->", "<!-- end of results -->"
SECTIONS = {
    "image": "Image classification", "tabular": "Tabular", "forecast": "Forecasting", "words": "Word vectors",
    "sentences": "Sentences", "training": "Training", "export": "The exported file", "runtime": "The runtime",
    "bundle": "The bundle", "mediapipe": "The exported file", "browser": "The exported file",
    "conversion": "The exported file", "cost": "Cost curves",
}  # fmt: skip
HEAD = "| what | measured | goal | beside it | command |\n|---|---|---|---|---|"


def main() -> None:
    """Write both. Raises where a result has no script, so that no figure stands without its command."""
    pages: dict[str, list[str]] = {}
    rows_of_readme: list[str] = []
    for path in sorted(RESULTS.glob("*.json")):
        name = path.stem
        script, found = importlib.import_module(name), read(name)
        rows = script.summary(found)
        lines = [HEAD, *(_line(row, name) for row in rows)] if rows else []
        if hasattr(script, "details"):
            lines += ["", *script.details(found)]
        title = (script.__doc__ or name).strip().splitlines()[0].split(": ", 1)[-1].rstrip(".")
        made = found.get("machine")
        where = [f"{made['date']}, {made['processor']}, {made['cores']} cores, Python {made['python']}"] if made else []
        pages.setdefault(SECTIONS[name.split("_")[0]], []).extend(
            [f"### {title[0].upper()}{title[1:]}", "", *lines, "", f"`python benchmarks/{name}.py`" + "".join(f" · {w}" for w in where), ""]
        )
        rows_of_readme += [_line(row, name) for row in rows if row.met is not None][: getattr(script, "IN_README", 1)]
    readme = ROOT / "README.md"
    text = readme.read_text(encoding="utf-8")
    before, rest = text.split(START)
    table = "\n".join([HEAD, *rows_of_readme])
    readme.write_text(before + START + "\n" + table + "\n" + END + rest.split(END)[1], encoding="utf-8")
    head = [
        "# Measured results",
        "",
        "Written by `python benchmarks/table.py` from `benchmarks/results/*.json`. CPU-seconds are process time; wall times are of",
        "machines that other work may have shared; a goal that was missed stands here as missed.",
        "",
    ]
    body = [line for section in dict.fromkeys(SECTIONS.values()) if section in pages for line in [f"## {section}", "", *pages[section]]]
    (ROOT / "docs" / "results.md").write_text("\n".join([*head, *body]).rstrip() + "\n", encoding="utf-8")


def _line(row: Row, name: str) -> str:
    verdict = {True: " met", False: " **missed**", None: ""}[row.met]
    return f"| {row.what} | {row.measured} | {row.goal}{verdict} | {row.beside} | `python benchmarks/{name}.py` |"


if __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(__file__))
    main()
