"""Forecasters against closed forms, Keras' own layers and published numbers."""

import csv
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import ops
from sklearn.linear_model import Ridge

from applied_dl.models import forecast
from applied_dl.tasks.forecast import classical
from applied_dl.tasks.forecast.models import BUILDERS, Spec
from applied_dl.tasks.forecast.models.closed_form import LOST, MOVED, cross_errors, on_last, reduced, sums
from applied_dl.tasks.forecast.models.intervals import Margin, conformal_margin
from applied_dl.tasks.forecast.models.recurrent import Recurrent
from applied_dl.tasks.forecast.models.windows import NORMALIZE, normalize

EMBEDDED = Path(forecast.__file__).parents[3] / "datasets"
M4 = Path(__file__).parents[4] / "shared" / "data" / "timeseries" / "m4"


def windows(n=200, length=20, seed=0):
    return np.random.default_rng(seed).standard_normal((n, length)).cumsum(1)


def test_ridge_is_scikit_learns_ridge_at_the_chosen_penalty():
    train, validation, L = windows(), windows(50, seed=1), 16
    found = forecast.fit_ridge([train], [validation], L, ("last",))
    x, y = train[:, :L] - train[:, L - 1 : L], train[:, L:] - train[:, L - 1 : L]
    alpha = found.chosen["penalty"] * np.linalg.eigvalsh(x.T @ x).mean()
    other = Ridge(alpha=alpha, fit_intercept=False).fit(x, y).coef_.T
    assert np.allclose(found.kernel[:-1], other[:-1], atol=2e-4)
    v = validation - validation[:, L - 1 : L]
    assert found.error == pytest.approx(np.mean((v[:, L:] - v[:, :L] @ found.kernel) ** 2), rel=1e-4)


def test_a_lower_rank_is_the_best_of_its_rank_and_moves_and_loses_little():
    random, L, H = np.random.default_rng(3), 24, 12
    rows = random.standard_normal((3000, 3)) @ random.standard_normal((3, L + H)) + 0.3 * random.standard_normal((3000, L + H))
    x, y = rows[:, :L] - rows[:, L - 1 : L], rows[:, L:] - rows[:, L - 1 : L]
    kernel = np.linalg.solve(x[:2000].T @ x[:2000] + 0.1 * np.eye(L), x[:2000].T @ y[:2000])
    left, right = reduced(kernel, sums([rows[:2000]], L, "last"), sums([rows[2000:]], L, "last"))
    rank, (seen, whole) = left.shape[1], (np.mean((y[part] - x[part] @ kernel) ** 2) for part in (slice(2000), slice(2000, None)))
    x, y, x_test, truth = x[:2000], y[:2000], x[2000:], y[2000:]
    assert rank * (L + H) < L * H
    assert np.mean((truth - x_test @ left @ right) ** 2) <= whole * (1 + LOST) * 1.0001
    assert np.mean((x @ kernel - x @ left @ right) ** 2) <= seen * MOVED * 1.0001
    u, s, v = np.linalg.svd(x @ kernel, full_matrices=False)  # Eckart and Young: no forecasts of this rank are nearer
    assert np.allclose(x @ left @ right, (u[:, :rank] * s[:rank]) @ v[:rank], atol=1e-3)


def test_a_matrix_of_full_rank_stays_one():
    rows = np.random.default_rng(4).standard_normal((400, 10))
    kernel = np.random.default_rng(5).standard_normal((6, 4)) / 10
    (alone,) = reduced(kernel, *[sums([rows], 6, "last")] * 2)
    assert np.allclose(alone, kernel)


def test_a_matrix_around_the_mean_is_the_same_forecast_around_the_last_value():
    kernel, x = np.random.default_rng(0).standard_normal((16, 4)), windows(5, 16)
    mean, last = x.mean(1, keepdims=True), x[:, -1:]
    assert np.allclose(mean + (x - mean) @ kernel, last + (x - last) @ on_last(kernel, "mean"))


def test_backtest_refits_exactly_at_every_origin():
    series, L, H, origins = np.random.default_rng(0).standard_normal((120, 2)).cumsum(0), 8, 3, np.array([60, 75, 119])
    found = forecast.backtest(series, L, H, origins, 0.1)
    for origin, got in zip(origins, found):
        rows = np.concatenate([series[i : i + L + H].T for i in range(origin - L - H + 1)])
        x, y = rows[:, :L] - rows[:, L - 1 : L], rows[:, L:] - rows[:, L - 1 : L]
        kernel = np.linalg.solve(x.T @ x + (0.1 * np.trace(x.T @ x) / L + 1e-9) * np.eye(L), x.T @ y)
        h = series[origin - L : origin]
        assert np.allclose(got, h[-1:] + ((h - h[-1:]).T @ kernel).T, atol=1e-3)


