"""The command line: `applied-dl VERB …`. Results on stdout, progress on stderr; each verb imports what it needs when it runs.

Exit codes: 0 done, 1 refused by a check, 2 wrong usage, 3 bad data, 130 stopped by hand.
"""

from __future__ import annotations

import argparse
import json
import os
import sys

from applied_dl import console
from applied_dl.errors import AppliedError, DataError, UsageError, nearest


def main(arguments: list[str] | None = None) -> int:
    """Run one verb; the exit code."""
    options = _parser().parse_args(arguments)
    console.quiet = options.quiet
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        return options.verb(options) or 0
    except AppliedError as error:
        print(f"applied-dl: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("applied-dl: stopped by hand; `train --resume` continues an unfinished training", file=sys.stderr)
        return 130
    except BrokenPipeError:
        return 0
    except OSError as error:  # a full disk, a folder that may not be read
        print(f"applied-dl: {error.strerror or error}{f': {error.filename!r}' if error.filename else ''}", file=sys.stderr)
        return DataError.exit_code


def new(options) -> int:
    """Write a commented recipe."""
    from pathlib import Path

    from applied_dl import config

    overrides = {"data.source": options.data} if options.data else {}
    recipe = config.read_recipe({"task": options.task}, overrides)
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
    from applied_dl import config, run

    recipe = config.read_recipe(options.recipe, dict(config.parse_override(text) for text in options.set))
    name = os.path.splitext(os.path.basename(options.recipe))[0]
    out = options.out or os.path.join("saved_models", name)
    if options.dry_run:
        from applied_dl.dry_run import dry_run

        return _print(options, *dry_run(recipe, out))
    done = run.train(recipe, out=out, overwrite=options.overwrite, resume=options.resume)
    return _print(options, done.as_dict(), str(done.bundle))


def lr_find(options) -> int:
    """Find a learning rate."""
    from pathlib import Path

    from applied_dl import config
    from applied_dl.lr_find import lr_find as find

    recipe = config.read_recipe(options.recipe, dict(config.parse_override(text) for text in options.set))
    found = find(recipe, Path(options.out or "lr_find.png"))
    text = (f"use train.learning_rate = {found['chosen']:.2g}   (steepest at {found['steepest']:.2g}, the recipe has {found['now']})\n"
            f"drawn in {found['picture']}")  # fmt: skip
    return _print(options, found, text)


def doctor(options) -> int:
    """Say what is wrong with a recipe or a bundle."""
    from applied_dl import config
    from applied_dl import doctor as verb

    if os.path.isdir(options.what):
        report = verb.doctor_bundle(options.what)
    else:
        recipe = config.read_recipe(options.what, dict(config.parse_override(text) for text in options.set))
        report = verb.doctor_recipe(recipe, options.budget)
    _print(options, report, verb.text(report))
    return 1 if report["findings"] else 0


def tune(options) -> int:
    """Search the recipe's space."""
    from pathlib import Path

    from applied_dl import config
    from applied_dl.tune import tune as search

    recipe = config.read_recipe(options.recipe, dict(config.parse_override(text) for text in options.set))
    name = os.path.splitext(os.path.basename(options.recipe))[0]
    arguments = [options.recipe, *(text for pair in options.set for text in ("--set", pair))]
    found = search(recipe, Path(options.out or f"tuned/{name}"), options.trials or recipe.tune.trials, arguments, options.jobs)
    lines = [
        f"best     validation {found['metric']} {found['best']:.5g}",
        *(f"         {key} = {value}" for key, value in found["values"].items()),
        f"trials   {found['trials']}, of which {found['stopped_early']} were stopped early and {found['failed']} failed",
        f"recipe   {found['recipe']}",
    ]
    return _print(options, found, "\n".join(lines))


def evaluate(options) -> int:
    """Score every exported file."""
    from applied_dl import run

    found = run.evaluate(options.bundle, options.data)
    lines = [
        f"{file:<24} " + "  ".join(f"{k} {v:.4g}" for k, v in scores.items() if v is not None) for file, scores in found["metrics"].items()
    ]
    return _print(options, found, "\n".join(lines))


def export(options) -> int:
    """Export a trained bundle again."""
    from applied_dl import bundle, run

    split = lambda text: tuple(text.split(",")) if text else None  # noqa: E731
    manifest = run.export(options.bundle, formats=split(options.formats), variants=split(options.variants), max_loss=options.max_loss)
    import msgspec

    rows = [msgspec.to_builtins(item) for item in manifest.exports]
    lines = [
        f"{r['file'] or r['variant']:<24} "
        + (
            f"refused: {r['refused']}"
            if r["refused"]
            else f"{manifest.main} {r['metric']:.4f}  loss {r['metric_loss']:+.4f}  {r['bytes']:,} bytes"
        )
        for r in rows
    ]
    return _print(options, bundle.finite({"bundle": options.bundle, "exports": rows}), "\n".join(lines))


def predict(options) -> int:
    """Answer raw inputs."""
    from applied_dl.infer import load

    predictor = load(options.bundle, options.variant)
    inputs = predictor.gather(options.inputs)
    extra = {key: value for key, value in (("top", options.top), ("nearest", options.nearest)) if value is not None}
    answers = predictor.predict(inputs, **_accepted(predictor, extra))
    for warning in predictor.warnings:
        console.warn(warning)
    given = inputs if isinstance(inputs, list) and len(inputs) == len(answers) else [None] * len(answers)
    text = "\n".join(_answer_line(one, answer) for one, answer in zip(given, answers))
    from applied_dl.bundle import finite

    _print(options, finite({"predictions": answers}), text)
    return 3 if any("error" in answer for answer in answers) else 0


def _answer_line(given, answer: dict) -> str:
    """An answer on one line, after the file it answers."""
    from pathlib import Path

    line = json.dumps(answer, ensure_ascii=False)
    return f"{given}  {line}" if isinstance(given, Path) and "error" not in answer else line


def check(options) -> int:
    """Verify checksums and replay the golden examples."""
    from applied_dl.infer.check import check as replay

    rows = replay(options.bundle)
    lines = [
        f"{row['file']:<24} {row['examples']} golden examples answered as recorded (difference {row['difference']:.1e})" for row in rows
    ]
    return _print(options, {"bundle": options.bundle, "ok": True, "files": rows}, "\n".join([*lines, "every checksum holds"]))


def bench(options) -> int:
    """Time every TFLite file."""
    from applied_dl.report.bench import bench as measure

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
    from applied_dl.packing import pack as write

    made = write(options.bundle, options.file)
    return _print(options, {"bundle": options.bundle, "file": str(made), "bytes": made.stat().st_size}, str(made))


def unpack(options) -> int:
    """Make a bundle of one file."""
    from applied_dl.packing import unpack as read

    made = read(options.file, options.folder, options.overwrite)
    return _print(options, {"file": options.file, "bundle": str(made)}, str(made))


def info(options) -> int:
    """Say what a bundle is."""
    import msgspec

    from applied_dl.bundle import finite, read_manifest

    manifest = read_manifest(options.bundle)
    test = manifest.metrics.get("test", {})
    number = lambda v: "none" if v is None else f"{v:.4g}"  # noqa: E731
    lines = [
        f"{manifest.name}: {manifest.task}, made {manifest.created}, seed {manifest.seed}",
        f"data     {manifest.facts.get('summary', '')}",
        "test     " + "  ".join(f"{k} {number(v)}" for k, v in test.items()),
        *(f"baseline {name}: " + "  ".join(f"{k} {number(v)}" for k, v in scores.items()) for name, scores in manifest.baselines.items()),
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

    known = set(inspect.signature(predictor.answer_options).parameters)
    for key in extra:
        if key not in known:
            raise UsageError(f"--{key} has no meaning for the task {predictor.task!r}.")
    return extra


def _print(options, result: dict, text: str) -> int:
    print(json.dumps(result, ensure_ascii=False, allow_nan=False) if options.json else text)
    return 0


class _Parser(argparse.ArgumentParser):
    """argparse that names the nearest verb."""

    def error(self, message: str):
        if "invalid choice" in message and self.prog == "applied-dl":
            word = message.split("invalid choice: ")[1].split("'")[1]
            message = f"there is no verb {word!r}.{nearest(word, VERBS)}"
        self.print_usage(sys.stderr)
        self.exit(2, f"{self.prog}: {message}\n")


VERBS = {
    "new": (new, "write a commented recipe for a task and your data"),
    "train": (train, "train a recipe into a bundle: model, exported files, proof, model card"),
    "lr-find": (lr_find, "sweep the step size of a recipe's model and say which to use"),
    "doctor": (doctor, "examine a recipe before a long training, or a bundle after it: what is wrong, and what to change"),
    "tune": (tune, "search the recipe's [tune.space] with Optuna and write the best recipe"),
    "evaluate": (evaluate, "score every exported file of a bundle, each through its own runtime"),
    "export": (export, "export a bundle again, with other formats or another allowed loss"),
    "predict": (predict, "answer raw inputs with the exported file (no TensorFlow)"),
    "check": (check, "verify checksums and replay the golden examples on this machine"),
    "bench": (bench, "latency, size and memory of every exported file"),
    "pack": (pack, "make one .zip of a bundle whose checksums hold"),
    "unpack": (unpack, "make a bundle of a .zip, every file checked before it is let in"),
    "info": (info, "what a bundle is, what it scored and what it holds"),
}


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="applied-dl",
        description="Your own data to a trained model, and to the file that runs on the phone, the server or the edge box.",
    )
    verbs = parser.add_subparsers(metavar="VERB", required=True)
    made = {}
    for name, (function, text) in VERBS.items():
        made[name] = verb = verbs.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
        verb.set_defaults(verb=function)
        verb.add_argument("--json", action="store_true", help="print exactly one JSON object")
        verb.add_argument("--quiet", action="store_true", help="no progress on stderr")
        if name not in ("new", "train", "lr-find", "doctor", "tune", "unpack"):
            verb.add_argument("bundle", help="a folder written by `train`")
    made["pack"].add_argument("file", nargs="?", help="the archive to write (BUNDLE.zip by default)")
    made["unpack"].add_argument("file", help="an archive written by `pack`")
    made["unpack"].add_argument("folder", nargs="?", help="the bundle to write (its own name, beside the archive, by default)")
    made["unpack"].add_argument("--overwrite", action="store_true", help="replace a bundle that is there")
    made["new"].add_argument("task", help="image, tabular, forecast, words or sentences")
    made["new"].add_argument("name", help="of the recipe: pipelines/NAME.toml")
    made["new"].add_argument("--data", metavar="SRC", help="your data: a folder, a file, or tfds:NAME")
    for verb in (made["train"], made["lr-find"], made["tune"]):
        verb.add_argument("recipe", help="a TOML recipe, or the name of a task for its defaults")
        verb.add_argument("--set", action="append", default=[], metavar="a.b=v", help="override a recipe key; may be repeated")
    made["doctor"].add_argument("what", metavar="RECIPE|BUNDLE", help="a TOML recipe, the name of a task, or a folder written by `train`")
    made["doctor"].add_argument("--set", action="append", default=[], metavar="a.b=v", help="override a recipe key; may be repeated")
    made["doctor"].add_argument("--budget", type=float, default=60.0, metavar="S", help="watch a training of S seconds to its end (60)")
    made["tune"].add_argument("--out", metavar="DIR", help="the study, the best recipe and the plots (tuned/<recipe> by default)")
    made["tune"].add_argument("--trials", type=int, help="how many trainings in all; the recipe's tune.trials by default")
    made["tune"].add_argument("--jobs", type=int, default=1, help="how many processes search at once")
    made["lr-find"].add_argument("--out", metavar="PNG", help="the curve (lr_find.png by default)")
    verb = made["train"]
    verb.add_argument("--out", metavar="DIR", help="the bundle to write (saved_models/<recipe> by default)")
    verb.add_argument("--overwrite", action="store_true", help="replace a bundle that is there, in one rename at the end")
    verb.add_argument("--resume", action="store_true", help="continue an interrupted training")
    verb.add_argument("--dry-run", action="store_true", help="say what would be done, and how long it takes, without training")
    made["evaluate"].add_argument("--data", metavar="SRC", help="another labelled source; the held-out test rows by default")
    made["export"].add_argument("--formats", help="comma-separated: saved_model,tflite")
    made["export"].add_argument("--variants", help="comma-separated: fp32,fp16,dynamic,int8")
    made["export"].add_argument("--max-loss", type=float, help="largest loss of the task metric a file may have")
    verb = made["predict"]
    verb.add_argument("inputs", nargs="+", metavar="INPUT", help="files, folders or texts")
    verb.add_argument("--variant", choices=("fp32", "fp16", "dynamic", "int8"), help="another precision than the chosen one")
    verb.add_argument("--top", type=int, help="how many classes to name")
    verb.add_argument("--nearest", type=int, help="how many nearest neighbours to name")
    return parser


if __name__ == "__main__":
    sys.exit(main())
