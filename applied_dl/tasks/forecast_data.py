"""A file of series → windows in three parts, in time order: fitted on the training steps alone."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from msgspec.structs import replace

from applied_dl.data import Part, Prepared
from applied_dl.data.clock import Clock, parse_frequency
from applied_dl.data.fingerprint import fingerprint
from applied_dl.data.series import Columns, SeriesSet, read_series
from applied_dl.encoders.series import Block, SeriesEncoder, blocks, inputs_at, periods
from applied_dl.errors import DataError, UsageError
from applied_dl.metrics.forecasting import mase_scale
from applied_dl.models.forecast.classical import naive2
from applied_dl.tasks.forecast_settings import members_of, name_of

LOOKBACK = 512
NONE = np.array([], np.int64)
LARGEST_PANEL = 2 * 10**8  # numbers in the windows of a panel that are kept for calibration; more are sampled
CHANNELS = 1000  # more aligned series than this are a panel


class Cuts(NamedTuple):
    """Per series: the step where training ends and the step where validation ends."""

    train: list[int]
    validation: list[int]


def prepare_series(recipe) -> Prepared:
    """Read, settle sizes, split in time, cut windows."""
    d = recipe.data
    _check_split(d)
    data, cuts = _read(d)
    data, cuts = _trim(data, cuts, d)
    form = _form(data, d)
    clock = Clock(**dict(zip(("unit", "every"), parse_frequency(d.frequency)))) if d.frequency and data.clock.unit == "step" else data.clock
    season, horizon = d.season or clock.season, d.horizon or clock.horizon
    cuts = cuts or _cuts(data, d, form, horizon)
    _check(data, cuts, form, horizon, d)
    lookback = d.lookback or _lookback(cuts, form, horizon, season)
    notes = list(data.notes)
    if form == "panel":
        data, cuts = _long_enough(data, cuts, horizon, notes)
    known = [values[: end if form == "aligned" else max(end, 2)] for values, end in zip(data.values, cuts.train)]
    center, scale = _units(known) if form == "aligned" else ((0.0,), (1.0,))
    _note_constant(data.names, known, notes)
    calendar = periods(data.clock) if d.calendar else ()
    name = name_of(recipe, form, cuts.train[0] - lookback - horizon + 1, season)
    cycle = (recipe.model.cycle or season) if form == "aligned" and "cyclenet" in members_of(recipe, name) else 0
    encoder = SeriesEncoder(
        columns=data.columns, clock=data.clock, form=form, names=tuple(data.names), lookback=lookback, horizon=horizon, season=season,
        center=center, scale=scale, coverage=recipe.score.coverage, cycle=cycle,
        calendar=calendar, levels=_levels(data), max_missing=d.max_missing)  # fmt: skip
    made = blocks(encoder, data)
    parts, state = (_aligned if form == "aligned" else _panel)(encoder, made, cuts)
    state |= {"blocks": [_resident(block) for block in made], "known": known, **_covariates(made, cuts)}
    missing = int(sum(np.isnan(v).sum() for v in data.values))
    if missing:
        notes.append(
            f"{missing:,} missing values ({missing / sum(map(len, data.values)):.1%}) were filled from the past alone and are never scored"
        )
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
        "windows": len(parts["train"]),
        "from": data.clock.text(np.array([min(data.starts)]))[0],
        "to": data.clock.text(np.array([max(s + len(v) for s, v in zip(data.starts, data.values)) - 1]))[0],
    }
    digest = fingerprint(*data.names, *list(data.values), *list(data.future), *list(data.past))
    return Prepared(encoder=encoder, **parts, fingerprint=digest, facts=facts, warnings=notes, state=state)


def columns_of(d) -> Columns:
    """The recipe's reading of a file."""
    targets = (d.target,) if isinstance(d.target, str) else tuple(d.target or ())
    return Columns(
        layout=d.layout,
        time=d.time,
        series=d.series,
        targets=targets,
        past=d.past,
        future=d.future,
        static=d.static,
        frequency=d.frequency,
        duplicates=d.duplicates,
        irregular=d.irregular,
    )


