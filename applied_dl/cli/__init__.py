"""The command line: `applied-dl VERB …`. Results go to stdout, progress to stderr; each verb imports what it needs when it runs.

Exit codes: 0 done, 1 refused by a check, 2 wrong usage, 3 bad data, 130 interrupted.
"""

from __future__ import annotations

import argparse
import errno
import os
import sys
from typing import Any, NoReturn

from applied_dl.cli import bundles, generate, predict, recipes, serve
from applied_dl.cli.verb import Verb, add_common_arguments, print_error
from applied_dl.core import console
from applied_dl.core.errors import AppliedError, DataError, UsageError, missing_package, nearest

VERBS: dict[str, Verb] = {**recipes.VERBS, **predict.VERBS, **generate.VERBS, **bundles.VERBS, **serve.VERBS}


def main(arguments: list[str] | None = None) -> int:
    """Run one verb.

    Args:
        arguments: The words after `applied-dl`; those of the process by default.

    Returns:
        The exit code.
    """
    options = build_parser().parse_args(arguments)
    console.quiet = options.quiet
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        exit_code: int = options.run(options)
        return exit_code
    except AppliedError as error:
        return print_error(options, str(error), error.exit_code)
    except KeyboardInterrupt:
        hint = "; `train --resume` continues an unfinished training" if options.run is recipes.train else ""
        return print_error(options, f"interrupted{hint}", 130)
    except BrokenPipeError:  # `applied-dl … | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except ModuleNotFoundError as error:
        return print_error(options, str(missing_package(error)), UsageError.exit_code)
    except OSError as error:  # a full disk, a folder that may not be read
        return print_error(options, system_error(error), DataError.exit_code)


def system_error(error: OSError) -> str:
    """An error of the operating system as a sentence.

    Example:
        >>> system_error(PermissionError(13, "Permission denied", "a/b.csv"))
        "'a/b.csv': Permission denied; choose another place, or change its rights."
    """
    where = f"{str(error.filename)!r}: " if error.filename else ""
    what_to_do = ""
    if isinstance(error, PermissionError) or error.errno == errno.EROFS:
        what_to_do = "; choose another place, or change its rights"
    elif error.errno == errno.ENOSPC:
        what_to_do = "; make room, or choose another place"
    return f"{where}{error.strerror or str(error).removesuffix('.')}{what_to_do}."


def build_parser() -> argparse.ArgumentParser:
    """The parser of every verb; `options.run` is the function that runs the chosen one."""
    parser = _Parser(
        prog="applied-dl",
        description="From your own data to a trained model, and to the file that runs on the phone, the server or the edge device.",
    )
    parser.add_argument("--version", action=_PrintVersion, nargs=0, help="print the version and exit")
    group = parser.add_subparsers(metavar="VERB", required=True)
    for name, verb in VERBS.items():
        own = group.add_parser(name, help=verb.help, description=verb.help[0].upper() + verb.help[1:] + ".")
        own.set_defaults(run=verb.run)
        verb.add_arguments(own)
        add_common_arguments(own)
    return parser


class _PrintVersion(argparse.Action):
    """Look the version up when it is asked for, so that other commands do not pay for it."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        import applied_dl

        print(f"applied-dl {applied_dl.__version__}")
        parser.exit()


class _Parser(argparse.ArgumentParser):
    """argparse that suggests the nearest verb, and takes options between the words of a verb: `predict BUNDLE --out FILE INPUT`."""

    mixing = False

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        if self._subparsers is not None or self.mixing:  # of all verbs; or the intermixed passes, which call this again
            return super().parse_known_args(args, namespace)
        self.mixing = True
        try:
            return self.parse_known_intermixed_args(args, namespace)
        finally:
            self.mixing = False

    def error(self, message: str) -> NoReturn:
        if "invalid choice" in message and self.prog == "applied-dl":
            word = message.split("invalid choice: ")[1].split("'")[1]
            message = f"there is no verb {word!r}.{nearest(word, VERBS)}"
        self.print_usage(sys.stderr)
        self.exit(2, f"{self.prog}: {message}\n")


if __name__ == "__main__":
    sys.exit(main())
