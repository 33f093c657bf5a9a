"""A rolling-origin backtest: at each of many moments of the test, what would have been forecast then, beside the actual values.

A recipe is fitted again at every origin on all that was known there (Tashman, 2000): ridge through its sums, which costs a solve an origin;
every other model by a whole training. A bundle forecasts as it is; ridge, fitted again at the same origins, shows whether the bundle
has aged.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from applied_dl.core import config, console
from applied_dl.core.errors import UsageError
from applied_dl.core.metrics.forecasting import known_scale
from applied_dl.core.records import Part, Prepared
from applied_dl.exporting.precisions import keras_outputs
from applied_dl.tasks.forecast import task
from applied_dl.tasks.forecast.baselines import classical_forecasts
from applied_dl.tasks.forecast.encoder import Block
from applied_dl.tasks.forecast.models.closed_form import backtest, fit_ridge
from applied_dl.tasks.forecast.readers.prepare import prepare_series
from applied_dl.training.reproducible import set_up
from applied_dl.training.trainer import CheckpointingTrainer

CHEAP, DEAR = 200, 5  # origins by default: of refits that cost a solve, and of those that cost a training


class Backtest(NamedTuple):
    """Forecasts and actual values.

    part: the windows of the origins (O rows, of a panel one per series and origin). outputs: by method. refits: how many fits. blocks: the
    whole series, as `prepare` left them.
    """

    recipe: object
    encoder: object
    part: Part
    outputs: dict[str, dict[str, np.ndarray]]
    refits: int
    blocks: list[Block]


def of_recipe(recipe, count: int | None) -> Backtest:
    """Every origin with a fit of its own. Raises `UsageError` where the test holds fewer origins than asked for."""
    whole = prepare_series(recipe)
    recipe = task.resolve_defaults(recipe, whole)
    if recipe.model.name == "ridge" and _plain(whole):
        at = _thinned(whole, count, CHEAP)
        part = whole.test.take(at)
        return Backtest(recipe, whole.encoder, part, {**_ridge(whole, part), **_classical(whole, part)}, len(at), whole.state.blocks)
    return _retrained(recipe, whole, count)


def of_bundle(recipe, prepared: Prepared, answer: Callable[[dict], dict], count: int | None) -> Backtest:
    """The bundle as it is, by `answer(inputs) -> outputs`, at the origins of its test."""
    part = prepared.test.take(_thinned(prepared, count, CHEAP)) if prepared.encoder.form == "aligned" else prepared.test
    outputs = {"the bundle, as it is": answer(part.inputs)}
    refits = 0
    if _plain(prepared):
        outputs |= {"ridge, refitted": _ridge(prepared, part)["ridge, refitted"]}
        refits = len(part)
    return Backtest(recipe, prepared.encoder, part, outputs | _classical(prepared, part), refits, prepared.state.blocks)


def _plain(prepared: Prepared) -> bool:
    """Whether ridge sees all there is: series on one clock, no covariates, and a validation part."""
    if "validation" not in prepared.state.starts:
        return False
    return (
        prepared.encoder.form == "aligned"
        and "validation" in prepared.state.starts
        and not {"past", "future", "static"} & set(prepared.test.inputs)
    )


def _thinned(prepared: Prepared, count: int | None, default: int) -> np.ndarray:
    """Rows of the test, evenly spread."""
    have = len(prepared.test)
    if count is not None and count > have:
        raise UsageError(f"The test holds {have:,} origins, {count:,} were asked for; give --origins at most {have}.")
    return np.unique(np.linspace(0, have - 1, min(count or default, have)).round().astype(int))


def _ridge(prepared: Prepared, part: Part) -> dict[str, dict[str, np.ndarray]]:
    """Ridge refitted at every origin, and ridge fitted once; the penalty is chosen on the validation windows of the recipe."""
    e, block = prepared.encoder, prepared.state.blocks[0]
    center, scale = np.array(e.center, np.float32), np.array(e.scale, np.float32)
    values = (block.values - center) / scale
    every = np.lib.stride_tricks.sliding_window_view(values, e.lookback + e.horizon, axis=0)
    begin = {name: prepared.state.starts[name][:, 1] for name in ("train", "validation")}
    cut = {name: [every[b[0] : b[-1] + 1, d] for d in range(e.channels)] for name, b in begin.items()}
    found = fit_ridge(cut["train"], cut["validation"], e.lookback, ("last",))
    steps = part.extra["origin"] - block.start
    refitted = backtest(values, e.lookback, e.horizon, steps, found.chosen["penalty"])
    history = (part.inputs["history"] - center) / scale
    last = history[:, -1:]
    once = last + np.einsum("nld,lh->nhd", history - last, found.kernel)
    return {
        "ridge, refitted": {"forecast": (refitted * scale + center).astype(np.float32)},
        "ridge, fitted once": {"forecast": (once * scale + center).astype(np.float32)},
    }


def _classical(prepared: Prepared, part: Part) -> dict[str, dict[str, np.ndarray]]:
    """The classical forecasters at the same origins."""
    e, series = prepared.encoder, prepared.state.blocks
    if e.form == "aligned":
        known, origins = [len(prepared.state.known[0])], [part.extra["origin"] - series[0].start]
    else:
        origins = [part.extra["origin"][part.extra["series"] == i] - block.start for i, block in enumerate(series)]
        known = [int(at[0]) if len(at) else len(block.values) for block, at in zip(series, origins)]
    return {name: {"forecast": found} for name, found in classical_forecasts(e, series, known, origins).items()}


def _retrained(recipe, whole: Prepared, count: int | None) -> Backtest:
    """A whole training at every origin, on all that was known there; the last of it is validation, as the recipe splits."""
    e, steps = whole.encoder, max(len(block.values) for block in whole.state.blocks)
    if e.form == "aligned":
        rows = _thinned(whole, count, DEAR)
        backs = steps - e.horizon - (whole.test.extra["origin"][rows] - whole.state.blocks[0].start)
    else:
        backs = e.horizon * np.arange(count or recipe.data.test_horizons or 1)[::-1]
    parts, answers, classical = [], [], []
    once = config.replace(recipe, train={"refit": False})  # nothing after an origin is known there
    for i, back in enumerate(backs):
        prepared = prepare_series(recipe, int(back))
        set_up(recipe.train.seed, recipe.train.deterministic)
        console.say(
            "origin", f"{i + 1} of {len(backs)}, {e.clock.text(prepared.test.extra['origin'][:1])[0]}: {len(prepared.train):,} windows"
        )
        serving = task.serving(recipe, task.fit(once, prepared, CheckpointingTrainer()), prepared)
        parts.append(prepared.test)
        answers.append(keras_outputs(serving, prepared.test))
        classical.append(_classical(prepared, prepared.test))
    name = f"{recipe.model.name}, refitted"
    outputs = {name: _joined(answers)} | {method: _joined([c[method] for c in classical]) for method in classical[0]}
    extra = _joined([{k: np.asarray(v) for k, v in part.extra.items()} for part in parts])
    part = Part(inputs=_joined([part.inputs for part in parts]), target=np.concatenate([part.target for part in parts]), extra=extra)
    return Backtest(recipe, e, part, outputs, len(backs), whole.state.blocks)


def _joined(rows: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    return {key: np.concatenate([np.asarray(row[key]) for row in rows]) for key in rows[0]}


def by_origin(found: Backtest) -> dict[str, np.ndarray]:
    """Mean absolute error (O,) of every method at each origin in standard deviations of the training data; of a panel, the mean MASE."""
    e, part = found.encoder, found.part
    unit = np.array(e.scale) if e.form == "aligned" else known_scale(part.extra["mase_scale"])[:, None]
    rows = {name: np.nanmean(np.abs(part.target - out["forecast"]) / unit, axis=(1, 2)) for name, out in found.outputs.items()}
    if e.form == "aligned":
        return rows
    turn = turns(part)
    return {name: np.array([np.nanmean(values[turn == k]) for k in np.unique(turn)]) for name, values in rows.items()}


def turns(part: Part) -> np.ndarray:
    """(N,) of a panel's rows: which origin of its series each is, 0 for the first."""
    place = np.zeros(len(part.target), int)
    for series in np.unique(part.extra["series"]):
        rows = np.flatnonzero(part.extra["series"] == series)
        place[rows[np.argsort(part.extra["origin"][rows], kind="stable")]] = np.arange(len(rows))
    return place
