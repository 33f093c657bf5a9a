"""MobileNetV2 with the ImageNet weights that travel inside the package: int8 kernels with one scale per channel, batch norms folded.

Sandler et al., MobileNetV2 (2018). The weights are Google's, under the Apache License 2.0: `applied_dl/weights/mobilenet_v2.LICENSE.md`.
"""

from __future__ import annotations

import hashlib
import io
from importlib import resources

import keras
import numpy as np
from keras import layers

from applied_dl.core.errors import DataError

FILE = "mobilenet_v2.npz"
SHA256 = "16a852efe15fd6261c822e2626a348b5ee8131c6c32a788f39fd278a4642ca27"
STEM, LAST = 32, 1280  # channels of the first and of the last convolution
BLOCKS = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
# of each stage: expansion, channels, blocks, stride of its first block


def mobilenet_v2(input_shape, *, weights: bool = True, name="mobilenet_v2") -> keras.Model:
    """The convolutions of MobileNetV2 at width 1, without batch norms and without a head. 2,206,816 parameters.

    Args:
        input_shape: (H, W, 3) of -1..1.
        weights: False begins with random weights.
        name: name of the model.

    Returns:
        A model (B, H, W, 3) → (B, H/32, W/32, 1280), with one layer per convolution: "stem", "block_0_depthwise" … "last".

    Raises:
        DataError: the file of the weights is not the one that belongs to the package.

    Example:
        >>> trunk = mobilenet_v2((160, 160, 3))
    """
    inputs = keras.Input(tuple(input_shape))
    x = layers.Conv2D(STEM, 3, 2, "same", name="stem")(inputs)
    x = layers.ReLU(6.0)(x)
    number = 0
    for expansion, channels, blocks, stride in BLOCKS:
        for i in range(blocks):
            x = _block(x, expansion, channels, stride if i == 0 else 1, f"block_{number}")
            number += 1
    x = layers.Conv2D(LAST, 1, name="last")(x)
    net = keras.Model(inputs, layers.ReLU(6.0, name="features")(x), name=name)
    if weights:
        _load(net)
    return net


def _block(x, expansion: int, channels: int, stride: int, name: str):
    """An inverted residual: expand, filter each channel, project back."""
    before, wide = x, expansion * x.shape[-1]
    if expansion > 1:
        x = layers.ReLU(6.0)(layers.Conv2D(wide, 1, name=f"{name}_expand")(x))
    x = layers.ReLU(6.0)(layers.DepthwiseConv2D(3, stride, "same", name=f"{name}_depthwise")(x))
    x = layers.Conv2D(channels, 1, name=f"{name}_project")(x)
    return layers.Add(name=f"{name}_add")([before, x]) if stride == 1 and before.shape[-1] == channels else x


def _load(net: keras.Model) -> None:
    """Put the weights of the package into the convolutions, in their order."""
    content = resources.files("applied_dl").joinpath("weights", FILE).read_bytes()
    if hashlib.sha256(content).hexdigest() != SHA256:
        raise DataError(
            f"The weights {FILE} inside the package are damaged: their sha256 is not the expected one; install applied_dl again."
        )
    with np.load(io.BytesIO(content), allow_pickle=False) as file:
        kernels, scales, biases = file["q"], file["s"], file["b"]
    first, channel = 0, 0
    for layer in net.layers:
        if not layer.weights:
            continue
        shape, count = layer.weights[0].shape, layer.weights[1].shape[0]
        size = int(np.prod(shape))
        scale = scales[channel : channel + count]
        scale = scale[:, None] if isinstance(layer, layers.DepthwiseConv2D) else scale
        kernel = kernels[first : first + size].reshape(shape).astype(np.float32) * scale
        layer.set_weights([kernel, biases[channel : channel + count]])
        first, channel = first + size, channel + count
