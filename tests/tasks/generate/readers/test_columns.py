"""What columns of a table are, and that codes and places give their cells back."""

import datetime

import numpy as np
import polars as pl
import pytest

from applied_dl.core.errors import DataError
from applied_dl.io.tables import read_table
from applied_dl.tasks.generate.encoder import Form, rows_frame
from applied_dl.tasks.generate.readers.columns import encode_rows, learn_columns
from applied_dl.tasks.generate.recipe import Data

random = np.random.default_rng(0)
N = 200


def learned(frame: dict, bins: int = 16, **data):
    table = read_table(pl.DataFrame(frame, strict=False))
    columns, notes = learn_columns(table, np.arange(len(table)), Data(**data), bins, None)
    form = Form(latent=1, columns=columns)
    return table, form, {column.name: column for column in columns}, notes


def test_numbers_come_back_as_they_were():
    table, form, columns, _ = learned({
        "whole": random.integers(0, 1000, N), "real": np.round(random.normal(0, 1e6, N), 2), "few": random.integers(0, 4, N),
        "tiny": np.round(random.normal(size=N) * 1e-4, 6), "constant": [7] * N,
    })  # fmt: skip
    assert [columns[name].decimals for name in columns] == [0, 2, 0, 6, 0]
    assert columns["few"].size == 5  # each value by itself, and the empty cell
    codes, places, _ = encode_rows(form, table)
    frame = rows_frame(form, codes, places)
    assert frame.schema["whole"] == pl.Int64
    for name in ("whole", "real", "few", "tiny", "constant"):
        spread = max(float(table.frame[name].max() - table.frame[name].min()), 1e-9)
        gap = np.abs(frame[name].to_numpy() - table.frame[name].to_numpy())
        assert gap.max() <= 2e-6 * spread + 10.0 ** -columns[name].decimals, name


def test_frequent_numbers_are_intervals_by_themselves():
    values = np.where(random.random(N) < 0.6, 0.0, np.round(random.lognormal(8, 1, N)))
    table, form, columns, _ = learned({"gain": values, "x": random.normal(size=N)})
    assert any(knots[0] == knots[-1] == -columns["gain"].origin for knots in columns["gain"].knots)
    codes, places, _ = encode_rows(form, table)
    assert (rows_frame(form, codes, places)["gain"] == 0).mean() == (values == 0).mean()


def test_kinds_of_columns():
    _, form, columns, notes = learned({
        "id": np.arange(N) + 5, "name": [f"person{i}" for i in range(N)], "text": [f"this is the long text number {i}" for i in range(N)],
        "zip": [f"0{i % 9}123" for i in range(N)], "flag": np.arange(N) % 2 == 0, "empty": [None] * N,
        "day": [datetime.date(2024, 1, 1) + datetime.timedelta(days=i % 90) for i in range(N)],
        "date text": [f"{i % 28 + 1:02d}.03.2024" for i in range(N)], "holes": [None if i % 4 == 0 else "x" for i in range(N)],
        "comma": [f"{i},5" for i in range(N)],
    })  # fmt: skip
    kinds = {name: column.kind for name, column in columns.items()}
    assert kinds == {
        "id": "key", "name": "key", "text": "empty", "zip": "category", "flag": "category", "empty": "empty", "day": "moment",
        "date text": "moment", "holes": "category", "comma": "number",
    }  # fmt: skip
    assert (columns["id"].first, columns["id"].dtype) == (N + 5, "int")
    assert (columns["name"].prefix, columns["name"].first) == ("person", N)
    assert (columns["flag"].dtype, columns["day"].dtype, columns["comma"].style) == ("bool", "date", "comma")
    assert len(notes) == 4
    assert len(form.learned) == 6


