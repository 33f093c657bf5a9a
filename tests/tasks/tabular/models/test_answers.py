"""Predictions of a logarithm are means in the units of the target; their limits stay quantiles. Intervals widen where errors do."""

import numpy as np
import polars as pl

from applied_dl.tasks.tabular import task
from applied_dl.tasks.tabular.models.answers import LEAST_SPREAD, Interval, mean_shift, spread_line
from applied_dl.training.trainer import CheckpointingTrainer
from tests.tasks.tabular.tables import prepared_with

RANDOM = np.random.default_rng(0)


def test_shifted_logarithms_add_up_to_the_targets():
    center, deviation = RANDOM.normal(size=20_000), 0.8
    y = center + RANDOM.normal(0, 0.5, 20_000)
    shift = mean_shift(y, center, deviation)
    np.testing.assert_allclose(np.exp(deviation * (center + shift)).sum(), np.exp(deviation * y).sum(), rtol=1e-9)
    np.testing.assert_allclose(shift, deviation * 0.5**2 / 2, rtol=0.1)  # of log-normal errors, half the variance of the logarithm
    assert mean_shift(1000 * y, 1000 * center, deviation) > 0  # sums beyond the range of a float64
    assert mean_shift(y, y, deviation) == 0


def test_only_the_prediction_is_shifted_and_stays_within_its_limits():
    raw, own = RANDOM.normal(size=(200, 1, 1)).astype(np.float32), {"mean": 2.0, "deviation": 0.7, "low": 0.0, "high": 4.0, "log": True}
    plain = {name: np.asarray(value) for name, value in Interval(**own)(raw).items()}
    for shift in (0.3, 5.0):
        found = {name: np.asarray(value) for name, value in Interval(**own, shift=shift)(raw).items()}
        np.testing.assert_allclose(found["lower"], plain["lower"])
        np.testing.assert_allclose(found["upper"], plain["upper"])
        expected = np.minimum(np.minimum(plain["prediction"] * np.exp(0.7 * shift), np.exp(4.0)), plain["upper"])
        np.testing.assert_allclose(found["prediction"], expected, rtol=1e-4)


def test_a_layer_without_a_shift_is_read_as_before():
    old = {key: value for key, value in Interval(log=True).get_config().items() if key not in ("shift", "start", "slope")}
    layer = Interval.from_config(old)
    assert (layer.shift, layer.start, layer.slope) == (0.0, 1.0, 0.0)


def test_intervals_widen_as_errors_do():
    center = RANDOM.uniform(-1, 3, 4000)
    y = center + (0.2 + 0.1 * (center + 1)) * RANDOM.normal(size=4000)
    start, slope = spread_line(y, center)
    np.testing.assert_allclose([start, slope], np.array([0.3, 0.1]) / 0.4, rtol=0.1)  # the mean of 0.3 + 0.1 · center is 0.4
    np.testing.assert_allclose(start + slope * center.mean(), 1, atol=0.01)
    layer = Interval(floor=0.4, start=start, slope=slope)
    for value in (0.0, 2.0):
        _, below, above = layer.spread(np.full((1, 1, 1), value, np.float32))
        np.testing.assert_allclose([below[0], above[0]], 0.3 + 0.1 * value, rtol=0.1)
    _, narrow, _ = layer.spread(np.full((1, 1, 1), -50, np.float32))  # beyond what is known, the line is not followed to zero
    np.testing.assert_allclose(narrow, 0.4 * LEAST_SPREAD, rtol=1e-5)


def test_few_rows_and_exact_predictions_have_no_line():
    assert spread_line(np.arange(20.0), np.arange(20.0) + RANDOM.normal(size=20)) == (1.0, 0.0)
    assert spread_line(np.arange(90.0), np.arange(90.0)) == (1.0, 0.0)
    assert spread_line(RANDOM.normal(size=90), np.zeros(90)) == (1.0, 0.0)


def test_predictions_of_a_small_table_on_a_logarithmic_scale_add_up(tmp_path):
    x = RANDOM.normal(size=600)
    pl.DataFrame({"x": x, "price": np.exp(8 + x + RANDOM.normal(0, 1, 600))}).write_csv(tmp_path / "t.csv")
    sections = {"model": {"members": ["linear", "waves"]}, "preprocess": {"target": "log"}, "data": {"ignore": []}}
    resolved, prepared = prepared_with(tmp_path / "t.csv", **sections)
    serving = task.serving(resolved, task.fit(resolved, prepared, CheckpointingTrainer()), prepared)
    prediction = np.asarray(serving.scored(prepared.train.inputs)["prediction"])
    np.testing.assert_allclose(prediction.sum(), prepared.train.target.sum(), rtol=0.15)  # of medians, 60 %
