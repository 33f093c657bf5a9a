"""The verb `predict`: raw inputs through the exported file, onto the screen, into a table or into a folder."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING, Any

from applied_dl.cli.verb import PRECISIONS, Verb, add_bundle_argument, print_result
from applied_dl.core import console
from applied_dl.core.errors import DataError, UsageError
from applied_dl.core.plurals import numbered

if TYPE_CHECKING:
    from pathlib import Path

    from applied_dl.predictor import Predictor


def add_predict_arguments(parser: ArgumentParser) -> None:
    add_bundle_argument(parser)
    parser.add_argument("inputs", nargs="*", metavar="INPUT", help="files, folders, texts, or ids of users")
    parser.add_argument("--similar", metavar="ITEM", action="append", help="recommenders: items that the same users like")
    parser.add_argument(
        "--out", metavar="FILE", help="write the predictions beside their inputs: .csv, .parquet, .jsonl, .xlsx; a folder for masks"
    )
    parser.add_argument("--workers", type=int, metavar="N", help="with --out: predict in batches by N processes (default for large inputs)")
    parser.add_argument("--resume", action="store_true", help="continue an interrupted --out")
    parser.add_argument("--engine", choices=("processes", "ray"), help="with --out: whose processes predict (default: this machine's own)")
    parser.add_argument("--address", help="with --engine ray: a cluster, such as ray://host:10001, whose machines see the files")
    parser.add_argument("--variant", choices=PRECISIONS, help="another precision than that of model.tflite")
    parser.add_argument("--top", type=int, help="number of classes to list")
    parser.add_argument("--nearest", type=int, help="number of nearest neighbours to list")
    parser.add_argument("--vector", action="store_true", default=None, help="give the vector of a text beside its label")


def predict(options: Namespace) -> int:
    """Predict from raw inputs."""
    from applied_dl.core.bundle import finite
    from applied_dl.predictor import load
    from applied_dl.workflows.predict import check_target, names_folder, write_predictions

    files = bool(options.out) and names_folder(options.out)
    target = check_target(options.out) if options.out and not files else None
    _check_batches(options)
    predictor = load(options.bundle, options.variant)
    if options.similar:
        if predictor.task != "recommend":
            raise UsageError(f"--similar has no meaning for the task {predictor.task!r}; it is for recommenders.")
        options.inputs += [json.dumps({"similar": item}) for item in options.similar]
    if not options.inputs:
        raise UsageError("predict expects inputs: files, folders, texts, or ids of users.")
    if files:
        return _predict_files(options, predictor)
    chosen = _task_options(predictor, top=options.top, nearest=options.nearest, vector=options.vector)
    if target and (options.workers or options.resume or options.engine or _is_large(predictor, options.inputs)):
        return _predict_batches(options, target, chosen)
    inputs = predictor.expand_inputs(options.inputs)
    predictions = predictor.predict(inputs, **chosen)
    for warning in predictor.warnings:
        console.warn(warning)
    errors = [one["error"] for one in predictions if "error" in one]
    failed, exit_code = len(errors), 3 if errors else 0
    if target:
        if errors and failed == len(predictions):
            raise DataError(errors[0] if failed == 1 else f"None of the {failed:,} inputs could be read. The first: {errors[0]}")
        if errors:
            console.warn(f"the first of {failed:,} inputs that could not be read: {errors[0]}")
        rows = write_predictions(target, predictor, inputs, predictions)
        return _print_written(options, target, rows, len(predictions), failed)
    named = inputs if isinstance(inputs, list) and len(inputs) == len(predictions) else [None] * len(predictions)
    text = "\n".join(_format_prediction(item, one) for item, one in zip(named, predictions))
    return print_result(options, finite({"predictions": predictions}), text, exit_code)


def _predict_files(options: Namespace, predictor: Predictor) -> int:
    """Write files into a folder."""
    from applied_dl.workflows.predict import predict_to_folder

    if options.workers is not None or options.resume:
        raise UsageError("--workers and --resume are for predictions into a table; a folder of files is written in one go.")
    result = predict_to_folder(predictor, options.inputs, options.out)
    for warning in predictor.warnings:
        console.warn(warning)
    failed = f", {result['errors']:,} inputs could not be read" if result["errors"] else ""
    text = f"{result['folder']}/: files of {result['predictions']:,} predictions{failed}"
    return print_result(options, result, text, 3 if result["errors"] else 0)


def _check_batches(options: Namespace) -> None:
    if (options.workers is not None or options.resume or options.engine) and not options.out:
        raise UsageError("--workers, --engine and --resume are for predictions into a file; name it by --out.")
    if options.address and options.engine != "ray":
        raise UsageError("--address is the cluster of --engine ray; give both.")
    if options.workers is not None and options.workers < 1:
        raise UsageError(f"--workers must be at least 1, received {options.workers}.")


def _is_large(predictor: Predictor, arguments: list[str]) -> bool:
    from applied_dl.workflows.stream import is_large

    return predictor.task_module.INPUT != "history" and is_large(arguments)


def _predict_batches(options: Namespace, target: Path, chosen: dict[str, Any]) -> int:
    """Predict into a file in bounded memory."""
    from applied_dl.workflows.stream import predict_to_file

    how = {"workers": options.workers, "resume": options.resume, "ray": options.engine == "ray", "address": options.address}
    done = predict_to_file(options.bundle, options.inputs, target, variant=options.variant, **how, **chosen)
    for warning in done.warnings:
        console.warn(warning)
    return _print_written(options, target, done.rows, done.rows, done.errors)


def _print_written(options: Namespace, target: Path, rows: int, predictions: int, failed: int) -> int:
    """What was written, and exit code 3 where inputs could not be read."""
    result = {"file": str(target), "rows": rows, "predictions": predictions, "errors": failed}
    note = f", {failed:,} of {predictions:,} inputs could not be read" if failed else ""
    return print_result(options, result, f"{target}: {numbered(rows, 'row', 'rows')}{note}", 3 if failed else 0)


def _task_options(predictor: Predictor, **options: Any) -> dict[str, Any]:
    """The options that were given; one that this task does not know is wrong usage."""
    given = {key: value for key, value in options.items() if value is not None}
    for key in given:
        if key not in predictor.options:
            raise UsageError(f"--{key} has no meaning for the task {predictor.task!r}.")
    return given


def _format_prediction(item: Any, prediction: dict[str, Any]) -> str:
    """A prediction on one line, after the file it belongs to."""
    from pathlib import Path

    line = json.dumps(prediction, ensure_ascii=False)
    return f"{item}  {line}" if isinstance(item, Path) and "error" not in prediction else line


VERBS = {"predict": Verb(predict, add_predict_arguments, "predict from raw inputs with the exported file (no TensorFlow)")}
