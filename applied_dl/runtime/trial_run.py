"""`python -m applied_dl.runtime.trial_run FILE ROWS`: run and time a TFLite file in a process that may die of it, without TensorFlow."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

from applied_dl.core.errors import AppliedError
from applied_dl.runtime.interpreter import Runtime
from applied_dl.runtime.measure import costs

SIZES = (1, 64, 24, 1)  # rows of the calls: single ones, full batches, and the rest of a table


def main(path: str, rows: str) -> None:
    """One JSON object of its costs after a few batch sizes; what it raises is left to the proof to say.

    It waits for a line on stdin first: processes that start together take their turns, so that none disturbs another's timing.
    """
    with np.load(rows, allow_pickle=False) as arrays:
        inputs = {name: arrays[name] for name in arrays.files}
    sys.stdin.readline()
    try:
        content = Path(path).read_bytes()
        found = costs(content, inputs)
        runtime = Runtime(content, threads=1)
        for size in SIZES:
            runtime.run({name: np.resize(array, (size, *array.shape[1:])) for name, array in inputs.items()})
    except (AppliedError, RuntimeError, ValueError):
        return
    print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
