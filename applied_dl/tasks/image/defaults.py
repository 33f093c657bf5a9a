"""The values that an image recipe leaves open, by the size and the number of the images. They were chosen on validation rows."""

from __future__ import annotations

import inspect

from applied_dl.core import config
from applied_dl.core.builders import known_settings
from applied_dl.core.errors import UsageError, nearest, pick
from applied_dl.core.sections import refuse_unused_answers
from applied_dl.tasks.image.models import BUILDERS
from applied_dl.training.losses import SMOOTHED
from applied_dl.vision.models.hub import is_preset
from applied_dl.vision.models.trunk import DEFAULT, EMBEDDED, NONE, local_weights, resolve_weights

TINY, SMALL = 12, 64  # pixels of the shorter side
PRESETS = {"fast": 0.4, "default": 1.0, "best": 2.0}  # factors of the epochs
SEEN = 2_000_000  # images of 28 by 28 shown in a whole training; fewer of larger ones
MAX_METRIC_DROP = 0.005
WIDTHS = (0.5, 0.25, 0.125, 0.0625)  # for `export.budget`
UNFREEZE = (20, 8)  # epochs of a backbone: the head alone, then the trunk too
EMBEDDED_STAGES = (10, 2)  # of the embedded one: the head and the last quarter of the trunk, on kept outputs; then all of it
TUNED = 14_000  # images of 224 by 224 shown while all of it is trained, more of smaller ones, in at least and at most so many epochs:
FEWEST_TUNED, MOST_TUNED = 3, 6
LOSSES = {  # by kind; the first is the default
    "classification": ("crossentropy", "focal", "categorical_hinge", "squared_hinge", "hinge", "binary_crossentropy", "mse"),
    "multi_label": ("binary_crossentropy", "hinge", "squared_hinge", "mse"),
    "regression": ("mse", "mae", "huber"),
}
WHAT = {"classification": "classes", "multi_label": "several labels per image", "regression": "numbers"}
SHARED_OPTIONS = ("width", "depth", "hidden", "activation", "norm", "dropout", "pooling", "spatial_dropout", "stochastic_depth")
BACKBONE_OPTIONS = ("backbone", "weights", "alpha", "resolution")
ENLARGED = ((96, 0), (128, 48), (None, 80))  # resolution of the embedded backbone, for images whose shorter side is above the second number
REGRESSION: dict = {"clip_norm": 1.0, "label_smoothing": 0.0}


def resolve_image(recipe, encoder, rows: int, flip: bool = True):
    """The recipe with every value that training reads.

    Args:
        recipe: as the user wrote it.
        encoder: the fitted encoder.
        rows: number of training images.
        flip: whether mirrored training images keep their labels.

    Raises:
        UsageError: a key that would do nothing, or that contradicts another.
        DataError: a weights file that does not fit.
    """
    if recipe.model.name == "backbone" and recipe.model.weights is None:
        recipe = config.replace(recipe, model={"weights": EMBEDDED})
    model, side = recipe.model, min(encoder.height, encoder.width)
    pretrained = model.weights not in (None, NONE)
    name = model.name or ("backbone" if pretrained else "small_cnn" if side <= TINY else "whitened_cnn")
    pick("model.name", name, BUILDERS)
    known_settings(BUILDERS[name], builder_options(model))
    _check(recipe, name, encoder)
    chosen = {"backbone": _backbone, "whitened_cnn": _whitened}.get(name, _plain)(encoder, rows)
    chosen |= REGRESSION if encoder.kind == "regression" else {}
    chosen["epochs"] = max(1, round(chosen["epochs"] * PRESETS[model.preset]))
    chosen |= {"schedule": "one_cycle", "patience": 0, "ema": 0.0, "loss": LOSSES[encoder.kind][0]}
    if (recipe.train.loss or chosen["loss"]) not in SMOOTHED:
        chosen["label_smoothing"] = 0.0
    trunk = _trunk(model, side) if name == "backbone" else {"weights": NONE}
    chosen |= _stages(recipe, rows, trunk["resolution"] or side) if name == "backbone" else {}
    augment = recipe.preprocess.augment
    return config.replace(
        recipe,
        model={"name": name} | trunk,
        train={key: value for key, value in chosen.items() if getattr(recipe.train, key) is None},
        preprocess={"augment": _augment(encoder, side, flip) if augment is None else augment},
        data={"image_size": (encoder.height, encoder.width), "channels": encoder.channels},
        export={} if recipe.export.max_metric_drop is not None else {"max_metric_drop": MAX_METRIC_DROP},
    )


