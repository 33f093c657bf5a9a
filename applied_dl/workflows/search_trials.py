"""The trials of `applied-dl tune`: each trains a recipe with values of the space once and scores the validation rows."""

from __future__ import annotations

from applied_dl.core import console, limits
from applied_dl.core.errors import AppliedError, RefusedError
from applied_dl.core.records import rises
from applied_dl.workflows.preparation import read_data, resolve_recipe
from applied_dl.workflows.search_space import Dimension, apply, suggest


def run_trials(study, recipe, task, space: dict[str, Dimension], trials: int) -> None:
    """Trials, one after another, until enough have ended."""
    import optuna
    from optuna.trial import TrialState

    kept: list = []

    def objective(trial) -> float:
        try:
            one = apply(recipe, {key: suggest(trial, key, dimension) for key, dimension in space.items()})
            same_data = all(key.startswith("train.") and key != "train.seed" for key in space)
            prepared = kept[0] if kept and same_data else read_data(task, one)
            kept[:] = [prepared]
            return _score(trial, study, task, resolve_recipe(task, one, prepared), prepared)
        except AppliedError as error:
            trial.set_user_attr("error", f"failed: {error}")
            raise

    def log_trial(study, trial) -> None:
        failed = trial.user_attrs.get("error", "failed")
        value = {TrialState.COMPLETE: f"{trial.value or 0:.5g}", TrialState.PRUNED: "stopped early"}.get(trial.state, failed)
        console.say(f"trial {trial.number}", f"{value}   " + "  ".join(f"{k} {_short(v)}" for k, v in trial.params.items()))

    if count_ended(study) >= trials:
        return
    ended = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)
    enough = optuna.study.MaxTrialsCallback(trials, states=ended)
    study.optimize(objective, callbacks=[log_trial, enough], catch=(AppliedError,))


def _score(trial, study, task, recipe, prepared) -> float:
    """Train once, report each epoch of the first fit, score the validation rows."""
    import optuna

    from applied_dl.exporting.precisions import keras_outputs
    from applied_dl.training.hardware import as_float32
    from applied_dl.training.reproducible import set_up
    from applied_dl.training.trainer import CheckpointingTrainer

    first: list = []

    def watch(tag: str, history) -> None:
        first[:] = first or [history]
        if first[0] is not history:
            return
        better = history.rising or rises(history.monitor)
        same = better == (study.direction == optuna.study.StudyDirection.MAXIMIZE)
        value = history.rows[-1][history.monitor]
        trial.report(value if same else -value, len(history.rows))
        if trial.should_prune():
            raise optuna.TrialPruned

    if recipe.export.budget is not None:
        _check_cost(task, recipe, prepared)
    set_up(recipe.train.seed, recipe.train.deterministic)
    fitted = task.fit(recipe, prepared, CheckpointingTrainer(on_epoch=(watch,), keep_interrupted=False))
    serving = task.serving(recipe, fitted._replace(model=as_float32(fitted.model)), prepared)
    outputs = serving.validation or keras_outputs(serving, prepared.validation)
    return float(task.score(recipe, outputs, prepared.validation, prepared.encoder, metrics_only=True).value)


def _check_cost(task, recipe, prepared) -> None:
    """Raises `RefusedError` for a trial whose file would exceed `export.budget`, before it is trained."""
    from applied_dl.workflows.budget import cheapest

    file = cheapest(task, recipe, prepared, limits.budget(recipe.export.budget, limits.BUDGET))
    if file.excess > 1:
        raise RefusedError(f"its smallest file has {file}, {limits.BUDGET} is {recipe.export.budget!r}.")


def count_ended(study) -> int:
    """How many trials came to an end, good or not; those of a process that was killed did not."""
    return sum(trial.state.is_finished() for trial in study.trials)


def _short(value) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
