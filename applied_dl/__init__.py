"""applied_dl: from your own data to a trained Keras model, and to the file that runs on the phone, the server or the edge device.

    import applied_dl
    run = applied_dl.train("pipelines/digits.toml")         # trains, exports, verifies
    predictor = applied_dl.load("saved_models/digits")       # numpy and LiteRT; no TensorFlow
    predictor.predict(["a.png", "b.jpg"])

Axis letters, everywhere: B batch, N rows, H W C image, T time, F features, V vocabulary, D embedding.
Importing this module loads neither TensorFlow nor Keras: each function imports what it needs when it is called.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from applied_dl.core.errors import AppliedError, DataError, RefusedError, UsageError

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence

    import keras
    import msgspec

    from applied_dl.core.bundle import Manifest
    from applied_dl.predictor import Predictor
    from applied_dl.workflows.train import Run

    PathLike = str | os.PathLike[str]
    Recipe = PathLike | Mapping[str, Any] | msgspec.Struct  # a TOML file, a task's name, a dict of sections, or a recipe
    Section = Mapping[str, Any]
    __version__: str

__all__ = [
    "AppliedError",
    "DataError",
    "Predictor",
    "RefusedError",
    "Run",
    "UsageError",
    "__version__",
    "backtest",
    "diagnose",
    "diff",
    "dry_run",
    "evaluate",
    "explain",
    "export",
    "find_lr",
    "generate",
    "inspect",
    "load",
    "load_keras",
    "predict",
    "train",
    "tune",
]


def train(
    recipe: Recipe,
    *,
    out: PathLike | None = None,
    overwrite: bool = False,
    resume: bool = False,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    data: Section | None = None,
    preprocess: Section | None = None,
    model: Section | None = None,
    learn: Section | None = None,
    train: Section | None = None,
    calibration: Section | None = None,
    predict: Section | None = None,
    export: Section | None = None,
    card: Section | None = None,
) -> Run:
    """Train a recipe, export it, verify the exported files and write the bundle.

    Args:
        recipe: Path of a TOML file, name of a task for its defaults ("image", "tabular", "forecast", "words", …), or a dict.
        out: The bundle to write; `saved_models/<recipe>` by default.
        overwrite: Replace an existing bundle, in one rename at the end.
        resume: Continue an interrupted training.
        callbacks: Keras callbacks, called while the model is trained.
        data: Keys that replace those of the recipe's section [data]; a table may be a polars or pandas frame.
        preprocess: Keys of [preprocess].
        model: Keys of [model].
        learn: Keys of [learn] (words, sentences).
        train: Keys of [train].
        calibration: Keys of [calibration].
        predict: Keys of [predict].
        export: Keys of [export].
        card: Keys of [card].

    Returns:
        The run: `run.bundle`, `run.metrics`, `run.manifest`, `run.model` (the Keras model), `run.predictor()`.

    Raises:
        UsageError: The recipe or an argument is wrong.
        DataError: The data is wrong.
        RefusedError: No TFLite file passed its verification; the bundle with the Keras model is written all the same.

    Example:
        >>> run = applied_dl.train("tabular", data={"source": frame, "target": "price"}, out="saved_models/prices")
        >>> run.metrics["test"]["rmse"]
    """
    from applied_dl.workflows import recipes
    from applied_dl.workflows.train import train as train_recipe

    sections = {"data": data, "preprocess": preprocess, "model": model, "learn": learn, "train": train, "calibration": calibration,
                "predict": predict, "export": export, "card": card}  # fmt: skip
    overrides = recipes.section_overrides(sections)
    return train_recipe(recipe, out=out, overwrite=overwrite, resume=resume, callbacks=callbacks, overrides=overrides)


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
        out: A new folder for images, `grid.png` among them, or a table: `.csv`, `.parquet` or `.jsonl`.
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


def diff(a: PathLike, b: PathLike, data: Any = None) -> dict[str, Any]:
    """Compare two bundles of one task on the same labelled rows, through the files that they ship.

    Args:
        a: A folder written by `train`.
        b: The one that is compared with it.
        data: A labelled source; by default the held-out test rows, where both were trained and split on the same data.

    Returns:
        `{"a", "b", "task", "data", "rows", "main", "metrics": {name: {"a", "b", "change", "interval", "verdict"}}, "flipped", "worse",
        "flipped_rows", "recipe": {key: [a, b]}, "facts": {name: [a, b]}, "files": {name: [a, b]}, "warnings"}`. Intervals are paired, at
        95 %; of the flipped rows those where b loses most come first. Where a file was fitted again on all rows, its scores on the test
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


