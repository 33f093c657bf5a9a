"""The image task: classification with one or several labels per image, and regression of one number."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
from keras import layers
from msgspec import structs

from applied_dl.core import config, console
from applied_dl.core.builders import call
from applied_dl.core.metrics.calibration import conformal, temperature
from applied_dl.core.records import STOPPED, Fitted, Part, Prepared, Scores
from applied_dl.exporting.answers import with_distance, with_features, with_sets
from applied_dl.exporting.evaluate import outputs_of
from applied_dl.exporting.serving import Serving
from applied_dl.layers.pixels import fit_pixels, normalize
from applied_dl.layers.whitening import patch_kernel
from applied_dl.tasks.image.baselines import image_baselines
from applied_dl.tasks.image.card import describe_card, describe_data, worst_examples
from applied_dl.tasks.image.class_map import class_map
from applied_dl.tasks.image.defaults import builder_options, leaves_weights_open, may_flip, resolve_image, smaller_models
from applied_dl.tasks.image.encoder import ImageEncoder
from applied_dl.tasks.image.encoder import load as load_encoder
from applied_dl.tasks.image.encoder import save as save_encoder
from applied_dl.tasks.image.fit import fit_image
from applied_dl.tasks.image.models import BUILDERS
from applied_dl.tasks.image.models.interval import NumberInterval
from applied_dl.tasks.image.plots import draw_batch, image_plots
from applied_dl.tasks.image.readers.hints import mirror_reason
from applied_dl.tasks.image.readers.read import Images, read_images, read_labeled
from applied_dl.tasks.image.scores import score_images
from applied_dl.tasks.image.state import ImageState, one_hot, with_all_rows
from applied_dl.tasks.image.suitability import suitability
from applied_dl.training.ensembles import fit_members
from applied_dl.training.hardware import as_float32, precision
from applied_dl.vision.models.trunk import EMBEDDED, NONE
from applied_dl.vision.models.views import Mirror, Translate

STEM = (4, 32)  # side of the whitened patches, and the number of filters
STEM_SAMPLE = 2000
SMALLEST = 32  # pixels of the shorter side from which on pretrained weights are considered

trained_by_keras = True


def prepare(recipe, cache: Path) -> Prepared:
    """Read, decode and split; choose between pretrained weights and none, and fit the pixel statistics, on the training images."""
    data, weights = _read(recipe, cache)
    train, encoder = data.parts["train"], data.encoder
    pixels = train.inputs["image"]
    reason = mirror_reason(pixels, train.target, encoder.labels) if may_flip(recipe, encoder) else ""
    numbers = {} if encoder.labels else {"mean": float(train.target.mean()), "scale": float(train.target.std()) or 1.0}
    fitted = fit_pixels(recipe.preprocess.normalize, pixels, recipe.preprocess.components)
    state = ImageState(pixels=fitted, mirror_reason=reason, weights=weights, **numbers)
    warnings = data.warnings + _mirror_notes(recipe, reason)
    return Prepared(encoder=encoder, **data.parts, fingerprint=data.fingerprint, facts=data.facts, warnings=warnings, state=state)


def _read(recipe, cache: Path) -> tuple[Images, str]:
    """The images at the size for the weights, and the weights."""

    def read(weights: str | None) -> Images:
        return read_images(recipe.data, recipe.train.seed, cache, preset=recipe.model.preset, weights=weights)

    if not leaves_weights_open(recipe):
        weights = recipe.model.weights or (EMBEDDED if recipe.model.name == "backbone" else NONE)
        return read(weights), weights
    data = read(None)
    encoder, train = data.encoder, data.parts["train"]
    if encoder.channels != 3 or min(encoder.height, encoder.width) < SMALLEST:
        return data, NONE
    target = one_hot(train.target, len(encoder.labels)) if encoder.labels else train.target[:, None]
    found = suitability(train.inputs["image"], target)
    console.say("weights", found.sentence())
    weights = EMBEDDED if found.suits else NONE
    data = data if found.suits else read(NONE)
    return structs.replace(data, facts={**data.facts, "weights": found.sentence()}), weights


def resolve_defaults(recipe, prepared):
    """Every open value of the recipe, chosen for the size and the number of the images."""
    if leaves_weights_open(recipe):
        recipe = config.replace(recipe, model={"weights": prepared.state.weights})
    return resolve_image(recipe, prepared.encoder, len(prepared.train), flip=not prepared.state.mirror_reason)


def build(recipe, prepared, policy: str | None = None) -> keras.Model:
    """{"image": (B, H, W, C)} of 0..255 → logits (B, classes) or a standardised number (B, 1), normalisation inside.

    Args:
        recipe: a resolved recipe.
        prepared: the data.
        policy: the Keras dtype policy; that of the recipe's precision by default.
    """
    encoder, model = prepared.encoder, recipe.model
    name = model.name
    policy = policy or precision(recipe.train.precision, dense_convolutions=name not in ("mobile", "backbone", "mlp"))
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        image = keras.Input((encoder.height, encoder.width, encoder.channels), name="image")
        x = image if name == "backbone" else normalize(image, prepared.state.pixels)
        fixed = {}
        if name == "whitened_cnn":
            fixed["kernel"] = patch_kernel(_normalized(prepared), *STEM)
        net = call(BUILDERS[name], builder_options(model), tuple(x.shape[1:]), len(encoder.labels) or 1, **fixed)
        return keras.Model({"image": image}, net(x), name="image_model")
    finally:
        keras.config.set_dtype_policy(before)


def fit(recipe, prepared, trainer) -> Fitted:
    """Train every member of the ensemble, staged for a backbone; with `train.refit` once more on all images, as `extra["refit"]`."""
    fitted = fit_members(recipe, trainer, lambda one, trainer, tag: fit_image(one, prepared, trainer, tag, build))
    if not recipe.train.refit or not fitted.history.rows or fitted.history.stopped == STOPPED:
        return fitted
    whole = with_all_rows(prepared)
    console.say("refit", f"the shipped model is trained on all {len(whole.train):,} images")
    again = fit_members(recipe, trainer, lambda one, trainer, tag: fit_image(one, whole, trainer, f"refit-{tag}", build))
    return fitted._replace(extra={**fitted.extra, "refit": as_float32(again.model)})


def serving(recipe, fitted, prepared) -> Serving:
    """uint8 images → calibrated probabilities, or a number with its conformal interval; views averaged where the recipe asks for them."""
    encoder, held = prepared.encoder, prepared.validation
    image = keras.Input((encoder.height, encoder.width, encoder.channels), dtype="uint8", name="image")
    pixels = layers.Rescaling(1.0, dtype="float32", name="as_float")(image)
    views = [pixels, *_other_views(pixels, recipe.predict.tta)]
    raw = [fitted.model({"image": view}) for view in views]
    raw = layers.Average(name="views")(raw) if len(raw) > 1 else raw[0]

    def on_validation() -> np.ndarray:
        return outputs_of(keras.Model({"image": image}, raw), held.inputs)

    if encoder.labels:
        if recipe.calibration.temperature:
            raw = layers.Rescaling(temperature(on_validation(), held.target), dtype="float32", name="temperature")(raw)
        squash = "sigmoid" if encoder.multi_label else "softmax"
        outputs = {"probabilities": layers.Activation(squash, dtype="float32", name="probabilities")(raw)}
    else:
        mean, scale = prepared.state.mean, prepared.state.scale
        errors = np.abs(on_validation()[:, 0] * scale + mean - held.target)
        margin = conformal(errors, recipe.calibration.coverage)
        outputs = NumberInterval(mean, scale, margin, dtype="float32", name="interval")(raw)
    scored = keras.Model({"image": image}, outputs, name="image_serving")
    if encoder.labels:
        p = outputs_of(scored, held.inputs)["probabilities"]
        (scored,) = with_sets([scored], p, held.target, recipe.calibration)
    if "refit" not in fitted.extra:
        return restore_serving(recipe, _with_distance(recipe, scored, prepared), encoder)
    shipped = keras.models.clone_model(scored)  # calibrated as the scored one, on images that it had not seen
    shipped.set_weights(scored.get_weights())
    shipped.get_layer(fitted.model.name).set_weights(fitted.extra["refit"].get_weights())
    scored, shipped = (_with_distance(recipe, model, prepared) for model in (scored, shipped))
    return restore_serving(recipe, shipped, encoder)._replace(scored=scored)


def _with_distance(recipe, model: keras.Model, prepared) -> keras.Model:
    """The graph with the distance of the net's last features from those of the training images."""
    model, features = with_features(model)
    if features is None:
        return model
    one = bool(prepared.encoder.labels) and not prepared.encoder.multi_label
    return with_distance(model, features, prepared.train, prepared.validation, recipe.calibration.false_alarms, classes=one)


