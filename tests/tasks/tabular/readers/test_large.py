"""Tables read in batches: every row trains or is held out, copies and groups stay together, and the arrays are the encoder's."""

import json

import numpy as np
import polars as pl
import pytest

from applied_dl.core.errors import UsageError
from applied_dl.io.tables import read_table
from applied_dl.tasks.tabular.arrays import matrices, row_count, targets
from applied_dl.tasks.tabular.encoder import encode, read_targets
from applied_dl.tasks.tabular.fit.net import sources
from applied_dl.tasks.tabular.readers import large
from applied_dl.tasks.tabular.readers.read import prepare_table
from applied_dl.workflows.recipes import read_recipe

ROWS = 6000


@pytest.fixture(autouse=True)
def small_batches(monkeypatch):
    monkeypatch.setattr(large, "BATCH_BYTES", 2**15)
    monkeypatch.setattr(large.os, "cpu_count", lambda: 1)
    batches = large.table_batches
    monkeypatch.setattr(large, "table_batches", lambda path, **options: batches(path, 2**15, **options))


def frame(rows=ROWS):
    random = np.random.default_rng(0)
    x = random.permutation(rows) / 1000 - 3
    cells = {"x": x, "color": random.choice(["red", "green", "blue"], rows), "patient": np.arange(rows) // 10, "day": np.arange(rows)}
    return pl.DataFrame({**cells, "y": 2 * x + random.normal(size=rows)})


def prepared_from(path, cache, **keys):
    data = {f"data.{name}": value for name, value in ({"in_memory": False, "sample_rows": 2000, "target": "y"} | keys).items()}
    recipe = read_recipe({"task": "tabular"}, {"data.source": str(path), **data})
    return recipe, prepare_table(recipe, cache)


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".jsonl"])
def test_every_row_trains_or_is_held_out(tmp_path, suffix):
    path, cells = tmp_path / f"rows{suffix}", frame()
    {".csv": cells.write_csv, ".parquet": cells.write_parquet, ".jsonl": cells.write_ndjson}[suffix](path)
    recipe, prepared = prepared_from(path, tmp_path, ignore=("patient", "day"))
    stored = prepared.state.stored
    held = np.concatenate([prepared.validation.inputs["x"], prepared.test.inputs["x"]])
    assert len(stored) + len(held) == ROWS
    assert sorted([*stored.inputs["numbers"][:, 0].tolist(), *held.tolist()]) == pytest.approx(sorted(cells["x"].cast(pl.Float32)))
    assert prepared.facts["rows"] == ROWS
    assert row_count(prepared) == len(stored)
    assert len(sources(recipe, prepared)[0].gather(np.arange(5))[1]) == 5


def test_the_arrays_are_those_of_the_whole_table(tmp_path):
    frame().write_csv(tmp_path / "rows.csv")
    _, prepared = prepared_from(tmp_path / "rows.csv", tmp_path, ignore=("patient", "day"))
    table = read_table(str(tmp_path / "rows.csv"))
    cells, truth = encode(prepared.encoder, table), read_targets(prepared.encoder, table)
    held = np.isin(cells.inputs["x"], np.concatenate([prepared.validation.inputs["x"], prepared.test.inputs["x"]]))
    wanted = matrices(prepared.encoder, cells.inputs)
    stored = prepared.state.stored
    assert all(np.array_equal(stored.inputs[name], wanted[name][~held]) for name in wanted)
    part = prepared.train.take(slice(0, 0))
    part = type(part)(inputs=part.inputs, target=truth[~held])
    assert np.asarray(stored.target) == pytest.approx(targets(prepared, part))


