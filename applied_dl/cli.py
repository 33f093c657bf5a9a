"""The command line: `applied-dl VERB …`. Results on stdout, progress on stderr; each verb imports what it needs when it runs.

Exit codes: 0 done, 1 refused by a check, 2 wrong usage, 3 bad data, 130 stopped by hand.
"""

from __future__ import annotations

import argparse
import os
import sys

from applied_dl import verbs
from applied_dl.core import console
from applied_dl.core.errors import AppliedError, DataError, nearest

PRECISIONS = ("fp32", "fp16", "dynamic", "int8_weights", "int8")


def main(arguments: list[str] | None = None) -> int:
    """Run one verb; the exit code."""
    options = _parser().parse_args(arguments)
    console.quiet = options.quiet
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        return options.verb(options) or 0
    except AppliedError as error:
        print(f"applied-dl: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        hint = "; `train --resume` continues an unfinished training" if options.verb is verbs.train else ""
        print(f"applied-dl: stopped by hand{hint}", file=sys.stderr)
        return 130
    except BrokenPipeError:
        return 0
    except OSError as error:  # a full disk, a folder that may not be read
        print(f"applied-dl: {error.strerror or error}{f': {error.filename!r}' if error.filename else ''}", file=sys.stderr)
        return DataError.exit_code


class _Parser(argparse.ArgumentParser):
    """argparse that names the nearest verb."""

    def error(self, message: str):
        if "invalid choice" in message and self.prog == "applied-dl":
            word = message.split("invalid choice: ")[1].split("'")[1]
            message = f"there is no verb {word!r}.{nearest(word, VERBS)}"
        self.print_usage(sys.stderr)
        self.exit(2, f"{self.prog}: {message}\n")


VERBS = {
    "new": (verbs.new, "write a commented recipe for a task and your data"),
    "train": (verbs.train, "train a recipe into a bundle: model, exported files, proof, model card"),
    "lr-find": (verbs.lr_find, "sweep the step size of a recipe's model and say which to use"),
    "doctor": (verbs.doctor, "examine a recipe before a long training, or a bundle after it: what is wrong, and what to change"),
    "backtest": (verbs.backtest, "forecast from many moments of the past, each with a fit of its own, beside classical methods"),
    "tune": (verbs.tune, "search the recipe's [tune.space] with Optuna and write the best recipe"),
    "evaluate": (verbs.evaluate, "score every exported file of a bundle, each through its own runtime"),
    "export": (verbs.export, "export a bundle again, with other formats or another allowed loss"),
    "predict": (verbs.predict, "answer raw inputs with the exported file (no TensorFlow)"),
    "check": (verbs.check, "verify checksums and replay the golden examples on this machine"),
    "bench": (verbs.bench, "latency, size and memory of every exported file"),
    "pack": (verbs.pack, "make one .zip of a bundle whose checksums hold"),
    "freeze": (verbs.freeze, "write a bundle's file with fixed shapes, for browsers and accelerators that need them"),
    "unpack": (verbs.unpack, "make a bundle of a .zip, every file checked before it is let in"),
    "info": (verbs.info, "what a bundle is, what it scored and what it holds"),
}


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="applied-dl",
        description="Your own data to a trained model, and to the file that runs on the phone, the server or the edge box.",
    )
    group = parser.add_subparsers(metavar="VERB", required=True)
    made = {}
    for name, (function, text) in VERBS.items():
        made[name] = verb = group.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
        verb.set_defaults(verb=function)
        verb.add_argument("--json", action="store_true", help="print exactly one JSON object")
        verb.add_argument("--quiet", action="store_true", help="no progress on stderr")
        if name not in ("new", "train", "lr-find", "doctor", "backtest", "tune", "unpack"):
            verb.add_argument("bundle", help="a folder written by `train`")
    made["pack"].add_argument("file", nargs="?", help="the archive to write (BUNDLE.zip by default)")
    made["freeze"].add_argument("file", help="the .tflite to write")
    made["freeze"].add_argument("--variant", choices=PRECISIONS, help="another than the chosen one")
    made["freeze"].add_argument("--batch", type=int, default=1, help="rows a call (1)")
    made["freeze"].add_argument("--length", type=int, default=64, help="tokens a row, of texts (64)")
    made["unpack"].add_argument("file", help="an archive written by `pack`")
    made["unpack"].add_argument("folder", nargs="?", help="the bundle to write (its own name, beside the archive, by default)")
    made["unpack"].add_argument("--overwrite", action="store_true", help="replace a bundle that is there")
    made["new"].add_argument("task", help="image, tabular, forecast, words or sentences")
    made["new"].add_argument("name", help="of the recipe: pipelines/NAME.toml")
    made["new"].add_argument("--data", metavar="SRC", help="your data: a folder, a file, or tfds:NAME")
    for verb in (made["train"], made["lr-find"], made["tune"]):
        verb.add_argument("recipe", help="a TOML recipe, or the name of a task for its defaults")
        verb.add_argument("--set", action="append", default=[], metavar="a.b=v", help="override a recipe key; may be repeated")
    made["doctor"].add_argument("what", metavar="RECIPE|BUNDLE", help="a TOML recipe, the name of a task, or a folder written by `train`")
    made["doctor"].add_argument("--set", action="append", default=[], metavar="a.b=v", help="override a recipe key; may be repeated")
    made["doctor"].add_argument("--budget", type=float, default=60.0, metavar="S", help="watch a training of S seconds to its end (60)")
    made["backtest"].add_argument("what", metavar="RECIPE|BUNDLE", help="a recipe, fitted again at every origin, or a bundle as it is")
    made["backtest"].add_argument("--set", action="append", default=[], metavar="a.b=v", help="override a recipe key; may be repeated")
    made["backtest"].add_argument("--origins", type=int, help="how many moments (200 where a fit costs a solve, else 5)")
    made["backtest"].add_argument("--out", metavar="PNG", help="the picture (backtest.png by default)")
    made["tune"].add_argument("--out", metavar="DIR", help="the study, the best recipe and the plots (tuned/<recipe> by default)")
    made["tune"].add_argument("--trials", type=int, help="how many trainings in all; the recipe's tune.trials by default")
    made["tune"].add_argument("--jobs", type=int, default=1, help="how many processes search at once")
    made["lr-find"].add_argument("--out", metavar="PNG", help="the curve (lr_find.png by default)")
    verb = made["train"]
    verb.add_argument("--out", metavar="DIR", help="the bundle to write (saved_models/<recipe> by default)")
    verb.add_argument("--overwrite", action="store_true", help="replace a bundle that is there, in one rename at the end")
    verb.add_argument("--resume", action="store_true", help="continue an interrupted training")
    verb.add_argument("--dry-run", action="store_true", help="say what would be done, and how long it takes, without training")
    made["evaluate"].add_argument("--data", metavar="SRC", help="another labelled source; the held-out test rows by default")
    made["export"].add_argument("--formats", help="comma-separated: saved_model,tflite")
    made["export"].add_argument("--variants", help="comma-separated: fp32,fp16,dynamic,int8_weights,int8")
    made["export"].add_argument("--max-metric-drop", type=float, help="largest loss of the task metric a file may have")
    verb = made["predict"]
    verb.add_argument("inputs", nargs="+", metavar="INPUT", help="files, folders or texts")
    verb.add_argument("--out", metavar="FILE", help="write the answers beside their inputs: .csv, .parquet or .jsonl")
    verb.add_argument("--variant", choices=PRECISIONS, help="another than the chosen one")
    verb.add_argument("--top", type=int, help="how many classes to name")
    verb.add_argument("--nearest", type=int, help="how many nearest neighbours to name")
    return parser


if __name__ == "__main__":
    sys.exit(main())
