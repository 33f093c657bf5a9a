"""One thing that is wrong: the number that shows it, why it matters, and which key of the recipe to change."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct


class Finding(Struct, frozen=True, kw_only=True):
    """One finding of the doctor.

    Args:
        name: of the kind of finding, such as "leakage".
        where: the layer, column or recipe key it is about.
        evidence: the number that shows it.
        limit: what the number should not exceed (or fall below).
        observed: what was measured, in words.
        why: why it matters.
        change: what to change.
        rows: numbers of rows to look at: training rows unless `where` names another part.
    """

    name: str
    where: str
    evidence: float
    limit: float
    observed: str
    why: str
    change: str
    rows: tuple[int, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The finding as plain JSON values."""
        return msgspec.to_builtins(self, enc_hook=float)  # of numbers that numpy computed

    def line(self) -> str:
        """The finding on one line."""
        return f"{self.name.replace('_', ' ')}: {self.observed}; {self.change}"
