"""A file of series → windows in three parts, in time order: fitted on the training steps alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from msgspec.structs import replace

from applied_dl.core.errors import UsageError
from applied_dl.core.fingerprint import fingerprint
from applied_dl.core.records import Prepared
from applied_dl.io.clock import Clock, parse_frequency
from applied_dl.io.numeric_times import season_in_times
from applied_dl.tasks.forecast.encoder import SeriesEncoder, blocks, periods
from applied_dl.tasks.forecast.readers.lengths import (
    check_lengths,
    default_cuts,
    default_horizon,
    default_lookback,
    earlier,
    is_short,
    long_enough,
    short_cuts,
    short_lookback,
    smoothing_lookback,
)
from applied_dl.tasks.forecast.readers.read import Cuts, read, trim
from applied_dl.tasks.forecast.readers.statistics import (
    covariate_columns,
    covariate_units,
    levels_of,
    note_constant,
    offsets,
    static_center,
    units_of,
)
from applied_dl.tasks.forecast.readers.windows import State, aligned_part, aligned_windows, first_origin, panel_windows, short_windows
from applied_dl.tasks.forecast.selection import CLOSED, choose
from applied_dl.tasks.forecast.series import SeriesSet

CHANNELS = 1000  # more aligned series than this are a panel


def prepare_series(recipe, back: int | None = None, cache: Path | None = None) -> Prepared:
    """Read, choose the sizes, split in time, cut windows; `cache` keeps the series of a panel larger than memory.

    back: as it was when the last `back` steps had not come yet: the test is the one horizon before them, and all else was known.
    """
    d = recipe.data
    _check_keys(d)
    data, cuts = read(d, cache)
    data, cuts = trim(data, cuts, d)
    form = _form(data, d)
    clock = Clock(**dict(zip(("unit", "every"), parse_frequency(d.frequency)))) if d.frequency and data.clock.unit == "step" else data.clock
    _check_form(d, form, data)
    notes = list(data.notes)
    season = d.season or season_in_times(data.columns.form) or clock.season
    horizon = d.horizon or default_horizon(clock, data, form, notes)
    given, cuts = cuts, cuts or default_cuts(data, d, form, horizon)
    if back is not None:
        data, cuts = earlier(data, cuts, form, horizon, back)
    smoothed = recipe.model.name in (None, "ets") and not recipe.model.members and not d.past_covariates
    short = is_short(cuts, data, d, form, horizon, season, given is not None, smoothed)
    if short:
        cuts = short_cuts(data, cuts, form, horizon, d.test_horizons or 1, given is not None)
    check_lengths(data, cuts, form, horizon, d, short)
    if form == "panel":
        data, cuts = long_enough(data, cuts, horizon, notes, short)
    known = [values[: end if form == "aligned" else max(end, 2)] for values, end in zip(data.values, cuts.train)]
    center, scale = units_of(known) if form == "aligned" else ((0.0,), (1.0,))
    offset, own_offset = offsets(known, form, notes)
    center = tuple(c - o for c, o in zip(center, offset)) if offset else center
    note_constant(data.names, known, notes)
    lookback, (name, members) = _lookback_and_model(recipe, data, cuts, form, horizon, season, short, list(map(len, known)))
    names = members or (name,)
    calendar = _calendar(d, data.clock, form, short, names)
    cycle = (recipe.model.cycle or season) if form == "aligned" and "cyclenet" in names else 0
    encoder = SeriesEncoder(
        columns=data.columns, clock=data.clock, form=form, names=tuple(data.names), lookback=lookback, horizon=horizon, season=season,
        center=center, scale=scale, coverage=_coverage(recipe), cycle=cycle,
        calendar=calendar, levels=levels_of(data), static_center=static_center(data),
        quantiles=recipe.calibration.quantiles if own_quantiles(recipe) or recipe.train.loss == "quantile" else (),
        max_missing=d.max_missing,
        least=max(2, min(season, first_origin(max(cuts.train), season))) if short else 0,
        offset=offset, own_offset=own_offset, trend_padding=form == "panel" and all(one in CLOSED for one in names),
        past_columns=covariate_columns(data.past, data.past_names, cuts),
        future_columns=covariate_columns(data.future, data.future_names, cuts),
        seen=(float(min(np.nanmin(v) for v in known)), float(max(np.nanmax(v) for v in known))))  # fmt: skip
    series = blocks(encoder, data, [max(end, 2) for end in cuts.train])
    cut = short_windows if short else aligned_windows if form == "aligned" else panel_windows
    parts, starts, pads = cut(encoder, series, cuts)
    state = State(
        blocks=series, known=known, starts=starts, pads=pads, units=covariate_units(encoder, series, cuts), ends=tuple(cuts.validation)
    )
    if short:
        notes.append(
            f"the history is short for a horizon of {horizon} and a season of {season}: the model is chosen and its intervals are "
            f"calibrated by forecasts from within the training steps, and the last {len(data.values[0]) - cuts.train[0]} steps are the test"
        )
    missing = int(sum(np.isnan(v).sum() for v in data.values))
    if missing:
        share = missing / sum(map(len, data.values))
        notes.append(f"{missing:,} missing values ({share:.1%}) were filled from the past alone: they are learned, never scored")
    summary = (
        f"{len(data.names):,} series, {sum(map(len, data.values)):,} values, one every {data.clock.words}, season {season}: "
        f"{lookback} steps seen, {horizon} forecast"
    )
    facts = {
        "summary": summary,
        "series": len(data.names),
        "form": form,
        "frequency": data.clock.name,
        "season": season,
        "lookback": lookback,
        "horizon": horizon,
        "missing": missing,
        "windows": len(parts["train"]) if short else len(starts["train"]),
        "from": data.clock.text(np.array([min(data.starts)]))[0],
        "to": data.clock.text(np.array([max(s + len(v) for s, v in zip(data.starts, data.values)) - 1]))[0],
    }
    digest = fingerprint(*data.names, *list(data.values), *list(data.future), *list(data.past))
    return Prepared(encoder=encoder, **parts, fingerprint=digest, facts=facts, warnings=notes, state=state)


def _lookback_and_model(recipe, data: SeriesSet, cuts: Cuts, form: str, horizon: int, season: int, short: bool, lengths: list[int]):
    """Steps of history seen, and the model with its members: an aligned set's lookback decides on its model, a panel's follows from it."""
    given = recipe.data.lookback
    if form == "panel":
        model = choose(recipe, form, 0, season, short, lengths)
        if all(one in CLOSED for one in model[1] or model[:1]):
            return given or smoothing_lookback(cuts, season), model
        return given or default_lookback(cuts, form, horizon, season), model
    lookback = given or (short_lookback(len(data.values[0]), season) if short else default_lookback(cuts, form, horizon, season))
    return lookback, choose(recipe, form, max(1, cuts.train[0] - lookback - horizon + 1), season, short, lengths)


def _check_keys(d) -> None:
    """Refuse shares, policies and files that contradict each other."""
    if min(d.split) < 0 or sum(d.split) > 1 + 1e-9 or d.split[0] == 0 or d.split[2] == 0:
        raise UsageError(f"data.split must be three shares of train, validation and test that sum to 1; received {list(d.split)}.")
    for key in ("test", "validation"):
        if getattr(d, key) and not d.train:
            raise UsageError(f"data.{key} needs data.train beside it.")
    if d.train:
        for key in ("split", "test_horizons", "rows"):
            if getattr(d, key) != getattr(type(d)(), key):
                raise UsageError(f"data.{key} cuts data.source; with data.train the files are used exactly as given: remove it.")
    for name, value, options in (
        ("duplicates", d.duplicates, ("mean", "sum", "last", "refuse")),
        ("irregular", d.irregular or "refuse", ("refuse", "resample")),
        ("gaps", d.gaps, ("fill", "refuse")),
    ):
        if value not in options:
            raise UsageError(f"data.{name} must be one of {', '.join(options)}; received {value!r}.")


def _check_form(d, form: str, data: SeriesSet) -> None:
    """Refuse keys that this form of data has no use for."""
    if form == "panel" and d.split != type(d)().split:
        raise UsageError("data.split cuts series on one clock; a panel keeps the last data.test_horizons horizons of each series.")
    if d.calendar and not periods(data.clock):
        raise UsageError(f"data.calendar needs dates that vary in a year; the steps of this file are {data.clock.name!r}.")


def _calendar(d, clock: Clock, form: str, short: bool, names: tuple[str, ...]) -> tuple[str, ...]:
    """The recipe's choice; by default hour and weekday go with the columns known ahead of steps shorter than a day, which have a season of
    the day and one of the week. Not for a cyclenet, which sees no covariates."""
    found = periods(clock)
    if d.calendar is not None:
        return found if d.calendar else ()
    wanted = d.future_covariates and form == "aligned" and not short and any(name != "cyclenet" for name in names)
    return tuple(name for name in found if name != "year") if wanted and "hour" in found else ()


def _form(data: SeriesSet, d) -> str:
    """Series on one clock are the channels of one window, unless one window does not hold what each of them needs."""
    if d.test_horizons or d.static_covariates or not data.aligned or len(data.names) > CHANNELS or data.columns.layout == "rows":
        return "panel"
    return "aligned" if data.shared_covariates else "panel"


def with_newest_rows(prepared: Prepared) -> Prepared:
    """The same data for the choices of the shipped model: training and validation reach the end of the series, as long as they were.

    The encoder, the units of the covariates and the test part stay; there is nothing left that was never seen.
    """
    e, state = prepared.encoder, prepared.state
    lengths = [len(block) for block in state.blocks]
    if e.least:
        cut, cuts = short_windows, Cuts(lengths, lengths)
    else:
        moved = [length - end for length, end in zip(lengths, state.ends)]
        trained = [len(block) - (end - len(known)) for block, end, known in zip(state.blocks, state.ends, state.known)]
        if e.form == "aligned":
            moved, trained = moved[:1] * len(state.known), trained[:1] * len(state.known)
        else:  # of a series with hardly any training steps no more than leaves a horizon of known values
            trained = [min(end, length - e.horizon) for end, length in zip(trained, lengths)]
        cut, cuts = (aligned_windows if e.form == "aligned" else panel_windows), Cuts(trained, lengths)
    parts, starts, pads = cut(e, state.blocks, cuts, ("train", "validation"))
    if e.form == "aligned" and not e.least:  # from the newest origins too, whose horizon has only begun
        block, extra = state.blocks[0], prepared.validation.extra["mase_scale"][0]
        unknown = np.full((e.horizon, block.truth.shape[1]), np.nan, np.float32)
        ends = np.arange(max(cuts.train[0], e.lookback), len(block))
        if block.future is not None:  # as far as the covariates are known ahead
            ends = ends[ends + e.horizon <= np.flatnonzero(~np.isnan(block.future).any(axis=1)).max() + 1]
        parts["validation"] = aligned_part(e, replace(block, truth=np.concatenate([block.truth, unknown])), ends, extra)
    known = [column.astype(np.float64) for block in state.blocks for column in block.truth.T]
    later = replace(state, known=known, starts=starts, pads=pads, ends=tuple(lengths))
    return replace(prepared, train=parts["train"], validation=parts["validation"], state=later)


def with_all_rows(prepared: Prepared) -> Prepared:
    """The same data for the fit of the model that is shipped: every step is a training step, and every window a training window.

    The encoder, the units of the covariates and the other parts stay: validation, then seen, only watches the training of a network.
    """
    e, state = prepared.encoder, prepared.state
    lengths = [len(block) for block in state.blocks]
    cut = short_windows if e.least else aligned_windows if e.form == "aligned" else panel_windows
    parts, starts, pads = cut(e, state.blocks, Cuts(lengths, lengths), ("train",))
    known = [column.astype(np.float64) for block in state.blocks for column in block.truth.T]
    later = replace(state, known=known, starts={**starts, **_validation(state)}, pads=pads)
    return replace(prepared, train=parts["train"], state=later)


def _validation(state: State) -> dict[str, np.ndarray]:
    return {name: rows for name, rows in state.starts.items() if name == "validation"}


def own_quantiles(recipe) -> bool:
    """Whether the recipe names quantiles other than the default ones."""
    return recipe.calibration.quantiles != type(recipe.calibration)().quantiles


def _coverage(recipe) -> float:
    """The share that the interval promises: what lies between the outer quantiles, where the recipe names them."""
    quantiles = recipe.calibration.quantiles
    return round(quantiles[-1] - quantiles[0], 9) if own_quantiles(recipe) and len(quantiles) > 1 else recipe.calibration.coverage
