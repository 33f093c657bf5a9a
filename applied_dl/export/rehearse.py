"""Run a converted file once in a process of its own: some files convert, and then end the process that runs them.

Seen with full int8 graphs whose batch is resized: LiteRT aborts, which no `except` can catch. A file that does so is refused, and the
training that made it goes on.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from applied_dl.export.convert import environment

TIMEOUT = 120  # seconds


def rehearse(files: dict[str, Path], rows: Path) -> dict[str, str]:
    """Why a file must not be run in this process, by variant; those that may be are left out. rows: an `.npz` of inputs by name."""
    command = [sys.executable, "-m", "applied_dl.infer.rehearse"]
    running = {
        variant: subprocess.Popen([*command, str(path), str(rows)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment())
        for variant, path in files.items()
    }
    found = {}
    for variant, process in running.items():
        try:
            code = process.wait(TIMEOUT)
        except subprocess.TimeoutExpired:
            process.kill()
            found[variant] = f"the runtime did not answer within {TIMEOUT} s"
            continue
        if code:
            found[variant] = f"the runtime ended with {f'signal {-code}' if code < 0 else f'code {code}'} when it was run"
    return found
