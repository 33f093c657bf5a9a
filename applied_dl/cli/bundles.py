"""Verbs that start from a trained bundle: evaluate, diff, explain, export, check, sign, bench, info, pack, unpack, freeze, page."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from applied_dl.cli.verb import PRECISIONS, Verb, add_bundle_argument, format_scores, print_result, split_list
from applied_dl.core import console
from applied_dl.core.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path


def add_evaluate_arguments(parser: ArgumentParser) -> None:
    add_bundle_argument(parser)
    parser.add_argument("source", nargs="?", metavar="SRC", help="another labeled source (default: the held-out test rows)")
    parser.add_argument("--data", metavar="SRC", help="the same as SRC")


def evaluate(options: Namespace) -> int:
    """Score every exported file."""
    from applied_dl.report.metric_words import legend
    from applied_dl.workflows.evaluate import evaluate as evaluate_bundle

    if options.source and options.data:
        raise UsageError(f"evaluate takes one source, and {options.source!r} stands beside --data {options.data!r}; leave one of them out.")
    result = evaluate_bundle(options.bundle, options.source or options.data)
    scores, intervals = result["metrics"], result["intervals"]
    lines = [f"{file:<26} {format_scores(scores[file], intervals[file])}" for file in scores]
    lines += legend(next(iter(scores.values()), {}), result["task"])
    return print_result(options, result, "\n".join(lines))


def add_diff_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("bundle", metavar="A", help="a folder written by `train`")
    parser.add_argument("other", metavar="B", help="the bundle that is compared with it")
    parser.add_argument("--data", metavar="SRC", help="labeled rows that neither has seen (default: the held-out test rows of both)")
    parser.add_argument("--out", metavar="FILE", help="also write the comparison as a page: .html")


def diff(options: Namespace) -> int:
    """Compare two bundles."""
    from pathlib import Path

    from applied_dl.report.comparison import as_page, as_text
    from applied_dl.workflows.diff import diff as compare

    if options.out and not options.out.endswith((".html", ".htm")):
        raise UsageError(f"--out must be a page, .html; received {options.out!r}.")
    result = compare(options.bundle, options.other, options.data)
    if options.out:
        Path(options.out).write_text(as_page(result), encoding="utf-8")
    return print_result(options, result, as_text(result))


def add_explain_arguments(parser: ArgumentParser) -> None:
    add_bundle_argument(parser)
    parser.add_argument("inputs", nargs="+", metavar="INPUT", help="files, folders or texts, as `predict` takes them")
    parser.add_argument("--label", help="explain this label (default: the predicted one)")
    parser.add_argument("--out", metavar="DIR", help="write a plot for each explanation into this folder")
    parser.add_argument("--sampled", action="store_true", help="sample Shapley values, also where an exact way is known")
    parser.add_argument("--variant", choices=PRECISIONS, help="another precision than that of model.tflite")


def explain(options: Namespace) -> int:
    """Explain predictions."""
    from applied_dl.core.bundle import finite
    from applied_dl.predictor import load
    from applied_dl.report.explanation import as_text
    from applied_dl.workflows.explain import explain as explain_inputs

    predictor = load(options.bundle, options.variant)
    result = explain_inputs(
        predictor, predictor.expand_inputs(options.inputs), label=options.label, out=options.out, sampled=options.sampled
    )
    for warning in result["warnings"]:
        console.warn(warning)
    failed = any("error" in one for one in result["explanations"])
    return print_result(options, finite(result), "\n\n".join(map(as_text, result["explanations"])), 3 if failed else 0)


def add_export_arguments(parser: ArgumentParser) -> None:
    add_bundle_argument(parser)
    parser.add_argument("--formats", help="comma-separated: saved_model,tflite")
    parser.add_argument("--variants", help=f"comma-separated: {','.join(PRECISIONS)}")
    parser.add_argument("--max-metric-drop", type=float, help="largest drop of the task metric that a file may have")


def export(options: Namespace) -> int:
    """Export a trained bundle again."""
    import msgspec

    from applied_dl.core.bundle import finite
    from applied_dl.workflows.export import export as export_again

    formats, variants = split_list(options.formats), split_list(options.variants)
    manifest = export_again(options.bundle, formats=formats, variants=variants, max_metric_drop=options.max_metric_drop)
    lines = []
    for item in manifest.exports:
        score = f"{manifest.main} {item.metric:.4f}  drop {item.metric_drop:+z.4f}  {item.bytes:,} bytes" if not item.refused else ""
        lines.append(f"{item.file or item.variant:<26} {score or f'refused: {item.refused}'}")
    result = {"bundle": options.bundle, "exports": [msgspec.to_builtins(item) for item in manifest.exports]}
    return print_result(options, finite(result), "\n".join(lines))


def add_check_arguments(parser: ArgumentParser) -> None:
    add_bundle_argument(parser)
    parser.add_argument("--public-key", metavar="PEM", help="also verify the signature that `sign` wrote, with the signer's public key")


def check(options: Namespace) -> int:
    """Verify checksums and replay the golden examples."""
    from applied_dl.workflows.check import check_bundle

    result = check_bundle(options.bundle, options.public_key)
    lines = [
        f"{row['file']:<26} gives the recorded outputs for {row['examples']} held-out rows (golden.npz; largest difference "
        f"{row['difference']:.1e} of their scale)"
        for row in result["files"]
    ]
    lines += [f"{'encoder':<26} {result['encoded']} example inputs become the same arrays as at training"] if result["encoded"] else []
    lines += [f"{'bom.cdx.json':<26} the bill of materials agrees with the manifest"] if result["bill"] else []
    lines += [f"signed with the key of {options.public_key}"] if result["signed"] else []
    return print_result(options, result, "\n".join([*lines, "all checksums match"]))


def add_sign_arguments(parser: ArgumentParser) -> None:
    add_bundle_argument(parser)
    parser.add_argument(
        "--private-key", metavar="PEM", required=True, help="an elliptic-curve key (openssl ecparam -name prime256v1 -genkey)"
    )


def sign(options: Namespace) -> int:
    """Sign a bundle."""
    from applied_dl.core.signing import sign as write

    return _print_file(options, write(options.bundle, options.private_key))


def bench(options: Namespace) -> int:
    """Time every TFLite file."""
    from applied_dl.runtime.bench import bench as measure

    rows = measure(options.bundle)
    head = f"{'file':<26} {'threads':>7} {'p50 ms':>9} {'p95 ms':>9} {'rows/s':>10} {'bytes':>11} {'memory MB':>9}"
    lines = [
        f"{r['file']:<26} {r['threads']:>7} {r['p50_ms']:>9.3f} {r['p95_ms']:>9.3f} {r['rows_per_second']:>10,.0f} "
        f"{r['bytes']:>11,} {r['memory_mb']:>9.1f}"
        for r in rows
    ]
    return print_result(options, {"bundle": options.bundle, "files": rows}, "\n".join([head, *lines]))


def info(options: Namespace) -> int:
    """Summarise a bundle."""
    from pathlib import Path

    import msgspec

    from applied_dl.core.bundle import finite, read_manifest
    from applied_dl.report.metric_words import legend

    if Path(options.bundle).is_file():
        from applied_dl.text.vector_files import is_vector_file, read_vectors

        if is_vector_file(options.bundle):
            words, vectors = read_vectors(options.bundle)
            facts = {"file": options.bundle, "words": len(words), "dimensions": vectors.shape[1], "first_words": words[:10]}
            text = f"{options.bundle}: {len(words):,} word vectors of {vectors.shape[1]} dimensions: {', '.join(words[:10])}, …"
            return print_result(options, facts, text)
    manifest = read_manifest(options.bundle)
    lines = [
        f"{manifest.name}: {manifest.task}, trained {manifest.created}, seed {manifest.seed}",
        f"data     {manifest.facts.get('summary', '')}",
        f"test     {format_scores(manifest.metrics.get('test', {}), manifest.intervals.get('test', {}))}",
        *(f"         {line}" for line in legend(manifest.metrics.get("test", {}), manifest.task)),
        *(f"baseline {name}: {format_scores(scores)}" for name, scores in manifest.baselines.items()),
    ]
    for item in manifest.exports:
        note = "  ← model.tflite" if item.chosen else f"  refused: {item.refused}" if item.refused else ""
        size = f"{item.file}  {item.bytes:,} bytes" if item.bytes else f"{item.file or ''} {item.variant}".strip()  # a second signature
        lines.append(f"file     {size}{note}")
    return print_result(options, finite(msgspec.to_builtins(manifest)), "\n".join(lines))


def add_pack_arguments(parser: ArgumentParser) -> None:
    add_bundle_argument(parser)
    parser.add_argument("file", nargs="?", help="the archive to write (default: BUNDLE.zip)")


def pack(options: Namespace) -> int:
    """Write a bundle as one archive."""
    from applied_dl.core.packing import pack as write

    return _print_file(options, write(options.bundle, options.file))


def add_unpack_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("file", help="an archive written by `pack`")
    parser.add_argument("folder", nargs="?", help="the bundle to write (default: beside the archive, under its name)")
    parser.add_argument("--overwrite", action="store_true", help="replace an existing bundle")


def unpack(options: Namespace) -> int:
    """Restore a bundle from an archive."""
    from applied_dl.core.packing import unpack as read

    folder = read(options.file, options.folder, options.overwrite)
    return print_result(options, {"file": options.file, "bundle": str(folder)}, str(folder))


def add_freeze_arguments(parser: ArgumentParser) -> None:
    add_bundle_argument(parser)
    parser.add_argument("file", help="the .tflite to write")
    parser.add_argument("--variant", choices=PRECISIONS, help="another precision than that of model.tflite")
    parser.add_argument("--batch", type=int, default=1, help="rows per call (default: 1)")
    parser.add_argument("--length", type=int, default=64, help="tokens per row, for texts (default: 64)")


def freeze(options: Namespace) -> int:
    """Write a file with fixed shapes."""
    from applied_dl.runtime.freeze import freeze as write

    return _print_file(options, write(options.bundle, options.file, variant=options.variant, batch=options.batch, length=options.length))


def add_page_arguments(parser: ArgumentParser) -> None:
    add_bundle_argument(parser)
    parser.add_argument("file", nargs="?", metavar="OUT.html", help="the page to write (default: NAME.html, after the bundle)")
    parser.add_argument(
        "--runtime", metavar="DIR", help="the npm package @litertjs/core (or node_modules), to be packed into the page; else it is fetched"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace an existing file")


def page(options: Namespace) -> int:
    """Write a page that predicts in a browser."""
    from applied_dl.workflows.page import write_page

    found = write_page(options.bundle, options.file, runtime=options.runtime, overwrite=options.overwrite)
    lines = [
        f"{found['file']}: {found['bytes'] / 1e6:.1f} MB, {found['variant']}, {found['examples']} examples to verify itself",
        f"LiteRT.js {found['runtime']} is in the page: it needs no network"
        if found["offline"]
        else f"LiteRT.js {found['runtime']} is fetched when the page is opened (--runtime DIR packs it into the page)",
        *(f"limit    {limit}" for limit in found["limits"]),
    ]
    return print_result(options, {"bundle": options.bundle, **found}, "\n".join(lines))


def _print_file(options: Namespace, path: Path) -> int:
    return print_result(options, {"bundle": options.bundle, "file": str(path), "bytes": path.stat().st_size}, str(path))


VERBS = {
    "evaluate": Verb(evaluate, add_evaluate_arguments, "score every exported file of a bundle, each through its own runtime"),
    "explain": Verb(explain, add_explain_arguments, "say which columns, words, patches or steps a prediction came from (no TensorFlow)"),
    "diff": Verb(diff, add_diff_arguments, "compare two bundles on the same rows: scores, flipped answers, recipe, data, size"),
    "export": Verb(export, add_export_arguments, "export a bundle again, with other formats, precisions or another allowed metric drop"),
    "check": Verb(check, add_check_arguments, "verify checksums and replay the golden examples on this machine"),
    "sign": Verb(sign, add_sign_arguments, "sign a bundle in the OpenSSF model signing format (extra [sign])"),
    "bench": Verb(bench, add_bundle_argument, "measure latency, size and memory of every exported file"),
    "info": Verb(info, add_bundle_argument, "summarise a bundle: data, scores, files"),
    "pack": Verb(pack, add_pack_arguments, "write a bundle as one .zip, after verifying its checksums"),
    "unpack": Verb(unpack, add_unpack_arguments, "restore a bundle from a .zip, verifying every file"),
    "freeze": Verb(freeze, add_freeze_arguments, "write a file with fixed shapes, for browsers and accelerators that need them"),
    "page": Verb(page, add_page_arguments, "write one HTML file that predicts in any browser, from the bundle and LiteRT.js"),
}
