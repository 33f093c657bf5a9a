"""Series and their cuts in time → the windows of the three parts: views of one array for an aligned set, rows for a panel."""

from __future__ import annotations

import numpy as np
from msgspec import Struct, field
from msgspec.structs import replace

from applied_dl.core.errors import DataError
from applied_dl.core.metrics.forecasting import mase_scale
from applied_dl.core.records import Part
from applied_dl.tasks.forecast.classical import naive2
from applied_dl.tasks.forecast.encoder import Block, SeriesEncoder, inputs_at
from applied_dl.tasks.forecast.readers.read import Cuts

PARTS = ("train", "validation", "test")
NONE = np.array([], np.int64)
LARGEST_PANEL = 10**7  # numbers in the windows of a panel kept as rows; of more, every n-th: networks gather their own


class State(Struct, frozen=True, kw_only=True):
    """What fitting needs beside the windows: `Prepared.state` of a forecast.

    blocks: the whole series. known: the training values (T,) of every series, with NaN. starts: by part, (N, 2) int64 of block number and
    first step of each window. pads: by block, the steps by which it is lengthened to the left. units: of the past, future and static
    covariates, the mean and the deviation of each column. ends: by series, the step where validation ends and the test begins.
    """

    blocks: list[Block]
    known: list[np.ndarray]
    starts: dict[str, np.ndarray]
    pads: list[int]
    units: dict[str, tuple[tuple[float, ...], tuple[float, ...]]] = field(default_factory=dict)
    ends: tuple[int, ...] = ()


def aligned_windows(
    encoder: SeriesEncoder, blocks: list[Block], cuts: Cuts, names: tuple[str, ...] = PARTS
) -> tuple[dict[str, Part], dict, list[int]]:
    """The windows of the three parts, their starts and pads (as in `State`), of series on one clock."""
    block, (train, validation) = blocks[0], (cuts.train[0], cuts.validation[0])
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
    parts = {name: aligned_part(encoder, block, ends[name], scale) for name in names}
    starts = {name: np.stack([np.zeros(len(e), np.int64), e - L], axis=1) for name, e in ends.items() if name in names}
    return parts, starts, [0]


def steps_read(season: int) -> int:
    """The newest steps that exponential smoothing reads: eight seasons of months and longer cycles, twelve of shorter ones, at least 36.

    What is older knows a level and a season that may have changed.
    """
    return max((8 if season >= 12 else 12) * season, 36)


