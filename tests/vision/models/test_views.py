"""Mirrored and translated images against numpy; the layers of schema-1 bundles still load."""

import keras
import numpy as np
import pytest

from applied_dl.vision.models.views import Mirror, Translate

X = np.arange(2 * 4 * 5 * 3, dtype=np.float32).reshape(2, 4, 5, 3)


def test_mirror_exchanges_left_and_right():
    np.testing.assert_array_equal(Mirror()(X), X[:, :, ::-1])


@pytest.mark.parametrize(("down", "right"), [(1, 0), (-1, 0), (0, 1), (0, -2)])
def test_translate_repeats_the_edge(down, right):
    got = np.asarray(Translate(down, right)(X))
    padded = np.pad(X, ((0, 0), (2, 2), (2, 2), (0, 0)), mode="edge")
    np.testing.assert_array_equal(got, padded[:, 2 - down : 6 - down, 2 - right : 7 - right])


def test_layers_of_schema_1_load_by_their_registered_name():
    config = {"module": "applied_dl.models.image.looks", "class_name": "Nudge", "registered_name": "applied_dl>Nudge"}
    layer = keras.saving.deserialize_keras_object({**config, "config": {"name": "nudge_0", "down": 1, "right": 0}})
    assert isinstance(layer, Translate)
