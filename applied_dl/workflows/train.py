"""`applied-dl train`: read, split, fit preprocessing, build, fit, score, export, verify, and write the bundle."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from applied_dl.core import bundle, bundle_writing, config, console, limits
from applied_dl.core.bill import write_bill
from applied_dl.core.bundle import Manifest
from applied_dl.core.errors import RefusedError, UsageError
from applied_dl.core.records import EXPLODED, STOPPED, TIME_UP
from applied_dl.report import progress_lines as lines
from applied_dl.tasks import load_predict, load_task
from applied_dl.workflows import elsewhere, recipes
from applied_dl.workflows.preparation import how_trained, identity, read_data, resolve_recipe
from applied_dl.workflows.ray_train import divided, fit_by_ray
from applied_dl.workflows.time_limit import KEY, cuts_of, deadline_of

if TYPE_CHECKING:
    import keras

BETTER_R2 = 0.1  # r2 of a baseline, beside which a model that explains nothing is worthless

REFITTED = (
    "The shipped model was fitted again on all rows, after the scores of this card were measured with a model that never saw the "
    "test rows; scored on rows of this data, the shipped model looks too good (train.refit = false ships the scored model)."
)


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """A finished training."""

    bundle: Path
    manifest: Manifest

    @property
    def metrics(self) -> dict[str, dict[str, float]]:
        return self.manifest.metrics

    @property
    def model(self) -> keras.Model:
        """The serving graph as a Keras model, read from the bundle each time."""
        from applied_dl.workflows.load_keras import load_keras

        return load_keras(self.bundle)

    def predictor(self):
        """The bundle, loaded for prediction."""
        from applied_dl.predictor import load

        return load(self.bundle)

    def as_dict(self) -> dict:
        """What `train --json` prints."""
        kept = ("task", "metrics", "intervals", "baselines", "exports", "seconds", "seed", "warnings")
        manifest = msgspec.to_builtins(self.manifest)
        return bundle.finite({"bundle": str(self.bundle), **{key: manifest[key] for key in kept}})


def train(
    recipe,
    *,
    out: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
    resume: bool = False,
    overrides: Mapping[str, Any] | None = None,
    callbacks: Sequence[Any] = (),
    workers: int | None = None,
    address: str | None = None,
    max_failures: int = 3,
) -> Run:
    """Train a recipe (a TOML path, a task name, a dict or a recipe struct) and write its bundle; see `applied_dl.train`.

    Args:
        overrides: Values by dotted key, such as `{"train.epochs": 3}`.
        callbacks: Keras callbacks, called while the model is trained.
        workers: Processes of Ray that train together.
        address: Of a Ray cluster; None starts Ray on this machine.
        max_failures: How many times workers that died are started again.

    Raises:
        AppliedError: One sentence on what is wrong.
        RefusedError: After the bundle is written: no TFLite file passed verification, or the model is worthless.
    """
    start = time.perf_counter()
    name, recipe = recipes.default_name(recipe), recipes.read_recipe(recipe, overrides)
    target = Path(out) if out else Path("saved_models") / name
    complete = resume and not overwrite and (target / bundle.MANIFEST).exists()
    if not complete:
        bundle_writing.check_free(target, overwrite)
        bundle_writing.probe(target)

    task = load_task(recipe.task)
    from applied_dl.exporting.convert import check_export, warm_up
    from applied_dl.training.checkpoints import Store
    from applied_dl.training.logs import epoch_logger
    from applied_dl.training.reproducible import set_up
    from applied_dl.training.trainer import CheckpointingTrainer

    check_export(recipe.export)
    if recipe.train.time_limit is not None:
        limits.seconds(recipe.train.time_limit, KEY)
    if recipe.export.budget is not None:
        limits.budget(recipe.export.budget, limits.BUDGET)
    away = workers is not None or task.trained_by_keras and recipe.train.backend == "jax"
    if away:
        elsewhere.check(recipe, task.trained_by_keras, workers, tuple(callbacks))
    prepared = read_data(task, recipe)
    lines.log_data(prepared)
    asked, recipe = recipe, resolve_recipe(task, recipe, prepared)
    if workers:
        recipe = divided(asked, recipe, prepared.facts.get("training_rows", len(prepared.train)), workers)
    folder = target.parent.absolute() / f".{target.name}.run" if away else target.parent / f".{target.name}.run"
    store = Store(folder, identity(recipe, prepared.fingerprint), resume)
    if complete:
        return _checked(_complete(target, store))
    _begin(store, overwrite)
    logs = target.parent / f"{target.name}.logs"
    with console.timed("baseline", "baselines on the same rows"):
        baselines = task.baselines(recipe, prepared)
    lines.log_baselines(baselines)
    set_up(recipe.train.seed, recipe.train.deterministic, task.trained_by_keras)
    if "tflite" in recipe.export.formats and task.trained_by_keras:
        warm_up()  # a training without Keras takes little memory, and the converter beside it too much
    deadline = deadline_of(task, recipe, prepared, store, start)
    if away:
        job = elsewhere.Job(recipe, prepared, store, logs.absolute(), target.name, deadline, console.quiet)
        trainer = fit_by_ray(job, workers, address, max_failures) if workers else elsewhere.fit_by_jax(job)
        deadline = trainer.inner.deadline
    else:
        on_epoch = epoch_logger(recipe.train.log, logs, target.name)
        trainer = CheckpointingTrainer(store, tuple(callbacks), on_epoch, deadline=deadline)
    if recipe.export.budget is None:
        fitted = task.fit(recipe, prepared, trainer)
        from applied_dl.training.hardware import as_float32  # Keras is loaded here for a training that did without

        fitted = fitted._replace(model=as_float32(fitted.model))
        serving = task.serving(recipe, fitted, prepared)
    else:
        from applied_dl.workflows.budget import fit_within

        recipe, fitted, serving, chosen = fit_within(task, asked, recipe, prepared, trainer)
        prepared = msgspec.structs.replace(prepared, facts={**prepared.facts, "budget": chosen})
    cuts = cuts_of(recipe, deadline)
    with bundle_writing.writing(target, overwrite) as work:
        manifest = _fill(work, target.name, task, recipe, prepared, fitted, serving, baselines, cuts, start)
    shutil.rmtree(folder, ignore_errors=True)
    lines.log_end(target, manifest)
    return _checked(Run(bundle=target, manifest=manifest))


def _complete(target: Path, store) -> Run:
    """The bundle that `--resume` found finished, where it is of this recipe and data."""
    manifest = bundle.open_bundle(target)
    trained = identity(recipes.resolve(manifest.recipe, str(target)), manifest.fingerprint)
    changed = [key for key, value in store.identity.items() if trained.get(key) != value]
    if changed:
        raise UsageError(
            f"The bundle {str(target)!r} is complete and was trained with another {' and '.join(changed)}: choose another --out, "
            "or --overwrite to replace it."
        )
    shutil.rmtree(store.folder, ignore_errors=True)  # what a kill between the last two steps left
    console.say("resume", f"{target}/ is complete: the same recipe and data were trained to the end, nothing is left to do")
    return Run(bundle=target, manifest=manifest)


def _checked(run: Run) -> Run:
    """The run, unless its bundle holds nothing worth deploying."""
    manifest, target = run.manifest, str(run.bundle)
    if "tflite" in manifest.recipe["export"]["formats"] and manifest.chosen is None:
        reasons = lines.format_refusals(manifest.exports)
        raise RefusedError(f"No TFLite file passed verification: {reasons}. The bundle {target!r} holds the Keras model.")
    if why := _worthless(manifest.metrics["test"], manifest.baselines):
        raise RefusedError(f"{why} The bundle {target!r} was written all the same; read its warnings first.")
    return run


def _worthless(metrics: dict, baselines: dict[str, dict]) -> str | None:
    """Why the model is of no use to anyone, or None: no row right, or nothing explained where a baseline explains a good part."""

    def best(metric: str) -> tuple[float, str]:
        known = [(scores[metric], name) for name, scores in baselines.items() if scores.get(metric) is not None]
        return max(known, default=(float("-inf"), ""))

    accuracy, r2 = metrics.get("accuracy"), metrics.get("r2")
    if accuracy == 0:
        value, name = best("accuracy")
        if value > 0:
            return f"Not one test row is classified correctly, while the baseline {name!r} has accuracy {value:.3g}."
    if r2 is not None and r2 <= 0:
        value, name = best("r2")
        if value >= BETTER_R2:
            return (
                f"The model explains nothing of the target on the test rows (r2 {r2:.3g}), while the baseline {name!r} has r2 {value:.3g}."
            )
    return None


def _fill(work: Path, name, task, recipe, prepared, fitted, serving, baselines, cuts: list[str], start: float) -> Manifest:
    """Score, export, plot and describe into a folder; returns its sealed manifest."""
    from applied_dl.exporting.describe import describe
    from applied_dl.exporting.golden import write_golden, write_history
    from applied_dl.exporting.precisions import export_files, keras_outputs
    from applied_dl.report.card import write_card
    from applied_dl.training.diagnostics import check_afterwards
    from applied_dl.training.reproducible import versions

    def score(outputs, part, metrics_only=False):
        return task.score(recipe, outputs, part, prepared.encoder, metrics_only)

    scoring = serving._replace(model=serving.scored or serving.model)
    answers = {
        "validation": serving.validation or keras_outputs(serving if "validation" in serving.unseen else scoring, prepared.validation),
        "test": keras_outputs(serving if "test" in serving.unseen else scoring, prepared.test),
    }
    scores = {part: score(outputs, getattr(prepared, part)) for part, outputs in answers.items()}
    lines.log_scores(scores["test"], baselines)
    seen = bool(serving.scored) and "test" not in serving.unseen
    if seen:
        console.say("refit", "the files hold a model of all rows, the test rows too: below, only the drop against Keras says something")
    serving.model.save(work / "model.keras")
    task.save_encoder(prepared.encoder, work)
    exports, _ = export_files(serving, recipe.export, prepared.train, prepared.test, score, work, name)
    for item in exports:
        lines.log_export(item, scores["test"].main)
    write_golden(work, prepared.test, keras_outputs(serving, prepared.test) if serving.scored else answers["test"], exports)
    unkept = _keep_examples(work, recipe.task)
    write_history(work / "history.csv", fitted.history.rows)
    shown, undrawn = _draw(task, recipe, prepared, fitted, answers["test"], work / "plots")
    manifest = Manifest(
        schema=bundle.SCHEMA,
        task=recipe.task,
        name=name,
        recipe=config.as_dict(recipe),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        versions=versions(),
        seed=recipe.train.seed,
        fingerprint=prepared.fingerprint,
        rows={part: len(getattr(prepared, part)) for part in ("validation", "test")}
        | {"train": prepared.facts.get("training_rows", len(prepared.train))},
        facts={**prepared.facts, **shown, **({"slices": msgspec.to_builtins(scores["test"].slices)} if scores["test"].slices else {})},
        main=scores["test"].main,
        rising=scores["test"].rising,
        metrics={part: dict(s.metrics) for part, s in scores.items()},
        intervals={part: dict(s.intervals) for part, s in scores.items()},
        baselines={key: dict(value.metrics) for key, value in baselines.items()},
        exports=exports,
        seconds=round(time.perf_counter() - start, 2),
        warnings=[],
    )
    worthless = _worthless(manifest.metrics["test"], manifest.baselines)
    warnings = [
        *([f"{lines.IMPORTANT}: {worthless}"] if worthless else []),
        *prepared.warnings,
        *([REFITTED] if seen else []),
        *undrawn,
        *unkept,
        *cuts,
        *_cut_short(fitted.history),
        *check_afterwards(prepared, fitted, **how_trained(task, recipe)),
    ]
    manifest = msgspec.structs.replace(manifest, warnings=lines.important_first(warnings))
    write_card(work, manifest, describe(serving.model), task.describe_card(manifest))
    write_bill(work, manifest)
    return bundle.seal(work, manifest)


def _draw(task, recipe, prepared, fitted, outputs, folder: Path) -> tuple[dict, list[str]]:
    """Draw the plots. Returns their facts for the card, and a warning where one fails: no training may be lost to a plot."""
    folder.mkdir()
    try:
        shown = task.plots(recipe, prepared, fitted, outputs, folder) or {}
        examples = task.worst_examples(outputs, prepared.test, prepared.encoder, shown)
        return {**shown, **({"worst_examples": examples} if examples else {})}, []
    except Exception as error:
        text = f"Some plots could not be drawn: {type(error).__name__}: {' '.join(str(error).split())[:200]}."
        console.warn(text)
        return {}, [text]


def _keep_examples(work: Path, task: str) -> list[str]:
    """Keep raw inputs with their arrays for `check`; a warning where they cannot be made: no training may be lost to them."""
    from applied_dl.runtime.examples import write_examples

    try:
        write_examples(work, load_predict(task))
    except Exception as error:
        text = f"No raw inputs are kept to verify the encoder: {type(error).__name__}: {' '.join(str(error).split())[:200]}."
        console.warn(text)
        return [text]
    return []


def _cut_short(history) -> list[str]:
    why = {
        STOPPED: "was stopped by hand",
        EXPLODED: "ended early because its loss was not finite,",
        TIME_UP: "ended when train.time_limit was up,",
    }.get(history.stopped)
    return [f"The training {why} after epoch {len(history.rows)}; the model holds the best weights up to then."] if why else []


def _begin(store, overwrite: bool) -> None:
    """Warn where there is nothing to resume; refuse to delete the work of an interrupted run without `overwrite`."""
    from applied_dl.training.checkpoints import left_behind

    left = left_behind(store.folder)
    if store.resume:
        if left is None:
            console.warn(f"there is no interrupted training at {str(store.folder)!r} to resume; this one starts from its beginning")
        return
    if left is not None and not overwrite:
        changed = [key for key in store.identity if left["identity"].get(key) != store.identity[key]]
        of = f"with another {' and '.join(changed)}" if changed else "with the same recipe and data"
        first = "choose another --out" if changed else "add --resume to continue it"
        raise UsageError(
            f"A training {of} was interrupted after epoch {left['epoch']}; it is kept at {str(store.folder)!r}: "
            f"{first}, or --overwrite to begin again."
        )
    shutil.rmtree(store.folder, ignore_errors=True)
