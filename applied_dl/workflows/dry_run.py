"""What a training would do, before anything is trained: rows, graph, cost, time and files."""

from __future__ import annotations

import resource
import sys
import time
from pathlib import Path

from applied_dl.core import config, console
from applied_dl.report import progress_lines as lines
from applied_dl.tasks import load_task
from applied_dl.workflows.preparation import check_rows, read_data, resolve_recipe

RSS_UNIT = 1 if sys.platform == "darwin" else 1024  # of ru_maxrss
EXPORT_SECONDS = 9.0  # scoring, plots, four conversions and their verification, as measured on the default recipes


def dry_run(recipe, out: str) -> tuple[dict, str]:
    """Report what a training would do. Only the cache of decoded data and `OUT.preview.png` are written.

    Args:
        recipe: to be trained.
        out: the bundle that would be written.

    Returns:
        The facts that `--json` prints, and the same as text.
    """
    task = load_task(recipe.task)
    from applied_dl.training.trainer import Timer

    start = time.perf_counter()
    prepared = read_data(task, recipe)
    recipe = resolve_recipe(task, recipe, prepared)
    findings = check_rows(task, recipe, prepared)
    warnings = lines.important_first([*prepared.warnings, *(finding.line() for finding in findings)])
    for warning in warnings:
        console.warn(warning)
    model = task.build(recipe, prepared)
    from applied_dl.exporting.describe import describe

    read = time.perf_counter() - start
    plot = Path(f"{out}.preview.png")
    plot.parent.mkdir(parents=True, exist_ok=True)
    batch = task.preview(recipe, prepared, plot)
    timer = Timer()
    task.fit(recipe, prepared, timer)
    facts = {
        "task": recipe.task,
        "data": prepared.facts.get("summary", ""),
        "rows": prepared.rows,
        "inputs": describe(model)["inputs"],
        "preview": batch,
        "parameters": int(model.count_params()),
        "flops_per_row": flops(model),
        "data_mb": round(sum(a.nbytes for a in prepared.train.inputs.values()) / 1e6, 1),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * RSS_UNIT / 1e6),
        "seconds": round(read + timer.seconds + EXPORT_SECONDS, 1),
        "train": config.as_dict(recipe)["train"],
        "bundle": out,
        "files": files(recipe),
        "warnings": warnings,
    }
    return facts, _text(facts)


def files(recipe) -> list[str]:
    """The files a bundle of this recipe will hold."""
    names = [
        "bundle.json",
        "README.md",
        "report.html",
        "model.keras",
        "encoder.json",
        "golden.npz",
        "examples.json",
        "examples.npz",
        "history.csv",
        "plots/",
    ]
    if "saved_model" in recipe.export.formats:
        names.append("saved_model/")
    if "tflite" in recipe.export.formats:
        names += ["model.tflite", *(f"model.{variant}.tflite" for variant in recipe.export.variants)]
    return names


def flops(model) -> int | None:
    """Floating-point operations of one forward pass of one row, counted on the graph; None where TensorFlow cannot count them."""
    import tensorflow as tf

    try:
        inputs = {name: tf.TensorSpec((1, *t.shape[1:]), t.dtype) for name, t in model.input.items()}
        graph = tf.function(lambda x: model(x, training=False)).get_concrete_function(inputs).graph
        options = tf.compat.v1.profiler.ProfileOptionBuilder(tf.compat.v1.profiler.ProfileOptionBuilder.float_operation())
        with console.hushed():
            profile = tf.compat.v1.profiler.profile(graph, options=options.with_empty_output().build())
        return int(profile.total_float_ops)
    except (AttributeError, ValueError, TypeError):
        return None


def _text(facts: dict) -> str:
    shapes = ", ".join(f"{t['name']} {t['dtype']} {t['shape']}" for t in facts["inputs"])
    settings = ", ".join(
        f"{key} {value}"
        for key, value in facts["train"].items()
        if value not in (None, False) and key in ("epochs", "batch_size", "learning_rate", "schedule", "optimizer", "loss")
    )
    cost = f"{facts['flops_per_row']:,} operations a row" if facts["flops_per_row"] else ""
    return "\n".join(
        [
            f"data     {facts['data']}",
            f"rows     {lines.format_rows(facts['rows'])}; {facts['data_mb']} MB of training inputs",
            f"inputs   {shapes}",
            f"batch    {facts['preview']}",
            f"model    {facts['parameters']:,} parameters  {cost}",
            f"train    {settings or 'solved in closed form'}",
            f"memory   {facts['peak_mb']:,} MB at the most so far, with some steps of the real batch size taken",
            f"time     about {facts['seconds']:.0f} s on this machine (less where training stops early)",
            f"writes   {facts['bundle']}/: {', '.join(facts['files'])}",
            "nothing was trained",
        ]
    )
