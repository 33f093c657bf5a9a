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
    of_readme: dict[str, list[str]] = {section: [] for section in SECTIONS.values()}
    judged: list[Row] = []
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
        section = SECTIONS[name.split("_")[0]]
        pages.setdefault(section, []).extend(
            [f"### {title[0].upper()}{title[1:]}", "", *lines, "", f"`python benchmarks/{name}.py`" + "".join(f" · {w}" for w in where), ""]
        )
        goals = [row for row in rows if row.met is not None]
        judged += goals
        of_readme[section] += [_line(row, name) for row in goals[: getattr(script, "IN_README", 1)]]
    readme = ROOT / "README.md"
    text = readme.read_text(encoding="utf-8")
    before, rest = text.split(START)
    table = "\n".join([HEAD, *(line for lines in of_readme.values() for line in lines), "", _told(judged)])
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


def _told(judged: list[Row]) -> str:
    """How many goals were set, and every one that was missed by name."""
    missed = [row.what for row in judged if not row.met]
    names = f": {'; '.join(missed)}" if missed else ""
    return f"Of {len(judged)} goals {len(missed)} are missed{names}. All figures are in [docs/results.md](docs/results.md)."


def _line(row: Row, name: str) -> str:
    verdict = {True: " met", False: " **missed**", None: ""}[row.met]
    return f"| {row.what} | {row.measured} | {row.goal}{verdict} | {row.beside} | `python benchmarks/{name}.py` |"


if __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(__file__))
    main()
