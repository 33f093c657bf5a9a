"""Convert every precision, verify each file, refuse those that lose too much of the metric, and choose the smallest of the others."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np

from applied_dl.core import console, limits
from applied_dl.core.bundle import ExportedFile
from applied_dl.core.records import Part, Scores
from applied_dl.exporting import convert
from applied_dl.exporting.evaluate import outputs_of, signature_outputs
from applied_dl.exporting.explanation import export_explanation
from applied_dl.exporting.isolated import run_isolated
from applied_dl.exporting.metadata import add_metadata
from applied_dl.exporting.saved_model import write_saved_model
from applied_dl.exporting.serving import Serving
from applied_dl.exporting.verification import Verifier, differences, verification_rows, verify
from applied_dl.exporting.weight_only import quantise_weights

ROUNDING = 1e-9  # of the drop: 0.895 - 0.89 is a little more than 0.005
SIMILAR_SIZE = 1.1  # files within this factor of the smallest count as equally small
CLEARLY_FASTER = 0.5  # of those, one with less than this share of the smallest file's latency is chosen instead: more than timing noise


def export_files(
    serving: Serving, settings, train: Part, test: Part, score: Callable[..., Scores], folder: Path, name: str, unseen: float = 0.0
) -> tuple[list[ExportedFile], dict[str, np.ndarray]]:
    """Write the files of a resolved `recipe.export` and verify each on held-out rows.

    Args:
        serving: the task's serving graph.
        settings: the `[export]` section of the recipe: formats, variants, max_metric_drop, metadata.
        train: training rows, from which the int8 calibration takes its sample.
        test: held-out rows, at most `verification.VERIFICATION_ROWS` of which are used.
        score: the task's score of (outputs by name, rows, metrics_only=False).
        folder: where the files go.
        name: the model's name in the TFLite metadata.
        unseen: the main metric on rows that the model was not fitted to, where it was fitted to the test rows: 5% more of an error that
            is all but 0 on them would say nothing.

    Returns:
        One record per file, and the outputs of Keras on the verification rows. One TFLite file is `chosen` and copied to
        `model.tflite`, unless all were refused.
    """
    convert.check_export(settings)
    rows = verification_rows(test)
    expected = keras_outputs(serving, rows)
    verifier = Verifier(score, rows, expected, unseen)
    if len(rows) < len(test):
        reference = verifier.reference
        console.say("verify", f"on {len(rows):,} of the {len(test):,} test rows; there Keras has {reference.main} {reference.value:.4f}")
    exports: list[ExportedFile] = []
    if "saved_model" in settings.formats:
        write_saved_model(serving, folder / "saved_model")
        exports.append(_verify_saved_model(folder / "saved_model", verifier))
        exports += [_verify_endpoint(folder / "saved_model", name, sample, verifier) for name, sample in serving.samples.items()]
    if "tflite" in settings.formats:
        written = folder / "saved_model" if "saved_model" in settings.formats and not serving.endpoints else None
        exports += _export_tflite(serving, settings, train, verifier, folder, name, written)
        export_explanation(serving, rows, folder)
    return _choose(exports, verifier.reference, settings, folder), expected


def keras_outputs(serving: Serving, part: Part) -> dict[str, np.ndarray]:
    """The outputs (N, …) of the serving graph by name, computed by Keras."""
    return {name: np.asarray(value) for name, value in outputs_of(serving.model, part.inputs).items()}


def held_out_outputs(serving: Serving, prepared, part: str) -> dict[str, np.ndarray]:
    """The outputs (N, …) by name on the "validation" or "test" rows of a model that was not fitted to them.

    They are those of cross-validation, or of the graph before it was fitted again on all rows, where there is one.
    """
    if part == "validation" and serving.validation:
        return serving.validation
    model = serving.model if part in serving.unseen else serving.scored or serving.model
    return keras_outputs(serving._replace(model=model), getattr(prepared, part))


def _verify_saved_model(folder: Path, verifier: Verifier) -> ExportedFile:
    outputs = signature_outputs(folder, verifier.part.inputs)
    size = sum(p.stat().st_size for p in folder.rglob("*") if p.is_file())
    measured = verifier.measure(outputs) | differences(outputs, verifier.expected)
    return ExportedFile(file=folder.name, format="saved_model", variant="fp32", bytes=size, **measured)


def _verify_endpoint(folder: Path, endpoint: str, sample: Callable, verifier: Verifier) -> ExportedFile:
    """Compare a further signature with the model's outputs for the same rows through the encoder: its own decoding may differ."""
    chosen, inputs = sample(verifier.part)
    part, expected = verifier.part.take(chosen), {key: value[chosen] for key, value in verifier.expected.items()}
    outputs = signature_outputs(folder, inputs, endpoint)
    scores = verifier.score(outputs, part)
    return ExportedFile(
        file=folder.name, format="saved_model", variant=endpoint, bytes=0, metric=scores.value,
        metric_drop=scores.drop_against(verifier.score(expected, part), verifier.unseen), **differences(outputs, expected),
    )  # fmt: skip


