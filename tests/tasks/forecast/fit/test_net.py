"""What learns from windows refuses series that are too short for it in a sentence."""

import numpy as np
import pytest

from applied_dl.core.errors import DataError
from applied_dl.tasks.forecast import task
from applied_dl.training.trainer import CheckpointingTrainer
from applied_dl.workflows import recipes


@pytest.mark.parametrize("months", [16, 48])
def test_ridge_on_a_series_without_a_validation_part_is_refused_in_a_sentence(months, tmp_path):
    t = np.arange(months)
    stamps = np.datetime_as_string(np.datetime64("2019-01", "M") + t)
    (tmp_path / "t.csv").write_text("month,sold\n" + "\n".join(f"{a},{100 + b + b % 5}" for a, b in zip(stamps, t)) + "\n")
    keys = {"data.source": str(tmp_path / "t.csv"), "data.target": "sold", "data.horizon": 6, "model.name": "ridge"}
    recipe = recipes.read_recipe({"task": "forecast"}, keys)
    prepared = task.prepare(recipe, tmp_path)
    with pytest.raises(DataError, match=f"'sold' has {months} steps, too few for a validation part.*model.name = 'ets'"):
        task.fit(task.resolve_defaults(recipe, prepared), prepared, CheckpointingTrainer())
