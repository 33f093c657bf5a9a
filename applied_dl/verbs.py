"""What each verb of the command line does: calls the one function behind it, and says in lines (or in one JSON object) what came of it.

Every verb takes the parsed options and returns its exit code; it imports what it needs when it runs.
"""

from __future__ import annotations

import json
import os

from applied_dl.core import console
from applied_dl.core.errors import UsageError


def new(options) -> int:
    """Write a commented recipe."""
    from pathlib import Path

    from applied_dl.core import config
    from applied_dl.workflows import recipes

    overrides = {"data.source": options.data} if options.data else {}
    recipe = recipes.read_recipe({"task": options.task}, overrides)
    path = Path(options.name if options.name.endswith(".toml") else f"pipelines/{options.name}.toml")
    if not options.name.endswith(".toml") and path.parent != Path("pipelines"):
        raise UsageError(
            f"{options.name!r} is no recipe name: expected one without slashes (pipelines/NAME.toml), or a path that ends in .toml."
        )
    if path.exists():
        raise UsageError(f"{str(path)!r} exists already; choose another name.")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"# applied-dl train {path}\n\n" + config.to_toml(recipe), encoding="utf-8")
    _print(options, {"recipe": str(path)}, str(path))
    return 0


def train(options) -> int:
    """Train a recipe into a bundle."""
    from applied_dl.workflows import train as run

    recipe = _recipe(options.recipe, options.set)
    out = options.out or os.path.join("saved_models", _stem(options.recipe))
    if options.dry_run and (options.resume or options.overwrite):
        raise UsageError("--dry-run writes no bundle, so --resume and --overwrite have no meaning with it.")
    if options.dry_run:
        from applied_dl.workflows.dry_run import dry_run

        return _print(options, *dry_run(recipe, out))
    done = run.train(recipe, out=out, overwrite=options.overwrite, resume=options.resume)
    return _print(options, done.as_dict(), str(done.bundle))


def lr_find(options) -> int:
    """Find a learning rate."""
    from pathlib import Path

    from applied_dl.workflows.find_lr import find_lr as find

    found = find(_recipe(options.recipe, options.set), Path(options.out or "lr_find.png"))
    lines = []
    for net in found["nets"]:
        name = f"{net['net']}: " if len(found["nets"]) > 1 else ""
        lines.append(
            f"{name}use train.learning_rate = {net['chosen']:.2g}   (steepest at {net['steepest']:.2g}, the recipe has {net['now']})"
        )
        lines.append(f"drawn in {net['picture']}")
    if len(found["nets"]) > 1:
        lines.append("train.learning_rate goes to every net; to set one alone, train it by itself with model.name")
    return _print(options, found, "\n".join(lines))


def doctor(options) -> int:
    """Say what is wrong with a recipe or a bundle."""
    from applied_dl.workflows import diagnose as verb

    if os.path.isdir(options.what):
        if options.set:
            raise UsageError("--set is for a recipe; a bundle is examined as it was trained.")
        report = verb.doctor_bundle(options.what)
    else:
        report = verb.doctor_recipe(_recipe(options.what, options.set), options.budget)
    _print(options, report, verb.text(report))
    return 1 if report["findings"] else 0


def backtest(options) -> int:
    """Forecast from moments of the past."""
    from pathlib import Path

    from applied_dl.workflows import backtest as verb

    picture = Path(options.out or "backtest.png")
    if os.path.isdir(options.what):
        if options.set:
            raise UsageError("--set is for a recipe; a bundle is asked as it was trained.")
        report = verb.backtest_bundle(options.what, picture, options.origins)
    else:
        report = verb.backtest_recipe(_recipe(options.what, options.set), picture, options.origins)
    return _print(options, report, verb.text(report))


def tune(options) -> int:
    """Search the recipe's space."""
    from pathlib import Path

    from applied_dl.workflows.tune import tune as search

    recipe = _recipe(options.recipe, options.set)
    arguments = [options.recipe, *(text for pair in options.set for text in ("--set", pair))]
    found = search(
        recipe, Path(options.out or f"tuned/{_stem(options.recipe)}"), options.trials or recipe.tune.trials, arguments, options.jobs
    )
    lines = [
        f"best     validation {found['metric']} {found['best']:.5g}",
        *(f"         {key} = {value}" for key, value in found["values"].items()),
        f"trials   {found['trials']}, of which {found['stopped_early']} were stopped early and {found['failed']} failed",
        f"recipe   {found['recipe']}",
    ]
    return _print(options, found, "\n".join(lines))


def evaluate(options) -> int:
    """Score every exported file."""
    from applied_dl.workflows.evaluate import evaluate as measure

    found = measure(options.bundle, options.data)
    lines = [f"{file:<24} {_scores(scores)}" for file, scores in found["metrics"].items()]
    return _print(options, found, "\n".join(lines))


def export(options) -> int:
    """Export a trained bundle again."""
    from applied_dl.core import bundle
    from applied_dl.workflows.export import export as export_again

    manifest = export_again(
        options.bundle, formats=_listed(options.formats), variants=_listed(options.variants), max_metric_drop=options.max_metric_drop
    )
    import msgspec

    rows = [msgspec.to_builtins(item) for item in manifest.exports]
    lines = [
        f"{r['file'] or r['variant']:<24} "
        + (
            f"refused: {r['refused']}"
            if r["refused"]
            else f"{manifest.main} {r['metric']:.4f}  loss {r['metric_drop']:+.4f}  {r['bytes']:,} bytes"
        )
        for r in rows
    ]
    return _print(options, bundle.finite({"bundle": options.bundle, "exports": rows}), "\n".join(lines))