def _export_tflite(
    serving: Serving, settings, train: Part, verifier: Verifier, folder: Path, name: str, written: Path | None
) -> list[ExportedFile]:
    exports = []
    contents, costs, reasons = tflite_files(serving, settings, train, name, written)
    for variant in settings.variants:
        if variant in reasons:
            exports.append(ExportedFile(file="", format="tflite", variant=variant, bytes=0, refused=reasons[variant]))
        elif variant in contents:
            target = folder / f"model.{variant}.tflite"
            target.write_bytes(contents[variant])
            exports.append(verify(target, variant, verifier, costs.get(variant)))
    return exports


def tflite_files(
    serving: Serving, settings, train: Part, name: str, saved_model: Path | None = None
) -> tuple[dict[str, bytes], dict[str, dict[str, float]], dict[str, str]]:
    """The files of the recipe's precisions that convert and run, what they cost, and why the others do not; all by variant.

    Arguments as for `export_files`; `saved_model` is a folder that holds the serving graph, where it was written already. The costs are
    those of `runtime.measure.costs`.
    """
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        sample = train.take(np.linspace(0, len(train) - 1, min(len(train), convert.REPRESENTATIVE_ROWS)).astype(np.int64))
        np.savez(work / "representative.npz", **sample.inputs)
        converted, reasons = convert_variants(serving, tuple(settings.variants), work, saved_model)
        refused, costs = run_isolated(converted, work / "representative.npz")
        contents = {variant: path.read_bytes() for variant, path in converted.items() if variant not in refused}
    if settings.metadata:
        contents = {variant: add_metadata(content, name, serving) for variant, content in contents.items()}
    return contents, costs, reasons | refused


def convert_variants(
    serving: Serving, variants: tuple[str, ...], work: Path, saved_model: Path | None = None
) -> tuple[dict[str, Path], dict[str, str]]:
    """Files by variant, and the reasons of those that could not be converted. A graph without large weights has no int8_weights file."""
    if saved_model is None:
        saved_model = work / "phone"
        write_saved_model(serving, saved_model, endpoints=False)
    requested = tuple(v for v in variants if v != "int8_weights")
    if "int8_weights" in variants and "fp32" not in requested:
        requested = ("fp32", *requested)
    failures = convert.convert(saved_model, work, requested, work / "representative.npz")
    reasons = {variant: f"it could not be converted: {reason}" for variant, reason in failures.items() if variant in variants}
    files = {variant: work / f"{variant}.tflite" for variant in requested if variant not in failures}
    if "int8_weights" in variants and "fp32" in files and (content := quantise_weights(files["fp32"].read_bytes())):
        (work / "int8_weights.tflite").write_bytes(content)
        files["int8_weights"] = work / "int8_weights.tflite"
    elif set(variants) == {"int8_weights"} and not reasons:
        reasons["int8_weights"] = "the graph has no weights that are large enough for it; add another precision to export.variants"
    return {variant: path for variant, path in files.items() if variant in variants}, reasons


def _choose(exports: list[ExportedFile], reference: Scores, settings, folder: Path) -> list[ExportedFile]:
    """Refuse files and endpoints above the allowed drop, and files above the budget; the smallest other file becomes `model.tflite`, or a
    clearly faster one."""
    checked = [_refuse_cost(_refuse_drop(item, reference, settings.max_metric_drop), settings.budget) for item in exports]
    allowed = [item for item in checked if item.format == "tflite" and not item.refused]
    if not allowed:
        return checked
    smallest = min(allowed, key=lambda item: item.bytes)
    limit = CLEARLY_FASTER * (smallest.latency_ms or 0)
    faster = [item for item in allowed if item.bytes <= SIMILAR_SIZE * smallest.bytes and (item.latency_ms or np.inf) < limit]
    best = min(faster, key=lambda item: item.latency_ms or np.inf, default=smallest)
    shutil.copyfile(folder / best.file, folder / "model.tflite")
    return [msgspec.structs.replace(item, chosen=item is best) for item in checked]


def _refuse_cost(item: ExportedFile, asked: str | None) -> ExportedFile:
    if asked is None or item.format != "tflite" or item.refused:
        return item
    if limits.budget(asked, limits.BUDGET).excess(item.bytes, item.latency_ms) <= 1:
        return item
    cost = limits.format_cost(item.bytes, item.latency_ms)
    return msgspec.structs.replace(item, refused=f"it costs {cost}, the budget is {asked}")


def _refuse_drop(item: ExportedFile, reference: Scores, allowed: float | None) -> ExportedFile:
    drop = item.metric_drop
    if (item.format, item.variant) == ("saved_model", "fp32") or item.refused or allowed is None or drop is None:
        return item
    if not drop > allowed + ROUNDING:
        return item
    metric = reference.main
    if reference.rises():
        return msgspec.structs.replace(item, refused=f"its {metric} is {drop:.4f} below that of Keras, allowed is {allowed:.4f}")
    return msgspec.structs.replace(item, refused=f"its {metric} is {drop:.2%} above that of Keras, allowed is {allowed:.2%}")