def first_origin(steps: int, season: int) -> int:
    """The fewest known steps, of `steps`, from which a short series is forecast to choose and to calibrate.

    Two seasons, which show a trend; of shorter series a season and a quarter, or half of the steps.
    """
    if season > 1 and steps >= 2.25 * season:
        return 2 * season
    if season > 1 and steps > 1.25 * season + 1:
        return round(1.25 * season)
    return max(2, min(4, steps // 2) if season == 1 else steps // 2)


def short_windows(
    encoder: SeriesEncoder, blocks: list[Block], cuts: Cuts, names: tuple[str, ...] = PARTS
) -> tuple[dict[str, Part], dict, list[int]]:
    """The windows of series too short for a validation part: validation forecasts from the origins within the training steps.

    What lies beyond the training steps is NaN there, and never scored. Windows are lengthened to the left where the history is.
    """
    H, L = encoder.horizon, encoder.lookback
    ends: dict[str, list[np.ndarray]] = {"train": [], "validation": [], "test": []}
    for block, end in zip(blocks, cuts.train):
        first = min(first_origin(end, encoder.season), max(end - 1, 1))
        inner = np.arange(first, end)
        spread = inner if encoder.form == "aligned" else inner[np.unique(np.linspace(0, len(inner) - 1, min(8, len(inner))).astype(int))]
        ends["train"].append(np.arange(first, end - H + 1))
        ends["validation"].append(spread)
        ends["test"].append(np.arange(end, len(block) - H + 1, 1 if encoder.form == "aligned" else H))
    if not any(map(len, ends["train"])):
        ends["train"] = ends["validation"]  # no whole window: what is forecast from there is partly unknown
    until = {"train": cuts.train, "validation": cuts.train, "test": [len(block) for block in blocks]}
    parts = {name: _cut_part(encoder, blocks, at, cuts.train, until[name]) for name, at in ends.items() if name in names}
    pads = [max(0, L - min((int(e[0]) for e in (a, b) if len(e)), default=L)) for a, b in zip(ends["train"], ends["validation"])]
    whole = [at[at + H <= end] for at, end in zip(ends["train"], cuts.train)]
    starts = np.concatenate([np.stack([np.full(len(e), i), e - L + pad], axis=1) for i, (e, pad) in enumerate(zip(whole, pads))])
    return parts, {"train": starts.astype(np.int64)}, pads


def _carried_on(block: Block) -> Block:
    """The block, each column known ahead carried on over the steps after the values that the file does not know."""
    if block.future is None:
        return block
    future = block.future.copy()
    for column in future.T:
        known = np.flatnonzero(~np.isnan(column))
        if len(known):
            column[max(len(block), known[-1] + 1) :] = column[known[-1]]
    return replace(block, future=future)


def _cut_part(encoder: SeriesEncoder, blocks: list[Block], ends: list[np.ndarray], known: list[int], until: list[int]) -> Part:
    """Windows with rows of their own, their targets unknown from step `until` on."""
    H = encoder.horizon
    blocks, cut = [_carried_on(block) for block in blocks], []
    for block, end in zip(blocks, until):
        rows = np.full((max(len(block), end) + H, block.truth.shape[1]), np.nan, np.float32)
        rows[:end] = block.truth[:end]
        filled = np.concatenate([block.values[:end], np.repeat(block.values[end - 1 : end], len(rows) - end, axis=0)])
        cut.append((rows, filled))
    if encoder.form == "panel":
        return panel_part(encoder, blocks, ends, known, cut)
    block, at, (truth, _) = blocks[0], ends[0], cut[0]
    scale = np.array([mase_scale(v[: known[0]], encoder.season) for v in block.truth.T])
    return Part(
        inputs=inputs_at(encoder, block, at), target=truth[at[:, None] + np.arange(H)],
        extra={"origin": block.start + at, "mase_scale": np.broadcast_to(scale, (len(at), len(scale)))},
    )  # fmt: skip


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


def panel_windows(
    encoder: SeriesEncoder, blocks: list[Block], cuts: Cuts, names: tuple[str, ...] = PARTS
) -> tuple[dict[str, Part], dict, list[int]]:
    """The windows of the three parts, their starts and pads (as in `State`), of a panel."""
    H, L = encoder.horizon, encoder.lookback
    # a window's history is at least half of what its series has: shorter ones would be mostly padding
    pads = [max(0, L - max(1, (end - H) // 2)) for end in cuts.train]
    enough = [end >= H + 2 for end in cuts.train]
    ends = {
        "train": [np.arange(L - pad, end - H + 1) if ok else NONE for pad, end, ok in zip(pads, cuts.train, enough)],
        "validation": [np.array([end]) if ok else NONE for end, ok in zip(cuts.train, enough)],
        "test": [np.arange(end, len(block) - H + 1, H) for block, end in zip(blocks, cuts.validation)],
    }
    windows = sum(map(len, ends["train"]))
    every = max(1, -(-windows * L // LARGEST_PANEL))
    parts = {
        name: panel_part(
            encoder, blocks, [e[::every] for e in at] if name == "train" else at, cuts.validation if name == "test" else cuts.train
        )
        for name, at in ends.items()
        if name in names
    }
    starts = np.concatenate([np.stack([np.full(len(e), i), e - L + pad], axis=1) for i, (e, pad) in enumerate(zip(ends["train"], pads))])
    return parts, {"train": starts.astype(np.int64)}, pads


def panel_part(encoder: SeriesEncoder, blocks: list[Block], ends: list[np.ndarray], known: list[int], cut: list | None = None) -> Part:
    """The windows of a panel at the ends of each series, with the errors' units of its known steps and Naive 2's forecast."""
    H, inputs, target, filled, scale, reference, origin, owner = encoder.horizon, [], [], [], [], [], [], []
    test = all(len(e) <= 8 for e in ends)
    for i, (block, at, end) in enumerate(zip(blocks, ends, known)):
        if len(at) == 0:
            continue
        inputs.append(inputs_at(encoder, block, at))
        truth, values = cut[i] if cut else (block.truth, block.values)
        target.append(truth[at[:, None] + np.arange(H)])
        filled.append(values[at[:, None] + np.arange(H)])
        scale += [mase_scale(block.truth[:end, 0], encoder.season)] * len(at)
        if test:
            reference.append(naive2(block.values[:, 0].astype(np.float64), at, H, encoder.season, end))
        origin.append(block.start + at)
        owner.append(np.full(len(at), i))
    extra = {"origin": np.concatenate(origin), "series": np.concatenate(owner), "mase_scale": np.array(scale)[:, None]}
    if encoder.own_offset:
        extra["offset"] = np.concatenate([np.full((len(at), 1, 1), block.offset[0]) for block, at in zip(blocks, ends) if len(at)])
    extra["filled"] = np.concatenate(filled)  # the target without gaps, for a fit that needs every step
    if test:
        extra["naive2"] = np.concatenate(reference)[..., None]
    return Part(
        inputs={name: np.concatenate([one[name] for one in inputs]) for name in inputs[0]}, target=np.concatenate(target), extra=extra
    )
