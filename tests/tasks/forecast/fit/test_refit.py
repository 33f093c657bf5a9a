"""The shipped model sees the newest rows; the scored one does not."""

import numpy as np
import pytest

from applied_dl.tasks.forecast import task
from applied_dl.training.trainer import CheckpointingTrainer
from applied_dl.workflows import recipes


def forecasts(folder, values: np.ndarray, **keys) -> tuple[np.ndarray, np.ndarray]:
    """Of the scored and of the shipped model, from one history."""
    path = folder / "v.csv"
    path.write_text("v\n" + "\n".join(f"{v:.6f}" for v in values))
    recipe = recipes.read_recipe({"task": "forecast"}, {"data.source": str(path), "data.horizon": 4, "data.season": 7, **keys})
    prepared = task.prepare(recipe, folder)
    recipe = task.resolve_defaults(recipe, prepared)
    assert recipe.train.refit
    serving = task.serving(recipe, task.fit(recipe, prepared, CheckpointingTrainer()), prepared)
    t = np.arange(prepared.encoder.lookback)
    history = {"history": (10 + np.sin(t * 2 * np.pi / 7) + 0.1 * np.cos(t))[None, :, None].astype(np.float32)}
    return np.asarray(serving.scored(history)["forecast"]), np.asarray(serving.model(history)["forecast"])


@pytest.mark.parametrize("keys", [{"model.name": "ridge"}, pytest.param({"model.members": ("ridge", "ets")}, marks=pytest.mark.slow)])
def test_the_newest_fifth_changes_the_shipped_forecast_alone(keys, tmp_path):
    random = np.random.default_rng(0)
    values = 10 + np.sin(np.arange(400) * 2 * np.pi / 7) + random.normal(0, 0.1, 400)
    other = values.copy()
    other[-80:] = 10 + random.normal(0, 1, 80)
    scored, shipped = forecasts(tmp_path, values, **keys)
    scored_too, shipped_too = forecasts(tmp_path, other, **keys)
    assert scored == pytest.approx(scored_too, rel=1e-4)
    assert np.abs(shipped - shipped_too).max() > 1e-2
