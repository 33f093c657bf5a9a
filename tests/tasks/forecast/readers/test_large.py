"""Panels read in parts: the same series, windows and weights as in memory, in the order of the file."""

import numpy as np
import polars as pl
import pytest

from applied_dl.core.errors import DataError, UsageError
from applied_dl.tasks.forecast.fit.net import sources
from applied_dl.tasks.forecast.readers import large
from applied_dl.tasks.forecast.readers.prepare import prepare_series
from applied_dl.workflows.recipes import read_recipe


@pytest.fixture(autouse=True)
def small_parts(monkeypatch):
    monkeypatch.setattr(large, "PART_ROWS", 300)


def panel(order="series"):
    """Twenty daily series of different lengths, with gaps, values that are missing and days that occur twice."""
    random, rows = np.random.default_rng(0), []
    for i in range(20):
        steps = 60 + 7 * (i % 6)
        kept = np.flatnonzero(random.random(steps) > 0.03)
        values = 50 + i + 10 * np.sin(kept * 2 * np.pi / 7) + random.normal(size=len(kept))
        values[random.random(len(kept)) < 0.02] = np.nan
        days = np.datetime64("2023-01-01") + kept + 3 * (i % 4)
        rows.append(
            pl.DataFrame({"shop": f" shop {19 - i}", "day": days, "sold": values, "price": random.random(len(kept)), "size": i % 3})
        )
        rows.append(rows[-1].head(2))
    return pl.concat(rows).sample(fraction=1.0, shuffle=True, seed=0) if order == "mixed" else pl.concat(rows)


def prepared(path, cache, in_memory, **data):
    data = {"source": str(path), "target": "sold", "series": "shop", "in_memory": in_memory, **data}
    return prepare_series(read_recipe({"task": "forecast", "data": data, "model": {"name": "dlinear"}}), cache=cache)


@pytest.mark.parametrize("order", ["series", "mixed"])
@pytest.mark.parametrize("data", [{}, {"past_covariates": "price", "static_covariates": "size", "horizon": 7}])
def test_series_and_windows_are_those_of_memory(tmp_path, order, data):
    panel(order).write_parquet(tmp_path / "a.parquet")
    whole, parts = (prepared(tmp_path / "a.parquet", tmp_path, in_memory, **data) for in_memory in (True, False))
    assert whole.encoder == parts.encoder
    assert whole.fingerprint == parts.fingerprint
    assert whole.facts == parts.facts
    assert len(whole.state.blocks) == 20
    for one, other in zip(whole.state.blocks, parts.state.blocks, strict=True):
        assert (one.names, one.start) == (other.names, other.start)
        np.testing.assert_array_equal(one.truth, other.truth)
        np.testing.assert_array_equal(one.values, other.values)
    for name in ("train", "validation", "test"):
        for key, array in getattr(whole, name).inputs.items():
            np.testing.assert_array_equal(array, getattr(parts, name).inputs[key])
    index = np.arange(0, len(whole.state.starts["train"]), 9)
    batches = [sources(one, False)[0].gather(index) for one in (whole, parts)]
    np.testing.assert_array_equal(batches[0][0]["history"], batches[1][0]["history"])
    np.testing.assert_array_equal(batches[0][1], batches[1][1])
    assert all(isinstance(known, np.memmap) for known in parts.state.known)


def test_the_arrays_are_found_again(tmp_path, monkeypatch):
    panel().write_parquet(tmp_path / "a.parquet")
    first = prepared(tmp_path / "a.parquet", tmp_path, False)
    monkeypatch.setattr(large, "_part", lambda *_: pytest.fail("read again"))
    second = prepared(tmp_path / "a.parquet", tmp_path, False)
    assert first.fingerprint == second.fingerprint
    assert first.warnings == second.warnings


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [("a.csv", {}, "the source is no Parquet file"), ("a.parquet", {"series": None}, "does not name the one column")],
)
def test_what_is_read_whole_is_refused(tmp_path, name, data, message):
    panel().write_parquet(tmp_path / "a.parquet")
    panel().write_csv(tmp_path / "a.csv")
    with pytest.raises(UsageError, match=message):
        prepared(tmp_path / name, tmp_path, False, **data)


def test_what_cannot_be_read_is_a_sentence(tmp_path):
    rows = panel()
    rows.with_columns(shop=pl.when(pl.int_range(pl.len()) == 5).then(None).otherwise("shop")).write_parquet(tmp_path / "a.parquet")
    with pytest.raises(DataError, match="row 7: the series has no name"):
        prepared(tmp_path / "a.parquet", tmp_path, False)
    rows.with_columns(sold=pl.when(pl.int_range(pl.len()) == 1200).then(float("inf")).otherwise("sold")).write_parquet(
        tmp_path / "b.parquet"
    )
    with pytest.raises(DataError, match=r"where rows are counted among those of the \d+ series .* expected a finite number"):
        prepared(tmp_path / "b.parquet", tmp_path, False)


def test_large_files_are_read_in_parts(tmp_path, monkeypatch, capsys):
    panel().write_parquet(tmp_path / "a.parquet")
    data = lambda **keys: read_recipe({"task": "forecast", "data": {"source": str(tmp_path / "a.parquet"), **keys}}).data  # noqa: E731
    assert large.large_panel(data(series="shop")) is None
    monkeypatch.setattr(large, "LARGE_ROWS", 1000)
    assert large.large_panel(data(series="shop")) == tmp_path / "a.parquet"
    assert large.large_panel(data(series="shop", in_memory=True)) is None
    assert large.large_panel(data()) is None
    assert "is read whole" in capsys.readouterr().err
