"""Layers over numbers against numpy, and with constants of half precision."""

import keras
import numpy as np
import pytest
from scipy.special import softmax

from applied_dl.core.errors import UsageError
from applied_dl.layers.dense import Heads
from applied_dl.tasks.tabular.models import Features, mlp, plain_features
from applied_dl.tasks.tabular.models.answers import Decision, Interval, Logarithm, MeanAnswer, Probabilities, Stack
from applied_dl.tasks.tabular.models.features import OneHot
from applied_dl.tasks.tabular.models.members import Members
from applied_dl.tasks.tabular.models.numeric import fit_numbers
from applied_dl.tasks.tabular.models.numeric_embedding import (
    FARTHEST,
    Missing,
    Periodic,
    PiecewiseLinear,
    Project,
    QuantileScale,
    ScaleNumbers,
    SmoothClip,
)

random = np.random.default_rng(0)


def array(x):
    return keras.ops.convert_to_numpy(x)


def test_numbers_are_filled_and_scaled_whatever_their_size():
    center, scale, fill = np.array([5e5, -118.5, 0.002]), 1 / np.array([9e4, 2.0, 1e-4]), np.array([4e5, -119, 0.0021])
    x = (center + random.normal(size=(200, 3)) / scale).astype(np.float32)
    x[::7, 0], x[::5, 2] = np.nan, np.nan
    wanted = (np.where(np.isnan(x), fill, x) - center) * scale
    layer = ScaleNumbers(center, scale, fill)
    np.testing.assert_allclose(array(layer(x)), wanted, atol=2e-3)
    half = [value.astype(np.float16).astype(np.float32) for value in (layer.power, layer.rounded, layer.steep)]
    assert all(np.isfinite(value).all() for value in half)
    np.testing.assert_array_equal(half, [layer.power, layer.rounded, layer.steep])  # nothing is lost in half precision
    far = array(layer(np.array([[3e38, -3e38, 1.0]], np.float32)))
    assert far.tolist()[0][:2] == [FARTHEST, -FARTHEST]


def test_clips_indicators_and_projections():
    z = random.normal(0, 5, (50, 4)).astype(np.float32)
    np.testing.assert_allclose(array(SmoothClip()(z)), z / np.sqrt(1 + (z / 3) ** 2), rtol=1e-5)
    x = np.where(random.random((50, 4)) < 0.3, np.nan, z)
    np.testing.assert_array_equal(array(Missing([0, 2])(x)), np.isnan(x[:, [0, 2]]))
    axes = random.normal(size=(4, 2))
    np.testing.assert_allclose(array(Project(axes)(z)), z @ axes, rtol=1e-4, atol=1e-4)


def test_quantile_scale_is_the_place_among_the_training_rows():
    x = random.exponential(size=(5000, 1))
    numbers = fit_numbers(x, "quantile")
    z = ((x - numbers.center) * numbers.scale).astype(np.float32)
    ranks = (np.argsort(np.argsort(x[:, 0])) + 0.5) / len(x)
    np.testing.assert_allclose(array(QuantileScale(numbers.knots)(z))[:, 0], (ranks - 0.5) * np.sqrt(12), atol=0.03)
    assert np.abs(array(QuantileScale(numbers.knots)(np.array([[-99.0], [99.0]], np.float32)))).max() <= np.sqrt(3) + 1e-5


def test_piecewise_linear_is_interpolation_between_its_bins():
    bins = [np.array([0.0, 1.0, 3.0]), np.array([-1.0, 0.5])]
    layer = PiecewiseLinear(bins, 2)
    x = random.uniform(-2, 4, (30, 2)).astype(np.float32)
    layer(x, x)
    kernel, skip, bias = random.normal(size=(2, 2, 2)), random.normal(size=(2, 2)), random.normal(size=(2, 2))
    layer.set_weights([kernel, skip, bias])
    wanted = np.zeros((30, 2, 2))
    for j, edges in enumerate(bins):
        heights = np.concatenate([np.zeros((1, 2)), np.cumsum(kernel[j][: len(edges) - 1], axis=0)])  # the function at each edge
        wanted[:, j] = np.stack([np.interp(x[:, j], edges, heights[:, d]) for d in range(2)], axis=1)
    wanted += x[:, :, None] * skip + bias
    np.testing.assert_allclose(array(layer(x, x)), wanted.reshape(30, 4), rtol=1e-4, atol=1e-5)


