"""Image classification, one label a picture or several."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
from keras import layers, ops

from applied_dl.core.builders import call
from applied_dl.core.metrics import classification as metric
from applied_dl.core.metrics.calibration import temperature
from applied_dl.core.metrics.intervals import bootstrap, bootstrap_mean, wilson
from applied_dl.core.records import Fitted, Part, Prepared, Scores, Slice
from applied_dl.export.serving import Serving
from applied_dl.layers.augment import augmentation
from applied_dl.layers.pixels import fit_pixels, normalize
from applied_dl.layers.whitening import patch_kernel
from applied_dl.report import plots as draw
from applied_dl.tasks.image.baselines import image_baselines
from applied_dl.tasks.image.card import describe_card, describe_data, worst_examples
from applied_dl.tasks.image.defaults import BACKBONE_OPTIONS, SHARED_OPTIONS, resolve_image
from applied_dl.tasks.image.encoder import ImageEncoder
from applied_dl.tasks.image.encoder import load as load_encoder
from applied_dl.tasks.image.encoder import save as save_encoder
from applied_dl.tasks.image.fit import fit_image, one_hot
from applied_dl.tasks.image.models import BUILDERS
from applied_dl.tasks.image.models.views import Mirror, Translate
from applied_dl.tasks.image.readers.read import read_images, read_labelled
from applied_dl.training.ensembles import fit_members
from applied_dl.training.hardware import precision

STEM = (4, 32)  # side of the whitened patches, and how many filters look at them
STEM_SAMPLE = 2000
REPEATS = 200  # resamples of the intervals that have no closed form
SHOWN = 24  # pictures of a batch
TOP5_CLASSES = 10  # from so many classes on, top-5 accuracy says something

trained_by_keras = True


def prepare(recipe, cache: Path) -> Prepared:
    """Read, decode, split; the pixel statistics from the training pictures."""
    data = read_images(recipe.data, recipe.train.seed, cache, preset=recipe.model.preset, pretrained=bool(recipe.model.weights))
    pixels = data.parts["train"].inputs["image"]
    state = fit_pixels(recipe.preprocess.normalize, pixels, recipe.preprocess.components)
    return Prepared(encoder=data.encoder, **data.parts, fingerprint=data.fingerprint, facts=data.facts, warnings=data.warnings, state=state)


def resolve_defaults(recipe, prepared):
    """Every open value of the recipe, chosen for the size and the number of the pictures."""
    return resolve_image(recipe, prepared.encoder, len(prepared.train))


def build(recipe, prepared, policy: str | None = None) -> keras.Model:
    """{"image": (B, H, W, C)} of 0..255 → logits (B, classes), normalisation inside; `policy` is the recipe's precision by default."""
    encoder, model = prepared.encoder, recipe.model
    name = model.name
    policy = policy or precision(recipe.train.precision, dense_convolutions=name not in ("mobile", "backbone", "mlp"))
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        image = keras.Input((encoder.height, encoder.width, encoder.channels), name="image")
        x = image if name == "backbone" else normalize(image, prepared.state)
        options = {key: getattr(model, key) for key in (*SHARED_OPTIONS, *BACKBONE_OPTIONS)}
        fixed = {}
        if name == "whitened_cnn":
            fixed["kernel"] = patch_kernel(_normalized(prepared), *STEM)
        net = call(BUILDERS[name], options, tuple(x.shape[1:]), len(encoder.labels), **fixed)
        return keras.Model({"image": image}, net(x), name="image_classifier")
    finally:
        keras.config.set_dtype_policy(before)


def fit(recipe, prepared, trainer) -> Fitted:
    """Train every member of the ensemble; staged for a backbone."""
    return fit_members(recipe, trainer, lambda one, trainer, tag: fit_image(one, prepared, trainer, tag, build))


