"""python -m benchmarks.table: write docs/results.md and the README's short table from the JSON files in benchmarks/results."""

from __future__ import annotations

import importlib

from benchmarks.runner import RESULTS, ROOT, Row, read

START, END = "<!-- results: written by benchmarks/table.py -->", "<!-- end of results -->"
SECTIONS = {
    "image": "Image classification", "tabular": "Tables", "forecast": "Forecasting", "words": "Word vectors", "sentences": "Sentences",
    "recommend": "Recommendations", "segment": "Segmentation",
    "generate": "Generators", "training": "Training", "export": "Exported files", "runtime": "Runtime", "serving": "Serving",
    "bundle": "Bundles", "answers": "Sets, distances and explanations",
}  # fmt: skip
IN_README = {  # one row each: the first whose text holds these words
    "tabular_small_tables": "small tables, error / AutoGluon: mean",
    "tabular_california": "RMSE",
    "forecast_short": "mean MASE",
    "image_trunk": "without a download",
    "sentences_few_labels": "trec, 64 per class",
    "runtime_startup": "predict`, one image",
    "training_resume": "kill -9",
    "cases": "kinds of files",
}
HEAD = "| what | measured | goal | compared with | command |\n|---|---|---|---|---|"


def main() -> None:
    """Write both pages; a result without a benchmark module is an error, so every figure has a command."""
    pages: dict[str, list[str]] = {title: [] for title in SECTIONS.values()}
    short: dict[str, str] = {}
    goals: list[Row] = []
    for path in sorted(RESULTS.glob("*.json")):
        folder, _, name = path.stem.partition("_")
        module = f"benchmarks.{path.stem}" if (ROOT / "benchmarks" / f"{path.stem}.py").exists() else f"benchmarks.{folder}.{name}"
        script, found = importlib.import_module(module), read(path.stem)
        rows = script.summary(found)
        with_goal = [row for row in rows if row.met is not None]
        goals += with_goal
        if words := IN_README.get(path.stem):
            short[path.stem] = _line(next(row for row in rows if words in row.what), module)
        pages.setdefault(SECTIONS.get(folder, "People's files"), []).extend(_section(script, found, rows, module))

    readme = ROOT / "README.md"
    before, rest = readme.read_text(encoding="utf-8").split(START)
    table = "\n".join([HEAD, *(short[name] for name in IN_README if name in short), "", _goals_met(goals)])
    readme.write_text(before + START + "\n" + table + "\n" + END + rest.split(END)[1], encoding="utf-8")

    head = [
        "# Measured results",
        "",
        "Written by `python -m benchmarks.table` from `benchmarks/results/*.json`. CPU-seconds are process time. Wall times come from",
        "machines that may have been shared with other work. A goal that was missed is marked as missed. Each table names",
        "the day it was measured on: it describes the code of that day.",
        "",
        _goals_missed(goals),
        "",
    ]
    body = [line for title, lines in pages.items() if lines for line in [f"## {title}", "", *lines]]
    (ROOT / "docs" / "results.md").write_text("\n".join([*head, *body]).rstrip() + "\n", encoding="utf-8")


def _section(script, found: dict, rows: list[Row], module: str) -> list[str]:
    """Title, goals, longer tables, and under which conditions they were measured."""
    title = script.__doc__.strip().splitlines()[0].split(": ", 1)[-1].rstrip(".")
    lines = [HEAD, *(_line(row, module) for row in rows)] if rows else []
    if hasattr(script, "details"):
        lines += ["", *script.details(found)]
    machine = found.get("machine")
    where = f" · {machine['date']}, {machine['processor']}, {machine['cores']} cores, Python {machine['python']}" if machine else ""
    return [f"### {title[0].upper()}{title[1:]}", "", *lines, "", f"`python -m {module}`{where}", ""]


def _goals_met(goals: list[Row]) -> str:
    """How many goals were set and met."""
    missed = sum(not row.met for row in goals)
    where = "named in [docs/results.md](docs/results.md)"
    return f"{len(goals) - missed} of {len(goals)} goals are met; the {missed} that are missed are {where}."


def _goals_missed(goals: list[Row]) -> str:
    """The name of each goal that was missed."""
    return "Missed: " + "; ".join(row.what for row in goals if not row.met) + "."


def _line(row: Row, module: str) -> str:
    verdict = {True: " met", False: " **missed**", None: ""}[row.met]
    return f"| {row.what} | {row.measured} | {row.goal}{verdict} | {row.compared} | `python -m {module}` |"


if __name__ == "__main__":
    main()
