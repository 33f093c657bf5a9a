"""What the doctor says: one thing that is wrong, the number that shows it, why it matters, and which key of the recipe to change."""

from __future__ import annotations

from msgspec import Struct


class Finding(Struct, frozen=True, kw_only=True):
    """One finding. `evidence` is beyond `limit`; `rows` are row numbers (training rows unless `where` says otherwise) to look at."""

    name: str
    where: str
    evidence: float
    limit: float
    saw: str
    why: str
    change: str
    rows: tuple[int, ...] = ()

    def line(self) -> str:
        """One line for people."""
        return f"{self.name.replace('_', ' ')}: {self.saw}; {self.change}"