def test_cells_of_every_kind_come_back():
    frame = {
        "flag": np.arange(N) % 2 == 0, "day": [datetime.date(2024, 1, 1) + datetime.timedelta(days=i % 90) for i in range(N)],
        "text day": [f"{i % 28 + 1:02d}.03.2024" for i in range(N)], "kind": [None if i % 4 == 0 else "xyz"[i % 3] for i in range(N)],
        "comma": [f"{i % 7},5" for i in range(N)], "at": [datetime.datetime(2024, 1, 1, 10, i % 60) for i in range(N)],
    }  # fmt: skip
    table, form, _, _ = learned(frame, bins=128)
    codes, places, _ = encode_rows(form, table)
    back = rows_frame(form, codes, places)
    for name in frame:
        assert back[name].to_list() == table.frame[name].to_list(), name


def test_levels_beyond_the_most_are_replaced_and_named():
    table = read_table(pl.DataFrame({"kind": [f"level{i % 50}" for i in range(N)], "x": np.arange(N) % 7}))
    columns, notes = learn_columns(table, np.arange(N), Data(), 16, 10)
    assert columns[0].size == 11
    assert "of 50 levels" in notes[0]
    codes, _, _ = encode_rows(Form(latent=1, columns=columns), table)
    assert codes[:, 0].min() >= 1


def test_a_column_named_categorical_is_one():
    _, _, columns, _ = learned({"n": np.arange(N) % 5, "x": random.normal(size=N)}, categorical=("n",))
    assert columns["n"].kind == "category"


def test_what_cannot_be_learned_is_one_sentence():
    with pytest.raises(DataError, match="no column can be learned"):
        learned({"id": np.arange(N), "text": [f"this is the long text number {i}" for i in range(N)]})
    table, form, _, _ = learned({"a": np.arange(N) % 5, "b": np.arange(N) % 3})
    with pytest.raises(DataError, match="lacks the column 'a'"):
        encode_rows(form, read_table(pl.DataFrame({"b": [1, 2]})))


def test_new_numbers_fall_into_the_nearest_interval():
    table, form, columns, _ = learned({"x": random.normal(size=N), "y": np.arange(N) % 3})
    codes, places, _ = encode_rows(form, read_table(pl.DataFrame({"x": [-100.0, 100.0, None], "y": [0, 9, -9]})))
    assert codes[:, 0].tolist() == [1, columns["x"].size - 1, 0]
    assert codes[:, 1].tolist() == [1, 3, 1]
    assert places[:2, 0].tolist() == [0, 1]


def test_units_currencies_and_zones_are_written_as_they_are():
    """What surrounds every number or time comes back; where it differs or is unknown, a note says what is made."""
    day = [f"2024-{i % 12 + 1:02d}-{i % 28 + 1:02d}T10:00:0{i % 9}" for i in range(N)]
    cells = {
        "price": [f"${i * 3.5:.2f}" for i in range(N)], "weight": [f"{i} kg" for i in range(N)], "share": [f"{i % 100}%" for i in range(N)],
        "euro": [f"{i * 3.1:.2f} €".replace(".", ",") for i in range(N)], "francs": [f"CHF {i * 1000:,}.50" for i in range(N)],
        "cold": [f"{i % 30 - 10:.1f} °C" for i in range(N)], "zoned": [f"{one}Z" for one in day],
    }  # fmt: skip
    table, form, _, notes = learned({**cells, "several": [f"{one}{'Z' if i % 2 else '+02:00'}" for i, one in enumerate(day)]})
    assert len(form.learned) == 8
    codes, places, _ = encode_rows(form, table)
    frame = rows_frame(form, codes, places)
    for name in cells:
        assert sum(a == b for a, b in zip(frame[name].to_list(), cells[name])) > 0.9 * N, name
    assert [note for note in notes if "zone" in note] == [
        "column 'several': made times are local and have no zone, real ones have Z, +02:00"
    ] or any("have +02:00, Z" in note for note in notes)


def test_infinite_numbers_are_empty_cells():
    values = [float("inf") if i % 9 == 0 else i * 0.1 for i in range(N)]
    _, _, columns, notes = learned({"a": values, "b": ["inf" if i % 9 == 0 else f"{i * 0.1:.1f}" for i in range(N)]})
    assert {column.kind for column in columns.values()} == {"number"}
    assert all(column.holes for column in columns.values())
    assert sum("infinite" in note for note in notes) == 2
