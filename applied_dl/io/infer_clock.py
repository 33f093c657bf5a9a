"""Which grid the stamps of a file keep: a step, months, opening hours, or a step with jitter."""

from __future__ import annotations

import numpy as np
from msgspec.structs import replace

from applied_dl.core.errors import DataError
from applied_dl.io.clock import MONTHS, NEAR, SECONDS, WEEK, Clock, moment, month_days

ON_GRID = 0.95  # share of the steps between stamps that must be whole multiples of the commonest
FEWEST_WEEKS = 3  # of data, to see which days or hours are closed
CLOSED = 0.05  # of the weeks hold a step that counts as closed, at most
OPEN = 0.75  # share of the open steps that must occur
FULL = 0.95  # of all steps of the weeks occur: nothing is closed
RARE = 0.25  # of the steps are multiples of the commonest: then there is no step at all
FEWEST_MONTHS, NEAR_DAYS = 12, 6  # stamps one a month, and how many days apart their days may be, as the first days of trading are
ROUND = tuple(n * s for s, counts in ((1, (1, 2, 5, 10, 15, 20, 30)), (60, (1, 2, 5, 10, 15, 20, 30)), (3600, (1, 2, 3, 4, 6, 8, 12)),
                                      (86400, (1, 7))) for n in counts)  # seconds that loggers count in  # fmt: skip


