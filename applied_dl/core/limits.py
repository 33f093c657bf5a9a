"""Limits as people write them: a length of time ("60s", "5 min", "1.5 h"), and what a file may cost ("50 kB, 1 ms")."""

from __future__ import annotations

import re

from msgspec import Struct

from applied_dl.core.errors import UsageError

BUDGET = "export.budget"  # the key, as messages name it
SECONDS = {"s": 1.0, "sec": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}
BYTES = {"b": 1.0, "kb": 1e3, "mb": 1e6, "gb": 1e9, "kib": 2.0**10, "mib": 2.0**20, "gib": 2.0**30}
MILLISECONDS = {"us": 1e-3, "µs": 1e-3, "ms": 1.0, "s": 1e3}


class Budget(Struct, frozen=True, kw_only=True):
    """What an exported file may cost; None where it does not matter.

    Args:
        bytes: of the file.
        ms: of one row with one thread.
    """

    bytes: float | None = None
    ms: float | None = None

    def excess(self, size: float, ms: float | None) -> float:
        """By what factor a file of `size` bytes and `ms` milliseconds a row exceeds the budget; at most 1 where it is within it."""
        return max(size / self.bytes if self.bytes else 0.0, (ms or 0.0) / self.ms if self.ms else 0.0)

    def __str__(self) -> str:
        return format_cost(self.bytes, self.ms)


def seconds(value: str | float, key: str) -> float:
    """`"90s"`, `"5 min"`, `"1.5h"` or a number of seconds as seconds. Raises `UsageError` that names the recipe's `key`."""
    if isinstance(value, str):
        number, unit = _quantity(value)
        if number is not None and (unit in SECONDS or not unit):
            value = number * SECONDS.get(unit, 1.0)
    if isinstance(value, str) or not value > 0:
        raise UsageError(f'{key} expects a length of time with s, min or h, such as "60s" or "1.5h"; received {value!r}.')
    return float(value)


def budget(text: str, key: str) -> Budget:
    """`"50 kB, 1 ms"`, or one of the two. Raises `UsageError` that names the recipe's `key`."""
    found: dict[str, float] = {}
    for part in re.split(r"[,;]", text):
        number, unit = _quantity(part)
        kind = "bytes" if unit in BYTES else "ms" if unit in MILLISECONDS else ""
        if not number or not kind or kind in found:
            raise UsageError(
                f'{key} expects the size of the file, the time for one row, or both, such as "50 kB, 1 ms"; received {text!r}.'
            )
        found[kind] = number * (BYTES if kind == "bytes" else MILLISECONDS)[unit]
    return Budget(**found)


def format_cost(size: float | None, ms: float | None) -> str:
    """`50 kB, 1 ms`, or the one that is given."""
    parts = []
    if size is not None:
        unit, factor = ("MB", 1e6) if size >= 1e6 else ("kB", 1e3)
        parts.append(f"{_digits(size / factor, 4)} {unit}")
    if ms is not None:
        parts.append(f"{_digits(ms, 3)} ms")
    return ", ".join(parts)


def format_seconds(value: float) -> str:
    """Seconds as a recipe may state them, rounded up: `70s`, `6min`, `2h`."""
    for unit, factor in (("h", 3600), ("min", 60)):
        if value > 5 * factor:
            return f"{-(-value // factor):.0f}{unit}"
    return f"{-(-value // 1):.0f}s"


def _digits(value: float, count: int) -> str:
    """With so many digits, and without an exponent."""
    return f"{value:.{count}g}" if value < 999 else f"{value:.0f}"


def _quantity(text: str) -> tuple[float | None, str]:
    match = re.fullmatch(r"\s*(\d+(?:\.\d*)?(?:e[+-]?\d+)?|\.\d+)\s*([a-zµ]*)\s*", text.lower().replace("μ", "µ"))
    return (float(match[1]), match[2]) if match else (None, "")
