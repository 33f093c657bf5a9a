"""Regular expressions of Python and of polars (Rust) as JavaScript writes them (flag `v`), so that the page has no patterns of its own."""

from __future__ import annotations

import re

SPACE = r"\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
CLASSES = {"d": r"\p{Nd}", "w": r"\p{L}\p{N}_", "s": SPACE}  # what \d, \w and \s hold in Python; in a class or alone
EDGE = r"(?:(?<=[\p{L}\p{N}_])(?![\p{L}\p{N}_])|(?<![\p{L}\p{N}_])(?=[\p{L}\p{N}_]))"  # \b of Unicode words; that of JavaScript is ASCII
SYNTAX = set("^$\\.*+?()[]{}|/")
IN_CLASS = SYNTAX | set("-&!#%,:;<=>@`~")
CONTROL = {"t", "n", "r", "f", "v", "x", "u", "p", "P"}


def javascript(pattern: re.Pattern[str] | str) -> list[str]:
    """A pattern as `[source, flags]` of a JavaScript `RegExp`.

    Args:
        pattern: compiled by `re` (`IGNORECASE`, `DOTALL` and `VERBOSE` are kept), or the source of a Rust pattern.

    Example:
        >>> javascript(re.compile(r"(?P<sign>-)?\\d+", re.IGNORECASE))
        ['(?<sign>-)?\\\\p{Nd}+', 'vi']
    """
    source = pattern if isinstance(pattern, str) else pattern.pattern
    flags = 0 if isinstance(pattern, str) else pattern.flags
    ignore, dot, verbose = flags & re.IGNORECASE, flags & re.DOTALL, flags & re.VERBOSE
    if source.startswith("(?i)"):
        source, ignore = source[4:], re.IGNORECASE
    out, i = [], 0
    while i < len(source):
        c = source[i]
        if c == "\\":
            made, i = _escape(source, i, SYNTAX)
            out.append(made)
        elif c == "[":
            made, i = _class(source, i)
            out.append(made)
        elif verbose and c.isspace():
            i += 1
        elif verbose and c == "#":
            i = source.index("\n", i)
        else:
            out.append("(?<" if source.startswith("(?P<", i) else c)
            i += 4 if source.startswith("(?P<", i) else 1
    return ["".join(out), "v" + "i" * bool(ignore) + "s" * bool(dot)]


def _escape(source: str, i: int, syntax: set[str], inside: bool = False) -> tuple[str, int]:
    """The escape at `i`, and where it ends."""
    c = source[i + 1]
    if c.lower() in CLASSES:
        held = CLASSES[c.lower()]
        if c.isupper():
            return f"[^{held}]", i + 2
        return (held if inside or c == "d" else f"[{held}]"), i + 2
    if c == "b" and not inside:
        return EDGE, i + 2
    if c in CONTROL:
        return "\\" + c, i + 2
    if c.isdigit():
        return "\\" + c, i + 2
    return ("\\" + c if c in syntax else c), i + 2


def _class(source: str, i: int) -> tuple[str, int]:
    """The character class at `i`, and where it ends."""
    out, i = ["["], i + 1
    if source[i] == "^":
        out, i = ["[^"], i + 1
    first = True
    while source[i] != "]" or first:
        c = source[i]
        if c == "\\":
            made, i = _escape(source, i, IN_CLASS, inside=True)
            if made in ("\\u", "\\p", "\\P") and source[i] == "{":
                end = source.index("}", i) + 1
                made, i = made + source[i:end], end
            out.append(made)
        elif c == "-" and not first and source[i + 1] != "]":
            out.append("-")  # a range
            i += 1
        else:
            out.append("\\" + c if c in IN_CLASS else c)
            i += 1
        first = False
    return "".join(out) + "]", i + 1
