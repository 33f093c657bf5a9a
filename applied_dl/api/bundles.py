"""Public functions that start from a trained bundle: predict, score, compare, explain, export it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    import keras

    from applied_dl.core.bundle import Manifest
    from applied_dl.predictor import Predictor

    PathLike = str | os.PathLike[str]


def load(bundle: PathLike, variant: str | None = None, threads: int | None = None) -> Predictor:
    """Open a bundle for prediction, without TensorFlow.

    Args:
        bundle: A folder written by `train`.
        variant: "fp32", "fp16", "dynamic", "int8_weights" or "int8"; the chosen file by default.
        threads: Threads of the interpreter; up to 4 by default.

    Returns:
        The predictor; safe to share between threads.

    Raises:
        DataError: The bundle is missing a file, or one is damaged.
        UsageError: The bundle has no such variant.

    Example:
        >>> applied_dl.load("saved_models/digits").predict(["3.png"])[0]["label"]
        '3'
    """
    from applied_dl.predictor import Predictor

    return Predictor(bundle, variant, threads)


def load_keras(bundle: PathLike) -> keras.Model:
    """Load the serving graph of a bundle as a Keras model, with the package's own layers registered.

    Args:
        bundle: A folder written by `train`.

    Returns:
        The model; its inputs and outputs are those of the exported files.

    Raises:
        DataError: The bundle is missing a file, or one is damaged.

    Example:
        >>> applied_dl.load_keras("saved_models/digits").summary()
    """
    from applied_dl.workflows.load_keras import load_keras as read

    return read(bundle)


def predict(
    bundle: PathLike | Predictor,
    inputs: Any,
    *,
    as_frame: bool = False,
    variant: str | None = None,
    top: int | None = None,
    nearest: int | None = None,
    vector: bool | None = None,
) -> Any:
    """Predict from raw inputs with a bundle's exported file, without TensorFlow.

    Args:
        bundle: A folder written by `train`, or a loaded predictor (faster for repeated calls).
        inputs: What the task takes, one or a list: paths, bytes, PIL images, arrays, rows, texts, polars or pandas frames.
        as_frame: Return a table with one row per input beside the input's own columns (a series: its history, then its forecast).
        variant: "fp32", "fp16", "dynamic", "int8_weights" or "int8"; the chosen file by default.
        top: Number of classes to list (labels).
        nearest: Number of nearest neighbours to list (vectors).
        vector: Return the vector of a text beside its label, or leave it out.

    Returns:
        A list of one dict per input, in order; or a frame, of pandas where `inputs` are a pandas frame and of polars otherwise. An input
        that cannot be read gives `{"input", "error"}`, or its sentence in the column `error`.

    Raises:
        DataError: The bundle is missing a file, or one is damaged.
        UsageError: The task has no such option, or the bundle no such variant.

    Example:
        >>> applied_dl.predict("saved_models/prices", pandas_frame, as_frame=True)[["prediction", "lower", "upper"]]
    """
    from applied_dl.workflows.predict import predict as predict_inputs

    options = {key: value for key, value in {"top": top, "nearest": nearest, "vector": vector}.items() if value is not None}
    return predict_inputs(bundle, inputs, variant=variant, as_frame=as_frame, **options)


def explain(
    bundle: PathLike | Predictor, inputs: Any, *, label: str | None = None, out: PathLike | None = None, sampled: bool = False
) -> dict[str, Any]:
    """Say how much each column, word, patch of the image or run of steps contributed to an answer.

    By Shapley values of the exported file: exact where the answer is a sum over the parts, as of linear models, else sampled. Where the
    bundle of an image net has an `explain.tflite`, by one run of that.

    Args:
        bundle: A folder written by `train`, or an open `Predictor`.
        inputs: What `predict` takes.
        label: The label whose probability is explained; the predicted one by default.
        out: A folder for one plot per explanation: a heat map, a waterfall, highlighted words, a series.
        sampled: Sampled Shapley values in any case; of a label its probability is then divided, not its log-odds or score.

    Returns:
        `{"explanations": [{"input", "answer", "value", "base", "absent", "method", "contributions": [{"column", "value", "contribution"},
        …]}], "warnings"}`; "method" is "exact", "class map" or "sampled". The contributions sum to `value - base`, largest first. An input
        that cannot be read gives `{"input", "error"}`.

    Raises:
        UsageError: The model gives vectors, or does not know the label.

    Example:
        >>> applied_dl.explain("saved_models/prices", {"area": 80, "rooms": 3})["explanations"][0]["contributions"][0]["column"]
    """
    from applied_dl.workflows.explain import explain as explain_inputs

    return explain_inputs(bundle, inputs, label=label, out=out, sampled=sampled)


def evaluate(bundle: PathLike, data: Any = None) -> dict[str, Any]:
    """Score every exported file of a bundle through its own runtime.

    Args:
        bundle: A folder written by `train`.
        data: Another labeled source; the held-out test rows of the bundle's own data by default.

    Returns:
        `{"bundle", "task", "rows", "data", "metrics": {file: {metric: value}}, "intervals", "warnings"}`.

    Raises:
        RefusedError: The bundle's own data has changed since the training.
        DataError: The bundle or the data is wrong.

    Example:
        >>> applied_dl.evaluate("saved_models/digits")["metrics"]["model.tflite"]["accuracy"]
    """
    from applied_dl.workflows.evaluate import evaluate as evaluate_bundle

    return evaluate_bundle(bundle, data)


def diff(a: PathLike, b: PathLike, data: Any = None) -> dict[str, Any]:
    """Compare two bundles of one task on the same labelled rows, through the files that they ship.

    Args:
        a: A folder written by `train`.
        b: The one that is compared with it.
        data: A labelled source; by default the held-out test rows, where both were trained and split on the same data.

    Returns:
        `{"a", "b", "task", "data", "rows", "main", "metrics": {name: {"a", "b", "change", "interval", "verdict"}}, "flipped", "worse",
        "flipped_rows", "recipe": {key: [a, b]}, "facts": {name: [a, b]}, "files": {name: [a, b]}, "warnings"}`. Intervals are paired, at
        95%; of the flipped rows those where b loses most come first. Where a file was fitted again on all rows, its scores on the test
        rows are those measured before, without intervals.

    Raises:
        UsageError: The bundles are of different tasks.
        RefusedError: They have no held-out rows in common; give `data`.

    Example:
        >>> applied_dl.diff("saved_models/digits", "saved_models/mine")["metrics"]["accuracy"]["interval"]
    """
    from applied_dl.workflows.diff import diff as compare

    return compare(a, b, data)


def export(
    bundle: PathLike, *, formats: Sequence[str] | None = None, variants: Sequence[str] | None = None, max_metric_drop: float | None = None
) -> Manifest:
    """Export a bundle again, without training; the bundle is replaced in one rename.

    Args:
        bundle: A folder written by `train`.
        formats: Of "saved_model" and "tflite"; as in the bundle's recipe by default.
        variants: TFLite precisions to try, of "fp32", "fp16", "dynamic", "int8_weights" and "int8"; the smallest that passes is chosen.
        max_metric_drop: Largest drop of the task metric that a file may have.

    Returns:
        The new manifest, with one record per file in `manifest.exports`.

    Raises:
        RefusedError: No TFLite file passed; the bundle stays as it was.

    Example:
        >>> applied_dl.export("saved_models/digits", variants=["fp16"]).chosen.file
        'model.fp16.tflite'
    """
    from applied_dl.workflows.export import export as export_again

    return export_again(bundle, formats=formats, variants=variants, max_metric_drop=max_metric_drop)


def generate(
    bundle: PathLike | Predictor,
    *,
    count: int | None = None,
    label: str | None = None,
    seed: int = 0,
    out: PathLike | None = None,
    walk: bool = False,
    variant: str | None = None,
) -> dict[str, Any]:
    """Make new images, or new rows of a table, with a bundle of the task generate; no TensorFlow.

    Args:
        bundle: A folder written by `train`, or a loaded predictor.
        count: How many; 64 images or 1000 rows by default. The first ones are the same for every count.
        label: Images of this class only; by default of all, as they occur in training.
        seed: The same seed makes the same images or rows.
        out: A new folder for images, `grid.png` among them, or a table: `.csv`, `.parquet`, `.jsonl` or `.xlsx`.
        walk: Also write `walk.gif`, a walk from image to image.
        variant: A precision other than that of `model.tflite`.

    Returns:
        `{"images": uint8 (N, H, W, C), "labels", "files", "out"}`, or `{"rows": a polars frame, "out"}`.

    Raises:
        UsageError: An unknown label, a count under 1, a path that exists, or a bundle of another task.

    Example:
        >>> applied_dl.generate("saved_models/digits", label="3", count=16)["images"].shape
        (16, 8, 8, 1)
    """
    from applied_dl.workflows.generate import generate as make

    return make(bundle, count=count, label=label, seed=seed, out=out, walk=walk, variant=variant)
