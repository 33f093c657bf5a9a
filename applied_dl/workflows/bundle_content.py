"""What a training puts into its bundle: scores, exported files, plots, golden examples, the card, the bill, the manifest."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from applied_dl.core import bundle, config, console
from applied_dl.core.bill import write_bill
from applied_dl.core.bundle import Manifest
from applied_dl.core.records import EXPLODED, STOPPED, TIME_UP
from applied_dl.report import progress_lines as lines
from applied_dl.tasks import load_predict
from applied_dl.workflows.preparation import how_trained

MOST_UNCOVERED = 0.05  # share of test values by which intervals may miss their coverage
BETTER_R2 = 0.1  # r2 of a baseline, beside which a model that explains nothing is worthless
REFITTED = (
    "The shipped model was fitted again on all rows, after the scores of this card were measured with a model that never saw the "
    "test rows; scored on rows of this data, the shipped model looks too good (train.refit = false ships the scored model)."
)


def why_worthless(metrics: dict, baselines: dict[str, dict]) -> str | None:
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


def fill_bundle(work: Path, name, task, recipe, prepared, fitted, serving, baselines, cuts: list[str], start: float) -> Manifest:
    """Score, export, plot and describe into a folder; returns its sealed manifest."""
    from applied_dl.exporting.describe import describe
    from applied_dl.exporting.golden import write_golden, write_history
    from applied_dl.exporting.precisions import export_files, held_out_outputs, keras_outputs
    from applied_dl.report.card import write_card
    from applied_dl.training.diagnostics import check_afterwards
    from applied_dl.training.reproducible import versions

    def score(outputs, part, metrics_only=False):
        return task.score(recipe, outputs, part, prepared.encoder, metrics_only)

    answers = {part: held_out_outputs(serving, prepared, part) for part in ("validation", "test")}
    scores = {part: score(outputs, getattr(prepared, part)) for part, outputs in answers.items()}
    lines.log_scores(scores["test"], baselines, recipe.task)
    seen = bool(serving.scored) and "test" not in serving.unseen
    if seen:
        console.say("refit", "the files hold a model of all rows, the test rows too: below, only the drop against Keras says something")
    learned = [*fitted.extra.get("warnings", ()), *_narrow(recipe, scores["test"])]
    for text in learned:
        console.warn(text)
    console.say("export", "every file is written, run and compared with Keras")
    serving.model.save(work / "model.keras")
    task.save_encoder(prepared.encoder, work)
    unseen = scores["test"].value if seen else 0.0
    exports, _ = export_files(serving, recipe.export, prepared.train, prepared.test, score, work, name, unseen)
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
        rows=prepared.rows,
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
    worthless = why_worthless(manifest.metrics["test"], manifest.baselines)
    warnings = [
        *([f"{lines.IMPORTANT}: {worthless}"] if worthless else []),
        *prepared.warnings,
        *([REFITTED] if seen else []),
        *undrawn,
        *unkept,
        *cuts,
        *_cut_short(fitted.history),
        *learned,
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


def _narrow(recipe, scores) -> list[str]:
    """A warning where the prediction intervals hold clearly fewer of the test values than they should."""
    calibration, found = getattr(recipe, "calibration", None), scores.metrics.get("coverage")
    if found is None or not hasattr(calibration, "coverage"):  # recommenders cover items, and have no intervals
        return []
    if getattr(calibration, "quantiles", None) != getattr(type(calibration)(), "quantiles", None):  # these set the interval then
        return []
    wanted, highest = calibration.coverage, scores.intervals.get("coverage", (found, found))[1]
    if highest >= wanted or found >= wanted - MOST_UNCOVERED:
        return []
    return [
        f"The prediction intervals hold {found:.1%} of the test values and not the {wanted:.0%} of calibration.coverage: the test rows "
        "differ from those that the intervals were calibrated on, so new ones may too."
    ]


def _cut_short(history) -> list[str]:
    why = {
        STOPPED: "was stopped by hand",
        EXPLODED: "ended early because its loss was not finite,",
        TIME_UP: "ended when train.time_limit was up,",
    }.get(history.stopped)
    return [f"The training {why} after epoch {len(history.rows)}; the model holds the best weights up to then."] if why else []
