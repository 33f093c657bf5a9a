"""The weighted average of smoothing forecasters: the layer against the same thing written out in numpy."""

import numpy as np
import pytest
from keras import ops

from applied_dl.tasks.forecast.models import Spec, ets
from applied_dl.tasks.forecast.models.adaptive_theta import THETAS
from applied_dl.tasks.forecast.models.ets import OWN, SCALES, SHARPNESS, Member, Smoothing, layer_of, origins_of, scaled
from applied_dl.tasks.forecast.models.intermittent import TSB
from applied_dl.tasks.forecast.models.smoothing import candidates

MEMBERS = (Member(0, 0), Member(4, 2), Member(4, 1, "log"), Member(2, 3, "ratio"), Member(name="level_shape"))
PENALTY = np.array([1.0, 0.5, 0.2, 0.4, 0.3], np.float32)
WINDOW, HORIZON, SEASON = 48, 9, 12


def demand(count: int) -> np.ndarray:
    """(N, W) positive windows with a trend and a season that multiplies."""
    t, random = np.arange(WINDOW), np.random.default_rng(1)
    return np.stack([(50 + k * t) * (1 + 0.3 * np.sin(t * np.pi / 6 + k)) + random.normal(0, 1, WINDOW) for k in range(count)])


def one(member: Member, y: np.ndarray) -> np.ndarray:
    """(H,) of one forecaster from a history (L,), in float64."""
    if member.name:
        from applied_dl.tasks.forecast.models.level_shape import level_shape

        return np.asarray(level_shape(y[None].astype(np.float32), HORIZON, SEASON))[0]
    apply = lambda v, season: v[-1] + (v - v[-1]) @ candidates(len(y), HORIZON, season)[member.kind].kernels[member.place]  # noqa: E731
    if member.scale == "plain":
        return apply(y, SEASON)
    if member.scale == "log":
        return np.exp(apply(np.log(y), SEASON))
    t, phase = np.arange(len(y)), np.arange(len(y)) % SEASON
    seasons = len(y) // SEASON
    begin = len(y) - seasons * SEASON
    means = y[begin:].reshape(seasons, SEASON).mean(axis=1)
    slope, level = np.polyfit(begin + np.arange(seasons) * SEASON + (SEASON - 1) / 2, means, 1)
    ratio = y / (level + slope * t)
    index = np.array([ratio[phase == k].mean() for k in range(SEASON)])
    index /= index.mean()
    return apply(y / index[phase], 1) * index[(len(y) + np.arange(HORIZON)) % SEASON]


@pytest.mark.parametrize("channels", [1, 3])
def test_the_graph_weighs_by_errors_from_earlier_origins_of_the_window(channels):
    x = demand(channels)
    wanted = []
    for y in x:
        errors = np.zeros(len(MEMBERS))
        for origin in origins_of(WINDOW, SEASON):
            most = min(HORIZON, WINDOW - origin)
            steps = np.unique(np.linspace(0, most - 1, min(6, most)).astype(int))
            errors += [np.abs(one(member, y[:origin])[steps] - y[origin + steps]).mean() for member in MEMBERS]
        errors = errors / len(origins_of(WINDOW, SEASON)) + 1e-3 * np.abs(y).mean()
        weights = np.exp(-OWN * SHARPNESS * errors / errors.min() - PENALTY)
        wanted.append(weights / weights.sum() @ np.stack([one(member, y) for member in MEMBERS]))
    center, scale = tuple(x.mean(axis=1)), tuple(x.std(axis=1))
    spec = Spec(lookback=60, horizon=HORIZON, channels=channels, season=SEASON, center=center, scale=scale)
    model = ets(spec, Smoothing(MEMBERS, PENALTY, 0.0, ()), WINDOW)
    history = np.concatenate([np.zeros((channels, 12)), x], axis=1).T[None].astype(np.float32)
    found = np.asarray(model({"history": history}))[0] * np.array(scale) + np.array(center)
    assert np.allclose(found.T, np.stack(wanted), rtol=2e-3)