def predict(options) -> int:
    """Answer raw inputs."""
    from applied_dl.predictor import load
    from applied_dl.workflows.predict import writable, write_answers

    target = writable(options.out) if options.out else None
    predictor = load(options.bundle, options.variant)
    inputs = predictor.expand_inputs(options.inputs)
    extra = {key: value for key, value in (("top", options.top), ("nearest", options.nearest)) if value is not None}
    answers = predictor.predict(inputs, **_accepted(predictor, extra))
    for warning in predictor.warnings:
        console.warn(warning)
    bad = sum("error" in answer for answer in answers)
    if target:
        rows = write_answers(target, predictor, inputs, answers)
        found = {"file": str(target), "rows": rows, "predictions": len(answers), "errors": bad}
        _print(options, found, f"{target}: {rows:,} rows" + (f", {bad} of {len(answers):,} inputs could not be answered" if bad else ""))
        return 3 if bad else 0
    given = inputs if isinstance(inputs, list) and len(inputs) == len(answers) else [None] * len(answers)
    text = "\n".join(_answer_line(one, answer) for one, answer in zip(given, answers))
    from applied_dl.core.bundle import finite

    _print(options, finite({"predictions": answers}), text)
    return 3 if bad else 0


def _answer_line(given, answer: dict) -> str:
    """An answer on one line, after the file it answers."""
    from pathlib import Path

    line = json.dumps(answer, ensure_ascii=False)
    return f"{given}  {line}" if isinstance(given, Path) and "error" not in answer else line


def check(options) -> int:
    """Verify checksums and replay the golden examples."""
    from applied_dl.runtime.check import check as replay

    rows = replay(options.bundle)
    lines = [
        f"{row['file']:<24} {row['examples']} golden examples answered as recorded (difference {row['difference']:.1e})" for row in rows
    ]
    return _print(options, {"bundle": options.bundle, "ok": True, "files": rows}, "\n".join([*lines, "every checksum holds"]))


def bench(options) -> int:
    """Time every TFLite file."""
    from applied_dl.runtime.bench import bench as measure

    rows = measure(options.bundle)
    head = f"{'file':<24} {'threads':>7} {'p50 ms':>9} {'p95 ms':>9} {'rows/s':>10} {'bytes':>11} {'memory MB':>9}"
    lines = [
        f"{r['file']:<24} {r['threads']:>7} {r['p50_ms']:>9.3f} {r['p95_ms']:>9.3f} {r['rows_per_second']:>10,.0f} "
        f"{r['bytes']:>11,} {r['memory_mb']:>9.1f}"
        for r in rows
    ]
    return _print(options, {"bundle": options.bundle, "files": rows}, "\n".join([head, *lines]))


def pack(options) -> int:
    """Make one file of a bundle."""
    from applied_dl.core.packing import pack as write

    made = write(options.bundle, options.file)
    return _print(options, {"bundle": options.bundle, "file": str(made), "bytes": made.stat().st_size}, str(made))


def freeze(options) -> int:
    """Write a file with fixed shapes."""
    from applied_dl.runtime.freeze import freeze as write

    made = write(options.bundle, options.file, variant=options.variant, batch=options.batch, length=options.length)
    return _print(options, {"bundle": options.bundle, "file": str(made), "bytes": made.stat().st_size}, str(made))


def unpack(options) -> int:
    """Make a bundle of one file."""
    from applied_dl.core.packing import unpack as read

    made = read(options.file, options.folder, options.overwrite)
    return _print(options, {"file": options.file, "bundle": str(made)}, str(made))


def info(options) -> int:
    """Say what a bundle is."""
    import msgspec

    from applied_dl.core.bundle import finite, read_manifest

    manifest = read_manifest(options.bundle)
    test = manifest.metrics.get("test", {})
    lines = [
        f"{manifest.name}: {manifest.task}, made {manifest.created}, seed {manifest.seed}",
        f"data     {manifest.facts.get('summary', '')}",
        "test     " + _scores(test),
        *(f"baseline {name}: " + _scores(scores) for name, scores in manifest.baselines.items()),
        *(
            f"file     {e.file or e.variant}  {e.bytes:,} bytes"
            + ("  ← model.tflite" if e.chosen else "")
            + (f"  refused: {e.refused}" if e.refused else "")
            for e in manifest.exports
        ),
    ]
    return _print(options, finite(msgspec.to_builtins(manifest)), "\n".join(lines))


def _accepted(predictor, extra: dict) -> dict:
    """The options this task's answers know; another one is wrong usage."""
    import inspect

    known = set(inspect.signature(predictor.predict_options).parameters)
    for key in extra:
        if key not in known:
            raise UsageError(f"--{key} has no meaning for the task {predictor.task!r}.")
    return extra


def _recipe(source: str, overrides: list[str]):
    """The recipe of a command line, with its `--set` keys."""
    from applied_dl.core import config
    from applied_dl.workflows import recipes

    return recipes.read_recipe(source, dict(config.parse_override(text) for text in overrides))


def _stem(path: str) -> str:
    return os.path.splitext(os.path.basename(path))[0]


def _listed(text: str | None) -> tuple[str, ...] | None:
    return tuple(text.split(",")) if text else None


def _scores(found: dict) -> str:
    return "  ".join(f"{name} {'none' if value is None else f'{value:.4g}'}" for name, value in found.items())


def _print(options, result: dict, text: str) -> int:
    print(json.dumps(result, ensure_ascii=False, allow_nan=False) if options.json else text)
    return 0