def test_cross_errors_come_from_a_ridge_that_never_saw_the_target():
    L, H, folds, penalty = 8, 3, 4, 0.1
    series = np.random.default_rng(2).standard_normal((90, 2)).cumsum(0).astype(np.float32)
    rows = np.lib.stride_tricks.sliding_window_view(series, L + H, axis=0)  # (N, D, L + H)
    found = cross_errors(rows, L, penalty, folds)
    cuts = np.linspace(0, len(rows), folds + 1).astype(int)
    for start, end in zip(cuts, cuts[1:]):
        kept = [i for i in range(len(rows)) if i < start - H or i >= end + H]
        w = rows[kept].reshape(-1, L + H).astype(np.float64)
        x, y = w[:, :L] - w[:, L - 1 : L], w[:, L:] - w[:, L - 1 : L]
        kernel = np.linalg.solve(x.T @ x + (penalty * np.trace(x.T @ x) / L + 1e-9) * np.eye(L), x.T @ y)
        last = rows[start:end, :, L - 1 : L]
        expected = rows[start:end, :, L:] - last - (rows[start:end, :, :L] - last) @ kernel
        assert np.allclose(found[start:end], expected, atol=2e-3)


@pytest.mark.parametrize(
    ("cell", "layer"), [("simple_rnn", keras.layers.SimpleRNN), ("gru", keras.layers.GRU), ("lstm", keras.layers.LSTM)]
)
def test_the_loop_is_the_keras_layer(cell, layer):
    x = np.random.default_rng(0).standard_normal((3, 7, 5)).astype(np.float32)
    ours, theirs = Recurrent(cell, 6), layer(6)
    ours(x), theirs(x)
    ours.set_weights([w + 0.1 for w in theirs.get_weights()])
    theirs.set_weights([w + 0.1 for w in theirs.get_weights()])
    assert np.allclose(ours(x), theirs(x), atol=1e-6)


@pytest.mark.parametrize("name", BUILDERS)
def test_every_builder_gives_a_forecast_that_saves_and_loads(name, tmp_path):
    spec = Spec(lookback=48, horizon=6, channels=2, season=12, cycle=12 if name == "cyclenet" else 0)
    model = BUILDERS[name](spec)
    x = {"history": np.random.default_rng(0).standard_normal((3, 48, 2)).astype(np.float32)}
    x |= {"phase": np.array([[0], [5], [11]], np.int32)} if name == "cyclenet" else {}
    y = model.predict(x, verbose=0)
    assert y.shape == (3, 6, 2)
    model.save(tmp_path / "m.keras")
    assert np.allclose(keras.saving.load_model(tmp_path / "m.keras").predict(x, verbose=0), y, atol=1e-6)


def test_covariates_and_quantiles_have_their_place():
    units = {f"{n}_{w}": (float(w == "scale"),) * k for n, k in (("past", 1), ("future", 3), ("static", 2)) for w in ("center", "scale")}
    spec = Spec(lookback=24, horizon=4, channels=2, outputs=3, past=1, future=3, static=2, **units)
    shapes = {"history": (24, 2), "past": (24, 1), "future": (28, 3), "static": (2,)}
    model = BUILDERS["tide"](spec, units=8)
    assert model({k: ops.ones((5, *s)) for k, s in shapes.items()}).shape == (5, 4, 2, 3)


