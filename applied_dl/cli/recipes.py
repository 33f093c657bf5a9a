"""Verbs that start from a recipe: new, train, doctor, inspect, lr-find, tune, backtest."""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace

from applied_dl.cli.verb import Verb, add_budget_argument, add_recipe_argument, add_set_argument, print_result, read_recipe, stem
from applied_dl.core.errors import UsageError
from applied_dl.tasks import TASKS


def add_new_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("task", help=", ".join(TASKS))
    parser.add_argument("name", help="name of the recipe: pipelines/NAME.toml is written")
    parser.add_argument("--data", metavar="SRC", help="your data: a folder, a file, or tfds:NAME; its columns are listed in the recipe")


def new(options: Namespace) -> int:
    """Write a commented recipe."""
    from applied_dl.workflows.new import write_recipe

    path = write_recipe(options.task, options.name, options.data)
    return print_result(options, {"recipe": str(path)}, str(path))


def add_train_arguments(parser: ArgumentParser) -> None:
    add_recipe_argument(parser)
    add_budget_argument(parser)
    parser.add_argument("--out", metavar="DIR", help="the bundle to write (default: saved_models/<recipe>)")
    parser.add_argument("--overwrite", action="store_true", help="replace an existing bundle, in one rename at the end")
    parser.add_argument("--resume", action="store_true", help="continue an interrupted training")
    parser.add_argument("--dry-run", action="store_true", help="report what would be done and how long it takes, without training")
    parser.add_argument("--workers", type=int, metavar="N", help="train by N processes of Ray together, here or on a cluster")
    parser.add_argument("--address", help="a Ray cluster, such as ray://host:10001; --out must then be a folder that all its machines see")
    parser.add_argument("--max-failures", type=int, default=3, metavar="K", help="start workers that died again up to K times (default: 3)")


def train(options: Namespace) -> int:
    """Train a recipe into a bundle."""
    recipe = read_recipe(options.recipe, options.set, options.budget)
    out = options.out or os.path.join("saved_models", stem(options.recipe))
    if options.dry_run:
        if options.resume or options.overwrite:
            raise UsageError("--dry-run writes no bundle, so --resume and --overwrite have no meaning with it.")
        from applied_dl.workflows.dry_run import dry_run

        return print_result(options, *dry_run(recipe, out))
    from applied_dl.workflows.train import train as train_recipe

    if options.workers is None and options.address:
        raise UsageError("--address is the cluster of --workers; give the number of workers too.")
    if options.workers is not None and options.workers < 1:
        raise UsageError(f"--workers expects a number from 1 on; received {options.workers}.")
    more = {"workers": options.workers, "address": options.address, "max_failures": options.max_failures}
    run = train_recipe(recipe, out=out, overwrite=options.overwrite, resume=options.resume, **more)
    return print_result(options, run.as_dict(), str(run.bundle))


def add_lr_find_arguments(parser: ArgumentParser) -> None:
    add_recipe_argument(parser)
    parser.add_argument("--out", metavar="PNG", help="where to plot the loss over the learning rate (default: lr_find.png)")


def lr_find(options: Namespace) -> int:
    """Find a learning rate."""
    from pathlib import Path

    from applied_dl.workflows.find_lr import find_lr

    result = find_lr(read_recipe(options.recipe, options.set), Path(options.out or "lr_find.png"))
    lines = []
    for net in result["nets"]:
        name = f"{net['net']}: " if len(result["nets"]) > 1 else ""
        steepest, now = f"steepest at {net['steepest']:.2g}", f"the recipe has {net['now']}"
        lines += [f"{name}use train.learning_rate = {net['chosen']:.2g}   ({steepest}, {now})", f"plotted in {net['plot']}"]
    if len(result["nets"]) > 1:
        lines.append("train.learning_rate applies to every net; to set one alone, train it by itself with model.name")
    return print_result(options, result, "\n".join(lines))


def add_doctor_arguments(parser: ArgumentParser) -> None:
    what = "a TOML recipe, the name of a task, a folder written by `train`, or data (with --task)"
    parser.add_argument("what", metavar="RECIPE|BUNDLE|DATA", help=what)
    add_set_argument(parser)
    parser.add_argument("--budget", type=float, default=60.0, metavar="S", help="train for at most about S seconds (default: 60)")
    parser.add_argument("--task", help="the argument is data of this task: only report how it is read, as `inspect` does")
    parser.add_argument("--out", metavar="HTML", help="with --task: write the report as an HTML page")


