"""The precision ladder: convert every variant, prove each, refuse what loses too much, choose the smallest that does not."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np

from applied_dl.core import console
from applied_dl.core.bundle import ExportedFile
from applied_dl.core.records import Part, Scores
from applied_dl.export import convert
from applied_dl.export.evaluate import signature_outputs
from applied_dl.export.isolated import rehearse
from applied_dl.export.metadata import add_metadata
from applied_dl.export.saved_model import write_saved_model
from applied_dl.export.serving import Serving
from applied_dl.export.verification import Judge, differences, proof_rows, prove
from applied_dl.export.weight_only import quantise_weights

LIKE, FASTER = 1.05, 0.5  # sizes that are alike, and the share of a file's latency (no busy machine's noise) under which another wins


def export_files(
    serving: Serving, settings, train: Part, test: Part, score: Callable[[dict, Part], Scores], folder: Path, name: str
) -> tuple[list[ExportedFile], dict[str, np.ndarray]]:
    """Write the files of `settings` (a resolved `recipe.export`) into `folder` and prove each on rows of `test`.

    Returns the proofs (one `chosen`, copied to `model.tflite`, unless all were refused) and Keras' outputs on the proof rows.
    """
    convert.check_export(settings)
    rows = proof_rows(test)
    expected = keras_outputs(serving, rows)
    judge = Judge(score, rows, expected)
    if len(rows) < len(test):
        told = f"each file answers {len(rows):,} of the {len(test):,} test rows; on these Keras has {judge.reference.main}"
        console.say("proof", f"{told} {judge.reference.value:.4f}")
    found: list[ExportedFile] = []
    if "saved_model" in settings.formats:
        write_saved_model(serving, folder / "saved_model")
        found.append(_prove_saved_model(folder / "saved_model", judge))
        found += [_prove_endpoint(folder / "saved_model", name, sample, rows, expected, score) for name, sample in serving.samples.items()]
    if "tflite" in settings.formats:
        found += _tflite(serving, settings, train, judge, folder, name)
    return _choose(found, settings.max_metric_drop, folder), expected


def keras_outputs(serving: Serving, part: Part, batch: int = 256) -> dict[str, np.ndarray]:
    """The serving graph's answers by name, computed by Keras."""
    outputs = serving.model.predict(part.inputs, batch_size=batch, verbose=0)
    return {name: np.asarray(value) for name, value in outputs.items()}


def _prove_saved_model(folder: Path, judge: Judge) -> ExportedFile:
    outputs = signature_outputs(folder, judge.part.inputs)
    size = sum(p.stat().st_size for p in folder.rglob("*") if p.is_file())
    return ExportedFile(
        file=folder.name, format="saved_model", variant="fp32", bytes=size, **judge.of(outputs), **differences(outputs, judge.expected)
    )


def _prove_endpoint(folder, endpoint, sample, rows, expected, score) -> ExportedFile:
    """A further signature against the model's answers to the same rows through the encoder: what its own decoding changes."""
    chosen, inputs = sample(rows)
    part, want = rows.take(chosen), {key: value[chosen] for key, value in expected.items()}
    outputs = signature_outputs(folder, inputs, endpoint)
    scores = score(outputs, part)
    return ExportedFile(
        file=folder.name, format="saved_model", variant=endpoint, bytes=0, metric=scores.value,
        metric_drop=scores.drop_against(score(want, part)), **differences(outputs, want),
    )  # fmt: skip


def _tflite(serving, settings, train: Part, judge: Judge, folder: Path, name: str) -> list[ExportedFile]:
    found = []
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        sample = train.take(np.linspace(0, len(train) - 1, min(len(train), convert.REPRESENTATIVE_ROWS)).astype(np.int64))
        np.savez(work / "representative.npz", **sample.inputs)
        converted, reasons = _converted(serving, tuple(settings.variants), work)
        refused, costs = rehearse(converted, work / "representative.npz")
        reasons |= refused
        for variant in settings.variants:
            if variant in reasons:
                found.append(ExportedFile(file="", format="tflite", variant=variant, bytes=0, refused=reasons[variant]))
            elif variant in converted:
                target = folder / f"model.{variant}.tflite"
                content = converted[variant].read_bytes()
                target.write_bytes(add_metadata(content, name, serving) if settings.metadata else content)
                found.append(prove(target, variant, judge, costs.get(variant)))
    return found


def _converted(serving: Serving, variants: tuple[str, ...], work: Path) -> tuple[dict[str, Path], dict[str, str]]:
    """The files of the variants, and why others could not be made. A graph without large weights has no int8_weights file."""
    write_saved_model(serving, work / "phone", endpoints=False)
    asked = tuple(v for v in variants if v != "int8_weights")
    if "int8_weights" in variants and "fp32" not in asked:
        asked = ("fp32", *asked)
    failures = convert.convert(work / "phone", work, asked, work / "representative.npz")
    reasons = {variant: f"it could not be converted: {reason}" for variant, reason in failures.items() if variant in variants}
    made = {variant: work / f"{variant}.tflite" for variant in asked if variant not in failures}
    if "int8_weights" in variants and "fp32" in made and (content := quantise_weights(made["fp32"].read_bytes())):
        (work / "int8_weights.tflite").write_bytes(content)
        made["int8_weights"] = work / "int8_weights.tflite"
    return {variant: path for variant, path in made.items() if variant in variants}, reasons


def _choose(found: list[ExportedFile], max_metric_drop: float | None, folder: Path) -> list[ExportedFile]:
    """Refuse the variants above the allowed loss; the smallest other becomes `model.tflite`, or a clearly faster one of like size."""
    judged = []
    for item in found:
        if item.format == "tflite" and not item.refused and max_metric_drop is not None and item.metric_drop > max_metric_drop:
            item = msgspec.structs.replace(
                item, refused=f"it loses {item.metric_drop:.4f} of the metric, above the allowed {max_metric_drop:.4f}"
            )
        judged.append(item)
    allowed = [item for item in judged if item.format == "tflite" and not item.refused]
    if not allowed:
        return judged
    best = min(allowed, key=lambda item: item.bytes)
    faster = [i for i in allowed if i.bytes <= LIKE * best.bytes and (i.latency_ms or np.inf) < FASTER * (best.latency_ms or 0)]
    best = min(faster, key=lambda item: item.latency_ms, default=best)
    shutil.copyfile(folder / best.file, folder / "model.tflite")
    return [msgspec.structs.replace(item, chosen=item is best) for item in judged]
