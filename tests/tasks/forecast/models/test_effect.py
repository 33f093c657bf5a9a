"""The effect in the graph is the effect of the fit: taken off the history, put back on the forecast."""

from typing import NamedTuple

import numpy as np
import pytest

from applied_dl.tasks.forecast.fit.effect import Effect, moved_by, without_effect
from applied_dl.tasks.forecast.models import BUILDERS, Spec

L, H, F = 20, 5, 2


class Sizes(NamedTuple):
    form: str
    scale: tuple[float, ...]


@pytest.mark.parametrize("form", ["aligned", "panel"])
@pytest.mark.parametrize("multiplies", [True, False])
@pytest.mark.parametrize("knots", [(), (-0.5, 0.5)])
@pytest.mark.parametrize("name", ["ridge", "ets"])
def test_a_naive_forecast_moves_with_its_covariates(name, knots, multiplies, form):
    random = np.random.default_rng(0)
    channels = 2 if form == "aligned" else 1
    units = {"center": (50.0, 20.0), "scale": (10.0, 4.0)} if form == "aligned" else {}
    spec = Spec(lookback=L, horizon=H, channels=channels, future=F, future_center=(1.0, 0.0), future_scale=(2.0, 1.0),
                multiplies=multiplies, knots=knots, **units)  # fmt: skip
    model = BUILDERS[name](spec)  # untrained: the last value again and again
    effect = Effect(random.normal(0, 0.2, (F * (1 + len(knots)), channels)).astype(np.float32), multiplies, knots)
    model.get_layer("effect").set_weights([effect.kernel])
    history, future = random.uniform(20, 90, (3, L, channels)), random.normal(0, 1, (3, L + H, F))
    found = np.asarray(model({"history": history.astype(np.float32), "future": future.astype(np.float32)}))
    if form == "aligned":
        found = found * np.array(units["scale"]) + np.array(units["center"])
    sizes, known = Sizes(form, units.get("scale", (1.0,))), (future - [1.0, 0.0]) / [2.0, 1.0]
    size = np.abs(history).mean(axis=1, keepdims=True)
    last = without_effect(sizes, history, known[:, :L], effect, size)[:, -1:]
    moved = moved_by(known[:, L:], effect)
    expected = last * np.exp(moved) if multiplies else last + moved * (np.array(sizes.scale) if form == "aligned" else size)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-3)
