"""`applied-dl backtest`: what a forecast recipe, fitted again at every origin, or a bundle as it is, would have forecast in the past."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from applied_dl.core import bundle, console
from applied_dl.core.errors import UsageError
from applied_dl.workflows import recipes
from applied_dl.workflows.preparation import reread

SHOWN = 8  # origins whose forecasts are plotted


def backtest_recipe(recipe, plot: Path, origins: int | None = None) -> dict:
    """The scores of the recipe's model, fitted again at every origin, and of the baselines; plotted to `plot`."""
    start = time.perf_counter()
    _check(recipe, origins)
    with console.hushed():
        from applied_dl.tasks.forecast import backtest as rolling
    return _report(rolling.of_recipe(recipe, origins), plot, start)


def backtest_bundle(path: str | Path, plot: Path, origins: int | None = None) -> dict:
    """The scores of a bundle's chosen file, as it is, at origins of its test, and of the baselines; plotted to `plot`."""
    start, path = time.perf_counter(), Path(path)
    manifest = bundle.open_bundle(path)
    recipe = recipes.resolve(manifest.recipe, str(path))
    _check(recipe, origins)
    if manifest.chosen is None:
        raise UsageError(f"The bundle {str(path)!r} holds no model.tflite; export it again.")
    with console.hushed():
        from applied_dl.tasks.forecast import backtest as rolling
        from applied_dl.tasks.forecast import task
    from applied_dl.runtime.interpreter import Runtime

    prepared = reread(task, recipe, manifest, path)
    if recipe.train.refit:
        console.warn("the bundle was fitted again on all rows, these among them; train.refit = false keeps them unseen")
    runtime = Runtime(bundle.checked_bytes(path, manifest, manifest.chosen.file))
    return _report(rolling.of_bundle(recipe, prepared, runtime.run, origins), plot, start)


def _check(recipe, origins: int | None) -> None:
    if recipe.task != "forecast":
        raise UsageError(f"A backtest is for forecasts; this is the task {recipe.task!r}.")
    if origins is not None and origins < 1:
        raise UsageError(f"--origins must be at least 1; received {origins}.")


def _report(found, plot: Path, start: float) -> dict:
    from applied_dl.tasks.forecast import backtest as rolling
    from applied_dl.tasks.forecast import task

    e, part = found.encoder, found.part
    scores = {name: task.score(found.recipe, outputs, part, e) for name, outputs in found.outputs.items()}
    errors = rolling.by_origin(found)
    steps = np.unique(part.extra["origin"]) if e.form == "aligned" else np.arange(len(next(iter(errors.values()))))
    moments = e.clock.text(steps) if e.form == "aligned" else [f"origin {i + 1}" for i in steps]
    plot.parent.mkdir(parents=True, exist_ok=True)
    _draw(found, errors, steps, plot)
    main = next(iter(scores.values())).main
    return bundle.finite(
        {
            "task": "forecast",
            "origins": len(steps),
            "refits": found.refits,
            "horizon": e.horizon,
            "main": main,
            "methods": {name: dict(s.metrics) for name, s in scores.items()},
            "intervals": {name: dict(s.intervals) for name, s in scores.items()},
            "by_origin": {"origin": moments, **{name: [float(v) for v in row] for name, row in errors.items()}},
            "plot": str(plot),
            "seconds": round(time.perf_counter() - start, 2),
        }
    )


def _draw(found, errors: dict, steps: np.ndarray, plot: Path) -> None:
    from applied_dl.report.backtest import backtest_plot

    e, part = found.encoder, found.part
    first = next(iter(found.outputs.values()))
    rows = np.arange(len(part.target)) if e.form == "aligned" else np.flatnonzero(part.extra["series"] == part.extra["series"][0])
    rows = rows[np.argsort(part.extra["origin"][rows], kind="stable")]
    block = found.blocks[0 if e.form == "aligned" else int(part.extra["series"][rows[0]])]
    origins = part.extra["origin"][rows]
    begin = max(int(origins[0]) - 2 * e.horizon - block.start, 0)
    values = block.values[begin : int(origins[-1]) - block.start + e.horizon, -1]
    shown = rows[np.unique(np.linspace(0, len(rows) - 1, min(SHOWN, len(rows))).round().astype(int))]
    names = ("forecast", "lower", "upper") if "lower" in first else ("forecast",)
    fans = [tuple(first[key][row][:, -1] for key in names) for row in shown]
    name = e.names[-1] if e.form == "aligned" else e.names[int(part.extra["series"][rows[0]])]
    label = "mean absolute error in standard\ndeviations of the training data" if e.form == "aligned" else "mean absolute scaled error"
    stamps = lambda at: e.clock.text(np.array([at]))[0]  # noqa: E731
    axis = block.start + begin + np.arange(len(values))
    backtest_plot(plot, f"{name}: {next(iter(found.outputs))}", axis, values, part.extra["origin"][shown], fans, errors, steps, label,
                     stamps, e.form == "aligned")  # fmt: skip


def text(report: dict) -> str:
    """The report for people."""
    shown = [k for k in next(iter(report["methods"].values())) if k in ("mse", "mae", "owa", "smape", "mase", "coverage")]
    width = max(map(len, report["methods"]))
    number = lambda v: "" if v is None else f"{v:.4g}"  # noqa: E731
    lines = [f"{'':<{width}}  " + "".join(f"{key:>10}" for key in shown)]
    lines += [f"{name:<{width}}  " + "".join(f"{number(row.get(key)):>10}" for key in shown) for name, row in report["methods"].items()]
    refits = f", {report['refits']} fits" if report["refits"] else ""
    head = f"{report['origins']} origins of {report['horizon']} steps{refits}, in {report['seconds']:.0f} s"
    return "\n".join([head, *lines, f"plotted in {report['plot']}"])