def serving(recipe, fitted, prepared) -> Serving:
    """uint8 pictures → calibrated probabilities, with the mirrored picture averaged in where the recipe asks for it."""
    encoder = prepared.encoder
    image = keras.Input((encoder.height, encoder.width, encoder.channels), dtype="uint8", name="image")
    pixels = layers.Rescaling(1.0, dtype="float32", name="as_float")(image)
    views = [pixels, *_other_views(pixels, recipe.predict.tta)]
    logits = [fitted.model({"image": view}) for view in views]
    logits = layers.Average(name="views")(logits) if len(logits) > 1 else logits[0]
    if recipe.calibration.temperature:
        found = keras.Model({"image": image}, logits).predict(prepared.validation.inputs, batch_size=256, verbose=0)
        scale = temperature(found, prepared.validation.target)
        logits = layers.Rescaling(scale, dtype="float32", name="temperature")(logits)
    squash = "sigmoid" if encoder.multi_label else "softmax"
    probabilities = layers.Activation(squash, dtype="float32", name="probabilities")(logits)
    return restore_serving(recipe, keras.Model({"image": image}, {"probabilities": probabilities}, name="image_serving"), encoder)


def restore_serving(recipe, model: keras.Model, encoder: ImageEncoder) -> Serving:
    """The serving graph with its labels and the endpoint that decodes JPEG and PNG bytes."""
    from applied_dl.tasks.image.bytes_endpoint import bytes_endpoint, bytes_samples

    endpoints = {"predict_bytes": bytes_endpoint(model, encoder.height, encoder.width, encoder.channels)}
    return Serving(
        model, endpoints=endpoints, samples={"predict_bytes": bytes_samples}, labels=tuple(encoder.labels), normalisation=((0.0,), (1.0,))
    )


def score(recipe, outputs, part, encoder) -> Scores:
    """Accuracy with Wilson's interval, macro F1, log loss, calibration; mean average precision for several labels a picture."""
    truth, p = part.target, outputs["probabilities"]
    metrics = {"accuracy": metric.accuracy(truth, p), "f1": metric.f1(truth, p), "log_loss": metric.log_loss(truth, p)}
    intervals = {"log_loss": bootstrap_mean(metric.row_log_loss(truth, p))}
    intervals["f1"] = bootstrap(metric.f1, truth, p, repeats=REPEATS)
    if encoder.multi_label:
        metrics = {"f1": metrics["f1"], "map": metric.mean_average_precision(truth, p), **metrics}
        intervals["map"] = bootstrap(metric.mean_average_precision, truth, p, repeats=REPEATS)
        intervals["accuracy"] = bootstrap_mean(((p >= 0.5) == (truth > 0)).mean(1))
        slices = {
            name: Slice(value=metric.f1(truth[:, [i]], p[:, [i]]), rows=int(truth[:, i].sum()))
            for i, name in enumerate(encoder.labels)
            if truth[:, i].any()
        }
        return Scores(main="f1", metrics=metrics, intervals=intervals, slices=slices)
    right = p.argmax(1) == truth
    intervals["accuracy"] = wilson(int(right.sum()), len(truth))
    metrics["ece"] = metric.expected_calibration_error(truth, p)
    intervals["ece"] = bootstrap(metric.expected_calibration_error, truth, p, repeats=REPEATS)
    if len(encoder.labels) >= TOP5_CLASSES:
        metrics["top5_accuracy"] = metric.top_k_accuracy(truth, p)
        intervals["top5_accuracy"] = wilson(round(metrics["top5_accuracy"] * len(truth)), len(truth))
    rows = {name: truth == i for i, name in enumerate(encoder.labels)}
    slices = {name: Slice(value=float(right[at].mean()), rows=int(at.sum())) for name, at in rows.items() if at.any()}
    return Scores(main="accuracy", metrics=metrics, intervals=intervals, slices=slices)


def baselines(recipe, prepared) -> dict[str, Scores]:
    """The commonest class, and logistic regression on the principal components of the pixels."""
    return image_baselines(prepared, lambda p: score(recipe, {"probabilities": p}, prepared.test, prepared.encoder))