def test_a_window_chooses_the_forecaster_that_suits_it():
    members = (Member(0, 0), Member(2, 4))  # the seasonal naive, and a trend without an end
    layer = layer_of(members, WINDOW, HORIZON, 1)
    layer.build((None, WINDOW))
    layer.choose(members, np.zeros(2))
    t = np.arange(WINDOW, dtype=np.float32)
    weights = np.asarray(layer.weights_of(ops.convert_to_tensor(np.stack([5 + 2 * t, 100 + 0 * t]))))
    assert weights[0, 1] > 0.99
    assert weights[1] == pytest.approx([0.5, 0.5])


@pytest.mark.parametrize("scale", ["log", "ratio"])
def test_a_scale_is_undone(scale):
    x = demand(3).astype(np.float32)
    values, back = scaled(ops.convert_to_tensor(x), scale, SEASON, SEASON)
    again = back(values[:, None, -SEASON:], np.arange(SEASON))
    assert np.allclose(again[:, 0], x[:, -SEASON:], rtol=1e-4)


def test_zeros_and_a_constant_have_a_finite_forecast():
    layer = layer_of(MEMBERS, WINDOW, HORIZON, SEASON)
    layer.build((None, WINDOW))
    layer.choose(MEMBERS, PENALTY)
    x = np.stack([np.zeros(WINDOW), np.full(WINDOW, 7.0), np.where(np.arange(WINDOW) % 9, 0.0, 1e6)]).astype(np.float32)
    found = np.asarray(layer(x))
    assert np.isfinite(found).all()
    assert found[0] == pytest.approx(0.0, abs=1e-6)
    assert found[1] == pytest.approx(7.0, rel=1e-4)


EVERY = [
    *(Member(k, 0, scale) for scale in SCALES for k in range(3)),
    *(Member(name=name) for name in (*THETAS, *TSB, "level_shape", "log_level_shape", "median")),
]


@pytest.fixture(scope="module")
def every_forecaster():
    layer = layer_of(tuple(EVERY), WINDOW, HORIZON, 6)
    layer(np.zeros((1, WINDOW), np.float32))
    layer.choose(tuple(EVERY), np.zeros(len(EVERY)))
    return layer


def test_no_number_of_the_graph_is_zero_or_infinite_in_half_precision(every_forecaster):
    tf = pytest.importorskip("tensorflow")
    graph = tf.function(lambda x: every_forecaster(x)).get_concrete_function(tf.TensorSpec((1, WINDOW), tf.float32)).graph
    floats = [one for one in graph.get_operations() if one.type == "Const" and one.outputs[0].dtype == tf.float32]
    numbers = [float(tf.make_ndarray(one.get_attr("value")).ravel()[0]) for one in floats if one.outputs[0].shape.num_elements() == 1]
    assert len(numbers) > 20
    assert not [x for x in numbers if x and (not np.float16(x) or np.isinf(np.float16(x)))]


def test_windows_of_every_kind_have_finite_forecasts_of_their_size(every_forecaster):
    wave = 10 + np.sin(np.arange(WINDOW) * np.pi / 3) + np.random.default_rng(0).normal(0, 0.1, WINDOW)
    steps = np.arange(WINDOW)
    alike = [
        wave,
        -wave,
        wave - 10,
        np.where(steps % 7, 0.0, 3.0),
        np.where(steps < 24, 1.0, 11.0),
        (steps == 0) * 1.0,
        (steps == 47) * 1.0,
    ]
    units = [1e-30, 1e-9, 1.0, 1e6]
    found = np.asarray(every_forecaster(np.array([unit * y for y in alike for unit in units], np.float32)))
    sizes = np.array([unit * np.abs(y).max() for y in alike for unit in units])
    assert np.isfinite(found).all()
    assert (np.abs(found).max(axis=1) <= 2 * sizes + 2.0**-24).all()
