"""The river: read → split → fit preprocessing → build → fit → score → export → prove, and the bundle at its mouth."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from applied_dl.core import bundle, config, console
from applied_dl.core.bundle import Manifest
from applied_dl.core.errors import RefusedError, UsageError
from applied_dl.core.records import EXPLODED, STOPPED
from applied_dl.report import progress_lines as lines
from applied_dl.tasks import load_task
from applied_dl.workflows import recipes
from applied_dl.workflows.preparation import identity, read_data, resolve_recipe


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """What a training left behind."""

    bundle: Path
    manifest: Manifest

    @property
    def metrics(self) -> dict[str, dict[str, float]]:
        return self.manifest.metrics

    def predictor(self):
        """The bundle, opened for prediction."""
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
) -> Run:
    """Train a recipe (a TOML path, a task name, a dict or a recipe struct) and write its bundle; see `applied_dl.train`.

    callbacks: Keras callbacks, called while the model is trained.
    overrides: values by dotted key, such as `{"train.epochs": 3}`.
    Raises an `AppliedError` with one sentence; `RefusedError` after the bundle is written where no TFLite file passed verification.
    """
    start = time.perf_counter()
    name, recipe = recipes.default_name(recipe), recipes.read_recipe(recipe, overrides)
    target = Path(out) if out else Path("saved_models") / name
    bundle.check_free(target, overwrite)
    bundle.probe(target)

    task = load_task(recipe.task)
    from applied_dl.export.convert import check_export, warm_up
    from applied_dl.training.checkpoints import Store
    from applied_dl.training.reproducible import set_up
    from applied_dl.training.trainer import CheckpointingTrainer

    check_export(recipe.export)
    prepared = read_data(task, recipe)
    lines.log_data(prepared)
    recipe = resolve_recipe(task, recipe, prepared)
    folder = target.parent / f".{target.name}.run"
    store = Store(folder, identity(recipe, prepared), resume)
    _begin(store, overwrite)
    with console.timed("baseline", "honest rivals on the same rows"):
        baselines = task.baselines(recipe, prepared)
    lines.log_baselines(baselines)
    set_up(recipe.train.seed, recipe.train.deterministic, task.trained_by_keras)
    if "tflite" in recipe.export.formats and task.trained_by_keras:
        warm_up()  # a training without Keras takes little memory, and the converter beside it too much
    fitted = task.fit(recipe, prepared, CheckpointingTrainer(store, callbacks=tuple(callbacks)))
    from applied_dl.training.hardware import as_float32

    fitted = fitted._replace(model=as_float32(fitted.model))
    serving = task.serving(recipe, fitted, prepared)
    with bundle.writing(target, overwrite) as work:
        manifest = _fill(work, target.name, task, recipe, prepared, fitted, serving, baselines, start)
    shutil.rmtree(folder, ignore_errors=True)
    lines.log_end(target, manifest)
    if "tflite" in recipe.export.formats and manifest.chosen is None:
        reasons = lines.format_refusals(manifest.exports)
        raise RefusedError(f"No TFLite file passed verification: {reasons}. The bundle {str(target)!r} holds the Keras model.")
    return Run(bundle=target, manifest=manifest)


def _fill(work: Path, name, task, recipe, prepared, fitted, serving, baselines, start) -> Manifest:
    """Score, export, draw and describe into a folder; its manifest, sealed."""
    from applied_dl.export.describe import describe
    from applied_dl.export.golden import write_golden, write_history
    from applied_dl.export.precisions import export_files, keras_outputs
    from applied_dl.report.card import write_card
    from applied_dl.training.diagnostics import check_afterwards
    from applied_dl.training.reproducible import versions

    def score(outputs, part):
        return task.score(recipe, outputs, part, prepared.encoder)

    answers = {part: keras_outputs(serving, getattr(prepared, part)) for part in ("validation", "test")}
    scores = {part: score(outputs, getattr(prepared, part)) for part, outputs in answers.items()}
    lines.log_scores(scores["test"], baselines)
    serving.model.save(work / "model.keras")
    task.save_encoder(prepared.encoder, work)
    exports, _ = export_files(serving, recipe.export, prepared.train, prepared.test, score, work, name)
    for item in exports:
        lines.log_export(item, scores["test"].main)
    write_golden(work, prepared.test, answers["test"], exports)
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
        rows={part: len(getattr(prepared, part)) for part in ("train", "validation", "test")},
        facts={**prepared.facts, **shown, **({"slices": msgspec.to_builtins(scores["test"].slices)} if scores["test"].slices else {})},
        main=scores["test"].main,
        metrics={part: dict(s.metrics) for part, s in scores.items()},
        intervals={part: dict(s.intervals) for part, s in scores.items()},
        baselines={key: dict(value.metrics) for key, value in baselines.items()},
        exports=exports,
        seconds=round(time.perf_counter() - start, 2),
        warnings=[*prepared.warnings, *undrawn, *_cut_short(fitted.history), *check_afterwards(prepared, recipe.train, fitted)],
    )
    write_card(work, manifest, describe(serving.model), task.describe_card(manifest))
    return bundle.seal(work, manifest)


def _draw(task, recipe, prepared, fitted, outputs, folder: Path) -> tuple[dict, list[str]]:
    """Draw the plots; what they tell of the model as numbers, and a warning where one fails: no training may be lost to a picture."""
    folder.mkdir()
    try:
        shown = task.plots(recipe, prepared, fitted, outputs, folder) or {}
        examples = task.worst_examples(outputs, prepared.test, prepared.encoder, shown)
        return {**shown, **({"worst_examples": examples} if examples else {})}, []
    except Exception as error:
        text = f"Some plots could not be drawn: {type(error).__name__}: {' '.join(str(error).split())[:200]}."
        console.warn(text)
        return {}, [text]


def _cut_short(history) -> list[str]:
    why = {STOPPED: "was stopped by hand", EXPLODED: "ended early, for its loss became no number,"}.get(history.stopped)
    return [f"The training {why} after epoch {len(history.rows)}; the model holds the best weights up to then."] if why else []


def _begin(store, overwrite: bool) -> None:
    """Say so where there is nothing to resume; never throw away the work of a run that could be resumed without being told to."""
    from applied_dl.training.checkpoints import left_behind

    left = left_behind(store.folder)
    if store.resume:
        if left is None:
            console.warn(f"there is no interrupted training at {str(store.folder)!r} to resume; this one starts from its beginning")
        return
    if left is not None and not overwrite:
        changed = [key for key in store.identity if left["identity"].get(key) != store.identity[key]]
        of = f"with another {' and '.join(changed)}" if changed else "of this very recipe and data"
        first = "choose another --out" if changed else "add --resume to continue it"
        raise UsageError(
            f"A training {of} was interrupted after epoch {left['epoch']}; it is kept at {str(store.folder)!r}: "
            f"{first}, or --overwrite to begin again."
        )
    shutil.rmtree(store.folder, ignore_errors=True)
