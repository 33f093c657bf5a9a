"""The values an image recipe leaves open, by the size and the number of the pictures. Chosen on validation rows alone."""

from __future__ import annotations

from applied_dl import config
from applied_dl.errors import UsageError, nearest, pick
from applied_dl.models.image import BUILDERS

TINY, SMALL = 12, 64  # pixels of the shorter side
PRESETS = {"fast": 0.4, "default": 1.0, "best": 2.0}  # factors of the epochs
SEEN = 2_000_000  # pictures of 28 by 28 shown in a whole training; fewer of larger ones
MAX_LOSS = 0.005


def settle_image(recipe, encoder, rows: int):
    """The recipe without a None that training reads."""
    model, side = recipe.model, min(encoder.height, encoder.width)
    if model.preset not in PRESETS:
        raise UsageError(f"Unknown model.preset {model.preset!r}.{nearest(model.preset, PRESETS)}")
    name = model.name or ("backbone" if model.weights else "small_cnn" if side <= TINY else "whitened_cnn")
    pick("model.name", name, BUILDERS)
    if recipe.preprocess.normalize == "pca" and name != "mlp":
        raise UsageError(f"preprocess.normalize = 'pca' gives vectors, which only 'mlp' takes; {name!r} needs pictures: use 'zca'.")
    chosen = {"backbone": _backbone, "whitened_cnn": _whitened}.get(name, _plain)(encoder, rows)
    chosen["epochs"] = max(1, round(chosen["epochs"] * PRESETS[model.preset]))
    chosen |= {"loss": "binary_crossentropy" if encoder.multi_label else "crossentropy", "schedule": "one_cycle", "patience": 0, "ema": 0.0}
    augment = recipe.preprocess.augment
    return config.replace(
        recipe,
        model={"name": name},
        train={key: value for key, value in chosen.items() if getattr(recipe.train, key) is None},
        preprocess={"augment": _augment(encoder, side) if augment is None else augment},
        data={"image_size": (encoder.height, encoder.width), "channels": encoder.channels},
        export={} if recipe.export.max_loss is not None else {"max_loss": MAX_LOSS},
    )


def _augment(encoder, side: int) -> tuple[str, ...]:
    """Grey pictures may be characters, which must not be mirrored; colour ones are taken for photographs."""
    if side <= TINY:
        return ()
    if encoder.channels == 1:
        return ("shift", "rotate", "zoom")
    return ("flip", "shift", "erase") if side <= SMALL else ("flip", "shift", "rotate", "zoom", "color", "erase")


def _epochs(encoder, rows: int, most: int) -> int:
    shown = SEEN * (784 / (encoder.height * encoder.width)) ** 0.75
    return int(min(max(shown / rows, 12), most))


def _batch(rows: int, most: int = 256) -> int:
    """A power of two with at least about 40 steps an epoch."""
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
    """First the head alone on kept features, then a few epochs of the upper trunk, the deeper the slower."""
    return {
        "epochs": 20,
        "freeze": (20, 8),
        "batch_size": _batch(rows, 64),
        "learning_rate": 2e-3,
        "optimizer": "adamw",
        "weight_decay": 0.02,
        "clip_norm": 1.0,
        "label_smoothing": 0.1,
        "depth_rates": 2.0,
    }