def test_copies_of_held_out_rows_do_not_train(tmp_path):
    cells = pl.concat([frame(2000), frame(2000), frame(2000)])
    cells.write_csv(tmp_path / "rows.csv")
    _, prepared = prepared_from(tmp_path / "rows.csv", tmp_path, ignore=("patient", "day"))
    held = np.concatenate([prepared.validation.inputs["x"], prepared.test.inputs["x"]])
    assert not np.isin(prepared.state.stored.inputs["numbers"][:, 0], held).any()
    assert any("equal to rows that are held out" in note for note in prepared.warnings)
    assert any("copies of another" in note for note in prepared.warnings)


def test_rows_that_are_equal_by_chance_train(tmp_path):
    random = np.random.default_rng(0)
    cells = pl.DataFrame({name: random.integers(0, 3, ROWS) for name in ("a", "b", "y")})
    cells.write_csv(tmp_path / "rows.csv")
    _, prepared = prepared_from(tmp_path / "rows.csv", tmp_path)
    assert len(prepared.state.stored) + len(prepared.validation) + len(prepared.test) == ROWS


def test_groups_and_order_are_kept_apart(tmp_path):
    cells = frame()
    cells.write_csv(tmp_path / "rows.csv")
    _, prepared = prepared_from(tmp_path / "rows.csv", tmp_path, group="patient", ignore=("day",))
    patient = dict(zip(cells["x"].cast(pl.Float32).to_list(), cells["patient"].to_list()))
    held = {patient[x] for part in (prepared.validation, prepared.test) for x in part.inputs["x"].tolist()}
    assert not held & {patient[x] for x in prepared.state.stored.inputs["numbers"][:, 0].tolist()}
    _, prepared = prepared_from(tmp_path / "rows.csv", tmp_path, order="day", ignore=("patient",))
    day = dict(zip(cells["x"].cast(pl.Float32).to_list(), cells["day"].to_list()))
    first = min(day[x] for x in prepared.validation.inputs["x"].tolist())
    assert max(day[x] for x in prepared.state.stored.inputs["numbers"][:, 0].tolist()) < first


