"""Intervals: the correction for a validation time unlike the years before, and what a learned spread is brought to."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from keras import ops
from scipy.stats import norm

from applied_dl.core.errors import DataError
from applied_dl.exporting.precisions import keras_outputs
from applied_dl.tasks.forecast import task
from applied_dl.tasks.forecast.fit.intervals import FEWEST, drift, learned, margins, spread_out
from applied_dl.tasks.forecast.models.intervals import Margin, conformal_margin
from applied_dl.training.trainer import CheckpointingTrainer
from applied_dl.workflows import recipes


def prepared(tmp_path, loud: float, rows: int = 1500):
    """A wave whose noise is `loud` times as strong in the validation part as elsewhere."""
    random, t = np.random.default_rng(0), np.arange(rows)
    noise = random.standard_normal(rows) * np.where((t >= 0.6 * rows) & (t < 0.8 * rows), loud, 1.0)
    (tmp_path / "wave.csv").write_text("x\n" + "\n".join(f"{v:.5f}" for v in 10 * np.sin(t / 7) + noise))
    keys = {"data.source": str(tmp_path / "wave.csv"), "data.horizon": 6, "data.lookback": 32, "data.season": 1, "model.name": "ridge"}
    return task.prepare(recipes.read_recipe({"task": "forecast"}, keys), Path("."))


def margin(found) -> Margin:
    layer = Margin(found.encoder.horizon, found.encoder.season, found.encoder.scale, unit="season")
    layer.build((None, found.encoder.lookback, found.encoder.channels))
    return layer


@pytest.mark.parametrize(("loud", "low", "high"), [(3.0, 0.4, 0.85), (1.0, 0.9, 1.1), (0.4, 1.5, 2.6)])
def test_a_wilder_validation_time_is_brought_down_and_a_calmer_one_up(loud, low, high, tmp_path):
    found = prepared(tmp_path, loud)
    assert low < np.median(drift(found, margin(found))) < high


def test_few_windows_are_not_corrected(tmp_path):
    found = prepared(tmp_path, 3.0, rows=100)
    assert len(found.train) < FEWEST * found.encoder.horizon
    assert np.array_equal(drift(found, margin(found)), np.ones((6, 1)))


def test_a_step_without_a_truth_takes_the_margins_beside_it_and_many_truths_their_rank():
    scores = np.abs(np.random.default_rng(0).standard_normal((19, 4, 2)))
    scores[:, 1, 0] = np.nan  # closed on that day
    scores[:, :, 1] = np.nan
    scores[:9, 0, 1] = np.arange(9.0)
    found = conformal_margin(scores, np.ones((19, 1, 1)), 0.9)
    ranked = np.sort(scores, axis=0)
    assert found[[0, 2, 3], 0] == pytest.approx(ranked[17, [0, 2, 3], 0])  # the 18th of 19
    assert found[1, 0] == pytest.approx((found[0, 0] + found[2, 0]) / 2)
    assert found[:, 1].tolist() == [8.0] * 4  # the largest of nine
    with pytest.raises(DataError, match="No value of the validation part is known"):
        conformal_margin(np.full((3, 2, 1), np.nan), np.ones((3, 1, 1)), 0.9)


def test_a_panel_of_few_series_has_intervals_that_hold(tmp_path):
    """Four series, one validation window each: the largest of four errors would hold far less of what follows than 90%."""
    random, held = np.random.default_rng(1), []
    for _ in range(8):
        values = 10 * np.arange(4)[:, None] + random.standard_normal((4, 72))
        rows = [f"s{i},{np.datetime64('2000-01') + k}-01,{v:.4f}" for (i, k), v in np.ndenumerate(values)]
        (tmp_path / "few.csv").write_text("series,time,value\n" + "\n".join(rows))
        keys = {"data.source": str(tmp_path / "few.csv"), "data.horizon": 4, "data.season": 1, "data.test_horizons": 1}
        found = task.prepare(recipes.read_recipe({"task": "forecast"}, keys), Path("."))
        layer = Margin(4, 1, None)
        layer.build((None, found.encoder.lookback, 1))
        centers = 10.0 * found.validation.extra["series"][:, None, None] + np.zeros((1, 4, 1))  # the best forecast there is
        width = margins(found, layer, centers, centers, point=True) * ops.convert_to_numpy(layer.spread(found.test.inputs["history"]))
        held.append(np.abs(found.test.target - 10.0 * found.test.extra["series"][:, None, None]) <= width)
    assert 0.8 < np.mean(held) < 0.99


@pytest.mark.parametrize("coverage", [0.3, 0.5, 0.83, 0.9, 0.999])
def test_a_learned_deviation_is_spread_by_the_normal_quantile_of_any_coverage(coverage):
    recipe = SimpleNamespace(train=SimpleNamespace(loss="gaussian_nll"))
    y = ops.convert_to_tensor(np.array([[[[2.0, np.log(9.0)]]]], np.float32))  # mean 2, deviation 3
    middle, low, high = (float(ops.squeeze(v)) for v in spread_out(recipe, y, SimpleNamespace(coverage=coverage)))
    assert (middle, low) == (2.0, pytest.approx(norm.ppf((1 - coverage) / 2, 2, 3), rel=1e-4))
    assert high == pytest.approx(norm.ppf((1 + coverage) / 2, 2, 3), rel=1e-4)


def test_the_outer_quantiles_are_the_limits():
    recipe = SimpleNamespace(train=SimpleNamespace(loss="quantile"), calibration=SimpleNamespace(quantiles=(0.1, 0.2, 0.5, 0.9)))
    y = ops.convert_to_tensor(np.arange(4.0, dtype=np.float32)[None, None, None])
    assert [float(ops.squeeze(v)) for v in spread_out(recipe, y, None)] == [2.0, 0.0, 3.0]


def test_learned_quantiles_never_cross():
    y = np.random.default_rng(0).standard_normal((20, 3, 2, 5)).astype(np.float32)
    found = np.stack([ops.convert_to_numpy(q) for q in learned(ops.convert_to_tensor(y), (0.1, 0.3, 0.5, 0.7, 0.9))], axis=-1)
    assert (np.diff(found, axis=-1) >= 0).all()
    assert np.array_equal(found[..., 2], y[..., 2])
    rising = np.sort(y, axis=-1)
    same = learned(ops.convert_to_tensor(rising), (0.1, 0.3, 0.5, 0.7, 0.9))
    assert all(np.array_equal(ops.convert_to_numpy(q), rising[..., i]) for i, q in enumerate(same))


@pytest.mark.parametrize(("lookback", "season"), [(1, 1), (2, 5), (24, 7), (24, 1)])
def test_the_unit_of_a_window_is_its_distance_from_its_last_season_and_its_change(lookback, season):
    history, scale = np.random.default_rng(0).standard_normal((5, lookback, 2)).astype(np.float32), np.array([2.0, 3.0])
    away = np.sqrt(((history - history[:, -season:].mean(1, keepdims=True)) ** 2).mean(1)) + 0.05 * scale
    lag = min(season, lookback // 2)
    change = (np.abs(history[:, lag:] - history[:, :-lag]).mean(1) if lag else 0.0) + 0.05 * scale
    assert np.allclose(
        ops.convert_to_numpy(Margin(3, season, scale, unit="season").spread(history))[:, 0], away**0.75 * change**0.25, rtol=1e-4
    )
    still = ops.convert_to_numpy(Margin(3, season, scale, unit="season").spread(np.full((1, lookback, 2), 7.0, np.float32)))
    assert np.allclose(still, 0.05 * scale, rtol=1e-3)  # a still window has an interval too


def test_calm_and_wild_windows_keep_the_promise_alike(tmp_path):
    random, t = np.random.default_rng(1), np.arange(6000)
    wild = np.sin(2 * np.pi * t / 1500) > 0  # every part has both
    (tmp_path / "turns.csv").write_text("x\n" + "\n".join(f"{v:.5f}" for v in random.standard_normal(6000) * np.where(wild, 3.0, 0.3)))
    keys = {"data.source": str(tmp_path / "turns.csv"), "data.horizon": 4, "data.lookback": 32, "data.season": 1, "model.name": "ridge"}
    recipe = recipes.read_recipe({"task": "forecast"}, keys)
    found = task.prepare(recipe, Path("."))
    recipe = task.resolve_defaults(recipe, found)
    answers = keras_outputs(task.serving(recipe, task.fit(recipe, found, CheckpointingTrainer()), found), found.test)
    inside = ((found.test.target >= answers["lower"]) & (found.test.target <= answers["upper"])).mean((1, 2))
    level = found.test.inputs["history"].std((1, 2))
    assert 0.85 < inside[level < 0.5].mean() < 0.96
    assert 0.85 < inside[level > 2.0].mean() < 0.96


def test_the_interval_of_a_short_series_is_as_wide_as_its_errors(tmp_path):
    random, t = np.random.default_rng(0), np.arange(70)
    season = 10 * random.normal(size=12)
    (tmp_path / "short.csv").write_text("x\n" + "\n".join(f"{v:.4f}" for v in 100 + t + season[t % 12] + random.normal(size=70)))
    keys = {"data.source": str(tmp_path / "short.csv"), "data.horizon": 6, "data.season": 12}
    recipe = recipes.read_recipe({"task": "forecast"}, keys)
    found = task.prepare(recipe, Path("."))
    recipe = task.resolve_defaults(recipe, found)
    assert found.encoder.least
    layer = margin(found)
    np.testing.assert_array_equal(drift(found, layer), 1)
    serving = task.serving(recipe, task.fit(recipe, found, CheckpointingTrainer()), found)
    answer = serving.model.predict(found.test.inputs, verbose=0)
    assert np.all(answer["upper"] - answer["lower"] < 40)  # the noise has a deviation of 1, a step of the season of 10


@pytest.mark.parametrize(("lookback", "season"), [(1, 1), (4, 1), (24, 7)])
def test_the_unit_of_a_short_set_is_its_size_and_its_newest_changes(lookback, season):
    history, scale = 3 + np.random.default_rng(0).standard_normal((5, lookback, 2)).astype(np.float32), np.array([2.0, 3.0])
    size, lag = np.abs(history[:, -max(season, 6) :]).mean(1) + 0.05 * scale, min(season, lookback // 2)
    expected = size
    if lag:
        change = history[:, lag:] - history[:, :-lag]
        weights = (0.93 ** np.arange(lookback - lag)[::-1])[:, None]
        usual = np.average(change, axis=1, weights=weights[:, 0])[:, None]
        expected = np.sqrt(size * (np.average(np.abs(change - usual), axis=1, weights=weights[:, 0]) + 0.05 * scale))
    spread = lambda rows: ops.convert_to_numpy(Margin(3, season, scale, unit="short").spread(rows))[:, 0]  # noqa: E731
    assert np.allclose(spread(history), expected, rtol=1e-4)
    line = 100.0 + 5.0 * np.arange(24, dtype=np.float32)[None, :, None] * np.ones(2, np.float32)
    assert (spread(line) < 0.5 * ops.convert_to_numpy(Margin(3, season, scale, unit="season").spread(line))[:, 0]).all()


def test_neighbouring_windows_share_their_errors():
    scores = np.random.default_rng(3).permuted(np.arange(1.0, 41.0)[:, None, None] * np.ones((1, 4, 1)), axis=0)
    one = np.ones((40, 1, 1))
    assert conformal_margin(scores, one, 0.9)[:, 0].tolist() == [37, 37, 37, 37]
    assert conformal_margin(scores, one, 0.9, overlapping=True)[:, 0].tolist() == [37, 38, 39, 40]
    assert conformal_margin(scores[:5], one[:5], 0.9, overlapping=True)[:, 0].tolist() == scores[:5].max(axis=0)[:, 0].tolist()
