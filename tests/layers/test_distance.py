"""The distance in the graph against the Mahalanobis distance of a dense covariance, in float64."""

import keras
import numpy as np
import pytest

from applied_dl.layers.distance import AXES, Distance, fit_spread
from applied_dl.layers.label_set import LabelSet


def features(rows=2000, width=8, classes=1, seed=0):
    random = np.random.default_rng(seed)
    centers = random.normal(0, 6, (classes, width))
    codes = random.integers(0, classes, rows)
    mix = random.normal(0, 1, (width, width)) * np.geomspace(3, 0.3, width)
    return (centers[codes] + random.normal(0, 1, (rows, width)) @ mix.T).astype(np.float32), codes


def layer_of(spread, unit=1.0):
    layer = Distance(spread.centers.shape[1], spread.axes.shape[1], len(spread.centers))
    layer.build((None, spread.centers.shape[1]))
    layer.assign(spread, unit)
    return layer


def dense(x, codes, axes):
    """Distance to the nearest centre under a covariance whose eigenvalues behind the first `axes` are their mean."""
    centers = np.stack([x[codes == c].astype(np.float64).mean(0) for c in np.unique(codes)])
    within = x - centers[codes]
    values, vectors = np.linalg.eigh(within.T @ within / len(x))
    values, vectors = values[::-1].copy(), vectors[:, ::-1]
    values[axes:] = values[axes:].mean() if axes < len(values) else 0
    inverse = vectors / values @ vectors.T
    away = x[:, None].astype(np.float64) - centers
    return np.sqrt(np.einsum("nkd,de,nke->nk", away, inverse, away).min(1))


@pytest.mark.parametrize(("width", "classes"), [(8, 1), (8, 5), (AXES + 28, 1), (AXES + 28, 4)])
def test_it_is_the_mahalanobis_distance_to_the_nearest_centre(width, classes):
    x, codes = features(width=width, classes=classes)
    spread = fit_spread(x, codes if classes > 1 else None)
    found = np.asarray(layer_of(spread, 2.0)(x))[:, 0]
    np.testing.assert_allclose(found, dense(x, codes if classes > 1 else np.zeros(len(x), int), min(width, AXES)) / 2, rtol=2e-3)


def test_constant_features_and_a_single_row_give_finite_distances():
    for x in (np.zeros((30, 5), np.float32), np.ones((1, 40), np.float32), np.tile(np.arange(3.0, dtype=np.float32), (9, 1))):
        layer = layer_of(fit_spread(x))
        assert np.isfinite(np.asarray(layer(x + 1))).all()
        assert np.isfinite(np.asarray(layer(np.full_like(x, 1e6)))).all()


def test_a_row_off_the_plane_of_the_training_rows_is_far_though_each_feature_is_usual():
    random = np.random.default_rng(0)
    one = random.normal(size=(500, 1))
    x = np.concatenate([one, one + random.normal(0, 0.05, (500, 1))], 1)
    layer = layer_of(fit_spread(x))
    usual, odd = np.asarray(layer(np.array([[1.0, 1.0], [1.0, -1.0]], np.float32)))[:, 0]
    assert odd > 10 * usual


def test_it_survives_saving(tmp_path):
    x, codes = features(classes=3)
    spread = fit_spread(x, codes)
    entry = keras.Input((8,))
    layer = Distance(8, spread.axes.shape[1], 3)
    model = keras.Model(entry, layer(entry))
    layer.assign(spread)
    model.save(tmp_path / "m.keras")
    again = keras.saving.load_model(tmp_path / "m.keras")
    np.testing.assert_array_equal(again.predict(x[:9], verbose=0), model.predict(x[:9], verbose=0))


def test_a_label_set_holds_what_is_probable_enough_and_always_the_best():
    p = np.array([[0.5, 0.4, 0.1], [0.34, 0.33, 0.33]], np.float32)
    np.testing.assert_array_equal(LabelSet([0.4, 0.4, 0.4])(p), [[1, 1, 0], [1, 0, 0]])
    np.testing.assert_array_equal(LabelSet([0.4, 0.4, 0.4], one=False)(p), [[1, 1, 0], [0, 0, 0]])
    np.testing.assert_array_equal(LabelSet([0.6, 0.3, 0.1])(p), [[1, 1, 1], [1, 1, 1]])
