"""Nets for images: a small residual generator and its critic (R3GAN), and the textbook DCGAN."""

from __future__ import annotations

import keras
from keras import initializers, layers, ops

SLOPE = 0.2  # of the leaky ReLU
LEAST = 4  # pixels of the smallest stage


def stages(height: int, width: int) -> list[tuple[int, int]]:
    """Sizes from the smallest stage up to half of the image's, each twice the one before (rounded up)."""
    found = [(-(-height // 2), -(-width // 2))]
    while min(found[0]) > 2 * LEAST - 1:
        found.insert(0, (-(-found[0][0] // 2), -(-found[0][1] // 2)))
    return found


def widths(count: int, base: int) -> list[int]:
    """Channels of `count` stages from the smallest size on: each half as many as the one before, `base` at half of the image's size."""
    return [base * 2 ** min(count - 1 - i, 3) for i in range(count)]


def residual_generator(shape, latent: int, classes: int = 0, *, width: int = 48, blocks: int = 1, name: str = "generator") -> keras.Model:
    """Latent and label → image, by residual blocks without normalisation.

    Args:
        shape: (H, W, C) of the images.
        latent: numbers of the latent.
        classes: labels; 0 for a model without labels.
        width: channels at half of the image's size; each smaller stage has twice as many.
        blocks: residual blocks of a stage.
        name: of the model.

    Returns:
        {"latent": (B, latent), "label": (B,)} → (B, H, W, C) in −1..1.

    Example:
        >>> net = residual_generator((28, 28, 1), 64, classes=10)

    References:
        Huang et al., The GAN is dead; long live the GAN! A modern baseline GAN (2024): R3GAN.
    """
    return _generator(shape, latent, classes, width, name, lambda x, channels, label: _blocks(x, channels, blocks, label))


def residual_critic(shape, classes: int = 0, *, width: int = 48, blocks: int = 1, name: str = "critic") -> keras.Model:
    """Image and label → score, higher for images that look real; the mirror of `residual_generator`. See there for arguments.

    Returns:
        {"sample": (B, H, W, C), "label": (B,)} → (B,).
    """
    return _critic(shape, classes, width, name, lambda x, channels, label: _blocks(x, channels, blocks, label))


def dcgan_generator(shape, latent: int, classes: int = 0, *, width: int = 48, name: str = "generator") -> keras.Model:
    """Latent and label → image, by one transposed convolution and batch norm a stage: the textbook form. Arguments as for
    `residual_generator`.

    References:
        Radford, Metz and Chintala, Unsupervised representation learning with deep convolutional GANs (2016).
    """

    def stage(x, channels, label):
        return layers.ReLU(name=f"{label}_relu")(layers.BatchNormalization(momentum=0.9, name=f"{label}_norm")(x))

    return _generator(shape, latent, classes, width, name, stage)


def dcgan_critic(shape, classes: int = 0, *, width: int = 48, name: str = "critic") -> keras.Model:
    """Image and label → score, by one strided convolution a stage. The penalty on its gradient takes the place of batch norm."""
    return _critic(shape, classes, width, name, lambda x, channels, label: layers.LeakyReLU(SLOPE, name=f"{label}_relu")(x))


def _generator(shape, latent, classes, width, name, stage) -> keras.Model:
    height, wide, channels = shape
    sizes = stages(height, wide)
    filters = widths(len(sizes), width)
    z = keras.Input((latent,), name="latent")
    inputs, x = {"latent": z}, z
    if classes:
        label = keras.Input((), dtype="int32", name="label")
        inputs["label"] = label
        x = layers.Concatenate(name="latent_and_label")([z, layers.Embedding(classes, latent // 2, embeddings_initializer="normal",
                                                                             name="label_embedding")(label)])  # fmt: skip
    (h, w), c = sizes[0], filters[0]
    x = layers.Dense(h * w * c, kernel_initializer=_spread(1.0), name="seed")(x)
    x = layers.Reshape((h, w, c), name="seed_map")(x)
    x = stage(x, c, "stage_0")  # (B, h, w, c)
    for i, ((h, w), c) in enumerate(zip(sizes[1:], filters[1:]), 1):
        x = _larger(x, h, w, c, f"up_{i}")
        x = stage(x, c, f"stage_{i}")
    x = _larger(layers.LeakyReLU(SLOPE, name="last_relu")(x), height, wide, max(8, width // 2), "full")  # (B, H, W, width/2)
    x = layers.LeakyReLU(SLOPE, name="full_relu")(x)
    image = layers.Conv2D(channels, 3, padding="same", activation="tanh", kernel_initializer=_spread(0.1), name="image")(x)  # (B, H, W, C)
    return keras.Model(inputs, image, name=name)


def _critic(shape, classes, width, name, stage) -> keras.Model:
    sizes = stages(*shape[:2])[::-1]
    filters = widths(len(sizes), width)[::-1]
    image = keras.Input(tuple(shape), name="sample")
    inputs, x = {"sample": image}, image
    for i, c in enumerate(filters):
        x = layers.Conv2D(c, 4, strides=2, padding="same", kernel_initializer=_spread(1.0), name=f"down_{i}")(x)
        x = stage(x, c, f"stage_{i}")
    x = layers.Flatten(name="flat")(layers.LeakyReLU(SLOPE, name="last_relu")(x))
    features = layers.Dense(4 * width, kernel_initializer=_spread(1.0), name="features")(x)  # (B, D)
    if not classes:
        score = layers.Dense(1, name="score")(features)
        return keras.Model(inputs, layers.Reshape((), name="scores")(score), name=name)
    label = keras.Input((), dtype="int32", name="label")
    wanted = layers.Embedding(classes, 4 * width, embeddings_initializer="normal", name="label_embedding")(label)
    score = Projection(name="score")([features, wanted])  # (B,)
    return keras.Model({**inputs, "label": label}, score, name=name)


@keras.saving.register_keras_serializable(package="applied_dl")
class Projection(layers.Layer):
    """Scores (B,): features (B, D) times the vector of the label (B, D), over √D (Miyato and Koyama, 2018)."""

    def call(self, inputs):
        features, wanted = inputs
        return ops.sum(features * wanted, axis=-1) / float(features.shape[-1]) ** 0.5


def _larger(x, height: int, width: int, channels: int, label: str):
    """(B, h, w, c) → (B, H, W, channels), twice as large and cut where the size is odd."""
    x = layers.Conv2DTranspose(channels, 4, strides=2, padding="same", kernel_initializer=_spread(1.0), name=label)(x)
    extra = (x.shape[1] - height, x.shape[2] - width)
    return layers.Cropping2D(((0, extra[0]), (0, extra[1])), name=f"{label}_cut")(x) if any(extra) else x


def _blocks(x, channels: int, count: int, label: str):
    """Residual blocks: a 3 × 3 and a 1 × 1 convolution; the second begins at zero, so that each block begins as the identity."""
    for i in range(count):
        y = layers.LeakyReLU(SLOPE, name=f"{label}_{i}_relu_1")(x)
        y = layers.Conv2D(channels, 3, padding="same", use_bias=False, kernel_initializer=_spread(1.0), name=f"{label}_{i}_conv_1")(y)
        y = layers.LeakyReLU(SLOPE, name=f"{label}_{i}_relu_2")(y)
        y = layers.Conv2D(channels, 1, kernel_initializer="zeros", name=f"{label}_{i}_conv_2")(y)
        x = layers.Add(name=f"{label}_{i}_add")([x, y])
    return x


def _spread(scale: float):
    """Weights that keep the variance through a leaky ReLU."""
    return initializers.VarianceScaling(scale * 2 / (1 + SLOPE**2), mode="fan_in", distribution="untruncated_normal")
