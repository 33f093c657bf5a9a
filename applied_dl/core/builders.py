"""Call a builder with the settings of a recipe, refusing those it does not know."""

from __future__ import annotations

import inspect
from collections.abc import Callable

from applied_dl.core.errors import UsageError

NOT_SETTINGS = ("name", "kernel", "include_top", "steps")  # of builders, but not of recipes


def call(builder: Callable, settings: dict, /, *shape, **fixed):
    """`builder(*shape, **fixed, **settings)`; settings that are None are left to the builder's default.

    Raises `UsageError` where a setting is given that this builder has no use for.
    """
    return builder(*shape, **fixed, **known_settings(builder, settings))


def known_settings(builder: Callable, settings: dict) -> dict:
    """The settings that are not None; `UsageError` names one that this builder has no use for."""
    known = inspect.signature(builder).parameters
    given = {name: value for name, value in settings.items() if value is not None}
    for name in given:
        if name not in known:
            accepted = ", ".join(n for n, p in known.items() if p.kind is p.KEYWORD_ONLY and n not in NOT_SETTINGS)
            raise UsageError(f"model.{name} has no meaning for the model {builder.__name__!r}; it accepts: {accepted}.")
    return given