def smaller_models(recipe, prepared) -> list[dict]:
    """Narrower nets, the largest first; in place of a trunk nets that are trained from the beginning."""
    encoder, name = prepared.encoder, recipe.model.name
    own = name or ("small_cnn" if min(encoder.height, encoder.width) <= TINY else "whitened_cnn")
    if own not in BUILDERS or "width" not in inspect.signature(BUILDERS[own]).parameters:
        return []
    first = [{"model.name": own}] if name is None else []
    return config.open_changes(recipe, [*first, *({"model.name": own, "model.width": width} for width in WIDTHS)])


def _check(recipe, name: str, encoder) -> None:
    """Refuse what contradicts itself or would do nothing."""
    pre, train = recipe.preprocess, recipe.train
    if pre.normalize == "pca" and name != "mlp":
        raise UsageError(f"preprocess.normalize = 'pca' gives vectors, which only 'mlp' takes; {name!r} takes images: use 'zca'.")
    if name == "backbone" and pre.normalize != "standardize":
        raise UsageError(
            f"preprocess.normalize = {pre.normalize!r} has no meaning for a backbone, which scales pixels as its weights require."
        )
    if name == "backbone" and recipe.model.weights == NONE:
        raise UsageError('model.name = "backbone" needs model.weights: "embedded", a local weights file, or "imagenet" to download them.')
    if pre.components is not None and pre.normalize not in ("pca", "zca"):
        raise UsageError(f"preprocess.components is for normalize = 'pca' or 'zca'; preprocess.normalize is {pre.normalize!r}.")
    if name != "backbone":
        for key in ("unfreeze_epochs", "layerwise_lr_decay"):
            if getattr(train, key) is not None:
                raise UsageError(f"train.{key} is for transfer learning (model.name = 'backbone'); {name!r} has no pretrained weights.")
    known = LOSSES[encoder.kind]
    if train.loss is not None and train.loss not in known:
        raise UsageError(f"train.loss = {train.loss!r} does not fit {WHAT[encoder.kind]}.{nearest(train.loss, known)}")
    if train.label_smoothing and train.loss is not None and train.loss not in SMOOTHED:
        raise UsageError(f"train.label_smoothing has no meaning for the loss {train.loss!r}; it is for {', '.join(SMOOTHED)}.")
    refuse_unused_answers(recipe.calibration, bool(encoder.labels), not encoder.labels)
    if train.class_weights is not None and encoder.kind != "classification":
        raise UsageError(f"train.class_weights needs one label per image; these images have {WHAT[encoder.kind]}.")


