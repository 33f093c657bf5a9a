"""From a file to windows: the message for each kind of bad file, and the sizes that are chosen by default."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from applied_dl.core.errors import AppliedError
from applied_dl.tasks.forecast import task
from applied_dl.tasks.forecast.readers import windows as forecast_windows
from applied_dl.tasks.forecast.readers.prepare import with_newest_rows
from applied_dl.workflows import recipes


def stamps(n, seconds=3600, start="2024-01-01"):
    return [str(np.datetime64(start, "s") + i * seconds).replace("T", " ") for i in range(n)]


def wave(n):
    return (10 + np.sin(np.arange(n) / 4) + 0.1 * np.random.default_rng(0).standard_normal(n)).round(4)


def prepared(tmp_path, frame, **keys):
    path = tmp_path / "sales.csv"
    path.write_text(frame) if isinstance(frame, str) else pl.DataFrame(frame, strict=False).write_csv(path)
    recipe = recipes.read_recipe({"task": "forecast"}, {"data.source": str(path), **{k.replace("__", "."): v for k, v in keys.items()}})
    found = task.prepare(recipe, Path("."))
    task.resolve_defaults(recipe, found)
    return found


IRREGULAR = [str(t) for t in np.datetime64("2024-01-01", "s") + np.cumsum(3600 + np.random.default_rng(1).integers(-600, 600, 300))]
LONG = {"series": ["east"] * 200 + ["west"] * 200, "time": stamps(200) + stamps(200, 86400), "value": wave(400)}


@pytest.mark.parametrize(
    ("frame", "keys", "says"),
    [
        ({"date": stamps(300), "a": wave(300), "b": [None] * 300}, {"data__target": ["a", "b"]}, "Series 'b': every value is missing"),
        ({"date": IRREGULAR, "a": wave(300)}, {}, "irregular stamps: they lie about"),
        ({"date": stamps(200) + stamps(200, 86400, "2024-02-01"), "a": wave(400)}, {}, "series 'a': mixed frequencies"),
        (LONG, {}, "series 'west': mixed frequencies: its stamps are mostly 24 steps of 'h' apart"),
        ({"date": stamps(9), "a": wave(9)}, {"data__horizon": 6}, "Series 'a' has 9 steps"),
        ({"date": stamps(1), "a": wave(1)}, {}, "1 time stamp, expected at least 3"),
        ("date,a\n", {}, "has 0 rows"),
        ("", {}, "is empty"),
        ({"date": stamps(300), "a": [5.0] * 300}, {}, "Series 'a' is constant (5) over its training steps"),
        ({"date": stamps(300), "a": [*map(str, wave(299)), "high"]}, {}, "column 'a', row 301: expected a number, received 'high'"),
        ({"date": stamps(300), "a": wave(300)}, {"data__horizon": 0}, "data.horizon: expected `int` >= 1, received 0"),
        ({"date": stamps(300), "a": wave(300)}, {"data__horizon": 299}, "give a longer history or a smaller data.horizon"),
        ({"date": stamps(300), "a": wave(300)}, {"data__season": 5000}, "data.season = 5000 is longer than"),
        ({"date": stamps(300), "a": [v if i % 5 == 0 else None for i, v in enumerate(wave(300))]}, {}, "80% of its values are missing"),
        ({"date": stamps(300), "a": wave(300)}, {"data__split": [0.8, 0.0, 0.2]}, "0 of them for validation"),
        ({"date": stamps(300), "a": wave(300), "p": [*wave(290), *[None] * 10]}, {"data__target": "a", "data__future_covariates": ["p"]},
         "a column of data.future_covariates (p) has no value at 2024-01-13T02:00:00"),
        ({"date": stamps(300), "a": wave(300)}, {"data__future_covariates": ["a"], "data__target": "a"},
         "'a' is named by data.target and by"),
        ({"id": ["x", "y"], **{f"V{i}": [1.0 + i, 2.0 * i] for i in range(60)}}, {"data__calendar": True, "data__horizon": 4},
         "data.calendar needs dates"),
    ],
)  # fmt: skip
def test_a_bad_file_is_answered_by_one_sentence_with_series_and_place(frame, keys, says, tmp_path):
    with pytest.raises(AppliedError) as error:
        prepared(tmp_path, frame, **keys)
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def test_local_time_over_both_clock_changes_is_read_and_reported(tmp_path):
    spring = [s for s in stamps(1500, start="2024-03-01") if not s.startswith("2024-03-31 02")]
    found = prepared(tmp_path, {"date": spring, "a": wave(1499)})
    assert found.facts["missing"] == 1
    autumn = stamps(1500, start="2024-10-01")
    twice = next(i for i, s in enumerate(autumn) if s.startswith("2024-10-27 02"))
    found = prepared(tmp_path, {"date": autumn[: twice + 1] + autumn[twice:], "a": wave(1501)})
    assert found.warnings == ["series 'a': 1 repeated stamps (the first: 2024-10-27 02:00:00) were replaced by the mean of their values, "
                              "which differ at 1 of them"]  # fmt: skip


def test_sizes_that_nobody_named_fit_the_data(tmp_path):
    found = prepared(tmp_path, {"date": stamps(3000), "a": wave(3000)})
    assert (found.encoder.season, found.encoder.horizon, found.encoder.lookback) == (24, 48, 512)
    assert len(found.test) == 600 - 48 + 1
    small = prepared(tmp_path, {"date": stamps(300), "a": wave(300)}, data__horizon=6)
    assert small.encoder.lookback % 24 == 0
    assert small.encoder.lookback <= (180 - 6) / 3
    short = {"series": ["tiny"] * 3 + ["long"] * 200, "time": stamps(3) + stamps(200), "value": wave(203)}
    panel = prepared(tmp_path, short)
    assert panel.warnings == ["1 series have no history before their test and were left out: tiny"]
    assert panel.encoder.lookback == 144


@pytest.mark.parametrize(("promo", "form"), [([0, 1] * 200, "aligned"), ([0, 1] * 100 + [1, 0] * 100, "panel")])
def test_series_with_covariates_of_their_own_are_a_panel(tmp_path, promo, form):
    long = {"series": ["a"] * 200 + ["b"] * 200, "time": stamps(200) * 2, "value": wave(400), "promo": promo}
    found = prepared(tmp_path, long, data__horizon=6, data__future_covariates=["promo"])
    assert found.encoder.form == form


def test_explicit_files_are_joined_in_time_and_used_as_given(tmp_path):
    for name, start, n in (("train", "2024-01-01", 200), ("validation", "2024-01-09 08:00", 48), ("test", "2024-01-11 08:00", 60)):
        pl.DataFrame({"date": stamps(n, start=start), "a": wave(n)}).write_csv(tmp_path / f"{name}.csv")
    keys = {f"data.{name}": str(tmp_path / f"{name}.csv") for name in ("train", "validation", "test")} | {"data.horizon": 12}
    found = task.prepare(recipes.read_recipe({"task": "forecast"}, keys), Path("."))
    assert len(found.state.known[0]) == 200
    assert found.validation.extra["origin"][[0, -1]].tolist() == [200, 248 - 12]
    assert found.test.extra["origin"][[0, -1]].tolist() == [248, 308 - 12]
    keys["data.test"] = keys["data.validation"]
    with pytest.raises(AppliedError, match="series 'a': it begins 48 steps before the training file ends"):
        task.prepare(recipes.read_recipe({"task": "forecast"}, keys), Path("."))


def test_a_large_panel_keeps_some_windows_as_rows_and_trains_on_all(tmp_path, monkeypatch):
    frame = {"series": ["a"] * 150 + ["b"] * 90, "time": stamps(150) + stamps(90), "value": wave(240)}
    whole = prepared(tmp_path, frame, data__horizon=6, data__test_horizons=1)
    monkeypatch.setattr(forecast_windows, "LARGEST_PANEL", 60 * whole.encoder.lookback)
    small = prepared(tmp_path, frame, data__horizon=6, data__test_horizons=1)
    assert len(whole.train) == whole.facts["windows"] == small.facts["windows"] == len(small.state.starts["train"])
    assert 30 < len(small.train) <= 61
    assert small.rows == whole.rows  # what a dry run, a training and a card count
    assert set(small.train.extra["series"]) == {0, 1}
    assert {w.tobytes() for w in small.train.inputs["history"]} < {w.tobytes() for w in whole.train.inputs["history"]}
    np.testing.assert_array_equal(small.test.target, whole.test.target)


@pytest.mark.parametrize("shops", [1, 3])
def test_a_short_history_whose_promotions_end_with_the_values_is_fitted_again_on_all_rows(shops, tmp_path):
    count, horizon = 60, 12
    promo = (np.arange(count) % 5 == 0).astype(float)
    months = np.datetime_as_string(np.datetime64("2015-01", "M") + np.arange(count))
    frame = pl.concat(
        [pl.DataFrame({"shop": [f"s{i}"] * count, "month": months, "sold": 100.0 + 20 * promo + np.arange(count), "promo": promo})
         for i in range(shops)]
    )  # fmt: skip
    more = {"data.series": "shop"} if shops > 1 else {}
    frame = frame if shops > 1 else frame.drop("shop")
    keys = {"data.target": "sold", "data.horizon": horizon, "data.future_covariates": ("promo",), **more}
    found = prepared(tmp_path, frame, **keys)
    newest = with_newest_rows(found).validation
    assert not np.isnan(newest.inputs["future"]).any()
    unknown = np.isnan(newest.target).reshape(len(newest), -1)
    assert unknown.any()  # from the newest origins, whose horizon has only begun
    assert not unknown.all(axis=1).any()


def test_promotions_that_are_unknown_within_the_history_are_refused(tmp_path):
    months = np.datetime_as_string(np.datetime64("2015-01", "M") + np.arange(60))
    promo = [*(np.arange(57) % 5 == 0).astype(int).tolist(), None, None, None]
    frame = {"month": months.tolist(), "sold": wave(60), "promo": promo}
    with pytest.raises(AppliedError, match=r"a column of data.future_covariates \(promo\) has no value at 2019-10-01"):
        prepared(tmp_path, frame, **{"data.target": "sold", "data.horizon": 12, "data.future_covariates": ("promo",)})