def infer_clock(stamps: np.ndarray, where: str, zone: bool = False) -> Clock:
    """The grid of sorted, distinct stamps. Raises `DataError` where no single step explains them."""
    if len(stamps) < 3:
        raise DataError(
            f"{where}: {len(stamps)} time stamp{'s' if len(stamps) != 1 else ''}, expected at least 3 to see the step between them; "
            "give a longer history or set data.frequency."
        )
    origin = str(stamps[0])
    days = stamps.astype("datetime64[D]")
    gaps = np.diff(stamps).astype(np.int64)
    months = stamps.astype("datetime64[M]")
    month_end = bool(((days + 1).astype("datetime64[M]") != months).all())
    same_day = len(np.unique((days - months.astype("datetime64[D]")).astype(np.int64))) == 1
    if (month_end or same_day) and np.median(gaps) > 27 * 86400e6:
        steps = np.diff(months.astype(np.int64))
        every = _commonest(steps)
        _check(steps, every, where, stamps, f"{every} months")
        unit = "y" if every % 12 == 0 else "q" if every % 3 == 0 else "m"
        return Clock(unit=unit, every=every // MONTHS[unit], origin=origin, month_end=month_end and not same_day, zone=zone)
    every = _commonest(gaps)
    if (gaps % every == 0).mean() < ON_GRID and (monthly := _monthly(stamps, zone)):
        return monthly
    weekdays = np.is_busday(days)
    if every == 86400e6 and weekdays.all() and len(days) > 5 and (gaps == 3 * every).mean() > 0.1:
        return Clock(unit="b", origin=origin, zone=zone)
    if opened := _opened(stamps, every, zone):
        return opened
    if (gaps % every == 0).mean() < ON_GRID and (jittered := _jittered(stamps, gaps, zone)):
        return jittered
    _check(gaps, every, where, stamps, _step_text(every))
    seconds = every / 1e6
    for unit in ("w", "d", "h", "min", "s"):
        if seconds % SECONDS[unit] == 0:
            return Clock(unit=unit, every=int(seconds // SECONDS[unit]), origin=origin, zone=zone)
    raise DataError(f"{where}: the commonest step between stamps is {seconds} s, expected whole seconds; resample the file first.")


def _opened(stamps: np.ndarray, every: int, zone: bool) -> Clock | None:
    """A clock with closed weekdays or hours: where whole runs of steps never occur, week after week; None where there are none."""
    step, rest = divmod(every, 10**6)
    unit = next((unit for unit in ("d", "h", "min", "s") if step and step % SECONDS[unit] == 0), None)
    if rest or unit is None or step > 86400 or 86400 % step:
        return None
    clock = Clock(unit=unit, every=step // SECONDS[unit], origin=str(stamps[0]), zone=zone, open=tuple(range(WEEK // step)))
    week, slot, away = clock.slots(stamps)
    weeks = int((stamps[-1] - stamps[0]).astype(np.int64) // (WEEK * 10**6))
    if (np.abs(away) > NEAR).any() or weeks < FEWEST_WEEKS or len(stamps) > FULL * (place := clock.place(stamps))[-1] - place[0]:
        return None
    counts = np.bincount(slot, minlength=WEEK // step)
    is_open = counts > CLOSED * weeks
    share = counts[is_open].sum() / (is_open.sum() * (weeks + 1))
    if is_open.mean() > FULL or share < OPEN:
        return None
    origin = stamps[int(is_open[slot].argmax())]
    return replace(clock, origin=str(origin), open=tuple(np.flatnonzero(is_open).tolist()))


def _monthly(stamps: np.ndarray, zone: bool) -> Clock | None:
    """Months kept on their 30th or last, on their last weekday, or on a day or the weekday after it; None where it is none of these."""
    days, months = stamps.astype("datetime64[D]"), stamps.astype("datetime64[M]")
    steps = np.diff(months.astype(np.int64))
    if (steps < 1).any() or (steps % _commonest(steps) != 0).any():
        return None
    every, numbers = _commonest(steps), (days - months.astype("datetime64[D]")).astype(int) + 1
    unit = "y" if every % 12 == 0 else "q" if every % 3 == 0 else "m"
    clock = Clock(unit=unit, every=every // MONTHS[unit], origin=str(stamps[0]), zone=zone)
    for day, end, business in ((int(numbers.max()), False, False), (31, True, True), (int(numbers.min()), False, True)):
        if np.array_equal(days, month_days(months, day, "backward" if end else "forward", business)):
            return replace(clock, day=0 if end else day, month_end=end, business=business)
    once = len(stamps) >= FEWEST_MONTHS and (steps == every).all() and int(np.ptp(numbers)) <= NEAR_DAYS
    return replace(clock, day=int(np.median(numbers))) if once else None


def _jittered(stamps: np.ndarray, gaps: np.ndarray, zone: bool) -> Clock | None:
    """The round step that nearly every stamp keeps but for a little jitter; None where there is none."""
    middle = float(np.median(gaps)) / 1e6
    step = min(ROUND, key=lambda seconds: abs(seconds - middle))
    if abs(step - middle) > NEAR * step:
        return None
    micro = stamps.astype(np.int64)
    first = round(int(micro[0]) / (step * 1e6)) * step * 10**6  # on a round moment, where the first stamp is near one
    first = first if abs(int(micro[0]) - first) <= NEAR * step * 1e6 else int(micro[0])
    place = (micro - first) / (step * 1e6)
    if (np.abs(place - np.rint(place)) <= NEAR).mean() < ON_GRID:
        return None
    unit = next(unit for unit in ("w", "d", "h", "min", "s") if step % SECONDS[unit] == 0)
    return Clock(unit=unit, every=step // SECONDS[unit], origin=str(np.datetime64(first, "us")), zone=zone)


def _step_text(micro: int) -> str:
    """A step in words: 31 days, 1 hour."""
    seconds = round(micro / 1e6, 3)
    for name, size in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:g} {name}{'s' * (seconds != size)}"
    return f"{seconds:g} second{'s' * (seconds != 1)}"


def _commonest(gaps: np.ndarray) -> int:
    values, counts = np.unique(gaps, return_counts=True)
    return int(values[counts.argmax()])


def _check(gaps: np.ndarray, every: int, where: str, stamps: np.ndarray, step: str) -> None:
    fits = gaps % every == 0
    if fits.mean() < ON_GRID:
        i = int(np.argmin(fits))
        low, middle, high = (int(g) for g in np.percentile(gaps, (5, 50, 95)))
        if fits.mean() < RARE and not step.endswith("months") and high < 2 * low + 10**6:
            raise DataError(
                f"{where}: irregular stamps: they lie about {_step_text(middle)} apart, mostly {_step_text(low)} to {_step_text(high)}, "
                f"without a regular step (the first step: {moment(stamps[0])} to {moment(stamps[1])}); name the step with "
                'data.frequency, such as "h".'
            )
        raise DataError(
            f"{where}: mixed frequencies: the commonest step is {step}, but only {fits.mean():.0%} of the steps are multiples of it "
            f'(the first that is not: {moment(stamps[i])} to {moment(stamps[i + 1])}); name the step with data.frequency, such as "h".'
        )
