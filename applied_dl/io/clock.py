"""Time as a grid: the stamp of any step, past or future, and the step of any stamp.

Inside the package a moment is a whole number of steps since `origin`; only this module knows calendars. Stamps are numpy
`datetime64[us]`, in UTC where the file names a zone.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from msgspec import Struct

from applied_dl.core.errors import UsageError

WEEK = 604800  # seconds
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
SECONDS = {"s": 1, "min": 60, "h": 3600, "d": 86400, "w": 604800}
MONTHS = {"m": 1, "q": 3, "y": 12}
SEASONS = {"s": 60, "min": 60, "h": 24, "d": 7, "b": 5, "w": 52, "m": 12, "q": 4, "y": 1, "step": 1}
HORIZONS = {"s": 60, "min": 60, "h": 48, "d": 14, "b": 10, "w": 13, "m": 18, "q": 8, "y": 6, "step": 12}  # M4's, where it has one
LARGEST_SEASON = 400
NEAR = 0.05  # of a step: a stamp as near as this to the grid is a clock's jitter, and lies on it


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
        days = {slot * self.seconds // 86400 for slot in self.open}
        closed = [day for number, day in enumerate(WEEKDAYS) if number not in days]
        return f"{step} in opening hours" if self.unit != "d" else f"{step} without {' and '.join(closed)}"

    @property
    def words(self) -> str:
        """The step in words: 15 minutes, hour, day without Sunday, month."""
        unit = {"s": "second", "min": "minute", "h": "hour", "d": "day", "w": "week", "b": "business day", "m": "month", "q": "quarter"}
        word = {**unit, "y": "year"}.get(self.unit, self.unit)
        _, _, closed = self.name.partition(" ")
        return f"{f'{self.every} {word}s' if self.every > 1 else word}{closed and ' '}{closed}"

    @property
    def seconds(self) -> int:
        """The length of a step, where it has one."""
        return SECONDS[self.unit] * self.every

    @property
    def season(self) -> int:
        """Steps of the natural season; 1 where there is none."""
        if self.open:
            by_day = np.bincount(np.array(self.open) * self.seconds // 86400, minlength=7)
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
            return base + ((week * (WEEK // self.seconds) + np.array(self.open)[slot]) * self.seconds).astype("timedelta64[s]")
        start = np.datetime64(self.origin, "us")
        if self.unit in SECONDS:
            return start + (steps * self.every * SECONDS[self.unit]).astype("timedelta64[s]")
        if self.unit == "b":
            day = np.busday_offset(start.astype("datetime64[D]"), steps * self.every, roll="forward")
            return day.astype("datetime64[us]") + (start - start.astype("datetime64[D]"))
        month = start.astype("datetime64[M]")
        months = month + (steps * self.every * MONTHS[self.unit]).astype("timedelta64[M]")
        day = 31 if self.month_end else self.day or int((start.astype("datetime64[D]") - month.astype("datetime64[D]")).astype(int)) + 1
        days = month_days(months, day, "backward" if self.month_end else "forward", self.business)
        return days.astype("datetime64[us]") + (start - start.astype("datetime64[D]"))

    def place(self, stamps: np.ndarray) -> np.ndarray:
        """Stamps → steps since the origin, as floats: whole where a stamp is on the grid."""
        if self.unit == "step":
            return (np.asarray(stamps, np.float64) - int(self.origin or 0)) / self.every
        start = np.datetime64(self.origin, "us")
        stamps = np.asarray(stamps, "datetime64[us]")
        if self.open:
            week, slot, away = self.slots(stamps)
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
        return ~np.isin(self.slots(np.asarray(stamps, "datetime64[us]"))[1], self.open)

    def _week(self) -> tuple[np.datetime64, int]:
        """The first step of the origin's week, and the place of the origin among the open steps of a week."""
        origin = np.datetime64(self.origin, "us")
        day = origin.astype("datetime64[D]")
        monday = day - (day.astype(np.int64) + 3) % 7
        slot = int((origin - monday.astype("datetime64[us]")).astype(np.int64) // (10**6 * self.seconds))
        return origin - np.timedelta64(slot * self.seconds, "s"), int(np.searchsorted(self.open, slot))

    def slots(self, stamps: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Week, step of the week, and how far from it (in steps) each stamp lies."""
        steps = (stamps - self._week()[0]).astype(np.int64) / (1e6 * self.seconds)
        near = np.rint(steps)
        week, slot = np.divmod(near.astype(np.int64), WEEK // self.seconds)
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


def month_days(months: np.ndarray, day: int, roll: str, business: bool) -> np.ndarray:
    """That day of each month, the last one where a month is shorter; or the weekday next to it."""
    last = (months + 1).astype("datetime64[D]") - np.timedelta64(1, "D")
    days = np.minimum(months.astype("datetime64[D]") + np.timedelta64(day - 1, "D"), last)
    return np.busday_offset(days, 0, roll=roll) if business else days


def moment(stamp: Any) -> str:
    """A stamp as people write it: without the microseconds that it does not have."""
    if not isinstance(stamp, np.datetime64):
        return str(stamp)
    whole = stamp.astype("datetime64[s]")
    return str(whole if whole == stamp else stamp).replace("T", " ")
