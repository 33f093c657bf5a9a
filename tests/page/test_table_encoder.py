"""The table encoder of the page gives the arrays of the Python encoder, cell by cell, for usual, odd and broken cells."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import to_builtins

from applied_dl.io.dates import FORMS
from applied_dl.io.tables import read_table
from applied_dl.io.terms import TermScores
from applied_dl.page.rules import table_rules
from applied_dl.runtime.interpreter import Encoded
from applied_dl.tasks.tabular.columns import PARTS, Column, TableEncoder, Target
from applied_dl.tasks.tabular.encoder import encode
from applied_dl.tasks.tabular.predict import postprocess
from tests.page import javascript

ODD = json.loads((Path(__file__).parent / "odd_cells.json").read_text(encoding="utf-8"))
LONG = ["x" * 3000, "1" * 400, "fox " * 3000, "1" + " " * 197 + "kg", "1" + " " * 198 + "kg"]
STYLES = ("plain", "thousands", "comma", "either")
UNITS = (
    {"kg": 1.0, "g": 0.001}, {"": 1.0, "k": 1e3, "m": 1e6}, {"$|": 1.0, "€|": 1.0, "$|k": 1e3}, {"duration": 1.0, "h": 3600.0, "min": 60.0},
    {"feet": 1.0, "in": 1.0}, {"m²": 1.0}, {"": 1.0}, {"degrees": 1.0}, {"n": 1.0, "s": -1.0}, {"gb": 1e9, "mb": 1e6},
)  # fmt: skip
MODEL = TermScores(
    terms=("fox", "quick", "quick brown", "the", "日", "本", "don’t", "é", "straße"),
    idf=tuple(1 + 0.1 * i for i in range(9)),
    weights=(tuple(0.3 * i - 1 for i in range(9)), tuple(0.7 - 0.2 * i for i in range(9))),
    bias=(0.1, -0.2),
)


EDITS = (
    lambda cell, other: f"\u00a0{cell} ", lambda cell, other: cell.upper(), lambda cell, other: cell.swapcase(),
    lambda cell, other: f"-{cell}",
    lambda cell, other: f"{cell}%", lambda cell, other: f"({cell})", lambda cell, other: cell.translate(str.maketrans(".,", ",.")),
    lambda cell, other: cell.translate(str.maketrans("0123456789", "０１２３４５６７８９")),
    lambda cell, other: cell[: len(cell) // 2 + 1],
    lambda cell, other: cell + other, lambda cell, other: f"{cell} {other}", lambda cell, other: cell.replace(" ", ""),
    lambda cell, other: f"'{cell}'", lambda cell, other: cell[::-1],
)  # fmt: skip
FEWEST = 200  # different cells of each kind


def varied(cells: list) -> list:
    """The cells, and edits of them, and edits of those, until there are enough: other spaces, marks, digits, cases, halves."""
    found = dict.fromkeys(cells)
    while len(found) < FEWEST:
        texts = [cell for cell in found if isinstance(cell, str) and len(cell) < 100]
        new = [edit(cell, other) for cell, other in zip(texts, texts[1:] + texts[:1]) for edit in EDITS]
        new = [cell for cell in dict.fromkeys(new) if cell not in found]
        found |= dict.fromkeys(new[:: -(-len(new) // (FEWEST - len(found)))] if len(new) > FEWEST - len(found) else new)
        if len(found) < FEWEST:
            found |= dict.fromkeys(new[: FEWEST - len(found)])
    return list(found)


def number(name: str, style: str, **more) -> Column:
    return Column(name=name, kind="number", inputs=(name,), style=style, low=0.0, high=10.0, **more)


def moment(name: str, style: str) -> Column:
    return Column(name=name, kind="moment", inputs=tuple(f"{name}_{p}" for p in PARTS), parts=PARTS, style=style, origin=1.6e9)


COLUMNS = {
    "numbers": [*(number(s, s) for s in STYLES), number("marks", "plain", sentinels=(-999.0, 9999.0), missing=("abc", "5 kg"))],
    "quantities": [
        *(number(f"q{i}", ("plain", "comma")[i % 2], units=units) for i, units in enumerate(UNITS)),
        Column(name="q0", kind="category", inputs=("unit",), levels=("g", "kg"), of_unit=True, style="plain", units=UNITS[0]),
    ],
    "more quantities": [number(f"q{i}", ("comma", "plain")[i % 2], units=units) for i, units in enumerate(UNITS)],
    "dates": [moment(f"d{i}", form) for i, form in enumerate(ODD["forms"][::2])],
    "more dates": [moment(f"d{i}", form) for i, form in enumerate(ODD["forms"][1::2])],
    "others": [
        Column(name="category", kind="category", inputs=("category",), levels=tuple(ODD["levels"])),
        Column(name="boolean", kind="boolean", inputs=("boolean",)),
        Column(name="three", kind="measures", inputs=("m1", "m2", "m3"), parts=("1", "2", "3"), style=".", separator="#x#x#cm"),
        Column(name="two", kind="measures", inputs=("k1", "k2"), parts=("1", "2"), style=",", separator="#/#"),
        Column(name="tags", kind="tags", inputs=("tags",), levels=("a", "b", "c"), separator="|"),
        Column(name="text", kind="text", inputs=("text",), scores=MODEL),
    ],
}
OTHERS = ("categories", "booleans", "measures", "tags", "texts", "numbers")
CELLS = {
    "numbers": varied(ODD["numbers"] + LONG),
    "quantities": varied(ODD["quantities"]),
    "more quantities": varied(ODD["quantities"]),
    "dates": varied(ODD["dates"] + ODD["numbers"]),
    "more dates": varied(ODD["dates"] + ODD["numbers"]),
    "others": [cell for name in OTHERS for cell in (varied(ODD[name]) if name != "numbers" else ODD[name])] + LONG,
}


def cases(kind: str, apart: int = 1) -> list[list[dict]]:
    """Tables of one row, the same cell in every column, and tables of several rows, whose decimal mark decides.

    apart: of the tables of one row, every so many.
    """
    rows = [{column.name: cell for column in COLUMNS[kind]} for cell in CELLS[kind]]
    return [[row] for row in rows[::apart]] + [rows[i : i + 9] for i in range(0, len(rows), 9)]


def compare(encoder: TableEncoder, tables: list[list[dict]], tolerance: float) -> int:
    """Asserts equal arrays and errors; returns how many numbers were compared that are no NaN."""
    known = 0
    for rows, got in zip(tables, javascript.encode("table", table_rules(), to_builtins(encoder), tables), strict=True):
        want = encode(encoder, read_table(rows))
        assert sorted(want.errors) == sorted(got["errors"]), rows
        for name, array in want.inputs.items():
            found = np.array([float(value) for value in got["inputs"][name]])
            np.testing.assert_allclose(found, array.ravel(), rtol=tolerance, atol=0, err_msg=f"{name} of {rows}")
            known += int(np.isfinite(array).sum())
    return known


@pytest.mark.parametrize("kind", [pytest.param(kind, marks=[pytest.mark.slow] if "more" in kind else []) for kind in COLUMNS])
def test_the_arrays_are_those_of_python(kind):
    encoder = TableEncoder(columns=tuple(COLUMNS[kind]), targets=(Target(name="y"),), decimal=".")
    tables = cases(
        kind, apart={"dates": 20, "more dates": 20, "others": 6, "quantities": 4, "more quantities": 4, "numbers": 2}.get(kind, 1)
    )
    assert len(CELLS[kind]) >= FEWEST * (len(OTHERS) - 1 if kind == "others" else 1)
    tolerance = 2e-7 if kind == "others" else 0.0  # of texts: a sum in another order
    assert compare(encoder, tables, tolerance) > len(tables)


@pytest.mark.parametrize("mark", [",", None])
def test_another_decimal_mark_of_the_training_file(mark):
    columns = (*COLUMNS["numbers"], *COLUMNS["quantities"][:4])
    rows = [{column.name: cell for column in columns} for cell in CELLS["numbers"]]
    assert compare(TableEncoder(columns=columns, targets=(Target(name="y"),), decimal=mark), [[row] for row in rows[::4]], 0.0) > 50


@pytest.mark.slow
def test_every_form_of_dates():
    columns = tuple(moment(f"d{i}", form) for i, form in enumerate(FORMS))
    rows = [{column.name: cell for column in columns} for cell in CELLS["dates"]]
    assert compare(TableEncoder(columns=columns, targets=(Target(name="y"),), decimal="."), [rows], 0.0) > 1000


def test_predictions_are_those_of_python():
    random = np.random.default_rng(0)
    labels = ("a", "b", "c", "d")
    classes = TableEncoder(columns=(), targets=(Target(name="y", labels=labels),))
    numbers = TableEncoder(columns=(), targets=(Target(name="y"), Target(name="z")))
    p = random.dirichlet(np.ones(4), 6)
    shares = {"probabilities": p, "decision": random.integers(0, 4, 6)}
    values = {name: random.normal(size=(6, 2)) for name in ("prediction", "lower", "upper")}
    given = [
        {"encoder": to_builtins(encoder), "outputs": {name: array.ravel().tolist() for name, array in outputs.items()}, "count": 6}
        for encoder, outputs in ((classes, shares), (classes, {"probabilities": p}), (numbers, values))
    ]
    decided, likely, several = javascript.encode("predictions", table_rules(), None, given)
    encoded = Encoded(inputs={}, kept=list(range(6)))
    assert decided == postprocess(classes, shares, encoded)
    assert likely == postprocess(classes, {"probabilities": p}, encoded)
    for got, want in zip(several, postprocess(numbers, values, encoded), strict=True):
        assert {target.pop("name"): target for target in got["targets"]} == want


def test_a_set_of_labels_and_a_warning_are_shown_where_the_graph_has_them():
    encoder = TableEncoder(columns=(), targets=(Target(name="y", labels=("a", "b", "c")),))
    outputs = {"probabilities": [0.2, 0.5, 0.3, 0.1, 0.1, 0.8], "set": [0, 1, 1, 0, 0, 1], "distance": [0.4, 3.21]}
    ((usual, far),) = javascript.encode(
        "predictions", table_rules(), None, [{"encoder": to_builtins(encoder), "outputs": outputs, "count": 2}]
    )
    assert (usual["set"], far["set"]) == (["b", "c"], ["c"])
    assert "warnings" not in usual
    assert "3.21 times the usual distance" in far["warnings"][0]


def test_cells_that_nobody_thought_of():
    letters = st.text(alphabet="0123456789.,-+%$€ kgmGBabx/:'()−½²éß日🙂\u00a0\u0661eE°\"", max_size=14)
    found: list[list[dict]] = []

    @settings(max_examples=20, database=None, derandomize=True, deadline=None)
    @given(st.lists(letters, min_size=1, max_size=6))
    def collect(texts):
        found.append([{column.name: text for kind in COLUMNS for column in COLUMNS[kind]} for text in texts])

    collect()
    columns = [column for kind in ("numbers", "quantities", "others") for column in COLUMNS[kind]]
    assert compare(TableEncoder(columns=tuple(columns), targets=(Target(name="y"),), decimal="."), found, 2e-7) > len(found)
