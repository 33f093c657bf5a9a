"""How a training keeps to `train.time_limit`: each part gets a share of the time that is left, its epochs are planned from measured steps.

A training that does not fit is planned with fewer epochs, so that its learning rate still runs through its whole schedule. Where even half
of its epochs would not fit into its share, it takes of the time of the parts after it, and fewer of those (members, folds) are trained.
What was decided is written into the run's folder before the first step: a resumed run follows it and measures nothing.
"""

from __future__ import annotations

import json
import time
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TypeVar

from applied_dl.core.bundle_writing import sync
from applied_dl.core.errors import RefusedError
from applied_dl.core.limits import format_seconds
from applied_dl.core.task import Pace
from applied_dl.training.checkpoints import Store

PLANNED = 0.85  # share of the time that is planned; the rest is for steps that become slower
WORTH = 0.5  # of its epochs: a part is cut below that only where no later part can be left out
PLAN, EPOCHS = "plan.json", "epochs of "  # the file, and what begins the name of a decision on epochs
EXPORTED = 1.5  # times the seconds of tracing a net that scoring, conversion and verification of it take
LEAST = 1.15  # times the least possible seconds, which a refusal names: the next run may be a little slower

T = TypeVar("T", int, bool)


@dataclass
class Plan:
    """What was decided.

    Args:
        store: the run that keeps it; None keeps nothing.
        decided: by name, such as "epochs of member0".
        cut: what was left out, by name: how many of how many remain.
        after: seconds that each trained part will add to the export.
    """

    store: Store | None = None
    decided: dict[str, int | bool] = field(default_factory=dict)
    cut: dict[str, tuple[int, int]] = field(default_factory=dict)
    after: dict[str, float] = field(default_factory=dict)

    def decide(self, name: str, value: T) -> T:
        """Keep a decision. A full disk costs the exact resume, not the training."""
        self.decided[name] = value
        if self.store is not None:
            note = {"identity": self.store.identity, "decided": self.decided, "cut": self.cut, "after": self.after}
            with suppress(OSError):
                self.store.folder.mkdir(parents=True, exist_ok=True)
                work = self.store.folder / f".{PLAN}"
                work.write_text(json.dumps(note))
                sync(work)
                work.rename(self.store.folder / PLAN)
        return value


def plan_of(store: Store | None) -> Plan:
    """The plan of the run that `store` resumes, or an empty one."""
    try:
        found = json.loads((store.folder / PLAN).read_text()) if store and store.resume else {}
    except (OSError, ValueError):
        found = {}
    if not store or found.get("identity") != store.identity:
        return Plan(store)
    return Plan(store, found["decided"], {name: (done, asked) for name, (done, asked) in found["cut"].items()}, found["after"])


@dataclass(frozen=True)
class Deadline:
    """Until when trainings may run, by `time.perf_counter()`.

    Args:
        limit: seconds of the whole command, for messages.
        end: when the last training must have ended; what follows it has its own time.
        plan: what was decided so far.
        until: when the present part is to end.
        rows: forward passes of a row, in all, that scoring and verification will take.
        path: the parts that the present one lies in.
        doubtful: seconds kept for the export that it may not need: nothing is refused for them.
    """

    limit: float
    end: float
    plan: Plan = field(default_factory=Plan)
    until: float = float("inf")
    rows: int = 0
    path: str = ""
    doubtful: float = 0.0

    def part(self, name: str, left: int) -> Deadline:
        """For the part `name`, one of `left` parts that are still to come."""
        share = max(0.0, self._left(self._until)) / left
        return replace(self, until=time.perf_counter() + sum(self.plan.after.values()) + share, path=f"{self.path}{name}/")

    def time_for(self, name: str, seconds: float) -> bool:
        """Whether another part may begin, where those before it took `seconds` on average: as much time as is worth it must be left."""
        name = f"{self.path}{name}"
        if name in self.plan.decided:
            return bool(self.plan.decided[name])
        whole = seconds / min([1.0, *(done / asked for what, (done, asked) in self.plan.cut.items() if what.startswith(EPOCHS))])
        return self.plan.decide(name, self._left(self._until) * PLANNED >= WORTH * whole)

    def epochs(self, tag: str, pace: Pace, epochs: int, validation: int) -> int:
        """How many of the `epochs` of a training to plan. Raises `RefusedError` where not one of the first training fits."""
        first = not self.plan.after
        self.plan.after[tag] = EXPORTED * pace.start + pace.between / max(validation, 1) * self.rows
        one = max(pace.epoch, 1e-9)
        share, most = (self._left(at) * PLANNED for at in (self._until, self.end))
        if first and (missing := one / PLANNED - self._left(self.end) - self.doubtful) > 0:
            self.refuse(missing)
        planned = max(1, min(epochs, int(max(share, min(WORTH * one * epochs, most)) / one)))
        if planned < epochs:
            self.plan.cut[self.name_of(tag)] = (planned, epochs)
        return self.plan.decide(self.name_of(tag), planned)

    def name_of(self, tag: str) -> str:
        """By which the epochs of a training are decided."""
        return f"{EPOCHS}{self.path}{tag}"

    def refuse(self, missing: float) -> None:
        """Raises `RefusedError` that names the least limit, `missing` seconds more than the present one."""
        raise RefusedError(
            f"train.time_limit = {format_seconds(self.limit)} is too short for this recipe and data on this machine: reading, one epoch, "
            f"export and verification take about {format_seconds(LEAST * (self.limit + missing))}; raise the limit to that, or give fewer "
            "rows or a smaller model."
        )

    @property
    def _until(self) -> float:
        return min(self.until, self.end)

    def _left(self, until: float) -> float:
        """Seconds to train in."""
        return until - time.perf_counter() - sum(self.plan.after.values())


def format_cuts(plan: Plan) -> str:
    """What was left out to keep to the limit, or an empty text."""
    parts = [f"{done} of {asked} {name}" for name, (done, asked) in plan.cut.items() if not name.startswith(EPOCHS)]
    shares = [done / asked for name, (done, asked) in plan.cut.items() if name.startswith(EPOCHS)]
    if shares:
        low, high = min(shares), max(shares)
        parts.append(f"{low:.0%} of the epochs" if f"{low:.0%}" == f"{high:.0%}" else f"{low:.0%} to {high:.0%} of the epochs")
    return " and ".join(parts)
