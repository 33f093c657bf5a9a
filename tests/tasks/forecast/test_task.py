"""The forecast task: splits without leakage, blends, covariates, panels, and refusals by series and reason."""

import csv
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest

import applied_dl
from applied_dl.core.errors import DataError, UsageError
from applied_dl.core.metrics.forecasting import mase_scale, owa, smape
from applied_dl.tasks.forecast import task
from applied_dl.tasks.forecast.fit.blend import LEAST, blend_weights, weights_by_error
from applied_dl.workflows import recipes

FAST = {"export": {"variants": ["fp32"], "formats": ["tflite"]}}


def recipe(**keys):
    return recipes.read_recipe({"task": "forecast"}, {k.replace("__", "."): v for k, v in keys.items()})


def prepared(**keys):
    return task.prepare(recipe(**keys), Path("."))


@pytest.fixture
def hourly(tmp_path):
    """Two channels with a daily wave, one of them driven by a column that is known ahead; the file goes on 24 steps beyond the values."""
    t, random = np.arange(900), np.random.default_rng(0)
    price = random.standard_normal(900)
    wave = 10 + np.sin(2 * np.pi * t / 24)
    noise = 0.1 * random.standard_normal((2, 900))
    stamps = np.datetime64("2024-01-01") + (t * 3600 * 10**6).astype("timedelta64[us]")
    frame = {"time": stamps, "a": wave + 2 * price + noise[0], "b": 2 * wave + noise[1], "price": price}
    table = pl.DataFrame(frame)
    ahead = table.with_columns(pl.when(pl.int_range(900) < 876).then(pl.col(c)).otherwise(None).alias(c) for c in ("a", "b"))
    ahead.write_csv(tmp_path / "hourly.csv")
    return tmp_path / "hourly.csv"


def test_parts_follow_in_time_and_units_come_from_training_steps():
    found = prepared(data__source="elnino", data__horizon=6)
    assert found.train.extra["origin"][-1] + 6 <= found.validation.extra["origin"][0]
    assert found.validation.extra["origin"][-1] + 6 <= found.test.extra["origin"][0]
    known = found.state.known[0]
    assert len(known) == round(0.6 * 732)
    assert found.encoder.center == pytest.approx((known.mean(),))
    assert len(found.test) == 732 - round(0.8 * 732) - 6 + 1  # every window, none dropped
    assert np.array_equal(found.test.inputs["history"][1][:-1], found.test.inputs["history"][0][1:])


def test_a_known_driver_is_used_and_needed_ahead(hourly, tmp_path):
    run = applied_dl.train(
        {"task": "forecast"},
        out=tmp_path / "b",
        data={"source": str(hourly), "target": ["a", "b"], "future_covariates": ["price"], "horizon": 24, "lookback": 96},
        model={"name": "ridge"},
        **FAST,
    )
    assert run.metrics["test"]["mse"] < 0.1  # of which the noise is 0.003 and the driver would be 0.9
    found = run.predictor().predict([str(hourly)])
    assert [f["series"] for f in found] == ["a", "b"]
    assert found[0]["times"][0] == "2024-02-06T12:00:00"
    price = pl.read_csv(hourly)["price"].to_numpy()[876:]
    truth = 10 + np.sin(2 * np.pi * np.arange(876, 900) / 24) + 2 * price  # of which the noise is 0.1 and the driver moves by 2
    assert np.sqrt(np.mean((np.array(found[0]["forecast"]) - truth) ** 2)) < 0.4
    short = pl.read_csv(hourly)[:876]
    assert "has no value at" in run.predictor().predict([short])[0]["error"]