def test_rows_of_equal_order_precede_each_other_as_in_the_file(tmp_path):
    cells = frame().with_columns(year=2000 + pl.int_range(pl.len()) // 2000)
    cells.write_csv(tmp_path / "rows.csv")
    _, prepared = prepared_from(tmp_path / "rows.csv", tmp_path, order="year", ignore=("patient", "day"))
    day = dict(zip(cells["x"].cast(pl.Float32).to_list(), cells["day"].to_list()))
    held = [day[x] for part in (prepared.validation, prepared.test) for x in part.inputs["x"].tolist()]
    trained = [day[x] for x in prepared.state.stored.inputs["numbers"][:, 0].tolist()]
    assert sorted(trained) == list(range(min(held)))
    assert 3500 < len(trained) < 4500


def test_dates_of_which_a_batch_does_not_show_the_order_of_day_and_month(tmp_path):
    days = pl.datetime_range(pl.datetime(2001, 1, 1), pl.datetime(2001, 1, 1) + pl.duration(hours=ROWS - 1), "1h", eager=True)
    cells = frame().with_columns(time=days.dt.strftime("%d/%m/%Y %H:%M"))
    cells.write_csv(tmp_path / "rows.csv")
    _, prepared = prepared_from(tmp_path / "rows.csv", tmp_path, order="time", ignore=("patient", "day"))
    day = dict(zip(cells["x"].cast(pl.Float32).to_list(), cells["day"].to_list()))
    held = [day[x] for part in (prepared.validation, prepared.test) for x in part.inputs["x"].tolist()]
    assert sorted(day[x] for x in prepared.state.stored.inputs["numbers"][:, 0].tolist()) == list(range(min(held)))


def test_a_column_of_order_beside_given_parts(tmp_path):
    for name in ("train", "validation", "test"):
        frame(2000).write_csv(tmp_path / f"{name}.csv")
    data = {f"data.{name}": str(tmp_path / f"{name}.csv") for name in ("train", "validation", "test")}
    data |= {"data.in_memory": False, "data.sample_rows": 1000, "data.target": "y", "data.order": "day"}
    assert len(prepare_table(read_recipe({"task": "tabular"}, data), tmp_path).state.stored) == 2000


def test_lines_of_json_may_lack_keys(tmp_path):
    rows = frame().drop("patient", "day").to_dicts()
    for i, row in enumerate(rows):
        row |= {"early": i % 5} if i < ROWS // 2 else {"late": i % 7}
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    _, prepared = prepared_from(tmp_path / "rows.jsonl", tmp_path)
    numbers = np.asarray(prepared.state.stored.inputs["numbers"])
    assert numbers.shape == (ROWS - len(prepared.validation) - len(prepared.test), 3)
    assert np.isnan(numbers).mean(0) == pytest.approx([0, 0.5, 0.5], abs=0.05)


def test_a_column_that_counts_the_rows_is_dropped(tmp_path):
    frame().drop("patient", "day").with_row_index("n", 7).write_csv(tmp_path / "rows.csv")
    _, prepared = prepared_from(tmp_path / "rows.csv", tmp_path)
    assert prepared.encoder.dropped == {"n": "it counts the rows"}


def test_targets_without_a_logarithm_are_left_out_and_reported(tmp_path):
    cells = frame().drop("patient", "day").with_columns(y=pl.col("x").exp())
    cells = cells.with_columns(y=pl.when(pl.int_range(pl.len()) == 200).then(0.0).otherwise(pl.col("y")))
    cells.write_csv(tmp_path / "rows.csv")
    recipe = {"task": "tabular", "preprocess": {"target": "log"}}
    data = {"data.in_memory": False, "data.sample_rows": 1000, "data.target": "y", "data.source": str(tmp_path / "rows.csv")}
    prepared = prepare_table(read_recipe(recipe, data), tmp_path)
    assert any("1 row with a target of 0 or less" in note for note in prepared.warnings)
    assert np.abs(prepared.state.stored.target).max() < 4


def test_a_class_outside_the_sample_is_left_out_and_reported(tmp_path):
    cells = frame().with_columns(y=pl.Series(["yes", "no"] * (ROWS // 2)))
    rare = cells.head(2).with_columns(y=pl.lit("once"))
    pl.concat([cells.head(300), rare, cells.slice(300)]).write_csv(tmp_path / "rows.csv")
    _, prepared = prepared_from(tmp_path / "rows.csv", tmp_path, ignore=("patient", "day"), sample_rows=1000)
    if "once" in prepared.encoder.labels:
        pytest.skip("the sample holds the rare class")
    assert any("2 rows of a class that the sample lacks" in note for note in prepared.warnings)


def test_the_arrays_are_found_again(tmp_path, monkeypatch):
    frame().write_csv(tmp_path / "rows.csv")
    _, first = prepared_from(tmp_path / "rows.csv", tmp_path)
    monkeypatch.setattr(large, "_encode", lambda *_: pytest.fail("encoded again"))
    _, second = prepared_from(tmp_path / "rows.csv", tmp_path)
    assert first.fingerprint == second.fingerprint


def test_what_is_read_in_batches(tmp_path):
    frame(100).write_csv(tmp_path / "rows.csv")
    data = lambda **keys: read_recipe({"task": "tabular"}, {f"data.{k}": v for k, v in keys.items()}).data  # noqa: E731
    path = str(tmp_path / "rows.csv")
    assert not large.is_large(path, data())
    assert large.is_large(path, data(in_memory=False))
    assert not large.is_large("diabetes", data(in_memory=False))


def test_balanced_rows_need_memory(tmp_path):
    frame().with_columns(y=pl.Series(["yes", "no"] * (ROWS // 2))).write_csv(tmp_path / "rows.csv")
    recipe, prepared = prepared_from(tmp_path / "rows.csv", tmp_path)
    recipe = read_recipe({"task": "tabular"}, {"preprocess.balance": "over"})
    with pytest.raises(UsageError, match="class_weights"):
        sources(recipe, prepared)
