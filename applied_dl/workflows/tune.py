"""`applied-dl tune`: search the recipe's space with Optuna by the validation score; any number of processes share one file."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import numpy as np

from applied_dl.core import bundle, config, console, limits
from applied_dl.core.errors import AppliedError, RefusedError, UsageError
from applied_dl.core.records import Scores, rises
from applied_dl.tasks import load_task
from applied_dl.workflows import recipes
from applied_dl.workflows.preparation import read_data, resolve_recipe
from applied_dl.workflows.ray_cluster import connected

STUDY, JOURNAL = "tune", "study.journal"
SEARCH = """
import os, sys
from applied_dl.core.parallel import end_with
end_with(os.getppid())
from applied_dl.cli import main
sys.exit(main(sys.argv[1:]))
"""
STARTUP = 5  # trials before the median of the others stops one


class Dimension(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One key's values: a range (`log` for rates), or a list of choices."""

    low: int | float | None = None
    high: int | float | None = None
    log: bool = False
    choices: tuple[int | float | str | bool | None, ...] = ()


def tune(recipe, out: Path, trials: int | None = None, jobs: int = 1, address: str | None = None) -> dict:
    """Search the space of a recipe.

    Args:
        recipe: with a section `[tune.space]`.
        out: the folder of the study, `best.toml` and the plots; a study that is there already is continued.
        trials: how many trainings end in all; `tune.trials` by default.
        jobs: processes that search together.
        address: of a Ray cluster that runs them, all of whose machines see `out`; None runs them here.

    Returns:
        The report: best score and values, counts of the trials, the files written.

    Raises:
        RefusedError: The study in `out` is of another recipe, space or data.
        UsageError: The recipe has no `[tune.space]`.
    """
    space, task = read_space(recipe), load_task(recipe.task)
    trials = trials or recipe.tune.trials
    out.mkdir(parents=True, exist_ok=True)
    study = _study(recipe, out, task, space)
    if jobs > 1 or address:
        searched = out.absolute() / "recipe.toml"  # what the processes read
        searched.write_text(config.to_toml(recipe), encoding="utf-8")
        _start(["tune", str(searched), "--out", str(out.absolute()), "--trials", str(trials), "--jobs", "1", "--quiet"], jobs, address)
    else:
        _work(study, recipe, task, space, trials)
    return _report(study, recipe, out)


def _start(arguments: list[str], jobs: int, address: str | None) -> None:
    """Run processes of this verb. They agree through the study's file alone; Ray only starts them."""
    if address is None:
        with ThreadPoolExecutor(jobs) as pool:
            list(pool.map(_run, [arguments] * jobs))
        return
    with connected(address, jobs, {}) as ray:
        run = ray.remote(num_cpus=1)(_run)
        ray.get([run.remote(arguments) for _ in range(jobs)])


def _run(arguments: list[str]) -> int:
    """One process, by the Python of the machine that it runs on. It ends with the one that starts it, also where that is killed."""
    return subprocess.run([sys.executable, "-c", SEARCH, *arguments], stdout=subprocess.DEVNULL).returncode


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


def _work(study, recipe, task, space, trials: int) -> None:
    """Trials, one after another, until enough have ended."""
    import optuna
    from optuna.trial import TrialState

    kept: list = []

    def objective(trial) -> float:
        try:
            one = apply(recipe, {key: _suggest(trial, key, dimension) for key, dimension in space.items()})
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

    ended = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)
    if sum(trial.state in ended for trial in study.trials) >= trials:
        return
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


def _suggest(trial, key: str, one: Dimension):
    if one.choices:
        return trial.suggest_categorical(key, list(one.choices))
    whole = isinstance(one.low, int) and isinstance(one.high, int)
    return (trial.suggest_int if whole else trial.suggest_float)(key, one.low, one.high, log=one.log)


