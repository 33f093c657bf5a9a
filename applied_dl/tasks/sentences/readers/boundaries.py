"""Where one sentence ends and the next begins: a small rule set without a model, for any script that marks the end of a sentence."""

from __future__ import annotations

import re

SHORTEST, LONGEST = 21, 299  # characters of a sentence that is worth pairing with its neighbour
END = re.compile(r"[.!?…]+[\"'”’»)\]]*\s+(?=[\"'“‘«(\[¿¡]?[^\sa-z])|[。！？｡؟۔।]+[\"”’」』）]*\s*")
WORD = re.compile(r"[\w.]+$")
TITLES = ("mr", "mrs", "ms", "dr", "prof", "st", "sr", "jr", "rev", "hon", "gen", "col", "lt", "sgt", "capt", "gov", "sen", "mt", "ft")
SHORT = ("rep", "no", "nos", "vol", "vols", "fig", "figs", "art", "p", "pp", "ed", "eds", "al", "vs", "cf", "ca", "c", "inc", "ltd", "co")
MONTHS = ("jan", "feb", "mar", "apr", "jun", "jul", "aug", "sep", "sept", "oct", "nov", "dec", "approx", "est", "bros", "dept", "viz")
ABBREVIATIONS = frozenset((*TITLES, *SHORT, *MONTHS))


def sentences(text: str) -> list[str]:
    """The sentences of a text, in order, stripped. "Mr.", "e.g." and a single capital ("J. Smith") end none."""
    found, start = [], 0
    for match in END.finditer(text):
        if text[match.start()] == "." and _abbreviated(text, start, match.start()):
            continue
        found.append(text[start : match.end()].strip())
        start = match.end()
    found.append(text[start:].strip())
    return [sentence for sentence in found if sentence]


def neighbours(text: str) -> list[tuple[str, str]]:
    """Adjacent sentences of a text, both of a usable length."""
    found = sentences(text)
    fits = [SHORTEST <= len(sentence) <= LONGEST for sentence in found]
    return [(a, b) for a, b, x, y in zip(found, found[1:], fits, fits[1:]) if x and y and a != b]


def _abbreviated(text: str, start: int, stop: int) -> bool:
    word = WORD.search(text, max(start, stop - 12), stop)
    if word is None:
        return False
    last = word.group()
    return (len(last) == 1 and last.isupper()) or last.lower() in ABBREVIATIONS or bool(re.fullmatch(r"(?:\w\.)+\w", last))
