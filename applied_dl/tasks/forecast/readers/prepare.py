"""A file of series → windows in three parts, in time order: fitted on the training steps alone."""

from __future__ import annotations

import numpy as np
from msgspec.structs import replace

from applied_dl.core.errors import DataError, UsageError
from applied_dl.core.fingerprint import fingerprint
from applied_dl.core.records import Prepared
from applied_dl.io.clock import Clock, parse_frequency
from applied_dl.tasks.forecast.encoder import Block, SeriesEncoder, blocks, periods
from applied_dl.tasks.forecast.readers.read import Cuts, read, trim
from applied_dl.tasks.forecast.readers.windows import (
    SEASONS_READ,
    STEPS_READ,
    State,
    aligned_part,
    aligned_windows,
    first_origin,
    panel_windows,
    short_windows,
)
from applied_dl.tasks.forecast.selection import choose
from applied_dl.tasks.forecast.series import ANY, SeriesSet

LOOKBACK = 512
FEWEST_OF_A_TEXT = 3  # training rows in which a text of a covariate must occur to have an effect of its own
FAR_FROM_ZERO = 1000.0  # deviations of the mean from zero, beyond which it is subtracted in float64
SHORT_STEPS = 20  # of a training part without a season, beside two horizons, under which there is no validation part
LEAST_STEPS = 4  # before the test, of the longest series
CHANNELS = 1000  # more aligned series than this are a panel


