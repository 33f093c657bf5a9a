"""Run an exported file in the runtime that people will use, on held-out rows, and measure how it differs from the Keras model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np

from applied_dl.core.bundle import ExportedFile
from applied_dl.core.errors import AppliedError
from applied_dl.core.metrics.intervals import LEVEL, half_samples
from applied_dl.core.records import Part, Scores
from applied_dl.runtime.check import DECISIONS
from applied_dl.runtime.interpreter import Runtime, operators

VERIFICATION_ROWS = 2000  # held-out rows a file is evaluated on, at most
SINGLE_ROWS = 8  # of these, rows that are also run one at a time, and twice
PARITY = 1e-4  # largest relative difference between an fp32 file and Keras
BATCH_PARITY = 1e-3  # largest relative difference between batch sizes of a quantised file
VECTOR = "vector"  # the output that other programs compare by cosine: the metric alone may be too easy to show that it changed
MIN_COSINE = 0.995  # least mean cosine between a file's vectors and those of Keras
LENGTH_TOLERANCE = 0.01  # largest distance of a vector's length from 1, where those of Keras have length 1


def verification_rows(part: Part) -> Part:
    """At most `VERIFICATION_ROWS` rows, evenly spread; groups of `extra["together"]` consecutive rows (a pair of texts) stay whole."""
    if len(part) <= VERIFICATION_ROWS:
        return part
    unit = int(part.extra.get("together", 1))
    first = np.linspace(0, len(part) // unit - 1, VERIFICATION_ROWS // unit).astype(np.int64) * unit
    return part.take((first[:, None] + np.arange(unit)).ravel())


class Verifier:
    """Scores outputs on the verification rows and compares them with the score of Keras, with a paired 95% interval.

    Args:
        score: the task's score of (outputs by name, rows, metrics_only=False).
        part: the rows, as `verification_rows` chose them.
        expected: outputs of Keras on these rows, by name, each (N, …).
        unseen: the main metric on unseen rows, where the model was fitted to these too: an error is a share of it.
    """

    def __init__(self, score: Callable[..., Scores], part: Part, expected: dict[str, np.ndarray], unseen: float = 0.0):
        self.score = lambda outputs, rows: score(outputs, rows, metrics_only=True)
        self.part, self.expected, self.unseen = part, expected, unseen
        self.reference = self.score(expected, part)
        light = {name: array if array.ndim <= 2 else array.reshape(len(array), -1)[:, :0] for name, array in part.inputs.items()}
        self.light = msgspec.structs.replace(part, inputs=light)  # no score reads the images, and copying them would be slow
        self.halves = half_samples(len(part), int(part.extra.get("together", 1)))
        self.references = self._half_scores(expected)

    def measure(self, outputs: dict[str, np.ndarray]) -> dict:
        """The fields `rows`, `metric`, `metric_drop` and `metric_drop_interval` of an `ExportedFile` with these outputs (N, …)."""
        scores = self.score(outputs, self.part)
        drop = scores.drop_against(self.reference, self.unseen)
        pairs = zip(self._half_scores(outputs), self.references)
        halves = np.array([half.drop_against(reference, self.unseen) for half, reference in pairs])
        interval = None
        if np.isfinite(halves).any():
            low, high = np.nanpercentile(halves - np.nanmean(halves), LEVEL)
            interval = (float(drop + low), float(drop + high))
        return {"rows": len(self.part), "metric": scores.value, "metric_drop": drop, "metric_drop_interval": interval}

    def _half_scores(self, outputs: dict[str, np.ndarray]) -> list[Scores]:
        from threadpoolctl import threadpool_limits

        count, scores = len(self.part), []
        with threadpool_limits(1):  # the matrices are so small that BLAS threads would mostly wait for each other
            for rows in self.halves:  # one at a time: targets may be as large as images
                half = {name: a[rows] if len(a) == count else a for name, a in outputs.items()}
                scores.append(self.score(half, self.light.take(rows)))
        return scores


def verify(path: Path, variant: str, verifier: Verifier, costs: dict[str, float] | None = None) -> ExportedFile:
    """Run one `.tflite` file and measure everything about it.

    Args:
        path: the file, written by `export_files`.
        variant: its precision, one of `convert.VARIANTS`.
        verifier: the rows and the outputs of Keras to compare with.
        costs: latency and memory, as `run_isolated` measured them.

    Returns:
        The record of the manifest; `refused` is one sentence where the file must not be used, else empty.
    """
    content, part, expected = path.read_bytes(), verifier.part, verifier.expected
    record = {"file": path.name, "format": "tflite", "variant": variant, "bytes": len(content), "ops": operators(content)}
    foreign = [op for op in record["ops"] if op.startswith("Flex") or not op.isupper()]
    if foreign:
        return ExportedFile(**record, refused=f"it needs operators that are not TFLite builtins: {', '.join(foreign)}")
    try:
        runtime = Runtime(content, threads=1)
        outputs = runtime.run(part.inputs)
        for name, want in expected.items():
            if np.isfinite(want).all() and not np.isfinite(outputs[name]).all():  # which has no score
                return ExportedFile(**record, refused=f"its output {name!r} holds NaN or infinity where Keras gives numbers")
        difference = differences(outputs, expected)
        measured = verifier.measure(outputs)
        refusal = _refusal(runtime, variant, part, outputs, expected, difference)
    except (AppliedError, RuntimeError, ValueError) as error:
        return ExportedFile(**record, refused=f"it converts but does not run: {str(error).rstrip('. ')}")
    return ExportedFile(**record, **measured, **difference, **(costs or {}), refused=refusal)


def differences(outputs: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> dict[str, float]:
    """Largest absolute, largest relative (to the output's scale) and median absolute difference over all float outputs.

    Of outputs that are whole numbers, such as the classes of pixels, the share that differs counts as a relative difference.
    """
    largest = relative = 0.0
    medians = []
    for name, want in expected.items():
        if name in DECISIONS:
            continue
        if not np.issubdtype(want.dtype, np.floating):
            relative = max(relative, float(np.mean(outputs[name] != want)))
            continue
        gap = np.abs(outputs[name].astype(np.float64) - want)
        scale = float(np.max(np.abs(want), initial=0.0)) or 1.0
        largest, relative = (max(largest, float(gap.max(initial=0.0))), max(relative, float(gap.max(initial=0.0)) / scale))
        medians.append(float(np.median(gap)) if gap.size else 0.0)
    return {"max_abs_diff": largest, "max_rel_diff": relative, "median_abs_diff": max(medians, default=0.0)}


def _vector_mismatch(vectors: np.ndarray, expected: np.ndarray) -> str:
    """Why vectors (N, D) cannot replace those of Keras (N, D), or an empty text."""
    size, length = (np.linalg.norm(v.astype(np.float64), axis=1) for v in (vectors, expected))
    cosines = (vectors * expected).sum(1) / np.maximum(size * length, 1e-12)
    cosine = float(np.mean(cosines, where=length > 0)) if (length > 0).any() else 1.0
    if cosine < MIN_COSINE:
        return f"its vectors have another direction: their mean cosine to those of Keras is {cosine:.3f}, expected at least {MIN_COSINE}"
    if np.allclose(length, 1, atol=1e-3) and np.abs(size - 1).max() > LENGTH_TOLERANCE:
        return f"its vectors have lengths from {size.min():.3f} to {size.max():.3f} where those of Keras have length 1"
    return ""


def _refusal(runtime, variant, part, outputs, expected, difference) -> str:
    if VECTOR in expected and (mismatch := _vector_mismatch(outputs[VECTOR], expected[VECTOR])):
        return mismatch
    if variant == "fp32" and difference["max_rel_diff"] > PARITY:
        return f"it differs from Keras by {difference['max_rel_diff']:.1e} of the output's scale, above {PARITY:.0e}"
    rows = min(SINGLE_ROWS, len(part))
    one_by_one = runtime.run({k: v[:rows] for k, v in part.inputs.items()}, batch=1)
    again = runtime.run({k: v[:rows] for k, v in part.inputs.items()}, batch=1)
    if any(not np.array_equal(one_by_one[name], again[name], equal_nan=True) for name in expected):
        return "the same input gives two different outputs when it is run twice: the file keeps state between calls"
    gap = differences(one_by_one, {name: outputs[name][:rows] for name in expected})["max_rel_diff"]
    if gap > (PARITY if variant == "fp32" else BATCH_PARITY):
        return f"its outputs depend on the batch size (relative difference {gap:.1e})"
    return ""