@pytest.mark.parametrize("model", [pytest.param({"units": 16}, marks=pytest.mark.slow), {"members": ["ridge", "panel"], "units": 16}])
def test_a_panel_of_unlike_series_beats_naive_and_answers_each(model, tmp_path):
    random, rows = np.random.default_rng(0), []
    for i in range(12):
        t = np.arange(60 + 5 * i)
        y = 10.0 ** (i % 4) * (5 + 0.02 * t + np.sin(2 * np.pi * t / 4) + 0.1 * random.standard_normal(len(t)))
        rows += [
            {
                "series": f"s{i}",
                "people": 1e6 * (i % 5),
                "place": "north" if i % 2 else "south",
                "time": str(np.datetime64("2000-01") + 3 * k)[:7] + "-01",
                "value": float(v),
            }
            for k, v in enumerate(y)
        ]
    with (tmp_path / "panel.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    run = applied_dl.train(
        {"task": "forecast"},
        out=tmp_path / "b",
        data={"source": str(tmp_path / "panel.csv"), "horizon": 4, "target": ["value"], "static_covariates": ["people", "place"]},
        model=model,
        train={"epochs": 3},
        **FAST,
    )
    assert run.manifest.main == "owa"
    assert run.metrics["test"]["owa"] < 1.3
    found = run.predictor().predict([str(tmp_path / "panel.csv")])
    assert len(found) == 12
    assert all(low <= mid <= high for f in found for low, mid, high in zip(f["lower"], f["forecast"], f["upper"]))


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param(
            {"model": {"name": "gru", "units": 8, "patch": 12}, "train": {"loss": "quantile", "epochs": 1}}, marks=pytest.mark.slow
        ),
        {"model": {"name": "nlinear"}, "train": {"loss": "quantile", "epochs": 1}},
        pytest.param(
            {"model": {"name": "lstm", "units": 8, "patch": 1, "normalize": "none"}, "train": {"loss": "gaussian_nll", "epochs": 1}},
            marks=pytest.mark.slow,
        ),
        {"model": {"name": "blend", "members": ["ridge", "cyclenet"]}, "train": {"epochs": 1}},
        {"model": {"name": "nlinear", "difference": True}, "train": {"loss": "mae", "epochs": 1}, "data": {"calendar": True}},
    ],
)
def test_models_and_losses_reach_a_verified_file(settings, tmp_path):
    data = {"source": "elnino", "horizon": 6, "lookback": 48} | settings.pop("data", {})
    run = applied_dl.train({"task": "forecast"}, out=tmp_path / "b", data=data, **settings, **FAST)
    file = run.manifest.exports[0]
    assert not file.refused
    assert file.max_rel_diff <= 1e-4
    assert 0.5 < run.metrics["test"]["coverage"] <= 1


def test_weights_by_error_are_near_halves_of_equals_and_none_of_what_is_worse():
    rng = np.random.default_rng(1)
    truth, recency = rng.normal(size=(300, 5, 2)), np.ones(300)
    near, nearly, poor = (truth + scale * rng.normal(size=truth.shape) for scale in (0.5, 0.505, 0.8))
    weights, error, alone = weights_by_error([near, nearly], truth, recency)
    assert weights.sum() == pytest.approx(1)
    assert abs(weights[0] - 0.5) < 0.1
    assert error < alone.min()  # of errors that are not the same
    weights, error, alone = weights_by_error([near, poor, nearly], truth, recency)
    assert weights[1] == 0
    assert weights[[0, 2]].min() > LEAST
    late = np.where(np.arange(300)[:, None, None] < 270, near, truth + 2)  # was the better one, before the level changed
    assert weights_by_error([late, poor], truth, recency)[0][0] > 0.8
    assert weights_by_error([late, poor], truth, 0.5 ** (np.arange(300)[::-1] / 15))[0][0] < 0.2
    assert weights_by_error([truth, poor], truth, recency)[0].tolist() == [1, 0]
    dark = np.arange(300)[:, None, None] % 10 < 6  # most steps are known exactly: the others count
    exact, close = np.where(dark, truth, poor), truth + 0.2 * (poor - truth)[::-1]
    assert weights_by_error([exact, close], truth, recency)[0][1] > 0.8


