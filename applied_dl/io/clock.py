"""Time as a grid: which step a file's stamps keep, and the stamp of any step, past or future.

Inside the package a moment is a whole number of steps since `origin`; only this module knows calendars. Stamps are numpy
`datetime64[us]`, in UTC where the file names a zone.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from applied_dl.core.errors import DataError, UsageError

WEEK = 604800  # seconds
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
SECONDS = {"s": 1, "min": 60, "h": 3600, "d": 86400, "w": 604800}
MONTHS = {"m": 1, "q": 3, "y": 12}
SEASONS = {"s": 60, "min": 60, "h": 24, "d": 7, "b": 5, "w": 52, "m": 12, "q": 4, "y": 1, "step": 1}
HORIZONS = {"s": 60, "min": 60, "h": 48, "d": 14, "b": 10, "w": 13, "m": 18, "q": 8, "y": 6, "step": 12}  # M4's, where it has one
LARGEST_SEASON = 400
ON_GRID = 0.95  # share of the steps between stamps that must be whole multiples of the commonest
FEWEST_WEEKS = 3  # of data, to see which days or hours are closed
CLOSED = 0.05  # of the weeks hold a step that counts as closed, at most
OPEN = 0.75  # share of the open steps that must occur
FULL = 0.95  # of all steps of the weeks occur: nothing is closed
RARE = 0.25  # of the steps are multiples of the commonest: then there is no step at all
NEAR = 0.05  # of a step: a stamp as near as this to the grid is a clock's jitter, and lies on it
ROUND = tuple(n * s for s, counts in ((1, (1, 2, 5, 10, 15, 20, 30)), (60, (1, 2, 5, 10, 15, 20, 30)), (3600, (1, 2, 3, 4, 6, 8, 12)),
                                      (86400, (1, 7))) for n in counts)  # seconds that loggers count in  # fmt: skip


class Clock(Struct, frozen=True, kw_only=True):
    """A grid of moments: `every` times `unit` (s, min, h, d, w, b, m, q, y, or step for numbered rows), from `origin` on.

    open: of weeks with closed days or hours, the steps of a week (0 is the first of Monday) that occur; empty where all do. Of months:
    `day` is theirs (0: the origin's; the last one of a shorter month), `month_end` the last; `business`: or the weekday next to it, before
    a month's end, else after.
    """

    unit: str
    every: int = 1
    origin: str = ""
    month_end: bool = False
    zone: bool = False
    day: int = 0
    business: bool = False
    open: tuple[int, ...] = ()

    @property
    def name(self) -> str:
        """The step in short: 15min, h, d, and which days are closed."""
        step = f"{self.every if self.every > 1 else ''}{self.unit}"
        if not self.open:
            return step
        days = {slot * self._step // 86400 for slot in self.open}
        closed = [day for number, day in enumerate(WEEKDAYS) if number not in days]
        return f"{step} in opening hours" if self.unit != "d" else f"{step} without {' and '.join(closed)}"

    @property
    def _step(self) -> int:
        return SECONDS[self.unit] * self.every

    @property
    def season(self) -> int:
        """Steps of the natural season; 1 where there is none."""
        if self.open:
            by_day = np.bincount(np.array(self.open) * self._step // 86400, minlength=7)
            counts = set(by_day[by_day > 0].tolist())
            best = counts.pop() if len(counts) == 1 and self.unit != "d" else len(self.open)
            return best if 2 <= best <= LARGEST_SEASON else 1
        if self.unit in SECONDS and self.unit != "w":
            for period in (86400, 604800, 3600):
                steps = period / (SECONDS[self.unit] * self.every)
                if 2 <= steps <= LARGEST_SEASON and steps == int(steps):
                    return int(steps)
            return 1
        return max(1, SEASONS[self.unit] // self.every) if SEASONS[self.unit] % self.every == 0 else 1

    @property
    def horizon(self) -> int:
        """Steps one usually wants to know ahead."""
        if self.open:
            return min(96, 2 * self.season) if self.season > 1 else HORIZONS[self.unit]
        if self.unit in ("s", "min"):
            return min(96, self.season) if self.season > 1 else HORIZONS[self.unit]
        return HORIZONS[self.unit] if self.every == 1 else max(1, self.season)

    def stamps(self, steps: np.ndarray) -> np.ndarray:
        """Steps since the origin → `datetime64[us]` (whole numbers where rows are only numbered)."""
        steps = np.asarray(steps, np.int64)
        if self.unit == "step":
            return int(self.origin or 0) + steps * self.every
        if self.open:
            base, first = self._week()
            week, slot = np.divmod(steps + first, len(self.open))
            return base + ((week * (WEEK // self._step) + np.array(self.open)[slot]) * self._step).astype("timedelta64[s]")
        start = np.datetime64(self.origin, "us")
        if self.unit in SECONDS:
            return start + (steps * self.every * SECONDS[self.unit]).astype("timedelta64[s]")
        if self.unit == "b":
            day = np.busday_offset(start.astype("datetime64[D]"), steps * self.every, roll="forward")
            return day.astype("datetime64[us]") + (start - start.astype("datetime64[D]"))
        month = start.astype("datetime64[M]")
        months = month + (steps * self.every * MONTHS[self.unit]).astype("timedelta64[M]")
        day = 31 if self.month_end else self.day or int((start.astype("datetime64[D]") - month.astype("datetime64[D]")).astype(int)) + 1
        days = _days(months, day, "backward" if self.month_end else "forward", self.business)
        return days.astype("datetime64[us]") + (start - start.astype("datetime64[D]"))

    def place(self, stamps: np.ndarray) -> np.ndarray:
        """Stamps → steps since the origin, as floats: whole where a stamp is on the grid."""
        if self.unit == "step":
            return (np.asarray(stamps, np.float64) - int(self.origin or 0)) / self.every
        start = np.datetime64(self.origin, "us")
        stamps = np.asarray(stamps, "datetime64[us]")
        if self.open:
            week, slot, away = self._slots(stamps)
            place = np.searchsorted(self.open, slot)
            steps = week * len(self.open) + place - self._week()[1]
            return np.where(np.isin(slot, self.open), steps + away, steps - 0.5)
        if self.unit in SECONDS:
            return (stamps - start).astype(np.int64) / (1e6 * SECONDS[self.unit] * self.every)
        if self.unit == "b":
            weekday = np.is_busday(stamps.astype("datetime64[D]"))
            steps = np.busday_count(start.astype("datetime64[D]"), stamps.astype("datetime64[D]")) / self.every
            return np.where(weekday, steps, steps - 0.5)
        months = (stamps.astype("datetime64[M]") - start.astype("datetime64[M]")).astype(np.int64)
        return months / (MONTHS[self.unit] * self.every)

    def closed(self, stamps: np.ndarray) -> np.ndarray:
        """Which stamps lie on days or hours that never occur."""
        if not self.open:
            return np.zeros(len(stamps), bool)
        return ~np.isin(self._slots(np.asarray(stamps, "datetime64[us]"))[1], self.open)

    def _week(self) -> tuple[np.datetime64, int]:
        """The first step of the origin's week, and the place of the origin among the open steps of a week."""
        origin = np.datetime64(self.origin, "us")
        day = origin.astype("datetime64[D]")
        monday = day - (day.astype(np.int64) + 3) % 7
        slot = int((origin - monday.astype("datetime64[us]")).astype(np.int64) // (10**6 * self._step))
        return origin - np.timedelta64(slot * self._step, "s"), int(np.searchsorted(self.open, slot))

    def _slots(self, stamps: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Week, step of the week, and how far from it (in steps) each stamp lies."""
        steps = (stamps - self._week()[0]).astype(np.int64) / (1e6 * self._step)
        near = np.rint(steps)
        week, slot = np.divmod(near.astype(np.int64), WEEK // self._step)
        return week, slot, steps - near

    def text(self, steps: np.ndarray) -> list[str]:
        """Stamps as people write them: dates for days and longer, ISO 8601 for shorter, numbers for numbered rows."""
        stamps = self.stamps(steps)
        if self.unit == "step":
            return [str(n) for n in stamps]
        whole_days = self.unit not in ("s", "min", "h") and (stamps == stamps.astype("datetime64[D]")).all()
        texts = np.datetime_as_string(stamps, unit="D" if whole_days else "s")
        return [str(t) + ("Z" if self.zone and not whole_days else "") for t in texts]


def parse_frequency(text: str) -> tuple[str, int]:
    """`"15min"` → `("min", 15)`. Raises `UsageError` on anything else than a number and one of the units."""
    found = re.fullmatch(r"\s*(\d*)\s*([A-Za-z]+)\s*", text)
    words = {
        "t": "min",
        "minute": "min",
        "hour": "h",
        "hourly": "h",
        "day": "d",
        "daily": "d",
        "week": "w",
        "weekly": "w",
        "month": "m",
        "monthly": "m",
        "ms": "m",
        "me": "m",
        "quarter": "q",
        "quarterly": "q",
        "qs": "q",
        "year": "y",
        "yearly": "y",
        "a": "y",
        "ys": "y",
    }
    unit = found and words.get(found[2].lower(), found[2].lower())
    if not found or unit not in SEASONS or found[1] == "0":
        raise UsageError(
            f"data.frequency must be a number and a unit such as '15min', 'h', 'd', 'b', 'w', 'm', 'q' or 'y'; received {text!r}."
        )
    return unit, int(found[1] or 1)


def _days(months: np.ndarray, day: int, roll: str, business: bool) -> np.ndarray:
    """That day of each month, the last one where a month is shorter; or the weekday next to it."""
    last = (months + 1).astype("datetime64[D]") - np.timedelta64(1, "D")
    days = np.minimum(months.astype("datetime64[D]") + np.timedelta64(day - 1, "D"), last)
    return np.busday_offset(days, 0, roll=roll) if business else days


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
    week, slot, away = clock._slots(stamps)
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
        if np.array_equal(days, _days(months, day, "backward" if end else "forward", business)):
            return replace(clock, day=0 if end else day, month_end=end, business=business)
    return None


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


def moment(stamp: Any) -> str:
    """A stamp as people write it: without the microseconds that it does not have."""
    if not isinstance(stamp, np.datetime64):
        return str(stamp)
    whole = stamp.astype("datetime64[s]")
    return str(whole if whole == stamp else stamp).replace("T", " ")


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
