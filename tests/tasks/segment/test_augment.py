"""Images and masks move together, and the same seed gives the same draw."""

import numpy as np
import pytest
import tensorflow as tf

from applied_dl.tasks.segment.augment import joint_augmentation

NAMES = ("crop", "flip", "rotate", "zoom", "shear", "perspective", "shift", "color")


def batch(count: int = 16):
    """Bright squares on black, and their masks."""
    masks = np.zeros((count, 32, 48), np.uint8)
    masks[:, 8:24, 12:30] = 1
    return np.repeat(masks[..., None] * np.uint8(250), 3, -1), masks


@pytest.mark.parametrize("name", NAMES)
def test_the_mask_follows_the_image(name):
    images, masks = batch()
    inputs, moved = joint_augmentation((name,))({"image": tf.constant(images)}, tf.constant(masks), tf.constant([0, 7]))
    shown = inputs["image"].numpy()[..., 0] > (125 if name != "color" else 60)
    assert moved.dtype == tf.uint8
    assert set(np.unique(moved)) <= {0, 1}
    assert (shown == (moved.numpy() == 1)).mean() > 0.97
    assert name == "color" or (moved.numpy() != masks).any()


def test_the_seed_decides():
    images, masks = batch(4)
    augment = joint_augmentation(("crop", "flip", "color"))
    first, again, other = (augment({"image": tf.constant(images)}, tf.constant(masks), tf.constant([0, s])) for s in (1, 1, 2))
    np.testing.assert_array_equal(first[0]["image"], again[0]["image"])
    np.testing.assert_array_equal(first[1], again[1])
    assert (first[1].numpy() != other[1].numpy()).any()
    assert joint_augmentation(()) is None
    assert joint_augmentation(("crop",), 0.0) is None
