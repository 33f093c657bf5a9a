"""What is learned of a table's columns from the training rows: their kinds, levels, units and formats, stored as JSON."""

from __future__ import annotations

import keyword
import re
from pathlib import Path

from msgspec import Struct, field

from applied_dl.core import encoder_files as stored
from applied_dl.core.schema_1 import table_encoder
from applied_dl.io.numbers import NumberFormat
from applied_dl.io.terms import TermScores

UNKNOWN, ABSENT, FIRST = 0, 1, 2  # codes: a level never seen in training, an empty cell, the first level
PARTS = ("days", "year", "month", "day", "weekday", "hour")  # of a moment; "days" since the first training row
RESERVED = {  # names of layers and outputs of the serving graph, which no input may have
    "numbers", "codes", "scalars", "prediction", "lower", "upper", "probabilities", "decision", "answer", "ensemble", "linear", "mlp",
    "resnet", "tabm", "realmlp", "retrieval", "tabular_serving", "inputs", "self", "args", "kwargs", "training", "mask",
}  # fmt: skip


class Column(Struct, frozen=True, kw_only=True):
    """One feature column.

    `kind` is number, measures, boolean, category, moment, tags or text; `inputs` are the names of its inputs of the graph. A number or a
    moment has a `style`; a number also `units`, `missing` texts and `sentinels` (see `NumberFormat`) and the training range, `low` to
    `high`. Measures are several numbers in one cell: `style` is their decimal mark, `separator` their form, and `parts` are the positions
    of those that vary. A category has `levels`, of the cells or, where `of_unit`, of their units; tags have `levels` and a `separator`; a
    moment has `parts` and an `origin`; a text has `scores`.
    """

    name: str
    kind: str
    inputs: tuple[str, ...]
    style: str = ""
    levels: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    origin: float = 0.0
    low: float = 0.0
    high: float = 0.0
    units: dict[str, float] = {}
    missing: tuple[str, ...] = ()
    sentinels: tuple[float, ...] = ()
    of_unit: bool = False
    separator: str = ""
    scores: TermScores | None = None

    @property
    def format(self) -> NumberFormat:
        """How its numbers are written."""
        return NumberFormat(style=self.style, units=self.units, missing=self.missing, sentinels=self.sentinels)

    @property
    def width(self) -> int | None:
        """The size of its input where that is a vector (B, width); None where every input is (B,)."""
        if self.kind == "tags":
            return len(self.levels)
        return len(self.scores.bias) + 1 if self.scores is not None else None


class Target(Struct, frozen=True, kw_only=True):
    """A column to predict: `labels` of a classifier in the order of the outputs, none for a regression, whose numbers have a format."""

    name: str
    labels: tuple[str, ...] = ()
    format: NumberFormat = NumberFormat()


class TableEncoder(Struct, frozen=True, kw_only=True):
    """The feature columns in the order of the graph and the targets; `dropped` columns with the reason.

    `typical` holds, by input of one number, the median of the training rows, of categories the most frequent code.
    """

    columns: tuple[Column, ...]
    targets: tuple[Target, ...]
    dropped: dict[str, str] = field(default_factory=dict)
    decimal: str | None = None  # the decimal mark that the columns of the training file agree on
    typical: dict[str, float] = {}

    @property
    def target(self) -> str:
        """The name of the target; of several, their names."""
        return ", ".join(target.name for target in self.targets)

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels of a classifier; empty for a regression."""
        return self.targets[0].labels

    @property
    def numbers(self) -> list[str]:
        """Inputs that are float32: those of shape (B,), then those of shape (B, width)."""
        columns = sorted((c for c in self.columns if c.kind != "category"), key=lambda c: c.width is not None)
        return [name for c in columns for name in c.inputs]

    @property
    def widths(self) -> dict[str, int]:
        """The size of each input that is a vector."""
        return {c.inputs[0]: c.width for c in self.columns if c.width is not None}

    @property
    def codes(self) -> list[str]:
        """Inputs that are int32 codes."""
        return [c.inputs[0] for c in self.columns if c.kind == "category"]

    @property
    def cardinalities(self) -> tuple[int, ...]:
        """How many codes each category has, including unknown and absent."""
        return tuple(len(c.levels) + FIRST for c in self.columns if c.kind == "category")


def input_name(name: str, taken: set[str]) -> str:
    """The name of a column as an input of the graph: letters, digits and underscores, unique, no Python keyword, no reserved name."""
    plain = re.sub(r"\W+", "_", name, flags=re.ASCII).strip("_") or "column"
    plain = plain if plain[0].isalpha() and not keyword.iskeyword(plain) and plain.lower() not in RESERVED else f"c_{plain}"
    found, i = plain, 2
    while found.lower() in {t.lower() for t in taken}:
        found, i = f"{plain}_{i}", i + 1
    taken.add(found)
    return found


save = stored.save


def load(folder: Path) -> TableEncoder:
    """Read `encoder.json`. Raises `DataError` where it is damaged."""
    return stored.read(TableEncoder, folder, upgrade=table_encoder)
