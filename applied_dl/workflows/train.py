"""`applied-dl train`: read, split, fit preprocessing, build, fit, score, export, verify, and write the bundle."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from applied_dl.core import bundle, bundle_writing, console, limits
from applied_dl.core.bundle import Manifest
from applied_dl.core.errors import RefusedError, UsageError
from applied_dl.report import progress_lines as lines
from applied_dl.tasks import load_task
from applied_dl.workflows import elsewhere, recipes
from applied_dl.workflows.bundle_content import fill_bundle, why_worthless
from applied_dl.workflows.preparation import identity, read_data, resolve_recipe
from applied_dl.workflows.ray_train import divided, fit_by_ray
from applied_dl.workflows.time_limit import KEY, cuts_of, deadline_of

if TYPE_CHECKING:
    import keras


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
    bundle_writing.tidy(target)
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
        recipe = divided(asked, recipe, prepared.rows["train"], workers)
    folder = target.parent.absolute() / f".{target.name}.run" if away else target.parent / f".{target.name}.run"
    store = Store(folder, identity(recipe, prepared.fingerprint), resume)
    if complete:
        return _checked(_complete(target, store))
    logs = target.parent / f"{target.name}.logs"
    with bundle_writing.only_one(folder, target), _left_to_resume(folder):
        _begin(store, overwrite)
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
            manifest = fill_bundle(work, target.name, task, recipe, prepared, fitted, serving, baselines, cuts, start)
        shutil.rmtree(folder, ignore_errors=True)
    lines.log_end(target, manifest)
    return _checked(Run(bundle=target, manifest=manifest))


@contextmanager
def _left_to_resume(folder: Path) -> Iterator[None]:
    """A training that is interrupted, or fails, leaves its folder only where `--resume` has something to continue from."""
    from applied_dl.training.checkpoints import left_behind

    try:
        yield
    except BaseException:
        if left_behind(folder) is None and not any(folder.glob("**/results/*.npz")):  # of models that another process has trained
            shutil.rmtree(folder, ignore_errors=True)
        raise


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
    if store.folder.exists():  # what a kill between the last two steps left, or what another process trains to replace the bundle
        with bundle_writing.only_one(store.folder, target):
            shutil.rmtree(store.folder, ignore_errors=True)
    console.say("resume", f"{target}/ is complete: the same recipe and data were trained to the end, nothing is left to do")
    return Run(bundle=target, manifest=manifest)


def _checked(run: Run) -> Run:
    """The run, unless its bundle holds nothing worth deploying."""
    manifest, target = run.manifest, str(run.bundle)
    if "tflite" in manifest.recipe["export"]["formats"] and manifest.chosen is None:
        reasons = lines.format_refusals(manifest.exports)
        raise RefusedError(f"No TFLite file passed verification: {reasons}. The bundle {target!r} holds the Keras model.")
    if why := why_worthless(manifest.metrics["test"], manifest.baselines):
        raise RefusedError(f"{why} The bundle {target!r} was written all the same; read its warnings first.")
    return run


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
    for path in store.folder.iterdir():  # the folder itself is held by this process
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
