"""The data-quality page of `applied-dl inspect`: the same report as lines, as Markdown and as one HTML file."""

from __future__ import annotations

from pathlib import Path

from applied_dl.core.errors import UsageError
from applied_dl.report.details import plain
from applied_dl.report.html import page as html_page
from applied_dl.report.progress_lines import IMPORTANT
from applied_dl.report.wording import percent

EXAMPLES = 5  # values of a column


def data_lines(report: dict) -> str:
    """The report as plain lines for a terminal."""
    lines = [f"data     {report['summary']}", "parts    " + ", ".join(f"{count:,} {name}" for name, count in report["parts"].items())]
    if report["columns"]:
        width = min(24, max(len(column["name"]) for column in report["columns"]))
        lines.append("columns")
        lines += [f"  {column['name']:<{width}}  {_line(column)}" for column in report["columns"]]
    for finding in report["findings"]:
        lines += [f"{finding['name'].replace('_', ' ')}: {finding['observed']}", f"    change  {finding['change']}"]
    lines += [f"warning  {text}" for text in report["warnings"]]
    if not report["findings"] and not report["warnings"]:
        lines.append("nothing unusual was found")
    return "\n".join([*lines, f"page     {report['page']}"] if report["page"] else lines)


def data_markdown(report: dict) -> str:
    """The report as Markdown."""
    loud = [f"> **{plain(text)}**" for text in report["warnings"] if text.startswith(IMPORTANT)]
    parts = ", ".join(f"{count:,} {name}" for name, count in report["parts"].items())
    blocks = [f"# Data: {plain(Path(report['source']).name or report['task'])}", *loud, f"{plain(report['summary'])}. Rows: {parts}."]
    blocks += ["## Findings", *(_finding(finding) for finding in report["findings"])] if report["findings"] else []
    others = [f"- {plain(text)}" for text in report["warnings"] if not text.startswith(IMPORTANT)]
    blocks += ["## Warnings", "\n".join(others)] if others else []
    if report["columns"]:
        head = "| column | taken for | how it is read | examples | missing | outliers | note | key that changes it |"
        rows = [_row(column) for column in report["columns"]]
        blocks += ["## Columns", "\n".join([head, "|---" * 8 + "|", *rows])]
    return "\n\n".join(blocks) + "\n"


def write_data_page(report: dict, path: Path) -> None:
    """Write the report as one HTML file.

    Raises:
        UsageError: The file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(html_page(data_markdown(report), path.parent), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"The page {str(path)!r} cannot be written: {error.strerror or error}.") from error


def _line(column: dict) -> str:
    facts = [column["kind"], column["read_as"], f"missing {percent(column['missing'])}" if column["missing"] else ""]
    facts += [f"{column['outliers']:,} outliers" if column["outliers"] else "", column["note"], column["key"] and f"[{column['key']}]"]
    return "; ".join(fact for fact in facts if fact)


def _finding(finding: dict) -> str:
    rows = f" Rows: {', '.join(map(str, finding['rows']))}." if finding["rows"] else ""
    name = finding["name"].replace("_", " ").capitalize()
    return f"- **{name}**: {plain(finding['observed'])}. Why it matters: {plain(finding['why'])}. Change: {plain(finding['change'])}.{rows}"


def _row(column: dict) -> str:
    examples = ", ".join(plain(text) for text in column["examples"][:EXAMPLES])
    missing = percent(column["missing"]) if column["missing"] else ""
    cells = [plain(column["name"]), column["kind"], plain(column["read_as"]), examples, missing]
    cells += [f"{column['outliers']:,}" if column["outliers"] else "", plain(column["note"]), f"`{column['key']}`" if column["key"] else ""]
    return "| " + " | ".join(cells) + " |"
