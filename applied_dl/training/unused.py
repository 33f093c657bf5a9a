"""Refuse the keys of `[train]` that only `train.fit` heeds, for a model that is trained another way."""

from __future__ import annotations

from applied_dl.core.errors import UsageError

OF_THE_ENGINE = ("l1", "l2", "swa", "snapshots", "max_norm")


def refuse_unused(settings, model: str, keys: tuple[str, ...] = OF_THE_ENGINE) -> None:
    """Raises `UsageError` where one of `keys` is set in `settings` (a `recipe.train`)."""
    for key in keys:
        if getattr(settings, key):
            raise UsageError(f"train.{key} has no meaning for the model {model!r}, which is not trained by the engine; remove it.")


def refuse_bfloat16(settings, what: str) -> None:
    """Raises `UsageError` where `train.precision` asks for half precision of `what`, which computes in float32 alone."""
    if settings.precision == "mixed_bfloat16":
        raise UsageError(f"train.precision: {what} compute in float32, whose numbers bfloat16 would round away; remove it.")
