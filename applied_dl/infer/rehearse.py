"""`python -m applied_dl.infer.rehearse FILE ROWS`: run a TFLite file in a process that may die of it, without TensorFlow."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from applied_dl.errors import AppliedError
from applied_dl.infer.runtime import Runtime

SIZES = (1, 64, 24, 1)  # rows of the calls: single ones, full batches, and the rest of a table


def main(path: str, rows: str) -> None:
    """One file, a few batch sizes; what it raises is left to the proof to say."""
    with np.load(rows, allow_pickle=False) as arrays:
        inputs = {name: arrays[name] for name in arrays.files}
    try:
        runtime = Runtime(Path(path).read_bytes(), threads=1)
        for size in SIZES:
            runtime.run({name: np.resize(array, (size, *array.shape[1:])) for name, array in inputs.items()})
    except (AppliedError, RuntimeError, ValueError):
        return


if __name__ == "__main__":
    main(*sys.argv[1:])
