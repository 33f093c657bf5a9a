"""What `train.time_limit` leaves for training: the whole command's time without what was used and what the export will take."""

from __future__ import annotations

import time

from applied_dl.core import limits
from applied_dl.exporting.verification import VERIFICATION_ROWS
from applied_dl.training.checkpoints import Store
from applied_dl.training.deadline import Deadline, format_cuts, plan_of

KEY = "train.time_limit"
# CPU seconds from the end of the training to the end of the command for the smallest models; `deadline.EXPORTED` adds those of larger ones
EXPORT_SECONDS, TENSORFLOW_SECONDS = 7.0, 4.0  # and for loading TensorFlow, where training did without
SPIN, SLOWEST = 0.2, 5.0  # CPU seconds that measure how busy the machine is, and the most that counts: nobody knows how long it stays so


def deadline_of(task, recipe, prepared, store: Store | None, start: float) -> Deadline | None:
    """The deadline of a training that begins now, of a command that began at `start` (`time.perf_counter()`); None without a limit."""
    if recipe.train.time_limit is None:
        return None
    limit = limits.seconds(recipe.train.time_limit, KEY)
    files = len(recipe.export.variants) if "tflite" in recipe.export.formats else 0
    held = len(prepared.validation) + len(prepared.test)
    rows = 2 * held + min(len(prepared.test), VERIFICATION_ROWS) * (1 + files)
    export = EXPORT_SECONDS if task.trained_by_keras else EXPORT_SECONDS + TENSORFLOW_SECONDS
    export *= slowness()
    return Deadline(limit, start + limit - export, plan_of(store), rows=rows, doubtful=export / 2)


def slowness() -> float:
    """Seconds for each second of computing: 1, or more where other programs take the processor."""
    start, until = time.perf_counter(), time.thread_time() + SPIN
    while time.thread_time() < until:
        pass
    return min(max(1.0, (time.perf_counter() - start) / SPIN), SLOWEST)


def cuts_of(recipe, deadline: Deadline | None) -> list[str]:
    """What was left out to keep to the limit, as a sentence for the card. Refuses a closed form that took longer than there was time."""
    if deadline is None:
        return []
    if not deadline.plan.decided and (late := time.perf_counter() - deadline.end - deadline.doubtful) > 0:
        deadline.refuse(late)
    cuts = format_cuts(deadline.plan)
    return [f"To keep to {KEY} = {recipe.train.time_limit}, the training was cut to {cuts}."] if cuts else []