def _stages(recipe, rows: int, resolution: int) -> dict:
    """Epochs of each stage of unfreezing, and of all together: whichever the recipe names decides the other."""
    freeze, epochs = recipe.train.unfreeze_epochs, recipe.train.epochs
    if freeze is not None and epochs not in (None, sum(freeze)):
        raise UsageError(
            f"train.epochs = {epochs} and train.unfreeze_epochs = {list(freeze)} ({sum(freeze)} epochs) differ; give one of them."
        )
    if freeze is None:
        wanted = UNFREEZE
        if recipe.model.weights == EMBEDDED:
            shown = TUNED * (224 / resolution) ** 1.5
            wanted = (*EMBEDDED_STAGES, min(max(round(shown / rows), FEWEST_TUNED), MOST_TUNED))
        head, *trunk = (max(1, round(n * PRESETS[recipe.model.preset])) for n in wanted)
        if epochs is not None:
            trunk = [epochs * n // sum(wanted) for n in wanted[1:]]
            head = epochs - sum(trunk)
        freeze = (head, *(n for n in trunk if n))
    return {"unfreeze_epochs": freeze, "epochs": sum(freeze)}


def may_flip(recipe, encoder) -> bool:
    """Whether the recipe, or its defaults for these images, would mirror images in training or at prediction."""
    named = recipe.preprocess.augment
    by_default = named is None and "flip" in _augment(encoder, min(encoder.height, encoder.width), True)
    return by_default or "flip" in (named or ()) or bool(recipe.predict.tta)


def _augment(encoder, side: int, flip: bool) -> tuple[str, ...]:
    """Grey images may be characters, which must not be mirrored; colour images are taken for photographs.

    A number may depend on position, size, angle or colour, so that regression keeps to the mildest augmentations.
    """
    if side <= TINY:
        return ()
    if encoder.channels == 1:
        return ("shift", "rotate", "zoom") if encoder.labels else ("shift",)
    if not encoder.labels:
        names = ("flip", "shift")
    else:
        names = ("flip", "shift", "erase") if side <= SMALL else ("flip", "shift", "rotate", "zoom", "color", "erase")
    return names if flip else tuple(name for name in names if name != "flip")


def leaves_weights_open(recipe) -> bool:
    """Whether the data decides on pretrained weights: the recipe names neither them nor a net, nor what only a net from scratch has."""
    model, pre = recipe.model, recipe.preprocess
    of_scratch = [getattr(model, key) for key in SHARED_OPTIONS if key not in ("dropout", "pooling")]
    named = [model.name, model.weights, model.backbone, model.alpha, *of_scratch, pre.components, recipe.train.snapshots]
    return pre.normalize == "standardize" and all(value is None for value in named)


def builder_options(model) -> dict:
    """The keys of `[model]` that the builders take; "none" stands for no weights."""
    options = {key: getattr(model, key) for key in (*SHARED_OPTIONS, *BACKBONE_OPTIONS)}
    return options | ({"weights": None} if model.weights == NONE else {})


def _trunk(model, side: int) -> dict:
    """What the recipe leaves open of a backbone: architecture and width as in a local weights file, and the size of small images."""
    if is_preset(model.weights):
        for key in ("backbone", "alpha"):
            if getattr(model, key) is not None:
                raise UsageError(
                    f"model.{key} is for nets of keras.applications; the preset {model.weights!r} (model.weights) brings its own."
                )
        return {"resolution": model.resolution}
    local = local_weights(model.weights)
    name, alpha = resolve_weights(local, model.backbone, model.alpha) if local else (model.backbone, model.alpha)
    resolution = model.resolution
    if resolution is None and model.weights == EMBEDDED:
        resolution = next(size for size, above in reversed(ENLARGED) if side > above)
    return {"backbone": name or DEFAULT, "alpha": alpha, "resolution": resolution}


def _epochs(encoder, rows: int, most: int) -> int:
    shown = SEEN * (784 / (encoder.height * encoder.width)) ** 0.75
    return int(min(max(shown / rows, 12), most))


def _batch(rows: int, most: int = 256) -> int:
    """A power of two that gives about 40 steps per epoch or more."""
    return max(16, min(most, 2 ** ((rows // 40).bit_length() - 1))) if rows >= 40 else 16


def _whitened(encoder, rows: int) -> dict:
    batch = _batch(rows)
    return {
        "epochs": _epochs(encoder, rows, 80),
        "batch_size": batch,
        "learning_rate": 0.4 * (batch / 256) ** 0.5,
        "optimizer": "nesterov",
        "weight_decay": 5e-4,
        "clip_norm": 0.0,
        "label_smoothing": 0.1,
    }


def _plain(encoder, rows: int) -> dict:
    return {
        "epochs": _epochs(encoder, rows, 40),
        "batch_size": _batch(rows, 128),
        "learning_rate": 3e-3,
        "optimizer": "adamw",
        "weight_decay": 0.02,
        "clip_norm": 1.0,
        "label_smoothing": 0.05,
    }


def _backbone(encoder, rows: int) -> dict:
    """First the head alone on kept features, then a few epochs of the whole trunk, deeper layers at lower rates."""
    return {
        "epochs": sum(UNFREEZE),
        "batch_size": _batch(rows, 64),
        "learning_rate": 2e-3,
        "optimizer": "adamw",
        "weight_decay": 0.02,
        "clip_norm": 1.0,
        "label_smoothing": 0.1,
        "layerwise_lr_decay": 0.5,
    }
