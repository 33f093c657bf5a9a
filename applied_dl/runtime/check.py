"""Replay a bundle's golden examples on this machine and compare the outputs with those recorded at training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from applied_dl.core.bundle import EXPLANATION, Manifest, own_file
from applied_dl.core.errors import RefusedError
from applied_dl.runtime.golden import inputs_of, read_golden, recorded
from applied_dl.runtime.interpreter import Runtime

# largest difference allowed, relative to the output's scale: another CPU runs other kernels
TOLERANCE = {"fp32": 1e-4, "fp16": 1e-3, "int8_weights": 1e-3, "dynamic": 5e-3, "int8": 2e-2, "explain": 5e-3}

DECISIONS = ("decision", "set", "items")  # they follow from probabilities or scores; rounding may move a row across the threshold


def replay(folder: Path, manifest: Manifest) -> list[dict[str, Any]]:
    """Compare the outputs of each TFLite file of a bundle with the recorded ones.

    Args:
        folder: the bundle, whose checksums `open_bundle` verified.
        manifest: of the bundle.

    Returns:
        One dict per file: `file`, `examples`, `difference` (largest, relative to the output's scale) and `ok`.

    Raises:
        DataError: the golden examples are missing or damaged, or the manifest does not list a file.
        RefusedError: a file gives other outputs on this machine.
    """
    golden = read_golden(folder, manifest)
    inputs = inputs_of(golden)
    files = {item.file: item.variant for item in manifest.exports if item.format == "tflite" and not item.refused}
    files |= {EXPLANATION: "explain"} if EXPLANATION in manifest.files else {}
    rows = [_replay(folder, manifest, file, variant, inputs, golden) for file, variant in files.items()]
    failed = [row for row in rows if not row["ok"]]
    if failed:
        names = ", ".join(f"{row['file']} (off by {row['difference']:.1e} of the output's scale)" for row in failed)
        raise RefusedError(f"The bundle {str(folder)!r} gives other outputs on this machine: {names}.")
    return rows


def _replay(
    folder: Path, manifest: Manifest, file: str, variant: str, inputs: dict[str, np.ndarray], golden: dict[str, np.ndarray]
) -> dict[str, Any]:
    outputs = Runtime(own_file(folder, manifest, file).read_bytes()).run(inputs)
    worst = 0.0
    for name, got in outputs.items():
        if name in DECISIONS:
            continue
        want = recorded(golden, f"{variant}/{name}", folder)
        if np.issubdtype(want.dtype, np.floating):
            scale = float(np.nanmax(np.abs(want), initial=0.0)) or 1.0
            gap = np.where(np.isnan(want) & np.isnan(got), 0.0, np.abs(got - want))
            worst = max(worst, float(np.max(gap, initial=0.0)) / scale)
        else:  # the share of whole numbers that differ
            worst = max(worst, float(np.mean(want != got)) if want.shape == got.shape else 1.0)
    return {"file": file, "examples": len(next(iter(inputs.values()))), "difference": worst, "ok": bool(worst <= TOLERANCE[variant])}
