"""Every builder: its size, the shape of its logits, and what it refuses."""

import numpy as np
import pytest

from applied_dl.core.errors import UsageError
from applied_dl.models import segment as builders

COUNTS = {"unet": 538_258, "unet_small": 41_314}  # parameters for 32 × 32 × 3 and 2 classes, as the docstrings state


@pytest.mark.parametrize("name", builders.BUILDERS)
def test_logits_have_the_size_of_the_image(name):
    model = builders.BUILDERS[name]((32, 48, 3), 5, width=0.5)
    assert model(np.zeros((2, 32, 48, 3), np.float32)).shape == (2, 32, 48, 5)
    features = builders.BUILDERS[name]((32, 48, 3), 5, width=0.5, include_top=False)
    assert len(features.output.shape) == 4
    assert model.get_layer("logits").output.shape[-1] == 5


@pytest.mark.parametrize("name", COUNTS)
def test_parameters(name):
    assert builders.BUILDERS[name]((32, 32, 3), 2).count_params() == COUNTS[name]
    assert f"{COUNTS[name]:,}" in builders.BUILDERS[name].__doc__


@pytest.mark.parametrize("name", ["unet", "fpn", "deeplab_lite"])
def test_the_encoder_inside_the_package(name):
    model = builders.BUILDERS[name]((48, 80, 3), 3, weights="embedded")
    assert model(np.zeros((1, 48, 80, 3), np.float32)).shape == (1, 48, 80, 3)
    assert [layer.name for layer in model.layers].count("trunk") == 1
    assert model.count_params() < 1_500_000


def test_any_net_of_convolutions_is_an_encoder():
    model = builders.unet((64, 64, 3), 2, backbone="MobileNetV2", alpha=0.35)
    assert model.output.shape == (None, 64, 64, 2)


def test_refusals():
    with pytest.raises(UsageError, match="multiples of 8"):
        builders.unet((20, 20, 3), 2)
    with pytest.raises(UsageError, match="RGB"):
        builders.fpn((32, 32, 1), 2, weights="embedded")
    with pytest.raises(UsageError, match="Did you mean 'batch'"):
        builders.unet_small((32, 32, 3), 2, norm="bach")
