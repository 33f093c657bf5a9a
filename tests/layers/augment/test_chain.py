"""Augmentation: stateless, shape and type kept, labels mixed by the shares that images are, and matrices that mean what they say."""

import numpy as np
import pytest
import tensorflow as tf

from applied_dl.core.errors import UsageError
from applied_dl.layers.augment import NAMES, augmentation, geometry, randaugment

TARGET = tf.one_hot(np.arange(16) % 4, 4)


def random_images(channels=3, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (16, 12, 10, channels), dtype=np.uint8)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", NAMES)
def test_each_keeps_shape_and_type_and_depends_on_the_seed_alone(name, channels):
    call = tf.function(augmentation((name,), 1.0, 4))
    images = random_images(channels)
    one, again, other = (call({"image": images}, TARGET, tf.constant(seed)) for seed in ([1, 2], [1, 2], [1, 3]))
    assert one[0]["image"].dtype == tf.uint8
    assert one[0]["image"].shape == images.shape
    np.testing.assert_array_equal(one[0]["image"], again[0]["image"])
    assert not np.array_equal(one[0]["image"], other[0]["image"])
    assert not np.array_equal(one[0]["image"], images)
    np.testing.assert_allclose(tf.reduce_sum(one[1], 1), 1, atol=1e-5)


def test_flip_mirrors_about_half_of_the_images():
    images = random_images()
    out = augmentation(("flip",))({"image": images}, TARGET, tf.constant([0, 0]))[0]["image"].numpy()
    same = [np.array_equal(a, b) for a, b in zip(out, images)]
    turned = [np.array_equal(a, b[:, ::-1]) for a, b in zip(out, images)]
    assert all(a or b for a, b in zip(same, turned))
    assert 2 < sum(turned) < 14


def test_shift_moves_by_whole_pixels_and_mirrors_the_border():
    images = random_images()
    out = augmentation(("shift",), 2.0)({"image": images}, TARGET, tf.constant([0, 0]))[0]["image"].numpy()
    padded = np.pad(images, ((0, 0), (4, 4), (4, 4), (0, 0)), mode="symmetric")
    for got, wide in zip(out, padded):
        assert any(np.array_equal(got, wide[y : y + 12, x : x + 10]) for y in range(9) for x in range(9))


def test_a_quarter_turn_is_numpys():
    square = np.random.default_rng(0).integers(0, 256, (2, 9, 9, 1), dtype=np.uint8)
    turn = tf.constant([[[0.0, -1, 0], [1, 0, 0], [0, 0, 1]]] * 2)
    np.testing.assert_array_equal(geometry.warp(square, turn, smooth=False), np.rot90(square, axes=(1, 2)))


def test_erasing_touches_half_of_the_images_and_at_most_a_third_of_each():
    images = np.full((400, 30, 30, 1), 7, np.uint8)
    out = augmentation(("erase",))({"image": images}, None, tf.constant([0, 0]))[0]["image"].numpy()
    touched = (out != 7).mean((1, 2, 3))
    assert 0.4 < (touched > 0).mean() < 0.6
    assert touched.max() < 0.4


def test_cutmix_mixes_labels_by_area():
    images = np.zeros((16, 20, 20, 1), np.uint8)
    images[::2] = 255
    target = np.eye(2, dtype=np.float32)[np.arange(16) % 2]
    inputs, mixed = augmentation(("cutmix",))({"image": images}, target, tf.constant([3, 4]))
    bright = inputs["image"].numpy().mean((1, 2, 3)) / 255
    np.testing.assert_allclose(mixed[:, 0], bright, atol=1e-5)


def test_mixup_mixes_labels_by_weight():
    images = np.zeros((16, 4, 4, 1), np.uint8)
    images[::2] = 255
    target = np.eye(2, dtype=np.float32)[np.arange(16) % 2]
    inputs, mixed = augmentation(("mixup",))({"image": images}, target, tf.constant([3, 4]))
    np.testing.assert_allclose(mixed[:, 0], inputs["image"].numpy().mean((1, 2, 3)) / 255, atol=3e-3)


def test_randaugment_draws_two_changes_a_image(monkeypatch):
    seen = {}
    monkeypatch.setattr(randaugment, "_matrix", lambda amount, *_: seen.update(amount) or tf.eye(3, batch_shape=[16]))
    randaugment.apply(tf.constant(random_images()), tf.constant([0, 1]), 1.0)
    changed = sum((np.asarray(seen[name]) != 0).astype(int) for name in (*randaugment.SPACE, *randaugment.COLOR))
    np.testing.assert_array_equal(changed, 2)


def test_names_and_nothing():
    assert augmentation(()) is None
    assert augmentation(("flip",), 0.0) is None
    with pytest.raises(UsageError, match="Did you mean 'flip'"):
        augmentation(("flipp",))
