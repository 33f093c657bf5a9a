"""The explanation of a bundle's answers as a file of its own, beside the model.

It is no second signature of the model's file: that is a second graph, and MediaPipe refuses files of images that have more than one.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from applied_dl.core import console
from applied_dl.core.bundle import EXPLANATION
from applied_dl.core.errors import DataError
from applied_dl.core.records import Part
from applied_dl.exporting import convert
from applied_dl.exporting.saved_model import EXPLAIN, write_saved_model
from applied_dl.exporting.serving import Serving
from applied_dl.exporting.verification import differences
from applied_dl.runtime.check import TOLERANCE
from applied_dl.runtime.interpreter import Runtime, operators

VARIANTS = "fp16", "fp32"  # the smaller one first
ROWS = 64  # held-out rows that the file is compared on
COMPLETE = 1e-4  # largest difference, relative to the largest score, of the sum of the contributions from the score less the base


def export_explanation(serving: Serving, part: Part, folder: Path) -> None:
    """Write `explain.tflite` (signature `explain`) where the task gives such a graph: in fp16, or in fp32 where that fails verification.

    Args:
        serving: the task's serving graph.
        part: held-out rows.
        folder: where the file goes.
    """
    if serving.explain is None:
        return
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        write_saved_model(serving, work / "phone", endpoints=False)
        for variant in VARIANTS:
            failed = convert.convert(work / "phone", work, (variant,), work / "representative.npz", EXPLAIN)
            content = b"" if failed else (work / f"{variant}.tflite").read_bytes()
            reason = failed.get(variant) or refusal(content, serving, part.take(np.arange(min(ROWS, len(part)))))
            if not reason:
                (folder / EXPLANATION).write_bytes(content)
                return
    console.say("explain", f"no {EXPLANATION}: {reason}")


def refusal(content: bytes, serving: Serving, rows: Part) -> str:
    """Why a file must not be used: foreign operators, other outputs than Keras, or contributions that do not sum to the score."""
    foreign = [name for name in operators(content) if name.startswith("Flex") or not name.isupper()]
    if foreign:
        return f"it needs operators that are not TFLite builtins: {', '.join(foreign)}"
    try:
        outputs = Runtime(content, threads=1).run(rows.inputs)
    except DataError as error:
        return str(error)
    expected = {name: np.asarray(value) for name, value in serving.explain.predict(rows.inputs, verbose=0).items()}
    gap = differences(outputs, expected)["max_rel_diff"]
    if not gap <= TOLERANCE[EXPLAIN]:
        return f"it differs from Keras by {gap:.1e} of the output's scale, above {TOLERANCE[EXPLAIN]:.0e}"
    score = outputs["score"].astype(np.float64)
    base = score - outputs["contributions"].astype(np.float64).sum(axis=(1, 2))
    apart = float(np.ptp(base, axis=0).max()) / max(float(np.abs(score).max()), 1e-12)
    if not apart <= COMPLETE:
        return f"its contributions miss the score by {apart:.1e} of its scale, above {COMPLETE:.0e}"
    return ""