def _check_split(d) -> None:
    if min(d.split) < 0 or sum(d.split) > 1 + 1e-9 or d.split[0] == 0 or d.split[2] == 0:
        raise UsageError(f"data.split must be three shares of train, validation and test that sum to 1; received {list(d.split)}.")
    if d.test and not d.train:
        raise UsageError("data.test needs data.train beside it.")
    for name, value, options in (
        ("duplicates", d.duplicates, ("mean", "refuse")),
        ("irregular", d.irregular, ("refuse", "resample")),
        ("gaps", d.gaps, ("fill", "refuse")),
    ):
        if value not in options:
            raise UsageError(f"data.{name} must be one of {', '.join(options)}; received {value!r}.")


def _read(d) -> tuple[SeriesSet, Cuts | None]:
    """The series of the source, or those of the explicit files joined in time with the cuts between them."""
    if not d.train:
        return read_series(d.source, columns_of(d)), None
    found = read_series(d.train, columns_of(d))
    ends = [[len(v) for v in found.values]]
    for path in (d.validation, d.test):
        if path is None:
            ends.append(None)
            continue
        following = read_series(path, found.columns, found.clock)
        found = _joined(found, following, path)
        ends.append([len(v) for v in found.values])
    train, validation, test = ends
    if test is None:
        raise UsageError("data.train needs data.test beside it: the file of the steps that follow.")
    if validation is None:
        ahead = [t - e for t, e in zip(test, train)]  # as much of the training file's end as the test is long
        train, validation = [e - a for e, a in zip(train, ahead)], train
    return found, Cuts(train, validation)


def _joined(first: SeriesSet, following: SeriesSet, path) -> SeriesSet:
    place = {name: i for i, name in enumerate(following.names)}
    lacking = [name for name in first.names if name not in place]
    if lacking:
        raise DataError(
            f"{path} lacks the series {', '.join(map(repr, lacking[:5]))} of the training file; expected the steps that follow each."
        )
    values = []
    for name, start, known in zip(first.names, first.starts, first.values):
        more = following.values[place[name]]
        gap = 0 if first.columns.layout == "rows" or first.columns.time is None else following.starts[place[name]] - start - len(known)
        if gap < 0:
            raise DataError(
                f"{path}, series {name!r}: it begins {-gap} steps before the training file ends; expected the steps that follow."
            )
        values.append(np.concatenate([known, np.full(gap, np.nan), more]))
    return replace(first, values=values)


def _trim(data: SeriesSet, cuts, d) -> tuple[SeriesSet, Cuts | None]:
    """Series start at their first value and are no longer than `data.rows`; too many missing values are refused."""
    values, starts, past, future, cut = [], [], [], [], []
    for i, (name, v) in enumerate(zip(data.names, data.values)):
        v = v[: d.rows]
        known = ~np.isnan(v)
        if not known.any():
            raise DataError(f"Series {name!r}: every value is missing; expected numbers.")
        first = int(known.argmax())
        cut.append(first)
        share = 1 - known[first:].mean()
        if share > d.max_missing or (share > 0 and d.gaps == "refuse"):
            where = data.clock.text(np.array([data.starts[i] + first + int((~known[first:]).argmax())]))[0]
            limit = "data.gaps is 'refuse'" if d.gaps == "refuse" else f"data.max_missing is {d.max_missing:.0%}"
            raise DataError(
                f"Series {name!r}: {share:.0%} of its values are missing (the first at {where}) and {limit}; fill them or "
                "leave the series out."
            )
    common = data.aligned and max(cut) <= 0.3 * min(map(len, data.values))
    cut = [max(cut)] * len(cut) if common else cut
    for i, first in enumerate(cut):
        values.append(data.values[i][: d.rows][first:])
        starts.append(data.starts[i] + first)
        past += [data.past[i][first:]] if data.past else []
        future += [data.future[i][first:]] if data.future else []
    data = replace(data, values=values, starts=starts, past=past, future=future)
    if cuts:
        cuts = Cuts(*([end - first for end, first in zip(ends, cut)] for ends in cuts))
    return data, cuts


