"""Run an exported file in the runtime that people will use, on held-out rows, and say how it differs from Keras."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np

from applied_dl.core.bundle import ExportedFile
from applied_dl.core.errors import AppliedError
from applied_dl.core.metrics.intervals import LEVEL, half_samples, without_intervals
from applied_dl.core.records import Part, Scores
from applied_dl.runtime.interpreter import Runtime, operators

PROOF_ROWS = 2000  # held-out rows a file is judged on
SINGLE_ROWS = 8  # of these, rows also asked one at a time, and twice
PARITY = 1e-4  # largest relative difference of an fp32 file to Keras
BATCH_PARITY = 1e-3  # largest relative difference between batch sizes of a quantised file
VECTOR = "vector"  # the output that other programs compare by cosine: a metric of the user's rows may be too easy to see it go astray
AGREEMENT, UNIT = 0.995, 0.01  # least mean cosine to Keras' vectors, and how far from 1 a length may be where theirs are 1


def proof_rows(part: Part) -> Part:
    """At most `PROOF_ROWS` rows, evenly spread over the part; rows that are judged together (`extra["together"]` in a row) stay so."""
    if len(part) <= PROOF_ROWS:
        return part
    unit = int(part.extra.get("together", 1))
    first = np.linspace(0, len(part) // unit - 1, PROOF_ROWS // unit).astype(np.int64) * unit
    return part.take((first[:, None] + np.arange(unit)).ravel())


class Judge:
    """The task's score of any outputs on the proof rows, and what they lose against Keras, with a paired interval."""

    def __init__(self, score: Callable[[dict, Part], Scores], part: Part, expected: dict[str, np.ndarray]):
        self.score, self.part, self.expected = score, part, expected
        self.reference = score(expected, part)
        light = {name: array if array.ndim <= 2 else array.reshape(len(array), -1)[:, :0] for name, array in part.inputs.items()}
        light = msgspec.structs.replace(part, inputs=light)  # no scorer reads pictures; cutting them would take long
        self.halves = half_samples(len(part), int(part.extra.get("together", 1)))
        self.parts = [light.take(rows) for rows in self.halves]
        self.references = self._by_half(expected)

    def of(self, outputs: dict[str, np.ndarray]) -> dict:
        """`rows`, `metric`, `metric_drop` and `metric_drop_interval` of a file's answers to the proof rows."""
        found = self.score(outputs, self.part)
        loss = found.drop_against(self.reference)
        halves = np.array([half.drop_against(reference) for half, reference in zip(self._by_half(outputs), self.references)])
        spread = halves - np.nanmean(halves) if np.isfinite(halves).any() else np.full(1, np.nan)
        low, high = (float(loss + end) for end in np.nanpercentile(spread, LEVEL)) if np.isfinite(spread).any() else (np.nan, np.nan)
        interval = (low, high) if low == low else None
        return {"rows": len(self.part), "metric": found.value, "metric_drop": loss, "metric_drop_interval": interval}

    def _by_half(self, outputs: dict[str, np.ndarray]) -> list[Scores]:
        from threadpoolctl import threadpool_limits

        count, found = len(self.part), []
        with without_intervals(), threadpool_limits(1):  # so small matrices: BLAS' threads would mostly wait for each other
            for rows, part in zip(self.halves, self.parts):
                found.append(self.score({name: a[rows] if len(a) == count else a for name, a in outputs.items()}, part))
        return found


def prove(path: Path, variant: str, judge: Judge, costs: dict[str, float] | None = None) -> ExportedFile:
    """Everything measured of one `.tflite`; `refused` says in one sentence why it must not be used, if so.

    costs: what `rehearse` has measured of it.
    """
    content, part, expected = path.read_bytes(), judge.part, judge.expected
    found = {"file": path.name, "format": "tflite", "variant": variant, "bytes": len(content), "ops": operators(content)}
    foreign = [op for op in found["ops"] if op.startswith("Flex") or not op.isupper()]
    if foreign:
        return ExportedFile(**found, refused=f"it needs operators that are no TFLite builtins: {', '.join(foreign)}")
    try:
        runtime = Runtime(content, threads=1)
        outputs = runtime.run(part.inputs)
        difference = differences(outputs, expected)
        scores = judge.of(outputs)
        refusal = _refusal(runtime, variant, part, outputs, expected, difference)
    except (AppliedError, RuntimeError, ValueError) as error:
        return ExportedFile(**found, refused=f"it converts but does not run: {error}")
    return ExportedFile(**found, **scores, **difference, **(costs or {}), refused=refusal)


def differences(outputs: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> dict[str, float]:
    """Largest, relative-to-the-output's-scale and median absolute difference over all float outputs."""
    largest = relative = 0.0
    medians = []
    for name, want in expected.items():
        if not np.issubdtype(want.dtype, np.floating):
            continue
        gap = np.abs(outputs[name].astype(np.float64) - want)
        scale = float(np.max(np.abs(want), initial=0.0)) or 1.0
        largest, relative = (max(largest, float(gap.max(initial=0.0))), max(relative, float(gap.max(initial=0.0)) / scale))
        medians.append(float(np.median(gap)) if gap.size else 0.0)
    return {"max_abs_diff": largest, "max_rel_diff": relative, "median_abs_diff": max(medians, default=0.0)}


def _astray(found: np.ndarray, wanted: np.ndarray) -> str:
    """Why vectors (N, D) must not stand for Keras', or nothing."""
    size, length = (np.linalg.norm(v.astype(np.float64), axis=1) for v in (found, wanted))
    cosine = float(np.mean((found * wanted).sum(1) / np.maximum(size * length, 1e-12), where=length > 0)) if (length > 0).any() else 1.0
    if cosine < AGREEMENT:
        return f"its vectors point elsewhere: their mean cosine to Keras' is {cosine:.3f}, expected at least {AGREEMENT}"
    if np.allclose(length, 1, atol=1e-3) and np.abs(size - 1).max() > UNIT:
        return f"its vectors have lengths from {size.min():.3f} to {size.max():.3f} where Keras' have 1"
    return ""


def _refusal(runtime, variant, part, outputs, expected, difference) -> str:
    for name, want in expected.items():
        if np.isfinite(want).all() and not np.isfinite(outputs[name]).all():
            return f"its output {name!r} holds NaN or infinity where Keras gives numbers"
    if VECTOR in expected and (astray := _astray(outputs[VECTOR], expected[VECTOR])):
        return astray
    if variant == "fp32" and difference["max_rel_diff"] > PARITY:
        return f"it differs from Keras by {difference['max_rel_diff']:.1e} of the output's scale, above {PARITY:.0e}"
    rows = min(SINGLE_ROWS, len(part))
    one_by_one = runtime.run({k: v[:rows] for k, v in part.inputs.items()}, batch=1)
    again = runtime.run({k: v[:rows] for k, v in part.inputs.items()}, batch=1)
    if any(not np.array_equal(one_by_one[name], again[name], equal_nan=True) for name in expected):
        return "the same input asked twice gives two answers: it keeps state between calls"
    gap = differences(one_by_one, {name: outputs[name][:rows] for name in expected})["max_rel_diff"]
    if gap > (PARITY if variant == "fp32" else BATCH_PARITY):
        return f"its answers depend on the batch size (relative difference {gap:.1e})"
    return ""
