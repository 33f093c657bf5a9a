"""The values that a segmentation recipe leaves open, by the size and the number of the images. They were chosen on validation images."""

from __future__ import annotations

import inspect

from applied_dl.core import config
from applied_dl.core.builders import known_settings
from applied_dl.core.errors import UsageError, pick
from applied_dl.tasks.segment.losses import check_loss
from applied_dl.tasks.segment.models import BUILDERS
from applied_dl.vision.models.hub import is_preset
from applied_dl.vision.models.trunk import EMBEDDED, NONE, local_weights, resolve_weights

PRESETS = {"fast": 0.4, "default": 1.0, "best": 2.0}  # factors of the epochs
SEEN = {True: 18_000, False: 16_000}  # images of 240 by 320 (pretrained) or 64 by 64 (from scratch) shown in a whole training
PIXELS = {True: 240 * 320, False: 64 * 64}
MOST_EPOCHS = {True: 60, False: 80}
FEWEST_EPOCHS = 8
LOSS = "crossentropy+lovasz"
MAX_METRIC_DROP = 0.01
WIDTHS = (1.0, 0.5, 0.25, 0.125)  # for `export.budget`
SCRATCH_WIDTH = 0.5  # of a U-Net from scratch: on 64 by 64 pixels a step takes as long as one of `unet_small`, and it learns more
OPTIONS = ("weights", "backbone", "alpha", "width", "depth", "activation", "norm", "dropout", "pooling")
OF_SCRATCH = ("depth", "pooling")
BATCH = 8
AVERAGED, MOST_AVERAGED = 15, 200  # the weights are averaged over this part of the steps, and over so many at the most


def resolve_segment(recipe, encoder, rows: int, pretrained: bool):
    """The recipe with every value that training reads.

    Args:
        recipe: as the user wrote it.
        encoder: the fitted encoder.
        rows: number of training rows.
        pretrained: a pretrained encoder suits the images.

    Raises:
        UsageError: a key that would do nothing, or that contradicts another.
        DataError: a weights file that does not fit.
    """
    model, train = recipe.model, recipe.train
    weights = model.weights or _open_weights(model, pretrained)
    trunk = weights != NONE or model.backbone is not None
    name = model.name or "unet"
    pick("model.name", name, BUILDERS)
    if trunk and "weights" not in inspect.signature(BUILDERS[name]).parameters:
        if model.weights not in (None, NONE) or model.backbone:
            raise UsageError(f"{name!r} has no pretrained encoder: remove model.weights and model.backbone, or set model.name = 'unet'.")
        weights, trunk = NONE, False
    known_settings(BUILDERS[name], builder_options(model))
    _check(recipe, trunk)
    loss = "+".join(check_loss(train.loss or LOSS))
    shown = SEEN[trunk] * PIXELS[trunk] / (encoder.height * encoder.width)
    epochs = int(min(max(shown / max(rows, 1), FEWEST_EPOCHS), MOST_EPOCHS[trunk]))
    epochs = train.epochs or max(1, round(epochs * PRESETS[model.preset]))
    batch = min(BATCH, max(1, rows // 2))
    steps = epochs * rows // (batch if train.batch_size in (None, "all") else train.batch_size)
    chosen = {
        "epochs": epochs,
        "batch_size": batch,
        "learning_rate": 1e-3 if trunk else 3e-3,
        "schedule": "one_cycle",
        "optimizer": "adamw",
        "weight_decay": 0.01,
        "clip_norm": 1.0,
        "patience": 0,
        "ema": 1 - 1 / min(max(steps / AVERAGED, 2), MOST_AVERAGED),
        "loss": loss,
        "label_smoothing": 0.0,
    }
    if trunk:
        chosen["layerwise_lr_decay"] = 0.7
    found = {"name": name, "weights": weights, **(_trunk(model, weights) if trunk else {})}
    if model.name is None and model.width is None and not trunk:
        found["width"] = SCRATCH_WIDTH
    augment = recipe.preprocess.augment
    return config.replace(
        recipe,
        model=found,
        train={key: value for key, value in chosen.items() if getattr(train, key) is None},
        preprocess={"augment": default_augment(encoder) if augment is None else augment},
        data={"image_size": (encoder.height, encoder.width), "channels": encoder.channels},
        export={} if recipe.export.max_metric_drop is not None else {"max_metric_drop": MAX_METRIC_DROP},
    )


def _open_weights(model, pretrained: bool) -> str:
    """The weights that a recipe leaves open."""
    if model.backbone is not None:
        return NONE
    scratch = model.name == "unet_small" or any(getattr(model, key) is not None for key in OF_SCRATCH)
    return EMBEDDED if pretrained and not scratch else NONE


def default_augment(encoder) -> tuple[str, ...]:
    """Random scale, place and colour; colour images are also mirrored, which grey ones (characters, scans) may not bear."""
    return ("crop", "flip", "color") if encoder.channels == 3 else ("crop", "color")


def smaller_models(recipe, prepared) -> list[dict]:
    """Narrower nets, the largest first; of a pretrained encoder narrower paths up, and then nets from scratch."""
    weights = recipe.model.weights or _open_weights(recipe.model, prepared.state.pretrained)
    if weights == NONE and recipe.model.backbone is None:
        if recipe.model.name is not None:
            return config.open_changes(recipe, [{"model.width": width} for width in WIDTHS[1:]])
        smallest = {"model.name": "unet_small", "model.width": WIDTHS[-2]}
        return config.open_changes(recipe, [*({"model.width": width} for width in WIDTHS[2:]), smallest])
    scratch = [{"model.name": "unet_small", "model.weights": NONE, "model.width": width} for width in WIDTHS[:3]]
    return config.open_changes(recipe, [*({"model.width": width} for width in WIDTHS[1:3]), *scratch])


def builder_options(model) -> dict:
    """The keys of `[model]` that the builders take; "none" stands for no weights."""
    options = {key: getattr(model, key) for key in OPTIONS}
    return options | ({"weights": None} if model.weights == NONE else {})


def _check(recipe, trunk: bool) -> None:
    """Refuse what contradicts itself or would do nothing."""
    model, train = recipe.model, recipe.train
    if trunk:
        if recipe.preprocess.normalize != "standardize":
            raise UsageError(
                f"preprocess.normalize = {recipe.preprocess.normalize!r} has no meaning for a pretrained encoder: it scales pixels itself."
            )
        for key in OF_SCRATCH:
            if getattr(model, key) is not None:
                raise UsageError(f"model.{key} is for an encoder from scratch: set model.weights = 'none', or remove it.")
        return
    for key in ("unfreeze_epochs", "layerwise_lr_decay"):
        if getattr(train, key) is not None:
            raise UsageError(f"train.{key} is for transfer learning; this encoder has no pretrained weights (model.weights = 'none').")
    if model.alpha is not None:
        raise UsageError("model.alpha is the width of a MobileNet encoder; set model.backbone or model.weights too.")


def _trunk(model, weights: str) -> dict:
    """What the recipe leaves open of a trunk: architecture and width as in a local weights file."""
    if is_preset(weights) or weights in (EMBEDDED, NONE):
        return {}
    local = local_weights(weights)
    name, alpha = resolve_weights(local, model.backbone, model.alpha) if local else (model.backbone, model.alpha)
    return {"backbone": name, "alpha": alpha}
