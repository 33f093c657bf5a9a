"""Windows in the graph against plain numpy: what is gathered, normalised and brought back."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops

from applied_dl.tasks.forecast.encoder import Block
from applied_dl.tasks.forecast.models.windows import LARGEST, Standardize, gather_windows, normalize, panel_scale

FEW = settings(max_examples=25, deadline=None)


def series(seed, *shape):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def numpy(x):
    return ops.convert_to_numpy(x)


@FEW
@given(st.integers(0, 10**6), st.integers(1, 3), st.integers(2, 6), st.integers(1, 4), st.data())
def test_gathered_windows_are_slices_of_their_block(seed, channels, lookback, horizon, data):
    lengths = data.draw(st.lists(st.integers(lookback + horizon, 20), min_size=1, max_size=3))
    blocks = [
        Block(names=("a",), start=3 * i, values=series(seed + i, n, channels), truth=series(seed + i, n, channels),
              past=series(seed + 9 + i, n, 2), future=series(seed + 5 + i, n + horizon, 1), static=series(i, 2))
        for i, n in enumerate(lengths)
    ]  # fmt: skip
    starts = np.array([(i, s) for i, n in enumerate(lengths) for s in range(n - lookback - horizon + 1)])
    picked = np.array(data.draw(st.lists(st.integers(0, len(starts) - 1), min_size=1, max_size=5)))
    inputs, truth = gather_windows(blocks, starts, lookback, horizon, lambda history, truth: truth, cycle=4)(picked)
    for row, (i, s) in enumerate(starts[picked]):
        block = blocks[i]
        assert np.array_equal(inputs["history"][row], block.values[s : s + lookback])
        assert np.array_equal(truth[row], block.values[s + lookback : s + lookback + horizon])
        assert np.array_equal(inputs["past"][row], block.past[s : s + lookback])
        assert np.array_equal(inputs["future"][row], block.future[s : s + lookback + horizon])
        assert np.array_equal(inputs["static"][row], block.static)
        assert int(inputs["phase"][row, 0]) == (block.start + s) % 4


@pytest.mark.parametrize("how", ["last", "mean", "revin", "panel", "none"])
def test_normalised_windows_are_what_their_names_say(how):
    x = 50 + 3 * series(0, 4, 40, 2)
    z, undo, _ = normalize(ops.convert_to_tensor(x), how, 7)
    recent, change = x[:, -14:].mean(1, keepdims=True), np.abs(x[:, 7:] - x[:, :-7]).mean(1, keepdims=True)
    expected = {
        "last": x - x[:, -1:],
        "mean": x - x.mean(1, keepdims=True),
        "revin": (x - x.mean(1, keepdims=True)) / np.sqrt(x.var(1, keepdims=True) + 1e-5),
        "panel": None,
        "none": x,
    }[how]
    if how == "panel":
        recent = x[:, -7:].mean(1, keepdims=True)  # under a season of 24: the last season
        expected = (x - recent) / (change + 0.05 * x.std(1, keepdims=True) + 1e-3 * np.abs(recent) + 1e-6)
    assert np.allclose(numpy(z), expected, atol=1e-3)
    assert np.allclose(numpy(undo(z)), x, atol=1e-3)
    quantiles = numpy(undo(ops.stack([z, z], axis=-1)))  # (B, H, D, K)
    assert np.allclose(quantiles[..., 0], x, atol=1e-3)
    assert np.allclose(quantiles[..., 1], x, atol=1e-3)


def test_differences_are_steps_and_their_sum():
    x = series(1, 3, 20, 2)
    z, undo, _ = normalize(ops.convert_to_tensor(x), "difference")
    assert np.allclose(numpy(z)[:, 1:], np.diff(x, axis=1), atol=1e-6)
    steps = series(2, 3, 5, 2)
    assert np.allclose(numpy(undo(ops.convert_to_tensor(steps))), x[:, -1:] + np.cumsum(steps, axis=1), atol=1e-5)


@FEW
@given(st.floats(-1e4, 1e4), st.floats(0.01, 100), st.integers(0, 10**6))
def test_a_panels_scale_moves_with_its_series(shift, factor, seed):
    """Level and change follow a shift and a stretch; the spread is never zero, not even of a constant series."""
    x = series(seed, 1, 60, 1).astype(np.float64)
    level, spread = panel_scale(ops.convert_to_tensor(x.astype(np.float32)), 12)
    moved, wider = panel_scale(ops.convert_to_tensor((shift + factor * x).astype(np.float32)), 12)
    assert numpy(moved) == pytest.approx(shift + factor * numpy(level), rel=1e-3, abs=1e-3 * (abs(shift) + factor))
    bare = lambda level, spread: numpy(spread) - 1e-3 * np.abs(numpy(level)) - 1e-6  # noqa: E731
    assert bare(moved, wider) == pytest.approx(factor * bare(level, spread), rel=1e-2, abs=2e-5 * (abs(shift) + factor))
    assert numpy(panel_scale(ops.full((1, 30, 1), shift), 12)[1]) > 0


def test_a_spike_is_cut():
    x = np.sin(np.arange(60, dtype=np.float32))[None, :, None].copy()
    x[0, 5] = 1e6
    x[0, 40] = 1e9
    assert np.abs(numpy(normalize(ops.convert_to_tensor(x), "panel", 6)[0])).max() <= LARGEST


@FEW
@given(st.lists(st.tuples(st.floats(-1e3, 1e3), st.floats(0.1, 100)), min_size=1, max_size=4), st.integers(0, 10**6))
def test_standard_units_and_back(units, seed):
    center, scale = zip(*units)
    x = np.array(center) + np.array(scale) * series(seed, 5, 7, len(units))
    z = Standardize(center, scale)(ops.convert_to_tensor(x.astype(np.float32)))
    assert numpy(z) == pytest.approx((x - np.array(center)) / np.array(scale), abs=2e-2)
    assert numpy(Standardize(center, scale, invert=True)(z)) == pytest.approx(x, abs=1e-2)
    layer = Standardize(center, scale, invert=True)
    assert Standardize.from_config(layer.get_config()).get_config() == layer.get_config()
