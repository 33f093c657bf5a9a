"""Histories in, forecasts with future time stamps out: numpy alone, without TensorFlow."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from msgspec.structs import replace

from applied_dl.core.errors import AppliedError, DataError
from applied_dl.runtime.interpreter import Encoded
from applied_dl.tasks.forecast.encoder import Block, SeriesEncoder, blocks, inputs_at, load, unseen_texts
from applied_dl.tasks.forecast.examples import examples
from applied_dl.tasks.forecast.readers.series import read_series
from applied_dl.tasks.forecast.readers.tables import LARGEST
from applied_dl.tasks.forecast.series import ANY, SeriesSet

AT_ONCE = None
INPUT = "history"
LEAST_ALLOWED = 0.4  # share of missing values that every model accepts in a window, also one trained with a smaller data.max_missing
FAR = 8.0  # training deviations from the training mean beyond which a warning says that a history is unlike the training data


def load_encoder(folder: Path) -> SeriesEncoder:
    """The encoder of a bundle."""
    return load(folder)


def expand_inputs(arguments: list[str]) -> list:
    """Every file is one input; a file answers with one forecast per series it holds."""
    return list(arguments)


def input_batches(arguments: list[str]) -> Iterator[list]:
    """One file after the other: a history cannot be cut."""
    return ([one] for one in expand_inputs(arguments))


def raw_inputs(encoder: SeriesEncoder) -> list[tuple[str, str]]:
    """The columns of a history; where a series is a row, the columns of its values may have any name."""
    columns = encoder.columns
    times = [name for _, name in columns.time_parts] or [columns.time]
    names = [*(columns.series_parts or [columns.series]), *(times if columns.layout != "rows" else [])]
    texts = [(name, "BYTES") for name in names if name is not None]
    numbers = [*columns.targets, *columns.past, *columns.future, *columns.static]
    return texts + [(name, "BYTES" if name in columns.categories else "FP64") for name in numbers]


def encode(encoder: SeriesEncoder, inputs) -> Encoded:
    """The last window of every series of every file, table or dict of columns. A file that cannot be read is one error in its place."""
    single = hasattr(inputs, "columns") or hasattr(inputs, "iloc") or isinstance(inputs, dict)  # iloc: a pandas series is a history
    inputs = [inputs] if single else list(inputs)
    rows, slots, errors, warnings, kept, origin = [], [], {}, [], [], {}
    place = 0
    for number, item in enumerate(inputs):
        bare = isinstance(item, np.ndarray) or isinstance(item, list | tuple) and bool(item) and not isinstance(item[0], str)
        try:
            data = _bare(encoder, item) if bare else read_series(item, encoder.columns, _clock(encoder))
            series = blocks(encoder, data)
        except AppliedError as error:
            errors[place], origin[place] = str(error), number
            place += 1
            continue
        warnings += [*data.notes, *unseen_texts(encoder, data)]
        if encoder.form == "aligned" and not data.shared_covariates:
            warnings.append(f"the covariates differ between the series: those of {encoder.names[0]!r} are used for all, as in training")
        for block in series:
            block, ahead = _known_ahead(encoder, block)
            if ahead < encoder.horizon:
                warnings.append(f"series {block.names[0]!r}: the covariates are known for {ahead} steps ahead; its forecast ends there")
            try:
                window = inputs_at(encoder, block, np.array([len(block)]))
                _refuse_missing(encoder, block)
            except AppliedError as error:
                errors |= {place + i: str(error) for i in range(len(block.names))}
                origin |= {place + i: number for i in range(len(block.names))}
                place += len(block.names)
                continue
            warnings += _unlike(encoder, block)
            for channel, name in enumerate(block.names):
                kept.append(place)
                slots.append((len(rows), channel, name, None if bare else block.start + len(block), _offset(block, channel), ahead))
                place += 1
            rows.append(window)
    arrays = {name: np.concatenate([row[name] for row in rows]) for name in rows[0]} if rows else {}
    warnings = list(dict.fromkeys(warnings))[:10]
    return Encoded(inputs=arrays, kept=kept, errors=errors, warnings=warnings, origin=origin, extra={"slots": slots})


def postprocess(encoder: SeriesEncoder, outputs: dict, encoded: Encoded) -> list[dict]:
    """One forecast a series: future stamps, forecast, and the interval at the recipe's coverage.

    After a history without times, `times` counts the steps ahead: "+1", "+2", …; `quantiles` are there where the recipe names its own.
    """
    found = []
    for row, channel, name, first, offset, steps in encoded.extra["slots"]:
        ahead = np.arange(steps)
        times = [f"+{step + 1}" for step in ahead] if first is None else encoder.clock.text(first + ahead)
        numbers = {key: [float(v) + offset for v in outputs[key][row, :steps, channel]] for key in ("forecast", "lower", "upper")}
        if "quantiles" in outputs:
            learned = outputs["quantiles"][row, :steps, channel].T
            numbers["quantiles"] = {f"{q:g}": [float(v) + offset for v in line] for q, line in zip(encoder.quantiles, learned)}
        found.append({"series": name, "times": times, **numbers})
    return found


def _known_ahead(encoder: SeriesEncoder, block: Block) -> tuple[Block, int]:
    """The steps ahead for which covariates are known, and the block with their last values in the steps after those (not forecast)."""
    H = encoder.horizon
    if block.future is None:
        return block, H
    missing = np.isnan(block.future[len(block) :]).any(axis=1)
    steps = int(missing.argmax()) if missing.any() else H
    if steps in (0, H) or not missing[steps:].all():
        return block, H
    future = block.future.copy()
    future[len(block) + steps :] = future[len(block) + steps - 1]
    return replace(block, future=future), steps


def _offset(block: Block, channel: int) -> float:
    """What was subtracted from a series and is added to its forecasts."""
    return 0.0 if block.offset is None else float(block.offset[channel])


def appended(encoder: SeriesEncoder, inputs, answers: list[dict]) -> list[dict]:
    """Every history with its forecast after it, under the user's own column names.

    A wide file keeps its columns (times, targets, covariates); the forecast of its target stands in `forecast`, `lower` and `upper`, of
    several targets in `NAME_forecast`, … A long file has a row for each series and time. A history without such names has the columns
    `series`, `time` and `value`.

    Args:
        encoder: The encoder of the bundle.
        inputs: Files or tables.
        answers: As `predict` gives them for `inputs`: one for each series, or one for a file that cannot be read.

    Returns:
        One dict for each row.
    """
    rows, left = [], iter(answers)
    for item in inputs:
        source = {"input": str(item)} if len(inputs) > 1 else {}
        try:
            data = read_series(item, encoder.columns, _clock(encoder))
            series = blocks(encoder, data)
        except AppliedError:
            rows.append({**source, "error": next(left)["error"]})
            continue
        for block in series:
            own = [next(left) for _ in block.names]
            if any("error" in answer for answer in own):
                rows += [
                    {**source, "series": answer.get("series", name), "error": answer["error"]} for name, answer in zip(block.names, own)
                ]
                continue
            together = [(block.names, own)] if data.columns.layout == "wide" else [((n,), [a]) for n, a in zip(block.names, own)]
            for names, found in together:
                rows += [{**source, **row} for row in _with_forecast(encoder, data, block, names, found)]
    return rows


def _with_forecast(encoder: SeriesEncoder, data: SeriesSet, block: Block, names: tuple[str, ...], answers: list[dict]) -> list[dict]:
    """The rows of series of one block: their history, then their forecasts, both with the covariates that are known."""
    columns, steps = data.columns, len(block)
    wide = columns.layout == "wide"
    series = {} if wide else {columns.series if columns.layout == "long" else "series": names[0]}
    time = columns.time or "time"
    target = columns.targets[0] if columns.layout == "long" else "value"
    values = {name if wide else target: data.values[data.names.index(name)] for name in names}
    place = data.names.index(names[0])
    covariates = {
        **(_cells(data.past[place], data.past_names) if data.past else {}),
        **(_cells(data.future[place], data.future_names) if data.future else {}),
    }
    taken = {time, *series, *values, *covariates}
    several = len(names) > 1
    ahead = {}
    for name, answer in zip(names, answers):
        lines = {key: answer[key] for key in ("forecast", "lower", "upper")}
        lines |= {f"quantile_{q}": line for q, line in answer.get("quantiles", {}).items()}
        for key, line in lines.items():
            key = f"{name}_{key}" if several else key
            ahead[f"{key}_predicted" if key in taken else key] = line
    rows = []
    for step, when in enumerate([*encoder.clock.text(np.arange(block.start, block.start + steps)), *answers[0]["times"]]):
        row = {**series, time: when}
        if step < steps:
            row |= {name: None if np.isnan(cells[step]) else float(cells[step]) for name, cells in values.items()}
        row |= {name: cells[step] for name, cells in covariates.items() if step < len(cells)}
        rows.append(row if step < steps else row | {key: line[step - steps] for key, line in ahead.items()})
    return rows


def _cells(rows: np.ndarray, names: tuple[tuple[str, str], ...]) -> dict[str, list]:
    """Covariates (T, C) as the cells that the user wrote: numbers, or the text of each step."""
    found: dict[str, list] = {}
    for (column, text), values in zip(names, rows.T):
        if not text:
            found[column] = [None if np.isnan(v) else float(v) for v in values]
            continue
        cells = found.setdefault(column, [None] * len(values))
        if text != ANY:
            found[column] = [text if v > 0.5 else cell for v, cell in zip(values, cells)]
    return found


def _clock(encoder: SeriesEncoder):
    return None if encoder.columns.layout == "rows" else encoder.clock


def _bare(encoder: SeriesEncoder, item) -> SeriesSet:
    """An array of values alone. Raises `DataError` where the model reads more of a history than its values."""
    values, columns = _array(item), encoder.columns
    if encoder.form == "aligned" and values.shape[1] != len(encoder.names):
        raise DataError(f"The history has {values.shape[1]} columns, expected {len(encoder.names)}: {', '.join(encoder.names[:10])}.")
    more = [*columns.past, *columns.future, *columns.static]
    if more or encoder.cycle or encoder.calendar:
        what = f"the columns {', '.join(more)}" if more else "the times"
        raise DataError(f"This model needs {what} beside the values, which an array does not have; give a file or a table.")
    names = list(encoder.names) if encoder.form == "aligned" else [f"series {i + 1}" for i in range(values.shape[1])]
    return SeriesSet(names=names, values=list(values.T), starts=[0] * len(names), clock=encoder.clock, columns=columns)


def _array(item) -> np.ndarray:
    """Values (T, C) float64 of an array or a list of rows."""
    try:
        values = np.asarray(item, np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"The history is not an array of numbers: {str(error).splitlines()[0]}.") from error
    if values.ndim not in (1, 2):
        raise DataError(f"The history must have shape (T,) or (T, series), received {values.shape}.")
    if (far := np.isinf(values) | (np.abs(values) > LARGEST)).any():
        raise DataError(f"The history holds {values[far][0]:g}; expected numbers within ±{LARGEST:g}, without infinity.")
    return values[:, None] if values.ndim == 1 else values


def _refuse_missing(encoder: SeriesEncoder, block: Block) -> None:
    recent = block.truth[-encoder.lookback :]
    for name, column in zip(block.names, recent.T):
        share, most = float(np.isnan(column).mean()), max(encoder.max_missing, LEAST_ALLOWED)
        if share > most:
            raise DataError(
                f"Series {name!r}: {share:.0%} of its last {len(recent)} steps are missing, expected at most "
                f"{most:.0%}; give a history with fewer gaps."
            )


def _unlike(encoder: SeriesEncoder, block: Block) -> list[str]:
    """A note where the last window lies far from the training data, or varies far more; of a panel, where it is out of all its range."""
    recent = block.truth[-encoder.lookback :].astype(np.float64)
    mean = np.nanmean(recent, axis=0)
    if encoder.form != "aligned":
        mean = mean + _offset(block, 0)
        low, high = encoder.seen or (-np.inf, np.inf)
        if low - (high - low) <= mean[0] <= high + (high - low):
            return []
        return [f"series {block.names[0]!r}: its mean, {mean[0]:.4g}, is far from the training values ({low:g} to {high:g})"]
    away, wild = np.abs(mean - np.array(encoder.center)) / np.array(encoder.scale), np.nanstd(recent, axis=0) / np.array(encoder.scale)
    found = []
    for name, far, times in zip(block.names, away, wild):
        if far > FAR:
            found.append(f"series {name!r} is {far:.0f} training standard deviations away from what the model was trained on")
        if times > FAR:
            found.append(f"series {name!r} varies {times:.0f} times as much as what the model was trained on")
    return found


__all__ = [
    "INPUT", "AT_ONCE", "appended", "encode", "examples", "expand_inputs", "input_batches", "load_encoder", "postprocess", "raw_inputs",
]  # fmt: skip