def add_inspect_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "what", metavar="DATA|RECIPE|BUNDLE", help="a file, a folder or a built-in name; or what names data: a recipe, a bundle"
    )
    parser.add_argument("--task", help=f"how the data is read, where neither a recipe nor a bundle states it: {', '.join(TASKS)}")
    parser.add_argument("--out", metavar="HTML", help="write the report as an HTML page")
    add_set_argument(parser)


def inspect(options: Namespace) -> int:
    """Report how data is read and what is unusual in it."""
    from pathlib import Path

    from applied_dl.core import config
    from applied_dl.report.data_page import data_lines
    from applied_dl.workflows.inspect import inspect_data, recipe_of

    recipe = recipe_of(options.what, options.task, dict(config.parse_override(text) for text in options.set))
    report = inspect_data(recipe, Path(options.out) if options.out else None)
    return print_result(options, report, data_lines(report), exit_code=1 if report["findings"] else 0)


def doctor(options: Namespace) -> int:
    """Report what is wrong with a recipe or a bundle."""
    from applied_dl.workflows import diagnose

    if options.task:
        return inspect(options)
    if options.out:
        raise UsageError("--out is the page about data; give --task with it.")
    if os.path.isdir(options.what):
        if options.set:
            raise UsageError("--set is for a recipe; a bundle is examined as it was trained.")
        report = diagnose.doctor_bundle(options.what)
    else:
        report = diagnose.doctor_recipe(read_recipe(options.what, options.set), options.budget)
    return print_result(options, report, diagnose.text(report), exit_code=1 if report["findings"] else 0)


def add_backtest_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("what", metavar="RECIPE|BUNDLE", help="a recipe, fitted again at every origin, or a bundle as it is")
    add_set_argument(parser)
    parser.add_argument("--origins", type=int, help="number of origins (default: 200 for models with a closed form, else 5)")
    parser.add_argument("--out", metavar="PNG", help="where to plot the forecasts (default: backtest.png)")


def backtest(options: Namespace) -> int:
    """Forecast from many origins in the past."""
    from pathlib import Path

    from applied_dl.workflows import backtest as rolling

    plot = Path(options.out or "backtest.png")
    if os.path.isdir(options.what):
        if options.set:
            raise UsageError("--set is for a recipe; a bundle is evaluated as it was trained.")
        report = rolling.backtest_bundle(options.what, plot, options.origins)
    else:
        report = rolling.backtest_recipe(read_recipe(options.what, options.set), plot, options.origins)
    return print_result(options, report, rolling.text(report))


def add_tune_arguments(parser: ArgumentParser) -> None:
    add_recipe_argument(parser)
    add_budget_argument(parser)
    parser.add_argument("--out", metavar="DIR", help="the study, the best recipe and the plots (default: tuned/<recipe>)")
    parser.add_argument("--trials", type=int, help="number of trainings in all (default: the recipe's tune.trials)")
    parser.add_argument("--jobs", type=int, default=1, help="number of processes that search at once (default: 1)")
    parser.add_argument("--address", help="a Ray cluster that runs them, such as ray://host:10001; all its machines must see --out")


def tune(options: Namespace) -> int:
    """Search the recipe's space."""
    from pathlib import Path

    from applied_dl.workflows.tune import tune as search

    recipe = read_recipe(options.recipe, options.set, options.budget)
    result = search(recipe, Path(options.out or f"tuned/{stem(options.recipe)}"), options.trials, options.jobs, options.address)
    lines = [
        f"best     validation {result['metric']} {result['best']:.5g}",
        *(f"         {key} = {value}" for key, value in result["values"].items()),
        f"trials   {result['trials']}, of which {result['stopped_early']} were stopped early and {result['failed']} failed",
        f"recipe   {result['recipe']}",
    ]
    return print_result(options, result, "\n".join(lines))


VERBS = {
    "new": Verb(new, add_new_arguments, "write a commented recipe for a task and your data"),
    "train": Verb(train, add_train_arguments, "train a recipe into a bundle: model, exported files, verification, model card"),
    "lr-find": Verb(lr_find, add_lr_find_arguments, "sweep the learning rate of a recipe's model and suggest one"),
    "doctor": Verb(
        doctor, add_doctor_arguments, "examine a recipe before a long training, or a bundle after it: what is wrong and what to change"
    ),
    "inspect": Verb(inspect, add_inspect_arguments, "report how your data is read: columns, missing values, outliers, leaks, drops"),
    "backtest": Verb(backtest, add_backtest_arguments, "forecast from many origins in the past and compare with classical methods"),
    "tune": Verb(tune, add_tune_arguments, "search the recipe's [tune.space] with Optuna and write the best recipe"),
}