def prepare_series(recipe, back: int | None = None) -> Prepared:
    """Read, resolve_defaults sizes, split in time, cut windows.

    back: as it was when the last `back` steps had not come yet: the test is the one horizon before them, and all else was known.
    """
    d = recipe.data
    _check_keys(d)
    data, cuts = read(d)
    data, cuts = trim(data, cuts, d)
    form = _form(data, d)
    clock = Clock(**dict(zip(("unit", "every"), parse_frequency(d.frequency)))) if d.frequency and data.clock.unit == "step" else data.clock
    _check_form(d, form, data)
    notes = list(data.notes)
    season = d.season or clock.season
    horizon = d.horizon or _horizon(clock, data, form, notes)
    given, cuts = cuts, cuts or _cuts(data, d, form, horizon)
    if back is not None:
        data, cuts = _earlier(data, cuts, form, horizon, back)
    short = _too_short(cuts, data, d, form, horizon, season, given is not None)
    if short:
        cuts = _short_cuts(data, cuts, form, horizon, d.test_horizons or 1, given is not None)
    _check(data, cuts, form, horizon, d, short)
    lookback = d.lookback or (_short_lookback(max(map(len, data.values)), season) if short else _lookback(cuts, form, horizon, season))
    if form == "panel":
        data, cuts = _long_enough(data, cuts, horizon, notes, short)
    known = [values[: end if form == "aligned" else max(end, 2)] for values, end in zip(data.values, cuts.train)]
    center, scale = _units(known) if form == "aligned" else ((0.0,), (1.0,))
    offset, own_offset = _offsets(known, form, notes)
    center = tuple(c - o for c, o in zip(center, offset)) if offset else center
    _note_constant(data.names, known, notes)
    windows = max(1, cuts.train[0] - lookback - horizon + 1)
    name, members = choose(recipe, form, windows, season, short)
    calendar = _calendar(d, data.clock, form, short, members or (name,))
    cycle = (recipe.model.cycle or season) if form == "aligned" and "cyclenet" in (members or (name,)) else 0
    encoder = SeriesEncoder(
        columns=data.columns, clock=data.clock, form=form, names=tuple(data.names), lookback=lookback, horizon=horizon, season=season,
        center=center, scale=scale, coverage=_coverage(recipe), cycle=cycle,
        calendar=calendar, levels=_levels(data), static_center=_static_center(data),
        quantiles=recipe.calibration.quantiles if own_quantiles(recipe) or recipe.train.loss == "quantile" else (),
        max_missing=d.max_missing,
        least=max(2, min(season, first_origin(max(cuts.train), season))) if short else 0,
        offset=offset, own_offset=own_offset,
        past_columns=_covariate_columns(data.past, data.past_names, cuts),
        future_columns=_covariate_columns(data.future, data.future_names, cuts),
        seen=(float(min(np.nanmin(v) for v in known)), float(max(np.nanmax(v) for v in known))))  # fmt: skip
    series = blocks(encoder, data)
    cut = short_windows if short else aligned_windows if form == "aligned" else panel_windows
    parts, starts, pads = cut(encoder, series, cuts)
    state = State(
        blocks=series, known=known, starts=starts, pads=pads, units=_covariate_units(encoder, series, cuts), ends=tuple(cuts.validation)
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
        f"{len(data.names):,} series, {sum(map(len, data.values)):,} values every {data.clock.name}, season {season}: "
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
    if d.test_horizons or d.static_covariates or not data.aligned or len(data.names) > CHANNELS or data.columns.layout == "rows":
        return "panel"
    return "aligned"


def _cuts(data: SeriesSet, d, form: str, horizon: int) -> Cuts:
    if form == "panel":
        ahead = horizon * (d.test_horizons or 1)
        return Cuts([len(v) - ahead - horizon for v in data.values], [len(v) - ahead for v in data.values])
    steps = len(data.values[0])
    train, validation = round(d.split[0] * steps), round((d.split[0] + d.split[1]) * steps)
    return Cuts([train] * len(data.names), [validation] * len(data.names))


def _earlier(data: SeriesSet, cuts: Cuts, form: str, horizon: int, back: int) -> tuple[SeriesSet, Cuts]:
    """The series without their last `back` steps, the last horizon of the rest their test; validation as long as it was."""
    values = [v[: len(v) - back] for v in data.values]
    ends = [max(0, len(v) - horizon) for v in values]
    ahead = [horizon if form == "panel" else b - a for a, b in zip(cuts.train, cuts.validation)]
    return replace(data, values=values), Cuts([max(0, end - a) for end, a in zip(ends, ahead)], ends)


def with_newest_rows(prepared: Prepared) -> Prepared:
    """The same data for the fit of the model that is shipped: training and validation reach the end of the series, as long as they were.

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


def own_quantiles(recipe) -> bool:
    """Whether the recipe names quantiles other than the default ones."""
    return recipe.calibration.quantiles != type(recipe.calibration)().quantiles


def _coverage(recipe) -> float:
    """The share that the interval promises: what lies between the outer quantiles, where the recipe names them."""
    quantiles = recipe.calibration.quantiles
    return round(quantiles[-1] - quantiles[0], 9) if own_quantiles(recipe) and len(quantiles) > 1 else recipe.calibration.coverage


def _horizon(clock: Clock, data: SeriesSet, form: str, notes: list[str]) -> int:
    """The clock's horizon; less where the series are shorter than five of it."""
    steps = max(len(v) for v in data.values)
    most = clock.horizon
    if steps >= (3 if form == "panel" else 5) * most:
        return most
    fits = max(steps // 4, min(clock.season, steps // 3) if clock.season > 1 else 1, 1)
    if fits < most:
        notes.append(f"data.horizon is {fits}: the {steps} steps of the series are too few for the usual {most}")
    return min(most, fits)


def _too_short(cuts: Cuts, data: SeriesSet, d, form: str, horizon: int, season: int, given: bool) -> bool:
    """Whether the history leaves no room for a training part of two seasons and two horizons, and a validation part, before the test.

    Files of training and validation that were given, and shares that were, are used as they are.
    """
    if d.split != type(d)().split or d.validation or (given and not d.train):
        return False
    if form == "panel":
        return max(cuts.train) < horizon + 2
    steps = len(data.values[0])
    least = 2 * horizon + (2 * season if season > 1 else SHORT_STEPS)
    return cuts.train[0] < least or cuts.validation[0] - cuts.train[0] < horizon or steps - cuts.validation[0] < horizon


def _short_cuts(data: SeriesSet, cuts: Cuts, form: str, horizon: int, ahead: int, given: bool) -> Cuts:
    """Training up to the test: the last horizon (of a panel `ahead` of them), or the test file that was given."""
    ends = cuts.validation if given else [len(v) - horizon * (ahead if form == "panel" else 1) for v in data.values]
    return Cuts(list(ends), list(ends))


def _short_lookback(most: int, season: int) -> int:
    """All there is, in whole seasons where it is two or more, up to what exponential smoothing reads."""
    if season > 1 and most >= 2 * season:
        return min(most // season * season, SEASONS_READ * season)
    return min(most, STEPS_READ if season == 1 else SEASONS_READ * season)


def _check(data: SeriesSet, cuts: Cuts, form: str, horizon: int, d, short: bool) -> None:
    """Refuse what cannot be forecast, by series and reason."""
    if short:
        longest = int(np.argmax(cuts.train))
        if cuts.train[longest] < LEAST_STEPS:
            raise DataError(
                f"Series {data.names[longest]!r} has {len(data.values[longest])} steps; expected at least {horizon + LEAST_STEPS} for a "
                f"horizon of {horizon}; give a longer history or a smaller data.horizon."
            )
        if d.lookback and d.lookback > max(map(len, data.values)):
            raise DataError(
                f"Series {data.names[longest]!r} has {len(data.values[longest])} steps, expected at least {d.lookback}, the data.lookback; "
                "give a smaller one."
            )
    elif form == "aligned":
        steps = len(data.values[0])
        for name, size in (
            ("training", cuts.train[0]),
            ("validation", cuts.validation[0] - cuts.train[0]),
            ("test", steps - cuts.validation[0]),
        ):
            least = 2 * horizon + (d.lookback or 1) if name == "training" else horizon
            if size < least:
                raise DataError(
                    f"Series {data.names[0]!r} has {steps} steps, {size} of them for {name}; expected at least {least} for a "
                    f"horizon of {horizon}"
                    f"{f' and a lookback of {d.lookback}' if d.lookback else ''}; give a longer history or a smaller data.horizon"
                    f"{' or data.lookback' if d.lookback else ''}."
                )
    elif max(cuts.train) < horizon + 2:
        longest = int(np.argmax(cuts.train))
        raise DataError(
            f"Every series is too short: the longest, {data.names[longest]!r}, has {len(data.values[longest])} steps, expected at least "
            f"{3 * horizon + 2} for a horizon of {horizon} with one for validation and one for the test."
        )
    if d.season and d.season > max(cuts.train):
        raise DataError(
            f"data.season = {d.season} is longer than the {max(cuts.train)} training steps of the longest series; give a shorter one."
        )
    if all(np.nanmax(v[: max(end, 1)]) == np.nanmin(v[: max(end, 1)]) for v, end in zip(data.values, cuts.train)):
        raise DataError(
            f"Series {data.names[0]!r} is constant ({np.nanmax(data.values[0]):g}) over its training steps; there is nothing to learn."
        )


def _lookback(cuts: Cuts, form: str, horizon: int, season: int) -> int:
    """512 steps, or what the history allows, in whole seasons where at least two fit."""
    if form == "aligned":
        most = min(LOOKBACK, max((cuts.train[0] - horizon) // 3, 1))
    else:
        typical = float(np.median([end for end in cuts.train if end >= horizon + 2]))
        most = int(max(min(7 * horizon, 0.4 * typical), min(horizon, typical / 2), 2))
    if form == "aligned" and most == LOOKBACK:
        return most
    if most >= 2 * season:
        return most // season * season
    if form == "aligned" and season > 1:  # two seasons, or one at the least, where enough training windows are left
        room = cuts.train[0] - horizon - max(horizon, season)
        return max(most, min(2 * season, room // season * season))
    return max(most, min(season, most))


def _long_enough(data: SeriesSet, cuts: Cuts, horizon: int, notes: list[str], one_cut: bool) -> tuple[SeriesSet, Cuts]:
    """Series with no history before the test are left out; those too short to train on are still forecast. Both are named."""
    kept = [i for i, end in enumerate(cuts.validation) if end >= 2]
    left = [data.names[i] for i in range(len(data.names)) if i not in set(kept)]
    short = [data.names[i] for i in kept if cuts.train[i] < horizon + 2 and not one_cut]
    for names, what in (
        (left, "have no history before their test and were left out"),
        (short, "are too short to train on and are only forecast"),
    ):
        if names:
            notes.append(f"{len(names)} series {what}: {', '.join(names[:5])}{', …' if len(names) > 5 else ''}")
    if not left:
        return data, cuts
    pick = lambda items: [items[i] for i in kept] if items else items  # noqa: E731
    data = replace(data, names=pick(data.names), values=pick(data.values), starts=pick(data.starts), past=pick(data.past),
                   future=pick(data.future), static=pick(data.static))  # fmt: skip
    return data, Cuts(pick(cuts.train), pick(cuts.validation))


def _units(known: list[np.ndarray]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    scale = [float(np.nanstd(v)) for v in known]
    return tuple(float(np.nanmean(v)) for v in known), tuple(s if s > 1e-12 else 1.0 for s in scale)


def _offsets(known: list[np.ndarray], form: str, notes: list[str]) -> tuple[tuple[float, ...], bool]:
    """What to subtract from the values of an aligned set before float32, or whether a panel's histories lose their first value.

    float32 holds 7 digits: values near 1e9 that differ by 100 would be read in steps of 64.
    """
    ratios = [abs(float(np.nanmean(v))) / (float(np.nanstd(v)) or np.inf) for v in known]
    if max(ratios) <= FAR_FROM_ZERO:
        return (), False
    if form == "panel":
        notes.append("values far from zero: the first value of each history is subtracted before the model and added to its forecast")
        return (), True
    offset = []
    for ratio, v in zip(ratios, known):
        digits = -int(np.floor(np.log10(np.nanstd(v) or 1.0)))
        offset.append(round(float(np.nanmean(v)), digits) if ratio > FAR_FROM_ZERO else 0.0)
    listed = ", ".join(f"{value:.12g}" for value in offset[:5]) + (", …" if len(offset) > 5 else "")
    notes.append(
        f"values far from zero: {listed} is subtracted before the model and added to its forecasts, because float32 holds 7 digits; where "
        "you run model.tflite without applied_dl, do the same"
    )
    return tuple(offset), False


def _note_constant(names, known, notes) -> None:
    still = [name for name, v in zip(names, known) if np.nanmax(v) == np.nanmin(v)]
    if still:
        listed = f"{', '.join(still[:5])}{', …' if len(still) > 5 else ''}"
        notes.append(f"{len(still)} series are constant over their training steps and count in no scaled score: {listed}")


def _levels(data: SeriesSet) -> tuple[tuple[str, ...], ...]:
    if not data.static:
        return ()
    columns = list(zip(*data.static))
    return tuple(tuple(sorted({str(c) for c in column})) if any(isinstance(c, str) for c in column) else () for column in columns)


def _covariate_columns(rows: list[np.ndarray], names: tuple, cuts: Cuts) -> tuple[tuple[str, str], ...]:
    """The covariates that vary in the training rows, each text among them that occurs often enough; empty where there are no texts."""
    if not any(text for _, text in names):
        return ()
    train = np.concatenate([one[:end] for one, end in zip(rows, cuts.train)])
    counts, total = np.nansum(train, axis=0), (~np.isnan(train)).sum(axis=0)
    kept = [not text or min(count, have - count) >= FEWEST_OF_A_TEXT for (_, text), count, have in zip(names, counts, total)]
    for column in {column for column, text in names if text}:
        texts = [i for i, (name, text) in enumerate(names) if name == column and text not in ("", ANY) and kept[i]]
        always = names.index((column, ANY))
        if len(texts) == 2 and not kept[always] and counts[texts].sum() == total[texts[0]]:
            kept[texts[1]] = False  # yes and no: one column says it all
    return tuple(name for name, keep in zip(names, kept) if keep)


def _static_center(data: SeriesSet) -> tuple[float, ...]:
    """The mean of every static column of numbers, 0 for texts."""
    columns = [[float(c) for c in column if c is not None and not isinstance(c, str)] for column in zip(*data.static)]
    return tuple(float(np.nanmean(numbers)) if not np.isnan(numbers).all() else 0.0 for numbers in columns)


def _covariate_units(encoder: SeriesEncoder, series: list[Block], cuts: Cuts) -> dict:
    """Mean and deviation of the covariates over training steps, of the static numbers over the series; texts stay 0 and 1."""
    units = {}
    for name in ("past", "future"):
        rows = [getattr(block, name)[:end] for block, end in zip(series, cuts.train) if getattr(block, name) is not None]
        if rows:
            rows = np.concatenate(rows)
            scale = np.nanstd(rows, axis=0)
            units[name] = (tuple(map(float, np.nanmean(rows, axis=0))), tuple(float(s) if s > 1e-9 else 1.0 for s in scale))
    if encoder.levels:
        number = np.concatenate([[not levels] * max(1, len(levels)) for levels in encoder.levels])
        rows = np.stack([block.static for block in series]).astype(np.float64)
        scale = rows.std(axis=0)
        units["static"] = (
            tuple(map(float, np.where(number, rows.mean(axis=0), 0.0))),
            tuple(map(float, np.where(number & (scale > 1e-9), scale, 1.0))),
        )
    return units
