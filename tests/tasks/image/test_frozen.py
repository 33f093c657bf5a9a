"""Kept outputs of the frozen part: what is computed from them is what the whole net computes from the images."""

import numpy as np
import pytest

from applied_dl.core.records import Part, Prepared
from applied_dl.core.task import Trainer
from applied_dl.tasks.image import frozen
from applied_dl.tasks.image.frozen import features_of, images_through, rest_of
from applied_dl.tasks.image.models import backbone
from applied_dl.training.transfer import cut, unfreeze


class Plain(Trainer):
    """Prepares all rows."""


@pytest.fixture(scope="module")
def net():
    return backbone((32, 32, 3), 3, weights="embedded")


def data():
    random = np.random.default_rng(0)
    parts = [Part(inputs={"image": random.integers(0, 256, (n, 32, 32, 3), dtype=np.uint8)}, target=np.arange(n) % 3) for n in (7, 4, 4)]
    return Prepared(encoder=None, train=parts[0], validation=parts[1], test=parts[2], fingerprint="")


def test_the_rest_of_the_net_answers_from_kept_outputs_as_the_whole_from_images(net):
    prepared, trunk = data(), net.get_layer("trunk")
    unfreeze(trunk, 0.25)
    at = cut(trunk)
    assert at is trunk.get_layer("block_12_add").output
    kept = images_through(net, at, prepared, None, 0, Plain())
    assert kept.views.shape[:2] == (1, 7)
    images = prepared.train.inputs["image"].astype(np.float32)
    want = net.predict(images, verbose=0)
    got = rest_of(net, at).predict({"kept": kept.views[0].astype(np.float32)}, verbose=0)
    np.testing.assert_allclose(got, want, atol=0.01 * np.abs(want).max())
    pooled = images_through(net, trunk.output, prepared, None, 0, Plain())
    np.testing.assert_allclose(features_of(net, kept).views, pooled.views, atol=0.02)
    got = rest_of(net, trunk.output).predict({"kept": pooled.held.astype(np.float32)}, verbose=0)
    want = net.predict(prepared.validation.inputs["image"].astype(np.float32), verbose=0)
    np.testing.assert_allclose(got, want, atol=0.01 * np.abs(want).max())


def test_each_view_has_the_target_of_its_image():
    views = np.arange(6, dtype=np.float16).reshape(2, 3, 1)
    source = frozen.Frozen(None, views, views[0], 3).source(np.eye(3, dtype=np.float32), np.array([1, 2, 3], np.float32))
    values, target, weight = source.gather(np.arange(6))
    assert source.size == 6
    np.testing.assert_array_equal(values["kept"][:, 0], np.arange(6))
    np.testing.assert_array_equal(np.argmax(target, 1), [0, 1, 2, 0, 1, 2])
    np.testing.assert_array_equal(weight, [1, 2, 3, 1, 2, 3])


def test_views_fit_into_memory():
    assert frozen._views(480, (None, 14, 14, 96)) == 8
    assert frozen._views(2000, (None, 14, 14, 96)) == 2
    assert frozen._views(100_000, (None, 14, 14, 96)) == 0
