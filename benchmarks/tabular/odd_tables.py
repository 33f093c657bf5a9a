"""Generated tables as people write them: random kinds of columns, marks, decimal styles, separators, encodings and layouts."""

from __future__ import annotations

import csv
import datetime
import io
from pathlib import Path
from typing import NamedTuple

import numpy as np

MARKS = ("", "NA", r"\N", "--", ".", "?", "n/a", "missing", "unknown", "-999", "#N/A", "null", "-", "x")
NAMES = (
    "a",
    "class",
    "größe",
    "名前",
    "a b",
    "A B",
    "1x",
    "",
    "from",
    "x.y",
    "id",
    "Unnamed: 0",
    "date",
    "price ($)",
    "numbers",
    "né",
    " s ",
)
WORDS = "good bad fine slow fast red blue green happy sad ugly über naïve straße".split()  # noqa: SIM905


class Style(NamedTuple):
    """How a file is written."""

    separator: str = ","
    decimal: str = "."
    encoding: str = "utf-8"
    quoted: bool = False
    newline: str = "\n"


STYLES = {
    "separator": (",", ";", "\t", "|"),
    "decimal": (".", ","),
    "encoding": ("utf-8", "utf-8-sig", "utf-16", "cp1252"),
    "quoted": (False, True),
    "newline": ("\n", "\r\n"),
}


def number(value: float, style: Style, digits: int = 2, grouped: bool = False) -> str:
    """A number in the style of the file."""
    text = f"{value:,.{digits}f}" if grouped else f"{value:.{digits}f}"
    return text if style.decimal == "." else text.translate(str.maketrans(",.", ".,"))


def cells_of(kind: str, n: int, random: np.random.Generator, style: Style) -> list[str]:
    """`n` cells of one kind."""
    value, whole = random.normal(0, 100, n), random.integers(0, 200, n)
    say = lambda v, **how: number(v, style, **how)  # noqa: E731
    start = datetime.datetime(2000, 1, 1)
    days = [
        start + datetime.timedelta(days=int(d), seconds=int(s)) for d, s in zip(random.integers(0, 9000, n), random.integers(0, 86400, n))
    ]
    makers = {
        "number": lambda: [say(v) for v in value],
        "tiny": lambda: [f"{v:.3e}" for v in value / 1e9],
        "huge": lambda: [say(v * 1e12, digits=0) for v in value],
        "whole": lambda: [str(v) for v in whole],
        "grouped": lambda: [say(v * 1e4, grouped=True) for v in value],
        "unit": lambda: [f"{say(v)} kg" for v in value],
        "units": lambda: [f"{say(abs(v))} {'kg' if v > 0 else 'g'}" for v in value],
        "money": lambda: [f"${say(abs(v), grouped=True)}" if v > 0 else f"(${say(-v, grouped=True)})" for v in value],
        "scale": lambda: [f"{say(abs(v))}{'KMB'[w % 3]}" for v, w in zip(value, whole)],
        "percent": lambda: [f"{say(v)}%" for v in value],
        "range": lambda: [f"{w}-{w + 10}" for w in whole],
        "bound": lambda: [f"<{w}" if w < 50 else f"{w}+" if w > 150 else str(w) for w in whole],
        "duration": lambda: [f"{w // 60}h {w % 60}m" for w in whole],
        "clock": lambda: [f"{w // 60:02d}:{w % 60:02d}:00" for w in whole],
        "boolean": lambda: random.choice(["yes", "no"], n).tolist(),
        "ja": lambda: random.choice(["ja", "nein"], n).tolist(),
        "category": lambda: random.choice(["red", "blue", "grün"], n).tolist(),
        "code": lambda: [f"{w:05d}" for w in whole],
        "letters": lambda: [f"{'ABC'[w % 3]}{w % 12}" for w in whole],
        "exponent": lambda: [f"E{w % 30:02d}" for w in whole],
        "list": lambda: ["|".join(random.choice(WORDS, 1 + w % 3, replace=False)) for w in whole],
        "commas": lambda: [", ".join(random.choice(WORDS, 1 + w % 3, replace=False)) for w in whole],
        "text": lambda: [" ".join(random.choice(WORDS, 6)) for _ in whole],
        "lines": lambda: [f"{a}\n{b}" for a, b in zip(random.choice(WORDS, n), random.choice(WORDS, n))],
        "quotes": lambda: [f'{w}" pipe' for w in whole],
        "name": lambda: [f"person {i}" for i in range(n)],
        "row": lambda: [str(i) for i in range(n)],
        "iso": lambda: [d.date().isoformat() for d in days],
        "stamp": lambda: [d.isoformat(" ") for d in days],
        "german": lambda: [d.strftime("%d.%m.%Y") for d in days],
        "american": lambda: [d.strftime("%m/%d/%Y %I:%M %p") for d in days],
        "month": lambda: [d.strftime("%b %Y") for d in days],
        "digits": lambda: [d.strftime("%Y%m%d") for d in days],
        "epoch": lambda: [str(int(d.timestamp())) for d in days],
        "year": lambda: [str(d.year) for d in days],
        "empty": lambda: [""] * n,
        "constant": lambda: ["7"] * n,
        "mixed": lambda: [str(w) if w % 3 else random.choice(WORDS) for w in whole],
    }
    return list(makers[kind]())


NUMERIC = (
    "number", "tiny", "huge", "whole", "grouped", "unit", "units", "money", "scale", "percent", "range", "bound", "duration", "clock",
)  # fmt: skip
KINDS = (
    *NUMERIC, "boolean", "ja", "category", "code", "letters", "exponent", "list", "commas", "text", "lines", "quotes", "name", "row", "iso",
    "stamp", "german", "american", "month", "digits", "epoch", "year", "empty", "constant", "mixed",
)  # fmt: skip


def random_table(seed: int) -> tuple[list[str], list[list[str]], Style]:
    """Names, rows and style of a table."""
    random = np.random.default_rng(seed)
    style = Style(**{key: values[random.integers(len(values))] for key, values in STYLES.items()})
    n, width = int(random.integers(1, 160)), int(random.integers(1, 8))
    names = [*random.choice(NAMES, min(width, len(NAMES)), replace=random.random() < 0.1), "target"]
    columns = [cells_of(KINDS[random.integers(len(KINDS))], n, random, style) for _ in names]
    for cells in columns:
        if random.random() < 0.5:
            mark, share = MARKS[random.integers(len(MARKS))], random.choice([0.01, 0.1, 0.6])
            for i in np.flatnonzero(random.random(n) < share):
                cells[i] = mark
    return names, [list(row) for row in zip(*columns)], style


def write_table(folder: Path, seed: int) -> Path:
    """Write the table of a seed as a CSV; a character that the encoding lacks becomes a question mark."""
    names, rows, style = random_table(seed)
    text = io.StringIO(newline="")
    quoting = csv.QUOTE_ALL if style.quoted else csv.QUOTE_MINIMAL
    writer = csv.writer(text, delimiter=style.separator, quoting=quoting, lineterminator=style.newline)
    writer.writerow(names)
    writer.writerows(rows)
    path = folder / f"{seed}.csv"
    path.write_bytes(text.getvalue().encode(style.encoding, "replace"))
    return path
