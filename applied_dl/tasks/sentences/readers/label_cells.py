"""One cell of a label column: its text, the list it is or was written as, whether it is missing."""

from __future__ import annotations

import json
import math
import re

from applied_dl.io.nested import literal

QUOTE = r"'[^']*'|\"[^\"]*\""
QUOTED = re.compile(rf"[\[{{(]\s*(?:{QUOTE})(?:\s+(?:{QUOTE}))+\s*[\]}})]")
LISTED = 0.9  # share of the cells that must be written as lists
NOTHING = ("", "nan", "null", "<na>", "#n/a", "n/a")  # not "none", which may be a label
STARTS = ("start", "start_offset", "begin", "offset", "answer_start")  # of what marks a part of a text


def lists_of(cells: list) -> tuple[list[list | None] | None, str]:
    """The lists of list cells ("cells"), or of cells "written" as JSON or Python lists; None where they are something else."""
    filled = [cell for cell in cells if not is_missing(cell)]
    if not filled:
        return None, ""
    if sum(isinstance(cell, list | tuple | set) for cell in filled) >= LISTED * len(filled):
        return [list_of(cell, "cells") for cell in cells], "cells"
    written = [cell for cell in filled if isinstance(cell, str) and cell.strip()[:1] in "[{(" and cell.strip()[-1:] in "]})"]
    if len(written) < LISTED * len(filled):
        return None, ""
    parsed = [list_of(cell, "written") for cell in cells]
    return (parsed if all(row is not None or is_missing(cell) for row, cell in zip(parsed, cells)) else None), "written"


def are_spans(lists: list[list | None]) -> bool:
    """Whether the parts of lists are places in a text with labels: [0, 4, "PER"], {"start": 0, "end": 4, "label": "PER"}."""
    parts = [part for row in lists if row for part in row]
    whole = lambda cell: isinstance(cell, int) and not isinstance(cell, bool)  # noqa: E731
    return bool(parts) and all(
        (isinstance(part, list) and len(part) > 2 and whole(part[0]) and whole(part[1]))
        or (isinstance(part, dict) and any(whole(part.get(name)) for name in STARTS))
        for part in parts
    )


def are_flags(lists: list[list | None]) -> bool:
    """Whether lists are rows of 0 and 1, all of one length above 1."""
    filled = [row for row in lists if row is not None]
    return (
        len({len(row) for row in filled}) == 1
        and len(filled[0]) > 1
        and all(label_text(cell) in ("0", "1") for row in filled for cell in row)
    )


def list_of(cell, kind: str) -> list | None:
    """A cell as a list; None where it is missing, or is written in another way."""
    if is_missing(cell):
        return None
    if kind == "written":
        return _parsed(str(cell).strip())
    return list(cell) if isinstance(cell, list | tuple | set) else [cell]


def _parsed(text: str) -> list | None:
    if QUOTED.fullmatch(text):  # ['sports' 'politics'], as numpy writes it; Python would join the two
        return [part[1:-1] for part in re.findall(QUOTE, text)]
    if (value := literal(text)) is not None:
        return list(value) if isinstance(value, list | tuple | set) else None
    inside = text[1:-1].strip()  # [sports, politics], as R and pandas write it
    return [part.strip(" '\"") for part in re.split(r"[,;]", inside)] if inside else []


def distinct_names(values) -> tuple[str, ...]:
    """Distinct label names, in order."""
    return tuple(dict.fromkeys(name for value in values if (name := label_text(value))))


def label_text(cell) -> str:
    """A label cell as text: whole numbers without a decimal point, nothing for what is missing."""
    if is_missing(cell):
        return ""
    if isinstance(cell, bool):
        return str(cell)
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, dict):  # {"label": "spam"}, as annotation tools write it
        inner = next((cell[name] for name in ("label", "name", "value", "text", "choice") if name in cell), None)
        return label_text(inner) if inner is not None else json.dumps(cell, ensure_ascii=False)
    return " ".join(str(cell).split())


def is_missing(cell) -> bool:
    return (
        cell is None
        or cell == ""
        or (isinstance(cell, float) and math.isnan(cell))
        or (isinstance(cell, str) and cell.strip().lower() in NOTHING)
    )
