"""Which cells of the last feature map a class comes from, as a graph of its own (Zhou et al., Learning Deep Features, 2016)."""

from __future__ import annotations

import keras
from keras import layers

from applied_dl.exporting.answers import HEAD


def class_map(model: keras.Model) -> keras.Model | None:
    """Contributions of image regions to the score of each class; None where the net's head is not a mean over pixels and one dense layer.

    The mean and the dense layer are linear, so the contributions of all h × w cells sum to the score less the bias of its class. Of
    several views of an image (`predict.tta`) the plain one is explained; an ensemble has no single map.

    Args:
        model: the serving graph, of uint8 images (B, H, W, C).

    Returns:
        {"image": (B, H, W, C)} → {"contributions": (B, h, w, K), "score": (B, K)}, the score before any softmax.
    """
    nets = [layer for layer in model.layers if isinstance(layer, keras.Model)]
    mapped = _mapped(nets[0]) if len(nets) == 1 else None
    if mapped is None:
        return None
    image = keras.Input(model.input["image"].shape[1:], dtype="uint8", name="image")
    contributions, score = mapped({"image": layers.Rescaling(1.0, dtype="float32", name="as_float")(image)})
    return keras.Model({"image": image}, {"contributions": contributions, "score": score}, name="class_map")


def _mapped(net: keras.Model) -> keras.Model | None:
    """The net with the outputs (contributions, score); its layers are shared, not copied."""
    found: list = []
    pooled: dict[int, keras.KerasTensor] = {}  # a mean over pixels, and what only drops out of it → the feature map

    def call(layer, *inputs, **options):
        if isinstance(layer, keras.Model) and (inner := _mapped(layer)) is not None:
            found.append(inner(*inputs, **options))
        output = layer(*inputs, **options)
        if isinstance(layer, layers.GlobalAveragePooling2D):
            pooled[id(output)] = inputs[0]
        elif isinstance(layer, layers.Dropout) and id(inputs[0]) in pooled:
            pooled[id(output)] = pooled[id(inputs[0])]
        elif layer.name == HEAD and id(inputs[0]) in pooled:
            found.append((_contributions(layer, pooled[id(inputs[0])]), output))
        return output

    same = keras.models.clone_model(net, clone_function=lambda layer: layer, call_function=call)
    return keras.Model(same.input, found[0], name=f"{net.name}_map") if len(found) == 1 else None


def _contributions(head: layers.Dense, features: keras.KerasTensor) -> keras.KerasTensor:
    """(B, h, w, F) → (B, h, w, K): what each cell adds to the output of a dense layer on the mean of all cells."""
    height, width = features.shape[1:3]
    layer = layers.Conv2D(head.units, 1, use_bias=False, dtype="float32", name="contributions")
    output = layer(features)
    layer.set_weights([keras.ops.convert_to_numpy(head.kernel)[None, None] / (height * width)])
    return output
