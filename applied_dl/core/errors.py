"""The one exception family of the package.

Every message is one sentence a person can act on: what, where, expected, received, what to do. The command line prints it
without a traceback and ends with `exit_code`: 1 refused by a check, 2 wrong usage, 3 bad data.
"""

import difflib
from collections.abc import Iterable, Mapping
from typing import TypeVar

T = TypeVar("T")


class AppliedError(Exception):
    """Anything the package refuses to do, explained in one sentence."""

    exit_code = 1


class RefusedError(AppliedError):
    """A check failed: a lossy export, a resume that does not match, a failed golden example."""

    exit_code = 1


class UsageError(AppliedError):
    """The recipe, an argument or a name is wrong."""

    exit_code = 2


class DataError(AppliedError):
    """The data or the bundle on disk is wrong."""

    exit_code = 3


def missing_package(error: ModuleNotFoundError) -> UsageError:
    """What to install where a package of the extra `train` is missing. Raises `error` again where a module of this package is."""
    if (error.name or "").split(".")[0] in ("", "applied_dl"):
        raise error
    return UsageError(
        f"This needs the package {error.name!r}: pip install 'applied_dl[train]'; predict, check, bench, page and serve run without it."
    )


def nearest(name: str, options: Iterable[str]) -> str:
    """`" Did you mean 'epochs'?"`, or the list of options where nothing is near; ready to end an error sentence."""
    options = sorted(options)
    close = difflib.get_close_matches(str(name), options, n=1, cutoff=0.6)
    return f" Did you mean {close[0]!r}?" if close else f" Choose one of: {', '.join(options)}."


def known(kind: str, name: str, options: Iterable[str]) -> str:
    """The name, where it is one of the options; otherwise a `UsageError` that names the nearest one."""
    if name not in options:
        raise UsageError(f"Unknown {kind} {name!r}.{nearest(name, options)}")
    return name


def pick(kind: str, name: str, options: Mapping[str, T]) -> T:
    """`options[name]`, or a `UsageError` that names the nearest option."""
    return options[known(kind, name, options)]
