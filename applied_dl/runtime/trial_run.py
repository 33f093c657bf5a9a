"""`python -m applied_dl.runtime.trial_run FILE ROWS`: run and time a TFLite file in a process that it may abort, without TensorFlow."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

from applied_dl.core.errors import AppliedError
from applied_dl.runtime.interpreter import Runtime
from applied_dl.runtime.measure import costs

BATCH_SIZES = (1, 64, 24, 1)  # single rows, full batches and the rest of a table


def main(path: str, rows: str) -> None:
    """Run the file with several batch sizes and print its costs as one JSON object.

    An exception prints nothing: `export.verification` reports it, with the same file in the calling process. The measurement waits for
    a line on stdin, so that processes that start together are timed one after the other.
    """
    with np.load(rows, allow_pickle=False) as arrays:
        inputs = {name: arrays[name] for name in arrays.files}
    sys.stdin.readline()
    try:
        content = Path(path).read_bytes()
        measured = costs(content, inputs)
        runtime = Runtime(content, threads=1)
        for size in BATCH_SIZES:
            runtime.run({name: np.resize(array, (size, *array.shape[1:])) for name, array in inputs.items()})
    except (AppliedError, RuntimeError, ValueError):
        return
    print(json.dumps(measured), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