def tune(
    recipe: Recipe, *, out: PathLike | None = None, trials: int | None = None, jobs: int = 1, overrides: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Search the space of a recipe's [tune.space] with Optuna, on validation rows alone.

    Args:
        recipe: Path of a TOML file, name of a task, or a dict.
        out: Folder of the study, `best.toml` and the plots; `tuned/<recipe>` by default. An existing study of the same recipe is continued.
        trials: Number of trainings in all; the recipe's `tune.trials` by default.
        jobs: Number of processes that search at once.
        overrides: Values by dotted key, such as `{"train.epochs": 3}`.

    Returns:
        `{"task", "metric", "best", "values", "trials", "stopped_early", "failed", "recipe", "study", "plots"}`.

    Raises:
        UsageError: The recipe has no search space, or a wrong one.
        RefusedError: `out` holds the study of another recipe, or no trial succeeded.

    Example:
        >>> space = {"train.learning_rate": {"low": 1e-4, "high": 1e-1, "log": True}}
        >>> applied_dl.tune("tabular", trials=20, overrides={"tune.space": space})["values"]
    """
    from pathlib import Path

    from applied_dl.workflows import recipes
    from applied_dl.workflows.tune import tune as search

    folder = Path(out) if out is not None else Path("tuned") / recipes.default_name(recipe)
    return search(recipes.read_recipe(recipe, overrides), folder, trials, jobs)


def backtest(
    source: Recipe, *, origins: int | None = None, plot: PathLike = "backtest.png", overrides: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Forecast from many origins in the past, and compare with classical methods at the same origins.

    Args:
        source: A forecast recipe, fitted again at every origin, or a bundle, evaluated as it is.
        origins: Number of origins; 200 for models with a closed form, else 5.
        plot: Where to plot the forecasts.
        overrides: Values by dotted key of a recipe.

    Returns:
        `{"origins", "refits", "horizon", "main", "methods": {name: metrics}, "intervals", "by_origin", "plot", "seconds"}`.

    Raises:
        UsageError: The recipe or bundle is not of the task "forecast".

    Example:
        >>> applied_dl.backtest("saved_models/load", origins=50)["methods"]
    """
    from pathlib import Path

    from applied_dl.workflows import backtest as rolling
    from applied_dl.workflows import recipes

    if (bundle := _bundle_path(source, overrides)) is not None:
        return rolling.backtest_bundle(bundle, Path(plot), origins)
    return rolling.backtest_recipe(recipes.read_recipe(source, overrides), Path(plot), origins)


def diagnose(source: Recipe, *, budget: float = 60.0, overrides: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Examine a recipe before a long training, or a bundle after it: what is wrong, and what to change.

    Args:
        source: A recipe, whose data, new model and short training are examined, or a bundle.
        budget: Seconds that the short training may take, about.
        overrides: Values by dotted key of a recipe.

    Returns:
        `{"task", "examined", "findings": [{"name", "observed", "why", "change", "rows", …}], "warnings", "note"}`.

    Example:
        >>> [finding["change"] for finding in applied_dl.diagnose("pipelines/mine.toml")["findings"]]
    """
    from applied_dl.workflows import diagnose as doctor
    from applied_dl.workflows import recipes

    if (bundle := _bundle_path(source, overrides)) is not None:
        return doctor.doctor_bundle(bundle)
    return doctor.doctor_recipe(recipes.read_recipe(source, overrides), budget)


def inspect(recipe: Recipe, *, out: PathLike | None = None, overrides: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Read the data of a recipe, without training, and report how it is read and what is unusual in it.

    Args:
        recipe: Path of a TOML file, name of a task, or a dict such as `{"task": "tabular", "data": {"source": frame}}`.
        out: An HTML page to write the report to.
        overrides: Values by dotted key, such as `{"data.target": "price"}`.

    Returns:
        `{"task", "source", "summary", "parts", "columns", "findings", "warnings", "page"}`.

    Raises:
        DataError: The data cannot be read.

    Example:
        >>> applied_dl.inspect("tabular", overrides={"data.source": "homes.csv"})["findings"]
    """
    from pathlib import Path

    from applied_dl.workflows import recipes
    from applied_dl.workflows.inspect import inspect_data

    return inspect_data(recipes.read_recipe(recipe, overrides), None if out is None else Path(out))


def find_lr(recipe: Recipe, *, plot: PathLike = "lr_find.png", overrides: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Sweep the learning rate of a recipe's model and suggest one (Smith, 2017); nothing is trained.

    Args:
        recipe: Path of a TOML file, name of a task, or a dict.
        plot: Where to plot the loss over the learning rate.
        overrides: Values by dotted key, such as `{"model.name": "lenet"}`.

    Returns:
        `{"net", "chosen", "valley", "steepest", "now", "plot", "nets": [one such dict for each net]}`.

    Raises:
        UsageError: The model is not trained by gradient steps.

    Example:
        >>> applied_dl.find_lr("image", overrides={"train.optimizer": "sgd"})["chosen"]
    """
    from pathlib import Path

    from applied_dl.workflows import recipes
    from applied_dl.workflows.find_lr import find_lr as sweep

    return sweep(recipes.read_recipe(recipe, overrides), Path(plot))


def dry_run(recipe: Recipe, *, out: PathLike | None = None, overrides: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What `train` would do, without training: rows, inputs, parameters, memory, seconds and files.

    Args:
        recipe: Path of a TOML file, name of a task, or a dict.
        out: The bundle that would be written; an image of the first batch is written beside it as `<out>.preview.png`.
        overrides: Values by dotted key, such as `{"train.epochs": 3}`.

    Returns:
        The facts that `applied-dl train --dry-run --json` prints.

    Example:
        >>> applied_dl.dry_run("pipelines/digits.toml")["seconds"]
    """
    from pathlib import Path

    from applied_dl.workflows import recipes
    from applied_dl.workflows.dry_run import dry_run as plan

    target = out if out is not None else Path("saved_models") / recipes.default_name(recipe)
    return plan(recipes.read_recipe(recipe, overrides), str(target))[0]


def _bundle_path(source: Recipe, overrides: Mapping[str, Any] | None) -> str | None:
    """The path where the source is a bundle, else None."""
    import os

    if not isinstance(source, str | os.PathLike) or not os.path.isdir(source):
        return None
    if overrides:
        raise UsageError("overrides are for a recipe; a bundle is examined as it was trained.")
    return os.fspath(source)


def __getattr__(name: str) -> Any:
    """Classes and the version, looked up when they are first used (PEP 562)."""
    if name == "Predictor":
        from applied_dl.predictor import Predictor

        return Predictor
    if name == "Run":
        from applied_dl.workflows.train import Run

        return Run
    if name == "__version__":
        from importlib.metadata import PackageNotFoundError, version

        try:
            return version("applied_dl")
        except PackageNotFoundError:  # a source tree that was never installed
            return "0+unknown"
    raise AttributeError(f"module 'applied_dl' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
