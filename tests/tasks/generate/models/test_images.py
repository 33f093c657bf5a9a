"""Generators and critics of images of any size."""

import numpy as np
import pytest

from applied_dl.tasks.generate.models import CRITICS, GENERATORS
from applied_dl.tasks.generate.models.images import stages


@pytest.mark.parametrize("shape", [(8, 8, 1), (28, 28, 1), (13, 22, 3)])
@pytest.mark.parametrize("classes", [0, 3])
@pytest.mark.parametrize("name", GENERATORS)
def test_shapes(name, shape, classes):
    generator = GENERATORS[name](shape, 5, classes, width=8)
    critic = CRITICS[name](shape, classes, width=8)
    label = {"label": np.array([0, 2], np.int32)} if classes else {}
    image = generator({"latent": np.ones((2, 5), np.float32), **label})
    assert image.shape == (2, *shape)
    assert np.abs(image.numpy()).max() <= 1
    assert critic({"sample": image.numpy(), **label}).shape == (2,)


def test_stages_halve_the_size_down_to_a_few_pixels():
    assert stages(28, 28) == [(7, 7), (14, 14)]
    assert stages(8, 8) == [(4, 4)]
    assert stages(64, 64) == [(4, 4), (8, 8), (16, 16), (32, 32)]
    assert stages(13, 22) == [(7, 11)]


def test_a_residual_block_begins_as_the_identity():
    from applied_dl.tasks.generate.models.images import residual_critic

    x = np.random.default_rng(0).normal(size=(3, 16, 16, 1)).astype(np.float32)
    one, two = (residual_critic((16, 16, 1), width=8, blocks=blocks) for blocks in (1, 2))
    for layer in one.layers:
        if layer.weights and "stage" not in layer.name:
            two.get_layer(layer.name).set_weights(layer.get_weights())
    np.testing.assert_allclose(one({"sample": x}), two({"sample": x}), rtol=1e-5, atol=1e-6)


def test_the_label_changes_the_score_by_a_projection():
    critic = CRITICS["residual"]((8, 8, 1), 3, width=8)
    x = np.random.default_rng(0).normal(size=(3, 8, 8, 1)).astype(np.float32)
    scores = [critic({"sample": x, "label": np.full(3, code, np.int32)}).numpy() for code in range(3)]
    assert not np.allclose(scores[0], scores[1])
    vectors = critic.get_layer("label_embedding")
    vectors.set_weights([np.zeros_like(vectors.get_weights()[0])])
    assert np.allclose(critic({"sample": x, "label": np.zeros(3, np.int32)}), 0)
