"""`train.time_limit`: every task's loop is planned to the limit with its whole schedule; a limit that is too short is refused."""

import numpy as np
import pytest

import applied_dl
from applied_dl import cli
from applied_dl.core.errors import RefusedError, UsageError
from applied_dl.tasks import load_task
from applied_dl.training.deadline import Deadline, Plan
from applied_dl.training.reproducible import set_up
from applied_dl.training.trainer import CheckpointingTrainer
from applied_dl.workflows import recipes
from applied_dl.workflows.preparation import read_data, resolve_recipe

CASES = {  # one for each kind of loop
    "tabular": {"train.epochs": 1000, "model.name": "mlp"},
    "words": {"train.epochs": 1000, "train.deterministic": True},
    "sentences": {"train.epochs": 1000, "model.dimensions": 64},
}


class ThreeEpochs(Deadline):
    """Measures the pace, and plans three epochs whatever it is."""

    def epochs(self, tag, pace, epochs, validation):
        assert pace.epoch > 0
        return self.plan.decide(self.name_of(tag), 3)


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] if name in ("sentences", "tabular", "words") else []) for name in CASES]
)
def test_a_shortened_training_runs_through_its_schedule_and_is_resumed_to_the_same_weights(name):
    task, recipe = load_task(name), recipes.read_recipe(name, CASES[name])
    prepared = read_data(task, recipe)
    recipe = resolve_recipe(task, recipe, prepared)
    plan, found = Plan(), []
    for deadline in (ThreeEpochs(60, float("inf"), plan), Deadline(60, float("inf"), Plan(decided=plan.decided))):
        set_up(recipe.train.seed, True)
        rates = []

        def on_epoch(tag, history, rates=rates):
            rates.append(history.rows[-1]["learning_rate"])

        fitted = task.fit(recipe, prepared, CheckpointingTrainer(on_epoch=(on_epoch,), deadline=deadline))
        assert len(rates) == 3
        assert rates[2] < 0.05 * recipe.train.learning_rate
        assert rates[0] > 0.1 * recipe.train.learning_rate
        found.append([np.asarray(w) for w in fitted.model.get_weights()])
    assert all(np.array_equal(a, b) for a, b in zip(*found))


def test_a_limit_that_is_too_short_names_the_least(tmp_path, capsys):
    given = ["train", "tabular", "--set", "model.name=mlp", "--set", "train.time_limit=1s", "--out", str(tmp_path / "b"), "--quiet"]
    assert cli.main(given) == RefusedError.exit_code
    shown = capsys.readouterr().err
    assert "train.time_limit = 1s is too short" in shown
    assert "raise the limit" in shown
    assert not (tmp_path / "b").exists()


def test_what_is_no_limit_is_refused_before_anything_is_read(tmp_path):
    with pytest.raises(UsageError, match=r'train\.time_limit expects .* "60s"'):
        applied_dl.train("tabular", out=tmp_path / "b", data={"source": "nowhere.csv"}, train={"time_limit": "soon"})
