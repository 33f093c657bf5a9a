"""The processes of `applied-dl tune --jobs`: they agree through the study's file alone; Ray only starts them on its machines."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from applied_dl.workflows.ray_cluster import connected

SEARCH = """
import os, sys
from applied_dl.core.parallel import end_with
end_with(os.getppid())
from applied_dl.workflows.tune import search
sys.exit(search(*sys.argv[1:]))
"""
LAST = 300  # characters of the last line of a log that are quoted


class Ended(NamedTuple):
    """A process that has ended: its exit code (negative: the signal that killed it), the last line of its log, and where that is."""

    code: int
    last: str
    log: str

    def sentence(self) -> str:
        """How it failed."""
        how = f"was killed by signal {-self.code}" if self.code < 0 else f"ended with exit code {self.code}"
        if self.code == -9:
            how += ", usually for lack of memory"
        return f"A search process {how}{': ' + self.last.rstrip('.') if self.last else ''}. Its log is {self.log!r}."


def run_processes(recipe: Path, out: Path, trials: int, jobs: int, address: str | None) -> list[Ended]:
    """Search by several processes until enough trials have ended.

    Args:
        recipe: the file that they read.
        out: the folder of the study, and of a log of each process that wrote one.
        trials: how many trials end in all.
        jobs: how many processes.
        address: of a Ray cluster that runs them; None runs them here.

    Returns:
        Those that failed.
    """
    each = [(str(recipe), str(out), str(trials), str(out / f"process-{number}.log")) for number in range(1, jobs + 1)]
    if address is None:
        with ThreadPoolExecutor(jobs) as pool:
            ended = list(pool.map(lambda words: _run(*words), each))
    else:
        with connected(address, jobs, {}) as ray:
            run = ray.remote(num_cpus=1, max_retries=0)(_run)
            ended = [_result(ray, job, words[-1]) for job, words in zip([run.remote(*words) for words in each], each)]
    return [one for one in ended if one.code]


def _result(ray, job, log: str) -> Ended:
    """What Ray returns of a process, or that it lost the machine."""
    try:
        ended: Ended = ray.get(job)
        return ended
    except ray.exceptions.RayError as error:
        return Ended(1, " ".join(str(error).split())[:LAST], log)


def _run(recipe: str, out: str, trials: str, log: str) -> Ended:
    """One process, by the Python of the machine that it runs on. It ends with the one that starts it, also where that is killed."""
    with open(log, "wb") as file:
        command = [sys.executable, "-c", SEARCH, recipe, out, trials]
        code = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=file).returncode
    lines = Path(log).read_text(encoding="utf-8", errors="replace").split("\n")
    last = next((line.strip() for line in reversed(lines) if line.strip()), "")
    if not code and not last:
        Path(log).unlink()
    return Ended(code, last[:LAST], log)
