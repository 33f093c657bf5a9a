"""Export a trained bundle again, with other formats, precisions or another allowed drop of the metric. Nothing is trained."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np

from applied_dl.core import bundle, bundle_writing, config
from applied_dl.core.bill import write_bill
from applied_dl.core.bundle import Manifest
from applied_dl.core.errors import RefusedError
from applied_dl.report import progress_lines as lines
from applied_dl.tasks import load_task
from applied_dl.workflows import recipes
from applied_dl.workflows.load_keras import load_keras
from applied_dl.workflows.preparation import reread


def export(
    path: str | os.PathLike[str],
    *,
    formats: Sequence[str] | None = None,
    variants: Sequence[str] | None = None,
    max_metric_drop: float | None = None,
) -> Manifest:
    """Export a bundle again; it is replaced in one rename. See `applied_dl.exporting`."""
    path = Path(path)
    manifest = bundle.open_bundle(path)
    settings = {"formats": formats, "variants": variants, "max_metric_drop": max_metric_drop}
    changed = {key: value for key, value in settings.items() if value is not None}
    recipe = recipes.resolve(config.merged(manifest.recipe, {"export": changed}), str(path))
    task = load_task(recipe.task)
    from applied_dl.exporting.convert import check_export
    from applied_dl.exporting.describe import describe
    from applied_dl.exporting.golden import GOLDEN_ROWS, write_golden
    from applied_dl.exporting.precisions import export_files, keras_outputs
    from applied_dl.report.card import write_card

    check_export(recipe.export)
    prepared = reread(task, recipe, manifest, path)
    model = load_keras(path)
    serving = task.restore_serving(recipe, model, prepared.encoder)
    with bundle_writing.writing(path, overwrite=True) as work:
        for name in manifest.files:
            if name.split("/")[0] not in ("saved_model", "golden.npz", "README.md") and not name.endswith(".tflite"):
                (work / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path / name, work / name)
        exports, _ = export_files(
            serving,
            recipe.export,
            prepared.train,
            prepared.test,
            lambda o, p, metrics_only=False: task.score(recipe, o, p, prepared.encoder, metrics_only),
            work,
            manifest.name,
            (manifest.metrics["test"][manifest.main] or 0.0) if getattr(recipe.train, "refit", False) else 0.0,
        )
        for item in exports:
            lines.log_export(item, manifest.main)
        if "tflite" in recipe.export.formats and not any(item.chosen for item in exports):
            reasons = lines.format_refusals(exports)
            raise RefusedError(f"No TFLite file passed verification: {reasons}. The bundle stays as it was.")
        write_golden(
            work, prepared.test, keras_outputs(serving, prepared.test.take(np.arange(min(GOLDEN_ROWS, len(prepared.test))))), exports
        )
        manifest = msgspec.structs.replace(manifest, exports=exports, recipe=config.as_dict(recipe))
        write_card(work, manifest, describe(serving.model), task.describe_card(manifest))
        write_bill(work, manifest)
        return bundle.seal(work, manifest)
