"""`applied-dl tune`: search the recipe's space with Optuna by the validation score; any number of processes share one file."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from pathlib import Path

import msgspec
import numpy as np

from applied_dl.core import bundle, config, console
from applied_dl.core.errors import AppliedError, RefusedError, UsageError
from applied_dl.core.records import Scores
from applied_dl.tasks import load_task
from applied_dl.workflows import recipes
from applied_dl.workflows.preparation import read_data, resolve_recipe
from applied_dl.workflows.search_processes import run_processes
from applied_dl.workflows.search_space import apply, own_values, read_space
from applied_dl.workflows.search_trials import count_ended, run_trials

STUDY, JOURNAL = "tune", "study.journal"
STARTUP = 5  # trials before the median of the others stops one


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
        RefusedError: The study in `out` is of another recipe, space or data, or its processes failed before enough trials had ended.
        UsageError: The recipe has no `[tune.space]`.
    """
    space, task = read_space(recipe), load_task(recipe.task)
    trials = trials or recipe.tune.trials
    out.mkdir(parents=True, exist_ok=True)
    study = _study(recipe, out, task, space)
    if jobs > 1 or address:
        searched = out.absolute() / "recipe.toml"  # what the processes read
        searched.write_text(config.to_toml(recipe), encoding="utf-8")
        failed = run_processes(searched, out.absolute(), trials, jobs, address)
        ended = count_ended(study)
        if failed and ended < trials:
            raise RefusedError(f"{failed[0].sentence()} {ended} of {trials} trials came to an end; the same command continues the search.")
        for one in failed:
            console.warn(f"{one.sentence()} The others finished the search")
    else:
        run_trials(study, recipe, task, space, trials)
    return _report(study, recipe, out)


def search(recipe: str, out: str, trials: str) -> int:
    """What a process of the search does: trials of the study in `out`, until enough of them have ended. Returns its exit code."""
    console.quiet = True
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        read = recipes.read_recipe(recipe)
        space, task = read_space(read), load_task(read.task)
        run_trials(_study(read, Path(out), task, space), read, task, space, int(trials))
    except AppliedError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


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
        study.enqueue_trial(own_values(resolved, space), skip_if_exists=True)  # the recipe as it is, where it lies in the space
    elif changed := [key for key in identity if known.get(key) != identity[key]]:
        raise RefusedError(f"The search at {str(out)!r} was made with another {' and '.join(changed)}; choose another --out.")
    return study


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
