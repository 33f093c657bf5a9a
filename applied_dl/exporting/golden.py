"""Small records of a training that its bundle keeps: golden examples and the history."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from applied_dl.core.bundle import EXPLANATION, ExportedFile
from applied_dl.runtime.golden import FILE
from applied_dl.runtime.interpreter import Runtime

GOLDEN_ROWS = 8


def write_golden(folder: Path, test, expected: dict, exports: list[ExportedFile]) -> None:
    """Write `golden.npz`: a few held-out inputs with the outputs of Keras and of every file; `applied-dl check` replays them anywhere."""
    rows = min(GOLDEN_ROWS, len(test))
    inputs = {name: array[:rows] for name, array in test.inputs.items()}
    golden = {f"input/{name}": array for name, array in inputs.items()}
    golden |= {f"keras/{name}": array[:rows] for name, array in expected.items()}
    files = {item.variant: item.file for item in exports if item.format == "tflite" and not item.refused}
    files |= {"explain": EXPLANATION} if (folder / EXPLANATION).exists() else {}
    for variant, file in files.items():
        outputs = Runtime((folder / file).read_bytes(), threads=1).run(inputs)
        golden |= {f"{variant}/{name}": array for name, array in outputs.items()}
    np.savez(folder / FILE, **golden)


def write_history(path: Path, rows: list[dict]) -> None:
    """Write the history as CSV, one line per epoch."""
    columns = list(dict.fromkeys(key for row in rows for key in row))
    lines = [",".join(columns), *(",".join(str(row.get(c, "")) for c in columns) for row in rows)]
    path.write_text("\n".join(lines) + "\n")