def plots(recipe, prepared, fitted, outputs, folder: Path) -> None:
    """An augmented batch, the curves, the confusion, the worst mistakes and the reliability."""
    history, encoder, test = fitted.history, prepared.encoder, prepared.test
    draw.training_curves(history.rows, folder / "training.png", history.monitor, history.best_epoch)
    preview(recipe, prepared, folder / "batch.png")
    p = outputs["probabilities"]
    if encoder.multi_label:
        scores = score(recipe, outputs, test, encoder).slices
        draw.bars(list(scores), np.array([one.value for one in scores.values()]), folder / "labels.png", "F1 of each label", "F1")
        draw.reliability((test.target > 0).ravel(), p.ravel(), folder / "reliability.png")
        return
    best, truth = p.argmax(1), test.target
    draw.confusion(metric.confusion_matrix(truth, best, len(encoder.labels)), list(encoder.labels), folder / "confusion.png")
    draw.reliability(best == truth, p.max(1), folder / "reliability.png")
    worst = np.argsort(p[np.arange(len(truth)), truth])[:24]
    captions = [f"{encoder.labels[truth[i]]} → {encoder.labels[best[i]]} {p[i].max():.2f}" for i in worst]
    draw.image_grid(np.asarray(test.inputs["image"][worst]), captions, folder / "worst.png", "Least sure of the truth")


def preview(recipe, prepared, path: Path) -> str:
    """Draw training pictures as the net sees them, augmented, with their labels."""
    part = prepared.train.take(np.linspace(0, len(prepared.train) - 1, min(SHOWN, len(prepared.train))).astype(np.int64))
    images, target = np.asarray(part.inputs["image"]), one_hot(part.target, prepared.encoder)
    augment = augmentation(recipe.preprocess.augment or (), recipe.preprocess.strength, len(prepared.encoder.labels))
    if augment is not None:
        inputs, target = augment({"image": ops.convert_to_tensor(images)}, ops.convert_to_tensor(target), ops.convert_to_tensor([0, 1]))
        images, target = np.asarray(inputs["image"]), np.asarray(target)
    captions = [" + ".join(prepared.encoder.labels[i] for i in np.flatnonzero(row > 0.05)[:2]) for row in target]
    draw.image_grid(images, captions, path, "An augmented batch")
    return f"{len(images)} pictures as the net sees them, drawn in {path}"


def load_labeled(recipe, encoder, source: str) -> Part:
    """Another source's pictures and labels through the fitted encoder."""
    from applied_dl.core.cache import cache_folder

    return read_labelled(encoder, source, recipe.data.target, cache_folder(), recipe.data.max_unreadable)


def _other_views(pixels, setting: bool | str) -> list:
    """The picture mirrored, and for "flip_shift" moved by a pixel in four directions, for test-time averaging."""
    if not setting:
        return []
    moves = ((1, 0), (-1, 0), (0, 1), (0, -1)) if setting == "flip_shift" else ()
    return [Mirror(name="mirror")(pixels), *(Translate(*move, name=f"translate_{i}")(pixels) for i, move in enumerate(moves))]


def _normalized(prepared) -> np.ndarray:
    """A sample of the training pictures as the net sees them."""
    pixels = prepared.train.inputs["image"]
    sample = pixels[np.linspace(0, len(pixels) - 1, min(STEM_SAMPLE, len(pixels))).astype(np.int64)]
    image = keras.Input(sample.shape[1:])
    return keras.Model(image, normalize(image, prepared.state)).predict(sample.astype(np.float32), batch_size=256, verbose=0)


__all__ = [
    "baselines", "build", "describe_card", "describe_data", "fit", "load_encoder", "load_labeled", "plots", "prepare", "preview",
    "resolve_defaults", "restore_serving", "save_encoder", "score", "serving", "trained_by_keras", "worst_examples",
]  # fmt: skip
