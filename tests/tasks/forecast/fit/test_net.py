"""What learns from windows, on series too short for a validation part: fitted, or refused in a sentence."""

from pathlib import Path

import numpy as np
import pytest

from applied_dl.core.errors import DataError
from applied_dl.tasks.forecast import task
from applied_dl.training.trainer import CheckpointingTrainer
from applied_dl.workflows import recipes


def fitted(folder: Path, months: int, promo: bool):
    """Ridge on a trend with a season, and with promotions that add 30."""
    t = np.arange(months)
    on = (np.random.default_rng(0).random(months) < 0.3).astype(int)
    values = 100 + t + 10 * np.sin(2 * np.pi * t / 12) + 30 * on * promo
    stamps = np.datetime_as_string(np.datetime64("2019-01", "M") + t)
    lines = [f"{stamp},{value:.4f},{flag}" for stamp, value, flag in zip(stamps, values, on)]
    (folder / "t.csv").write_text("\n".join(["month,sold,promo", *lines]) + "\n")
    keys = {"data.source": str(folder / "t.csv"), "data.target": "sold", "data.horizon": 6, "model.name": "ridge", "train.refit": False}
    recipe = recipes.read_recipe({"task": "forecast"}, keys | ({"data.future_covariates": ("promo",)} if promo else {}))
    prepared = task.prepare(recipe, folder)
    recipe = task.resolve_defaults(recipe, prepared)
    return prepared, task.serving(recipe, task.fit(recipe, prepared, CheckpointingTrainer()), prepared)


@pytest.mark.parametrize("promo", [False, True])
def test_ridge_is_fitted_to_a_short_series(promo, tmp_path):
    prepared, serving = fitted(tmp_path, 48, promo)
    assert prepared.encoder.least
    answer = np.asarray(serving.model.predict(prepared.test.inputs, verbose=0)["forecast"])
    assert np.abs(answer - prepared.test.target).max() < 6  # of values that range over 80, with promotions over 110


def test_ridge_on_too_few_steps_is_refused_in_a_sentence(tmp_path):
    with pytest.raises(DataError, match="longer history, a smaller data.horizon, or model.name = 'ets'"):
        fitted(tmp_path, 16, False)
