"""Rows that a bundle keeps to verify its encoder, and that a form starts with: made from what the encoder learned, not taken from data."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from applied_dl.io.cells import SERIALS, YEARLY
from applied_dl.tasks.tabular.columns import FIRST, Column, TableEncoder

ODD = {"number": "1,234.5", "measures": "-", "boolean": "n/a", "category": "a level never seen", "moment": "unknown", "tags": "[a; b]"}


def examples(encoder: TableEncoder) -> list[dict[str, str | None]]:
    """A typical row, a row of cells that are written otherwise or unknown, and an empty one."""
    typical = typical_row(encoder)
    columns = [c for c in encoder.columns if not c.of_unit]
    odd = {c.name: ODD.get(c.kind, "Ünusual wörds, 🙂 and numbers 42") for c in columns}
    odd |= {c.name: _number(c, 1.5 * c.high) for c in columns if c.units}
    return [typical, odd, dict.fromkeys(typical, None)]


def typical_row(encoder: TableEncoder) -> dict[str, str | None]:
    """The median, or the most frequent level, of the training rows as the cell of each column; None where there is none to show."""
    return {column.name: _cell(encoder, column) for column in encoder.columns if not column.of_unit}


def _cell(encoder: TableEncoder, column: Column) -> str | None:
    values = [encoder.typical.get(name) for name in column.inputs]
    value = values[0] if values else None
    if column.kind == "moment":
        days = encoder.typical.get(column.inputs[column.parts.index("days")]) if "days" in column.parts else None
        return _moment(column, column.origin + 86400 * (days or 0.0))
    if value is None or column.kind in ("tags", "text"):
        return None
    if column.kind == "measures":
        return None if len(values) < column.separator.count("#") or None in values else _measures(column, values)
    if column.kind == "category":
        return column.levels[int(value) - FIRST] if value >= FIRST else None
    if column.kind == "boolean":
        return "yes" if value >= 0.5 else "no"
    return _number(column, value)


def _moment(column: Column, seconds: float) -> str:
    """A moment as the column writes it; ISO 8601 is read beside every form of dates."""
    if column.style in SERIALS:
        unit, start = SERIALS[column.style]
        return f"{(seconds - start) / unit:.0f}"
    moment = datetime.fromtimestamp(0, UTC) + timedelta(seconds=seconds)
    return f"{moment.year + (moment.month - 1) / 12:.2f}" if column.style.startswith(YEARLY) else moment.strftime("%Y-%m-%d")


def _number(column: Column, value: float) -> str:
    """A number as the column writes it, with the first of its units."""
    unit, factor = next(iter(column.units.items()), ("", 1.0))
    text = f"{value / factor:.6g}".replace(".", "," if column.style == "comma" else ".")
    currency, _, unit = unit.rpartition("|")
    if unit in ("duration", "feet", "degrees"):
        return {"duration": f"PT{value / factor:.0f}S", "feet": f"0 ft {value / factor:.0f} in", "degrees": f"{value / factor:.0f}° 0'"}[
            unit
        ]
    return f"{currency}{text} {unit}".strip()


def _measures(column: Column, values: list[float | None]) -> str:
    text = column.separator
    for value in values:
        text = text.replace("#", f"{value:.6g}".replace(".", column.style), 1)
    return text