def test_blend_weights_are_the_best_on_the_simplex():
    random = np.random.default_rng(0)
    truth = random.standard_normal((50, 4, 2))
    outputs = [truth + random.standard_normal(truth.shape), truth + random.standard_normal(truth.shape), truth + 9]
    weights, error, alone = blend_weights(outputs, truth)
    assert weights.sum() == pytest.approx(1)
    assert weights[2] < 0.02
    grid = [np.mean((w * outputs[0] + (1 - w) * outputs[1] - truth) ** 2) for w in np.linspace(0, 1, 101)]
    assert error <= min(grid) + 1e-3
    assert alone[0] == pytest.approx(np.mean((outputs[0] - truth) ** 2))


def test_absolute_weights_are_the_best_of_a_grid():
    random = np.random.default_rng(1)
    truth = random.standard_normal((40, 3, 1))
    outputs = [truth + random.standard_cauchy(truth.shape), truth + random.standard_normal(truth.shape) + 0.5]
    weights, error, alone = blend_weights(outputs, truth, 2.0, absolute=True)
    grid = [np.mean(np.abs(w * outputs[0] + (1 - w) * outputs[1] - truth)) / 2 for w in np.linspace(0, 1, 1001)]
    assert weights.sum() == pytest.approx(1)
    assert error == pytest.approx(min(grid), rel=1e-3)
    assert alone[1] == pytest.approx(np.mean(np.abs(outputs[1] - truth)) / 2)


def test_metrics_by_hand():
    assert smape(np.array([[100.0, 0]]), np.array([[50.0, 0]])) == pytest.approx(100 / 3)
    assert mase_scale(np.array([1.0, 2, 4, 8]), 2) == pytest.approx(4.5)
    assert owa(5.0, 1.0, 10.0, 2.0) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ({"data__source": "elnino", "data__horizon": 730}, "expected at least"),
        ({"data__source": "elnino", "data__lookback": 700}, "expected at least"),
        ({"data__source": "elnino", "data__target": "heat"}, "no column 'heat'"),
        ({"data__source": "co2", "data__gaps": "refuse"}, "are missing (the first at 1958-05-10)"),
        ({"data__source": "co2", "data__rows": 3}, "expected at least"),
    ],
)
def test_what_cannot_be_forecast_is_explained_in_one_sentence(keys, says):
    with pytest.raises(DataError) as error:
        prepared(**keys)
    assert says in str(error.value)


def test_constant_series_and_zero_horizons_are_refused(tmp_path):
    (tmp_path / "flat.csv").write_text("x\n" + "5\n" * 200)
    with pytest.raises(DataError, match="'x' is constant"):
        prepared(data__source=str(tmp_path / "flat.csv"))
    with pytest.raises(UsageError, match="horizon"):
        recipe(data__horizon=0)


def test_a_history_too_short_or_of_other_columns_is_answered_by_a_sentence(tmp_path):
    run = applied_dl.train(
        {"task": "forecast"}, out=tmp_path / "b", data={"source": "macro", "horizon": 4, "lookback": 20}, model={"name": "ridge"}, **FAST
    )
    predictor = run.predictor()
    table = pl.read_csv(Path(applied_dl.__file__).parent / "datasets" / "macro.csv")
    found = predictor.predict([table[:10], table.drop("unemp"), table])
    assert "expected at least 20" in found[0]["error"]
    assert any("unemp" in f.get("error", "") for f in found)
    assert found[-1]["series"] == "infl"
    assert found[-1]["times"] == ["2009-10-01", "2010-01-01", "2010-04-01", "2010-07-01"]