def restore_serving(recipe, model: keras.Model, encoder: ImageEncoder) -> Serving:
    """The serving graph with its labels and the endpoint that decodes JPEG and PNG bytes."""
    from applied_dl.vision.bytes_endpoint import bytes_endpoint, bytes_samples

    return Serving(
        model,
        endpoints={"predict_bytes": bytes_endpoint(model, encoder)},
        samples={"predict_bytes": bytes_samples},
        labels=tuple(encoder.labels),
        normalisation=((0.0,), (1.0,)),
        explain=class_map(model) if encoder.labels else None,
    )


def score(recipe, outputs, part, encoder, metrics_only: bool = False) -> Scores:
    """Accuracy, mean F1 of several labels, or root mean squared error, with the other metrics and 95% intervals."""
    return score_images(outputs, part, encoder, metrics_only)


def baselines(recipe, prepared) -> dict[str, Scores]:
    """The majority class or the mean, and a linear model on the principal components of the pixels."""
    return image_baselines(prepared, lambda outputs: score(recipe, outputs, prepared.test, prepared.encoder))


def plots(recipe, prepared, fitted, outputs, folder: Path) -> None:
    """An augmented batch, the training, the confusion or the residuals, and the worst errors."""
    image_plots(recipe, prepared, fitted, outputs, folder)


