"""A trained bundle again: its files scored on its own test rows or on others, or exported anew. Nothing is trained."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec
import numpy as np

from applied_dl.core import bundle, config, console
from applied_dl.core.bundle import Manifest
from applied_dl.core.cache import cache_folder
from applied_dl.core.errors import RefusedError
from applied_dl.report import progress_lines as lines
from applied_dl.tasks import load_task
from applied_dl.workflows import recipes


def evaluate(path: str | Path, data: str | None = None) -> dict:
    """The task metric of every exported file, through its own runtime, on the test rows or on another labelled source."""
    path = Path(path)
    manifest = bundle.open_bundle(path)
    recipe = recipes.resolve(manifest.recipe, str(path))
    task = load_task(recipe.task)
    from applied_dl.export.evaluate import evaluate_files

    encoder = task.load_encoder(path)
    if data is not None:
        part = task.labelled(recipe, encoder, data)
    else:
        part = reread(task, recipe, manifest, path).test
    scores = evaluate_files(path, manifest, part, lambda outputs, rows: task.score(recipe, outputs, rows, encoder))
    for text in part.warnings:
        console.warn(text)
    for file, found in scores.items():
        console.say("evaluate", f"{file:<22} {found.main} {lines.with_interval(found)}")
    return bundle.finite(
        {
            "bundle": str(path),
            "task": recipe.task,
            "rows": len(part),
            "data": data or "test rows",
            "metrics": {file: dict(s.metrics) for file, s in scores.items()},
            "intervals": {file: dict(s.intervals) for file, s in scores.items()},
            "warnings": part.warnings,
        }
    )


def export(path: str | Path, **settings) -> Manifest:
    """Export a bundle again with other formats, variants or `max_loss`; the bundle is replaced in one rename."""
    path = Path(path)
    manifest = bundle.open_bundle(path)
    chosen = {key: value for key, value in settings.items() if value is not None}
    recipe = recipes.resolve(config.merged(manifest.recipe, {"export": chosen}), str(path))
    task = load_task(recipe.task)
    with console.hushed():
        import keras

    from applied_dl import export as exporting
    from applied_dl.export.describe import describe
    from applied_dl.export.golden import GOLDEN_ROWS, write_golden
    from applied_dl.report.card import write_card

    exporting.check(recipe.export)
    prepared = reread(task, recipe, manifest, path)
    model = keras.saving.load_model(path / "model.keras")
    serving = task.reopen(recipe, model, prepared.encoder)
    with bundle.writing(path, overwrite=True) as work:
        for name in manifest.files:
            if name.split("/")[0] not in ("saved_model", "golden.npz", "README.md") and not name.endswith(".tflite"):
                (work / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path / name, work / name)
        exports, answers = exporting.export(
            serving,
            recipe.export,
            prepared.train,
            prepared.test,
            lambda o, p: task.score(recipe, o, p, prepared.encoder),
            work,
            manifest.name,
        )
        for item in exports:
            lines.tell_export(item, manifest.main)
        if "tflite" in recipe.export.formats and not any(item.chosen for item in exports):
            reasons = lines.refusals(exports)
            raise RefusedError(f"No TFLite file passed its proof: {reasons}. The bundle stays as it was.")
        write_golden(
            work,
            prepared.test,
            exporting.keras_outputs(serving, prepared.test.take(np.arange(min(GOLDEN_ROWS, len(prepared.test))))),
            exports,
        )
        manifest = msgspec.structs.replace(manifest, exports=exports, recipe=config.as_dict(recipe))
        write_card(work, manifest, describe(serving.model))
        return bundle.seal(work, manifest)


def reread(task, recipe, manifest: Manifest, path: Path):
    """Prepare the bundle's own data again; refuses data that has changed since."""
    prepared = task.prepare(recipe, cache_folder())
    if prepared.fingerprint != manifest.fingerprint:
        raise RefusedError(
            f"The data of {str(path)!r} ({recipe.data.source!r}) is not what it was trained on; "
            "its test rows would not be the held-out ones. Name a labelled source with --data."
        )
    return prepared
