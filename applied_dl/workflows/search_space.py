"""The space that `applied-dl tune` searches: `[tune.space]` of a recipe, checked, and values of it put into the recipe."""

from __future__ import annotations

import msgspec

from applied_dl.core import config
from applied_dl.core.errors import UsageError
from applied_dl.workflows import recipes


class Dimension(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One key's values: a range (`log` for rates), or a list of choices."""

    low: int | float | None = None
    high: int | float | None = None
    log: bool = False
    choices: tuple[int | float | str | bool | None, ...] = ()


def read_space(recipe) -> dict[str, Dimension]:
    """The checked space of a recipe."""
    if not hasattr(recipe, "tune"):
        raise UsageError(f"There is no search for the task {recipe.task!r}.")
    if not recipe.tune.space:
        raise UsageError(
            "The recipe has no search space: add for instance [tune.space] with "
            '"train.learning_rate" = {low = 1e-4, high = 1e-1, log = true} and "model.dropout" = {choices = [0.0, 0.2, 0.4]}.'
        )
    found = {}
    for key, raw in recipe.tune.space.items():
        try:
            found[key] = msgspec.convert(raw, Dimension)
        except msgspec.ValidationError as error:
            raise UsageError(f"tune.space.{key!r}: {error}; expected {{low, high, log}} or {{choices}}.") from error
        one = found[key]
        ranged = one.low is not None and one.high is not None and one.low < one.high and (one.low > 0 or not one.log)
        if bool(one.choices) == ranged:
            raise UsageError(f"tune.space.{key!r} needs either low < high (above 0 where log is true) or choices; received {raw}.")
        apply(recipe, {key: one.choices[0] if one.choices else one.low})  # refuses a key that no recipe has
    return found


def apply(recipe, values: dict):
    """The recipe with dotted keys replaced, checked as if it had been read."""
    return recipes.read_recipe(config.as_dict(recipe), values)


def suggest(trial, key: str, one: Dimension):
    """A value of this dimension, which the trial of Optuna chooses."""
    if one.choices:
        return trial.suggest_categorical(key, list(one.choices))
    whole = isinstance(one.low, int) and isinstance(one.high, int)
    return (trial.suggest_int if whole else trial.suggest_float)(key, one.low, one.high, log=one.log)


def own_values(resolved, space) -> dict:
    """The recipe's own values of the searched keys, those that lie in the space."""
    raw, found = config.as_dict(resolved), {}
    for key, one in space.items():
        section, _, name = key.partition(".")
        value = raw.get(section, {}).get(name)
        inside = value in one.choices if one.choices else isinstance(value, (int, float)) and one.low <= value <= one.high
        if inside:
            found[key] = value
    return found