def _form(data: SeriesSet, d) -> str:
    if d.test_horizons or d.static or not data.aligned or len(data.names) > CHANNELS or data.columns.layout == "rows":
        return "panel"
    return "aligned"


def _cuts(data: SeriesSet, d, form: str, horizon: int) -> Cuts:
    if form == "panel":
        ahead = horizon * (d.test_horizons or 1)
        return Cuts([len(v) - ahead - horizon for v in data.values], [len(v) - ahead for v in data.values])
    steps = len(data.values[0])
    train, validation = round(d.split[0] * steps), round((d.split[0] + d.split[1]) * steps)
    return Cuts([train] * len(data.names), [validation] * len(data.names))


def _check(data: SeriesSet, cuts: Cuts, form: str, horizon: int, d) -> None:
    """Refuse what cannot be forecast, by series and reason."""
    if form == "aligned":
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
                    f"{f' and a lookback of {d.lookback}' if d.lookback else ''}; give a longer history or a smaller data.horizon."
                )
    elif max(cuts.train) < horizon + 2:
        longest = int(np.argmax(cuts.train))
        raise DataError(
            f"Every series is too short: the longest, {data.names[longest]!r}, has {len(data.values[longest])} steps, expected at least "
            f"{3 * horizon + 2} for a horizon of {horizon} with one for validation and one for the test."
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
        typical = float(np.median(list(cuts.train)))
        most = int(max(min(7 * horizon, 0.4 * typical), min(horizon, typical / 2), 2))
    if form == "aligned" and most == LOOKBACK:
        return most
    return most // season * season if most >= 2 * season else max(most, min(season, most))


def _long_enough(data: SeriesSet, cuts: Cuts, horizon: int, notes: list[str]) -> tuple[SeriesSet, Cuts]:
    """Series with no history before the test are left out; those too short to train on are still forecast. Both are named."""
    kept = [i for i, end in enumerate(cuts.validation) if end >= 2]
    left = [data.names[i] for i in range(len(data.names)) if i not in set(kept)]
    short = [data.names[i] for i in kept if cuts.train[i] < horizon + 2]
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


def _note_constant(names, known, notes) -> None:
    still = [name for name, v in zip(names, known) if np.nanmax(v) == np.nanmin(v)]
    if still:
        notes.append(f"{len(still)} series are constant over their training steps: {', '.join(still[:5])}{', …' if len(still) > 5 else ''}")


def _levels(data: SeriesSet) -> tuple[tuple[str, ...], ...]:
    if not data.static:
        return ()
    columns = list(zip(*data.static))
    return tuple(tuple(sorted({str(c) for c in column})) if any(isinstance(c, str) for c in column) else () for column in columns)


def _resident(block: Block) -> dict:
    found = {"values": block.values, "start": block.start}
    return found | {name: getattr(block, name) for name in ("past", "future", "static") if getattr(block, name) is not None}


def _covariates(made: list[Block], cuts: Cuts) -> dict:
    """Mean and deviation of the covariates over training steps."""
    state = {}
    for name in ("past", "future"):
        rows = [getattr(block, name)[:end] for block, end in zip(made, cuts.train) if getattr(block, name) is not None]
        if rows:
            rows = np.concatenate(rows)
            scale = np.nanstd(rows, axis=0)
            state[name] = (tuple(map(float, np.nanmean(rows, axis=0))), tuple(float(s) if s > 1e-9 else 1.0 for s in scale))
    return state


def _aligned(encoder: SeriesEncoder, made: list[Block], cuts: Cuts) -> tuple[dict[str, Part], dict]:
    block, (train, validation) = made[0], (cuts.train[0], cuts.validation[0])
    scale = np.array([mase_scale(v[:train], encoder.season) for v in block.truth.T])
    L, H, T = encoder.lookback, encoder.horizon, len(block)
    ends = {
        "train": np.arange(L, train - H + 1),
        "validation": np.arange(max(train, L), validation - H + 1),
        "test": np.arange(max(validation, L), T - H + 1),
    }
    if len(ends["train"]) < 1:
        raise DataError(
            f"Series {block.names[0]!r}: {train} training steps hold no window of {L} + {H} steps; set a smaller "
            "data.lookback or data.horizon."
        )
    parts = {name: aligned_part(encoder, block, e, scale) for name, e in ends.items()}
    starts = {name: np.stack([np.zeros(len(e), np.int64), e - L], axis=1) for name, e in ends.items()}
    return parts, {"starts": starts, "pads": [0]}


def aligned_part(encoder: SeriesEncoder, block: Block, ends: np.ndarray, scale: np.ndarray) -> Part:
    """Windows as views of the block's one array: no copy until a batch is taken."""
    L, H, first, last = encoder.lookback, encoder.horizon, int(ends[0]), int(ends[-1])
    view = np.lib.stride_tricks.sliding_window_view
    inputs = {"history": view(block.values[first - L : last], L, axis=0).transpose(0, 2, 1)}
    if len(ends) > 1 and set(inputs_at(encoder, block, ends[:1])) - {"history"}:
        inputs |= {name: array for name, array in inputs_at(encoder, block, ends).items() if name != "history"}
    elif len(ends) == 1:
        inputs = inputs_at(encoder, block, ends)
    target = view(block.truth[first : last + H], H, axis=0).transpose(0, 2, 1)
    return Part(
        inputs=inputs, target=target, extra={"origin": block.start + ends, "mase_scale": np.broadcast_to(scale, (len(ends), len(scale)))}
    )


def _panel(encoder: SeriesEncoder, made: list[Block], cuts: Cuts) -> tuple[dict[str, Part], dict]:
    H, L = encoder.horizon, encoder.lookback
    # a window's history is at least half of what its series has: shorter ones would be mostly padding
    pads = [max(0, L - max(1, (end - H) // 2)) for end in cuts.train]
    enough = [end >= H + 2 for end in cuts.train]
    ends = {
        "train": [np.arange(L - pad, end - H + 1) if ok else NONE for pad, end, ok in zip(pads, cuts.train, enough)],
        "validation": [np.array([end]) if ok else NONE for end, ok in zip(cuts.train, enough)],
        "test": [np.arange(end, len(block) - H + 1, H) for block, end in zip(made, cuts.validation)],
    }
    windows = sum(map(len, ends["train"]))
    every = max(1, int(windows * L / LARGEST_PANEL))
    parts = {
        name: panel_part(
            encoder, made, [e[::every] for e in at] if name == "train" else at, cuts.validation if name == "test" else cuts.train
        )
        for name, at in ends.items()
    }
    starts = np.concatenate([np.stack([np.full(len(e), i), e - L + pad], axis=1) for i, (e, pad) in enumerate(zip(ends["train"], pads))])
    return parts, {"starts": {"train": starts.astype(np.int64)}, "pads": pads}


def panel_part(encoder: SeriesEncoder, made: list[Block], ends: list[np.ndarray], known: list[int]) -> Part:
    """The windows of a panel at the ends of each series, with the errors' units of its known steps and Naive 2's forecast."""
    H, inputs, target, scale, reference, origin, owner = encoder.horizon, [], [], [], [], [], []
    test = all(len(e) <= 8 for e in ends)
    for i, (block, at, end) in enumerate(zip(made, ends, known)):
        if len(at) == 0:
            continue
        inputs.append(inputs_at(encoder, block, at))
        target.append(block.truth[at[:, None] + np.arange(H)])
        scale += [mase_scale(block.truth[:end, 0], encoder.season)] * len(at)
        if test:
            reference.append(naive2(block.values[:, 0].astype(np.float64), at, H, encoder.season, end))
        origin.append(block.start + at)
        owner.append(np.full(len(at), i))
    extra = {"origin": np.concatenate(origin), "series": np.concatenate(owner), "mase_scale": np.array(scale)[:, None]}
    if test:
        extra["naive2"] = np.concatenate(reference)[..., None]
    return Part(
        inputs={name: np.concatenate([one[name] for one in inputs]) for name in inputs[0]}, target=np.concatenate(target), extra=extra
    )