@pytest.mark.parametrize("how", NORMALIZE)
@pytest.mark.parametrize("outputs", [1, 3])
def test_each_window_has_its_own_level_whatever_the_batch(how, outputs):
    """Keras adds what looks like a bias along another axis: as many windows as there are steps, or outputs, would share their levels."""
    horizon = 4
    model = BUILDERS["linear"](Spec(lookback=12, horizon=horizon, outputs=outputs), normalize=how)
    x = 100 * np.random.default_rng(0).standard_normal((5, 12, 1)).astype(np.float32)
    alone = np.concatenate([model({"history": x[i : i + 1]}) for i in range(5)])
    for batch in (1, 2, outputs, horizon, 5):
        assert np.allclose(model({"history": x[:batch]}), alone[:batch], rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("how", ["revin", "panel", "last"])
def test_a_level_moves_the_mean_and_not_the_variance(how):
    model = BUILDERS["tsmixer"](Spec(lookback=12, horizon=4, outputs=2, log_variance=True), normalize=how)
    x = np.random.default_rng(0).standard_normal((3, 12, 1)).astype(np.float32)
    mean, variance = np.moveaxis(np.asarray(model({"history": x})), -1, 0)
    higher = np.asarray(model({"history": x + 8}))
    if how != "panel":  # whose unit holds a little of the level
        assert np.allclose(higher[..., 0], mean + 8, atol=1e-3)
        assert np.allclose(higher[..., 1], variance, atol=1e-3)
    wider = np.asarray(model({"history": 5 * x}))
    if how != "last":
        assert np.allclose(wider[..., 0], 5 * mean, rtol=1e-3, atol=1e-3)
        assert np.allclose(wider[..., 1], variance + 2 * np.log(5), atol=1e-3)


@pytest.mark.parametrize("how", NORMALIZE)
def test_a_normalised_window_comes_back(how):
    x = ops.convert_to_tensor(100 + np.random.default_rng(0).standard_normal((4, 30, 3)).astype(np.float32))
    z, undo, _ = normalize(x, how, 5)
    z = z if how != "difference" else z[:, 1:]  # the steps from the last value on, summed up, are the series again
    if how == "difference":
        again = ops.convert_to_numpy(undo(z)) - ops.convert_to_numpy(x[:, -1:]) + ops.convert_to_numpy(x[:, :1])
        assert np.allclose(again, x[:, 1:], atol=1e-3)
    else:
        assert np.allclose(undo(z), x, atol=1e-3)


def test_a_margin_without_a_unit_in_its_config_keeps_the_one_it_was_calibrated_in():
    config = Margin(3, 2, (1.0,), unit="season").get_config()
    old = {key: value for key, value in config.items() if key != "unit"}
    x = np.random.default_rng(0).standard_normal((4, 12, 1)).astype(np.float32)
    assert np.allclose(Margin.from_config(old).spread(ops.convert_to_tensor(x)), x.std(axis=1, keepdims=True) + 0.05, atol=1e-5)
    assert not np.allclose(Margin.from_config(config).spread(ops.convert_to_tensor(x)), x.std(axis=1, keepdims=True) + 0.05, atol=1e-2)


def test_the_conformal_margin_holds_its_share_of_rows_like_its_own():
    gaps = np.abs(np.random.default_rng(0).standard_normal((4000, 2, 1)))
    margin = conformal_margin(gaps[:2000], np.ones((2000, 1, 1)), 0.9)
    assert np.allclose((gaps[2000:] <= margin).mean(0), 0.9, atol=0.03)
    assert np.allclose(margin, 1.645, atol=0.12)


def test_a_series_shorter_than_a_season_is_smoothed_without_one():
    y = np.arange(8.0)
    assert np.allclose(classical.holt_winters(y, [6], 3, 24, 6), classical.holt_winters(y, [6], 3, 1, 6))


def test_holt_winters_states_are_those_of_statsmodels():
    with (EMBEDDED / "elnino.csv").open() as file:
        y = np.array([float(row["temperature"]) for row in csv.DictReader(file)])[:120]
    (level, trend, cycle), errors = classical.winters_states(y, 12, np.array([[0.5, 0.1, 0.2, 0.98]]), len(y))
    damping = 0.98 ** np.arange(1, 7)
    ahead = level[0, -1] + np.cumsum(damping) * trend[0, -1] + cycle[0, -1, :6]
    # statsmodels 0.15.0: ExponentialSmoothing(damped, additive), known initial states, the same smoothing
    assert np.allclose(ahead, [24.26354, 25.822187, 26.543614, 25.265463, 23.963122, 22.600709], atol=1e-4)
    assert np.mean(errors**2) == pytest.approx(0.387929, abs=1e-5)


def test_seasonal_naive_drift_and_naive2_by_hand():
    y = np.array([1.0, 2, 3, 4, 5, 6])
    assert classical.seasonal_naive(y, np.array([6]), 4, 3).tolist() == [[4, 5, 6, 4]]
    assert np.allclose(classical.drift(y, np.array([6]), 2), [[7, 8]])
    wave = 10 + np.tile([1.0, 0, -1, 0], 12)
    assert np.allclose(classical.naive2(wave, np.array([48]), 4, 4, 48), [[11, 10, 9, 10]], atol=1e-6)


@pytest.mark.skipif(not M4.exists(), reason="M4's files are not beside the repository")
def test_the_official_m4_hourly_errors_come_out_exactly():
    from applied_dl.core.metrics.forecasting import mase, mase_scale, smape
    from applied_dl.tasks.forecast.readers.series import read_series
    from applied_dl.tasks.forecast.series import Columns

    known = read_series(M4 / "Hourly-train.csv.gz", Columns()).values
    truth = np.stack(read_series(M4 / "Hourly-test.csv.gz", Columns()).values)
    scale = np.array([mase_scale(y, 24) for y in known])
    naive = np.stack([classical.seasonal_naive(y, [len(y)], 48, 24)[0] for y in known])
    two = np.stack([classical.naive2(y, [len(y)], 48, 24, len(y))[0] for y in known])
    theta = np.stack([classical.theta(y, [len(y)], 48, 24, len(y))[0] for y in known])
    assert (round(smape(truth, naive), 3), round(mase(truth, naive, scale), 3)) == (13.912, 1.193)
    assert (round(smape(truth, two), 3), round(mase(truth, two, scale), 3)) == (18.383, 2.395)
    assert smape(truth, theta) == pytest.approx(18.138, abs=0.02)
