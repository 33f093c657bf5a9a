"""The segmentation task: a class for every pixel of an image."""

from __future__ import annotations

from pathlib import Path

import keras
from keras import layers

from applied_dl.core.builders import call
from applied_dl.core.cache import cache_folder
from applied_dl.core.records import Fitted, Part, Prepared, Scores
from applied_dl.exporting.serving import Serving
from applied_dl.layers.pixels import fit_pixels, normalize
from applied_dl.tasks.segment.baselines import segment_baselines
from applied_dl.tasks.segment.card import describe_card, describe_data, worst_examples
from applied_dl.tasks.segment.defaults import builder_options, resolve_segment, smaller_models
from applied_dl.tasks.segment.encoder import SegmentEncoder
from applied_dl.tasks.segment.encoder import load as load_encoder
from applied_dl.tasks.segment.encoder import save as save_encoder
from applied_dl.tasks.segment.fit import fit_segment
from applied_dl.tasks.segment.models import BUILDERS
from applied_dl.tasks.segment.models.outputs import Confidence, PixelClass
from applied_dl.tasks.segment.plots import draw_batch, segment_plots
from applied_dl.tasks.segment.readers.read import read_labeled, read_scenes
from applied_dl.tasks.segment.scores import score_masks
from applied_dl.tasks.segment.state import SegmentState
from applied_dl.training.ensembles import fit_members
from applied_dl.training.hardware import precision
from applied_dl.vision.models.views import Mirror

trained_by_keras = True


def prepare(recipe, cache: Path) -> Prepared:
    """Read, decode and split; learn the classes and fit the pixel statistics on the training images."""
    weights = recipe.model.weights
    if weights is None and (recipe.model.name == "unet_small" or recipe.model.depth or recipe.model.pooling):
        weights = "none"
    data = read_scenes(recipe.data, recipe.train.seed, cache, preset=recipe.model.preset, weights=weights)
    pixels = fit_pixels(recipe.preprocess.normalize, data.parts["train"].inputs["image"])
    state = SegmentState(pixels=pixels, counts=data.counts, pretrained=data.pretrained)
    return Prepared(
        encoder=data.encoder, **data.parts, fingerprint=data.fingerprint, facts=data.facts, warnings=data.warnings, state=state
    )  # fmt: skip


def resolve_defaults(recipe, prepared):
    """Every open value of the recipe, chosen for the size and the number of the images."""
    return resolve_segment(recipe, prepared.encoder, len(prepared.train), prepared.state.pretrained)


def build(recipe, prepared) -> keras.Model:
    """{"image": (B, H, W, C)} of 0..255 → logits (B, H, W, classes), normalisation inside."""
    encoder, options = prepared.encoder, builder_options(recipe.model)
    trunk = options["weights"] is not None or options["backbone"] is not None
    policy = precision(recipe.train.precision, dense_convolutions=recipe.model.name == "unet" and not trunk)
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        image = keras.Input((encoder.height, encoder.width, encoder.channels), name="image")
        x = image if trunk else normalize(image, prepared.state.pixels)
        net = call(BUILDERS[recipe.model.name], options, tuple(x.shape[1:]), len(encoder.labels))
        return keras.Model({"image": image}, net(x), name="segment_model")
    finally:
        keras.config.set_dtype_policy(before)


def fit(recipe, prepared, trainer) -> Fitted:
    """Train every member of the ensemble, by stages where the recipe asks for them."""
    return fit_members(recipe, trainer, lambda one, trainer, tag: fit_segment(one, prepared, trainer, tag, build))


def serving(recipe, fitted, prepared) -> Serving:
    """uint8 images → the class of each pixel and the confidence, or the scores of all classes; mirrored views averaged on request."""
    encoder = prepared.encoder
    image = keras.Input((encoder.height, encoder.width, encoder.channels), dtype="uint8", name="image")
    pixels = layers.Rescaling(1.0, dtype="float32", name="as_float")(image)
    logits = fitted.model({"image": pixels})
    if recipe.predict.tta:
        mirrored = fitted.model({"image": Mirror(name="mirror")(pixels)})
        logits = layers.Average(name="views")([logits, Mirror(name="mirror_back")(mirrored)])
    if recipe.predict.scores:
        outputs = {"scores": layers.Softmax(dtype="float32", name="scores")(logits)}
    else:
        confidence = Confidence(dtype="float32", name="confidence")(logits)
        outputs = {"mask": PixelClass(dtype="float32", name="mask")(logits), "confidence": confidence}
    return restore_serving(recipe, keras.Model({"image": image}, outputs, name="segment_serving"), encoder)


def restore_serving(recipe, model: keras.Model, encoder: SegmentEncoder) -> Serving:
    """The serving graph with its labels and the endpoint that decodes JPEG and PNG bytes; tiles are cut before the graph."""
    from applied_dl.vision.bytes_endpoint import bytes_endpoint, bytes_samples

    endpoints = {} if encoder.tiled else {"predict_bytes": bytes_endpoint(model, encoder)}
    samples = {} if encoder.tiled else {"predict_bytes": bytes_samples}
    return Serving(model, endpoints=endpoints, samples=samples, labels=tuple(encoder.labels), normalisation=((0.0,), (1.0,)))


def score(recipe, outputs, part, encoder, metrics_only: bool = False) -> Scores:
    """Mean IoU, with Dice, pixel accuracy, boundary F1, 95% intervals over images, and the IoU of each class."""
    return score_masks(outputs, part, encoder, metrics_only)


def baselines(recipe, prepared) -> dict[str, Scores]:
    """The commonest class, the commonest class at each place, and a logistic regression of colours."""
    return segment_baselines(prepared, lambda outputs: score(recipe, outputs, prepared.test, prepared.encoder))


def plots(recipe, prepared, fitted, outputs, folder: Path) -> dict:
    """An augmented batch, the training, overlays, the worst images, the confusion and the classes."""
    return segment_plots(recipe, prepared, fitted, outputs, folder)


def preview(recipe, prepared, path: Path) -> str:
    """Draw training images as the net receives them, augmented, under their masks."""
    return f"{draw_batch(recipe, prepared, path)} images with their masks as the net receives them, drawn in {path}"


def load_labeled(recipe, encoder, source: str) -> Part:
    """Another source's images and masks through the fitted encoder."""
    return read_labeled(encoder, source, recipe.data, cache_folder())


__all__ = [
    "baselines", "build", "describe_card", "describe_data", "fit", "load_encoder", "load_labeled", "plots", "prepare", "preview",
    "resolve_defaults", "restore_serving", "save_encoder", "score", "serving", "smaller_models", "trained_by_keras", "worst_examples",
]  # fmt: skip