@pytest.mark.slow
@pytest.mark.parametrize("loss", ["quantile", "gaussian_nll"])
def test_every_loss_gives_a_panel_its_file_and_ordered_limits(loss, tmp_path):
    random, t = np.random.default_rng(0), np.arange(48)
    rows = [(f"s{i}", str(np.datetime64("2000-01") + k)[:7] + "-01", 50 * (i + 1) + random.standard_normal()) for i in range(3) for k in t]
    (tmp_path / "p.csv").write_text("series,time,value\n" + "\n".join(f"{s},{d},{v:.4f}" for s, d, v in rows))
    calibration = {"quantiles": (0.05, 0.25, 0.5, 0.95)} if loss == "quantile" else {}
    run = applied_dl.train(
        {"task": "forecast"},
        out=tmp_path / "b",
        data={"source": str(tmp_path / "p.csv"), "horizon": 3},
        model={"name": "nbeats", "units": 8},
        train={"loss": loss, "epochs": 2},
        calibration=calibration,
        export=FAST["export"],
    )
    for found in run.predictor().predict([str(tmp_path / "p.csv")]):
        assert all(low <= mid <= high for low, mid, high in zip(found["lower"], found["forecast"], found["upper"]))
        if loss == "quantile":
            learned = [found["quantiles"][q] for q in ("0.05", "0.25", "0.5", "0.95")]
            assert (np.diff(learned, axis=0) >= 0).all()
            assert learned[2] == pytest.approx(found["forecast"], rel=1e-5)


def test_a_panel_with_gaps_a_constant_series_and_one_shorter_than_a_season_is_forecast(tmp_path):
    """Gaps are no zeros to the closed form, one still series is no unit of the others' scores, and a closed weekday has limits."""
    random, days = np.random.default_rng(0), np.datetime64("2024-01-01") + np.arange(140)
    rows = []
    for i in range(6):
        y = 100 + 20 * np.sin(2 * np.pi * np.arange(140) / 7) + random.standard_normal(140)
        closed = (days.astype("datetime64[D]").astype(int) + 4) % 7 == 0  # Sundays
        y[closed | (random.random(140) < 0.1)] = np.nan
        rows += [f"s{i},{d},{v:.3f}" for d, v in zip(days, y) if not np.isnan(v)]
    rows += [f"still,{d},5" for d in days] + [f"new,{d},{100 + i}" for i, d in enumerate(days[:5])]
    (tmp_path / "shops.csv").write_text("shop,day,sales\n" + "\n".join(rows))
    run = applied_dl.train(
        {"task": "forecast"}, out=tmp_path / "b", data={"source": str(tmp_path / "shops.csv"), "horizon": 7, "season": 7},
        model={"name": "ridge"}, **FAST,
    )  # fmt: skip
    assert run.metrics["test"]["mase"] < 2.5  # zeros in the place of gaps gave more than 5
    assert run.metrics["test"]["pinball"] < 1
    found = run.predictor().predict([str(tmp_path / "shops.csv")])
    assert all(np.isfinite(found[0][key]).all() for key in ("forecast", "lower", "upper"))
    assert any("still" in note and "no scaled score" in note for note in run.manifest.warnings)


def test_plots_show_each_window_once_and_no_share_of_few_values(tmp_path):
    values = 50 + np.arange(48) + np.random.default_rng(0).normal(size=48)
    (tmp_path / "short.csv").write_text("sold\n" + "\n".join(f"{value:.3f}" for value in values) + "\n")
    found, fitted = prepared(data__source=str(tmp_path / "short.csv"), data__horizon=6), SimpleNamespace(history=SimpleNamespace(rows=[{}]))
    assert len(found.test) == 1
    outputs = {name: found.test.target + gap for name, gap in (("forecast", 0), ("lower", -1), ("upper", 1))}
    (tmp_path / "plots").mkdir()
    task.plots(recipe(data__horizon=6), found, fitted, outputs, tmp_path / "plots")
    assert sorted(path.name for path in (tmp_path / "plots").iterdir()) == ["error_by_step.png", "fan_1.png"]


def test_a_score_of_one_window_has_no_interval():
    found = prepared(data__source="elnino", data__horizon=6)
    outputs = lambda part: {"forecast": np.asarray(part.target) + 0.1}  # noqa: E731
    one, several = found.test.take(np.array([0])), found.test.take(np.arange(60))
    assert task.score(recipe(), outputs(one), one, found.encoder).intervals == {}
    low, high = task.score(recipe(), outputs(several), several, found.encoder).intervals["mse"]
    assert low <= high
