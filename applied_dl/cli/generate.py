"""The verb that makes new images or rows of a table from a trained bundle."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from applied_dl.cli.verb import PRECISIONS, Verb, add_bundle_argument, print_result
from applied_dl.core.errors import UsageError


def add_generate_arguments(parser: ArgumentParser) -> None:
    add_bundle_argument(parser)
    parser.add_argument("--label", help="images: of this class only (default: of all, as they occur in training)")
    parser.add_argument("--count", type=int, help="images: how many to make (default: 64)")
    parser.add_argument("--rows", type=int, help="tables: how many rows to make (default: 1000)")
    parser.add_argument("--seed", type=int, default=0, help="the same seed makes the same images or rows (default: 0)")
    parser.add_argument("--out", metavar="PATH", help="images: a new folder (default: generated/); tables: .csv, .parquet, .jsonl or .xlsx")
    parser.add_argument("--walk", action="store_true", help="images: also write walk.gif, a walk from image to image")
    parser.add_argument("--variant", choices=PRECISIONS, help="another precision than that of model.tflite")


def generate(options: Namespace) -> int:
    """Make images or rows."""
    from applied_dl.predictor import Predictor
    from applied_dl.workflows.generate import generate as make

    if options.count is not None and options.rows is not None:
        raise UsageError("--count is for images and --rows for tables; give one of them.")
    predictor = Predictor(options.bundle, options.variant)
    images = predictor.task == "generate" and bool(predictor.encoder.form.height)
    wrong = options.rows if images else options.count
    if wrong is not None and predictor.task == "generate":
        raise UsageError(f"{'--rows is for tables; for images give --count' if images else '--count is for images; for rows give --rows'}.")
    count = options.count if images else options.rows
    out = options.out or ("generated" if images else "generated.csv")
    result = make(predictor, count=count, label=options.label, seed=options.seed, out=out, walk=options.walk)
    if images:
        facts = {"out": result["out"], "count": len(result["images"]), "files": result["files"]}
        return print_result(options, facts, f"{facts['count']} images and grid.png in {facts['out']}/")
    frame = result["rows"]
    facts = {"out": result["out"], "rows": frame.height, "columns": frame.columns}
    return print_result(options, facts, f"{frame.height:,} rows of {frame.width} columns in {facts['out']}")


VERBS = {"generate": Verb(generate, add_generate_arguments, "make new images, or rows of a table, with a bundle of the task generate")}