def _study(recipe, out: Path, task, space):
    """The study of this recipe, space and data in `out`, new or continued."""
    try:
        import optuna
        from optuna.storages import JournalStorage
        from optuna.storages.journal import JournalFileBackend
    except ImportError as error:
        raise UsageError("The search needs Optuna: pip install 'applied_dl[tune]'.") from error

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    prepared = read_data(task, recipe)
    resolved = resolve_recipe(task, recipe, prepared)
    raw = {key: value for key, value in config.as_dict(recipe).items() if key not in ("export", "card", "tune")}
    plain = {"recipe": raw, "space": {key: msgspec.to_builtins(one) for key, one in space.items()}}
    identity = {name: hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest() for name, value in plain.items()}
    identity["data"] = prepared.fingerprint
    fresh = not (out / JOURNAL).exists()
    storage = JournalStorage(JournalFileBackend(str(out / JOURNAL)))
    known = None if fresh else optuna.load_study(study_name=STUDY, storage=storage)
    if known is not None and known.user_attrs.get("metric"):
        main, direction = known.user_attrs["metric"], known.direction
    else:
        scores = _any_scores(task, resolved, prepared)
        main, direction = scores.main, "maximize" if scores.rises() else "minimize"
    number = 0 if fresh else (out / JOURNAL).stat().st_size  # another seed for each process
    study = optuna.create_study(
        study_name=STUDY,
        storage=storage,
        load_if_exists=True,
        direction=direction,
        sampler=optuna.samplers.TPESampler(seed=(recipe.train.seed + number) % 2**31, constant_liar=True),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=STARTUP, n_warmup_steps=max(1, (resolved.train.epochs or 4) // 4)),
    )
    known = study.user_attrs.get("identity")
    if known is None:
        study.set_user_attr("identity", identity)
        study.set_user_attr("metric", main)
        study.enqueue_trial(_own(resolved, space), skip_if_exists=True)  # the recipe as it is, where it lies in the space
    elif changed := [key for key in identity if known.get(key) != identity[key]]:
        raise RefusedError(f"The search at {str(out)!r} was made with another {' and '.join(changed)}; choose another --out.")
    return study


def _own(resolved, space) -> dict:
    """The recipe's own values of the searched keys, those that lie in the space."""
    raw, found = config.as_dict(resolved), {}
    for key, one in space.items():
        section, _, name = key.partition(".")
        value = raw.get(section, {}).get(name)
        inside = value in one.choices if one.choices else isinstance(value, (int, float)) and one.low <= value <= one.high
        if inside:
            found[key] = value
    return found


def _any_scores(task, recipe, prepared) -> Scores:
    """Scores of the task, for the name and the direction of its main metric: those of its first baseline."""
    scores: Scores = next(iter(task.baselines(recipe, prepared).values()))
    return scores


def _report(study, recipe, out: Path) -> dict:
    """Write `best.toml` and the plots."""
    if not any(trial.state.name == "COMPLETE" for trial in study.trials):
        reason = next(
            (trial.user_attrs["error"] for trial in study.trials if "error" in trial.user_attrs), "widen or move the search space."
        )
        raise RefusedError(f"None of {len(study.trials)} trials came to an end; {reason}")
    best = study.best_trial
    values = {key: (value.item() if isinstance(value, np.generic) else value) for key, value in best.params.items()}
    header = f"# applied-dl train {out / 'best.toml'}\n# the best of {len(study.trials)} trials: validation {study.user_attrs['metric']}"
    (out / "best.toml").write_text(f"{header} {best.value:.5g}\n\n" + config.to_toml(apply(recipe, values)), encoding="utf-8")
    plots = _draw(study, out)
    return bundle.finite(
        {
            "task": recipe.task,
            "metric": study.user_attrs["metric"],
            "best": best.value,
            "values": values,
            "trials": len(study.trials),
            "stopped_early": sum(trial.state.name == "PRUNED" for trial in study.trials),
            "failed": sum(trial.state.name == "FAIL" for trial in study.trials),
            "recipe": str(out / "best.toml"),
            "study": str(out / JOURNAL),
            "plots": plots,
        }
    )


def _draw(study, out: Path) -> list[str]:
    """The history of the search, and its parallel coordinates."""
    import warnings

    import matplotlib

    matplotlib.use("Agg")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from optuna.visualization.matplotlib import plot_optimization_history, plot_parallel_coordinate

        found = []
        for name, draw in (("history", plot_optimization_history), ("parallel", plot_parallel_coordinate)):
            axes = draw(study)
            axes.figure.set_size_inches(9, 5)
            axes.figure.savefig(out / f"{name}.png", dpi=100, bbox_inches="tight")
            matplotlib.pyplot.close(axes.figure)
            found.append(str(out / f"{name}.png"))
    return found


def _short(value) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
