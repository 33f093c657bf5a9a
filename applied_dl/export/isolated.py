"""Run and time a converted file in a process of its own: some files convert, and then end the process that runs them.

Seen with full int8 graphs whose batch is resized: LiteRT aborts, which no `except` can catch. A file that does so is refused, and the
training that made it goes on.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from applied_dl.export.convert import environment

TIMEOUT = 120  # seconds


def rehearse(files: dict[str, Path], rows: Path) -> tuple[dict[str, str], dict[str, dict[str, float]]]:
    """Why a file must not be run in this process, by variant (those that may be are left out), and what each of the others costs.

    rows: an `.npz` of inputs by name. The processes start together and take their turns.
    """
    command = [sys.executable, "-m", "applied_dl.runtime.trial_run"]
    running = {variant: _start([*command, str(path), str(rows)]) for variant, path in files.items()}
    refused, costs = {}, {}
    for variant, process in running.items():
        try:
            said, _ = process.communicate(b"\n", TIMEOUT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            refused[variant] = f"the runtime did not answer within {TIMEOUT} s"
            continue
        code = process.returncode
        if code:
            refused[variant] = f"the runtime ended with {f'signal {-code}' if code < 0 else f'code {code}'} when it was run"
        elif said.strip():
            costs[variant] = json.loads(said.splitlines()[-1])
    return refused, costs


def _start(command: list[str]) -> subprocess.Popen:
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment())