def test_waves_are_cosines_beside_the_number():
    layer = Periodic(2, 3, 4)
    x = random.normal(size=(20, 2)).astype(np.float32)
    got = array(layer(x)).reshape(20, 2, 4)
    frequency, phase, kernel, bias = (array(w) for w in layer.weights)
    waves = np.cos(2 * np.pi * x[:, :, None] * frequency + phase)
    np.testing.assert_allclose(got[:, :, 0], x, rtol=1e-6)
    np.testing.assert_allclose(got[:, :, 1:], np.einsum("bfw,fwd->bfd", waves, kernel) + bias, rtol=1e-4, atol=1e-5)


def test_members_and_heads_of_tabm():
    members, heads = Members(3, [2, 1]), Heads(2)
    x = random.normal(size=(5, 3)).astype(np.float32)
    seen = array(members(x))
    scale = array(members.scale)
    assert (scale[:, 0] == scale[:, 1]).all()  # one number a chunk to begin with
    np.testing.assert_allclose(seen, x[:, None] * scale, rtol=1e-6)
    got = array(heads(seen))
    np.testing.assert_allclose(got, np.einsum("bkd,kdo->bko", seen, array(heads.kernel)) + array(heads.bias), rtol=1e-4, atol=1e-5)


def test_probabilities_are_the_members_mean_and_come_back_from_their_logarithm():
    raw = random.normal(0, 2, (7, 4, 3)).astype(np.float32)
    p = softmax(raw, axis=-1).mean(1)
    np.testing.assert_allclose(array(Probabilities()(raw)), p, rtol=1e-4)
    np.testing.assert_allclose(array(Probabilities(0.5)(raw)), np.sqrt(p) / np.sqrt(p).sum(1, keepdims=True), rtol=1e-3)
    mean = MeanAnswer(True)(raw)
    np.testing.assert_allclose(softmax(array(Logarithm()(mean)), axis=-1)[:, 0], p, rtol=1e-4)
    np.testing.assert_array_equal(array(Decision(0.3)(p[:, :2])), p[:, 1] >= 0.3)


@pytest.mark.parametrize("kind", ["mean", "normal", "quantile"])
def test_intervals_in_the_users_units(kind):
    raw = random.normal(size=(9, 2, {"mean": 1, "normal": 2, "quantile": 3}[kind])).astype(np.float32)
    by = {"mean": 180300.7, "deviation": 115000.0}
    got = {k: array(v) for k, v in Interval(kind=kind, factor=1.6, margin=0.1, low=1e5, high=3e5, floor=0.4, **by)(raw).items()}
    center = raw[:, :, 1 if kind == "quantile" else 0].mean(1)
    if kind == "quantile":
        below, above = np.maximum(center - raw[:, :, 0].mean(1), 0), np.maximum(raw[:, :, 2].mean(1) - center, 0)
    elif kind == "normal":
        below = above = np.sqrt(np.exp(raw[:, :, 1]).mean(1))
    else:
        below = above = np.sqrt(raw[:, :, 0].var(1) + 0.4**2)
    units = lambda z: z * by["deviation"] + by["mean"]  # noqa: E731
    cut = np.clip(units(center), 1e5, 3e5)  # within what was trained on, and the interval round that
    np.testing.assert_allclose(got["prediction"], cut, rtol=1e-5)
    np.testing.assert_allclose(got["lower"], cut - by["deviation"] * (1.6 * below + 0.1), rtol=1e-4, atol=2)
    np.testing.assert_allclose(got["upper"], cut + by["deviation"] * (1.6 * above + 0.1), rtol=1e-4, atol=2)


def test_columns_codes_and_unknown_embeddings():
    columns = [np.arange(3, dtype=np.float32), np.ones(3, np.float32)]
    np.testing.assert_array_equal(array(Stack()(columns)), np.stack(columns, 1))
    np.testing.assert_array_equal(array(OneHot(4)(np.array([0, 3, 1]))), np.eye(4)[[0, 3, 1]])
    with pytest.raises(UsageError, match="Did you mean 'periodic'"):
        mlp(Features(numbers=plain_features(2).numbers, numbers_as="peridic"))
