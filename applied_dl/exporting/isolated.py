"""Run and time a converted file in a process of its own: some files convert, and then abort the process that runs them.

Seen with full int8 graphs whose batch is resized: LiteRT aborts, which no `except` can catch. Such a file is refused, and the
training that wrote it goes on.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from applied_dl.exporting.convert import environment

TIMEOUT = 120  # seconds
KILLED = (1, -9)  # how a process ends that has an error of Python's, such as too little memory, or that the system kills for it


def run_isolated(files: dict[str, Path], rows: Path) -> tuple[dict[str, str], dict[str, dict[str, float]]]:
    """Run each file in a process of its own.

    Args:
        files: TFLite files by variant.
        rows: an `.npz` file of inputs (N, …) by name.

    Returns:
        Why a file must not be run in this process, by variant (files that can be run are left out); and what the others cost, as
        `runtime.measure.costs` returns it. The processes start together and measure one after the other.
    """
    command = [sys.executable, "-m", "applied_dl.runtime.trial_run"]
    running = {variant: _start([*command, str(path), str(rows)]) for variant, path in files.items()}
    refused, costs = {}, {}
    for variant, process in running.items():
        try:
            output, _ = process.communicate(b"\n", TIMEOUT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            refused[variant] = f"the runtime did not finish within {TIMEOUT} s"
            continue
        code = process.returncode
        if code:
            how = f"signal {-code}" if code < 0 else f"code {code}"
            if code in KILLED:
                refused[variant] = f"the process that tried this file ended early ({how}); free memory and export it again"
            else:
                refused[variant] = f"LiteRT itself aborts when it runs this file ({how}), and so would an app that opens it"
        elif output.strip():
            costs[variant] = json.loads(output.splitlines()[-1])
    return refused, costs


def _start(command: list[str]) -> subprocess.Popen:
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment())
