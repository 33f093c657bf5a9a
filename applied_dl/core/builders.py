"""Call a model builder with the settings of a recipe, and refuse settings that it does not have."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from applied_dl.core.errors import UsageError

NOT_SETTINGS = ("name", "kernel", "include_top", "steps")  # arguments of builders that are no recipe keys


def call(builder: Callable[..., Any], settings: dict[str, Any], /, *shape: Any, **fixed: Any) -> Any:
    """`builder(*shape, **fixed, **settings)`; a setting of None keeps the builder's default.

    Raises:
        UsageError: a setting that this builder does not have.
    """
    return builder(*shape, **fixed, **known_settings(builder, settings))


def known_settings(builder: Callable[..., Any], settings: dict[str, Any]) -> dict[str, Any]:
    """The settings that are not None. Raises `UsageError` for one that this builder does not have."""
    known = inspect.signature(builder).parameters
    given = {name: value for name, value in settings.items() if value is not None}
    for name in given:
        if name not in known:
            accepted = ", ".join(n for n, p in known.items() if p.kind is p.KEYWORD_ONLY and n not in NOT_SETTINGS)
            raise UsageError(f"model.{name} has no meaning for the model {builder.__name__!r}; it accepts: {accepted}.")
    return given
