"""The model that is shipped: fitted once more on all rows, with the penalties, members and weights that were chosen before."""

from __future__ import annotations

from typing import NamedTuple

import keras
import numpy as np
from msgspec.structs import replace

from applied_dl.core.records import Fitted, Part, Prepared
from applied_dl.tasks.forecast.fit.blend import member_recipe
from applied_dl.tasks.forecast.fit.net import fit_closed, fit_forecast
from applied_dl.tasks.forecast.readers.prepare import with_all_rows, with_newest_rows
from applied_dl.tasks.forecast.selection import CLOSED
from applied_dl.training.ensembles import average


class Refit(NamedTuple):
    """The model that is shipped, and where its margins come from: a model and windows that it did not learn from."""

    model: keras.Model
    calibrated: keras.Model
    prepared: Prepared


def refit_closed(recipe, prepared: Prepared, trainer) -> Refit:
    """What is solved: penalties, forecasters and weights are chosen again on the newest rows, then the members are solved on all rows."""
    newest = with_newest_rows(prepared)
    choice = fit_forecast(recipe, newest, trainer, "refit-model")
    return Refit(_again(recipe, choice, with_all_rows(prepared), trainer, "refit").model, choice.model, newest)


def refit_network(fitted: Fitted, prepared: Prepared, fit_again) -> Refit:
    """What is trained: a second training on all rows. `fit_again(prepared) -> Fitted`."""
    return Refit(fit_again(with_all_rows(prepared)).model, fitted.model, _held_out(prepared))


def refit_blend(recipe, fitted: Fitted, prepared: Prepared, trainer) -> Refit:
    """A blend of networks and others: its members again, with the weights that it has."""
    return refit_network(fitted, prepared, lambda later: _again(recipe, fitted, later, trainer, "refit-model"))


def is_closed(recipe) -> bool:
    """Whether the model and all its members are solved."""
    return all(name in CLOSED for name in recipe.model.members or (recipe.model.name,))


def _again(recipe, fitted: Fitted, prepared: Prepared, trainer, tag: str) -> Fitted:
    """The fitted model or blend once more, on other windows."""
    if recipe.model.name == "ridge":
        return fit_closed(recipe, prepared, fitted.extra["ridge"].chosen)
    if recipe.model.name != "blend":
        return fit_forecast(recipe, prepared, trainer, tag)
    again = [
        _again(member_recipe(recipe, prepared, place), fitted.extra["members"][place], prepared, trainer, f"{tag}-{place}")
        for place in fitted.extra["kept"]
    ]
    if len(again) == 1:
        return again[0]
    return Fitted(average([one.model for one in again], list(fitted.extra["kept"].values())), again[0].history)


def _held_out(prepared: Prepared) -> Prepared:
    """The data as they were fitted, with all windows that the scored model never saw as validation."""
    first, second = prepared.validation, prepared.test
    both = lambda a, b: np.concatenate([np.asarray(a), np.asarray(b)])  # noqa: E731
    part = Part(
        inputs={name: both(rows, second.inputs[name]) for name, rows in first.inputs.items()},
        target=both(first.target, second.target),
        extra={name: both(rows, second.extra[name]) for name, rows in first.extra.items() if name in second.extra},
    )
    return replace(prepared, validation=part)
