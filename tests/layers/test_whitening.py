"""Whitening against scikit-learn and against what white means."""

import keras
import numpy as np
import pytest
from sklearn.decomposition import PCA

from applied_dl.core.errors import UsageError
from applied_dl.layers.pixels import fit_pixels, normalize
from applied_dl.layers.whitening import apply_whitening, fit_whitening, patch_kernel

IMAGES = (np.random.default_rng(0).normal(size=(500, 4, 5, 2)) @ np.array([[1.0, 0.5], [0.2, 2.0]])).astype(np.float32)


def through(state, images):
    entry = keras.Input(images.shape[1:])
    return keras.Model(entry, apply_whitening(entry, state)).predict(images, verbose=0)


def test_pca_equals_scikit_learn_up_to_signs():
    ours = through(fit_whitening(IMAGES, 7, epsilon=0.0), IMAGES)
    theirs = PCA(7, whiten=True, svd_solver="full").fit_transform(IMAGES.reshape(500, -1)) * np.sqrt(500 / 499)
    np.testing.assert_allclose(np.abs(ours), np.abs(theirs), atol=1e-3)


def test_zca_is_white_and_closest_to_the_image():
    ours = through(fit_whitening(IMAGES, None, zca=True, epsilon=0.0), IMAGES)
    assert ours.shape == IMAGES.shape
    np.testing.assert_allclose(np.cov(ours.reshape(500, -1), rowvar=False, bias=True), np.eye(40), atol=1e-2)


def test_patch_kernel_has_pairs_of_opposite_filters():
    kernel = patch_kernel(IMAGES, 3, 8)
    assert kernel.shape == (3, 3, 2, 8)
    np.testing.assert_array_equal(kernel[..., :4], -kernel[..., 4:])
    flat = kernel[..., :4].reshape(-1, 4)
    np.testing.assert_allclose(np.triu(flat.T @ flat, 1), 0, atol=1e-5)


def test_standardize_uses_training_statistics():
    pixels = np.random.default_rng(0).integers(0, 256, (50, 6, 6, 3), dtype=np.uint8)
    entry = keras.Input((6, 6, 3))
    model = keras.Model(entry, normalize(entry, fit_pixels("standardize", pixels)))
    flat = model.predict(pixels.astype("float32"), verbose=0).reshape(-1, 3)
    np.testing.assert_allclose(flat.mean(0), 0, atol=1e-4)
    np.testing.assert_allclose(flat.std(0), 1, atol=1e-4)


def test_wrong_names_and_sizes():
    with pytest.raises(UsageError, match="Did you mean 'standardize'"):
        fit_pixels("standardise", np.zeros((2, 4, 4, 1), np.uint8))
    with pytest.raises(UsageError, match="image_size"):
        fit_pixels("zca", np.zeros((2, 96, 96, 3), np.uint8))
    with pytest.raises(UsageError, match="between 1 and 16"):
        fit_whitening(IMAGES[:, :, :4, :1], 17)


def test_standardisation_counts_levels_and_rounds_nothing():
    pixels = np.random.default_rng(0).integers(0, 256, (30, 5, 4, 3), dtype=np.uint8)
    pixels[..., 2] = 7
    fitted = fit_pixels("standardize", pixels)
    np.testing.assert_allclose(fitted.mean, pixels.reshape(-1, 3).mean(0), rtol=1e-14)
    np.testing.assert_allclose(fitted.variance, [*pixels.reshape(-1, 3)[:, :2].var(0), 1.0], rtol=1e-13)