def preview(recipe, prepared, path: Path) -> str:
    """Draw training images as the net receives them, augmented, with their labels."""
    return f"{draw_batch(recipe, prepared, path)} images as the net receives them, drawn in {path}"


def load_labeled(recipe, encoder, source: str) -> Part:
    """Another source's images and labels through the fitted encoder."""
    from applied_dl.core.cache import cache_folder

    return read_labeled(encoder, source, recipe.data, cache_folder(), recipe.data.max_unreadable)


def _mirror_notes(recipe, reason: str) -> list[str]:
    """A note where mirroring would exchange classes: left out of the default augmentations, or questioned where the recipe names it."""
    if not reason:
        return []
    notes = []
    if recipe.preprocess.augment is None:
        notes.append(f"training images are not mirrored ('flip' is left out of preprocess.augment): {reason}")
    elif "flip" in recipe.preprocess.augment:
        notes.append(f"preprocess.augment mirrors training images ('flip'), but {reason}: leave it out")
    if recipe.predict.tta:
        notes.append(f"predict.tta averages over mirrored images, but {reason}: set it to false")
    return notes


def _other_views(pixels, setting: bool | str) -> list:
    """The mirrored image, and for "flip_shift" the image shifted by a pixel in four directions, for test-time augmentation."""
    if not setting:
        return []
    moves = ((1, 0), (-1, 0), (0, 1), (0, -1)) if setting == "flip_shift" else ()
    return [Mirror(name="mirror")(pixels), *(Translate(*move, name=f"translate_{i}")(pixels) for i, move in enumerate(moves))]


def _normalized(prepared) -> np.ndarray:
    """A sample of the training images as the net receives them."""
    pixels = prepared.train.inputs["image"]
    sample = pixels[np.linspace(0, len(pixels) - 1, min(STEM_SAMPLE, len(pixels))).astype(np.int64)]
    image = keras.Input(sample.shape[1:])
    return keras.Model(image, normalize(image, prepared.state.pixels)).predict(sample.astype(np.float32), batch_size=256, verbose=0)


__all__ = [
    "baselines", "build", "describe_card", "describe_data", "fit", "load_encoder", "load_labeled", "plots", "prepare", "preview",
    "resolve_defaults", "restore_serving", "save_encoder", "score", "serving", "smaller_models", "trained_by_keras", "worst_examples",
]  # fmt: skip
