"""Which spellings are the same label: within training, between training and other files, and at prediction."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

INVISIBLE = re.compile("[\u200b\u200e\u200f\u2060\ufeff]")  # of no width, as web pages leave them
WITH_ZERO = re.compile(r"([+-]?\d+)\.0+")


def label_key(label: str) -> str:
    """What the spellings of a label share: case, runs of blanks, signs of no width, a trailing full stop and a decimal zero do not count.

    Example:
        >>> label_key(" New  York. "), label_key("1.0")
        ('new york', '1')
    """
    text = " ".join(INVISIBLE.sub("", label).split())
    if whole := WITH_ZERO.fullmatch(text):
        return whole[1]
    return text.rstrip(".").rstrip().casefold()


def merged_spellings(counts: Mapping[str, int]) -> dict[str, str]:
    """Labels of training in a rarer spelling → their commonest. Single letters stay apart (`a` and `A` of an alphabet).

    Args:
        counts: How often each spelling occurs.

    Example:
        >>> merged_spellings({"spam": 5, "Spam": 1, "ham": 3})
        {'Spam': 'spam'}
    """
    groups: dict[str, list[str]] = {}
    for label in sorted(counts, key=lambda label: (-counts[label], label)):
        key = label_key(label)
        groups.setdefault(key if len(key) > 1 or key.isdigit() else label, []).append(label)
    return {other: usual for usual, *others in groups.values() for other in others}


def known_spellings(known: Sequence[str], key: Callable[[str], str] = label_key) -> dict[str, str]:
    """Key → label of training, for the keys that only one label has."""
    counts = Counter(map(key, known))
    return {key(label): label for label in known if counts[key(label)] == 1}
