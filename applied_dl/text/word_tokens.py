"""A text's words: letters and digits of any script, and emoji, whichever way they are written.

Text is brought to Unicode's composed form (NFC), so that "é" is one letter however it was typed; variation selectors, which only choose
between a coloured and a plain emoji, are removed.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache

import numpy as np

LONGEST = 100  # characters of a word; what is longer is cut
ASCII = re.compile(r"[a-zA-Z0-9]+(?:'[a-zA-Z0-9]+)*")
SELECTORS = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")
EMOJI = (
    "\u231a\u231b\u23cf\u23e9-\u23fa\u25aa\u25ab\u25b6\u25c0\u25fb-\u25fe\u2600-\u27bf\u2b05-\u2b07\u2b1b\u2b1c\u2b50\u2b55"
    "\U0001f000-\U0001f1e5\U0001f200-\U0001faff"
)
RUN, SOME = re.compile("[\u3040-\u30ff\u3400-\u9fff]{6}|[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]{12}"), 1000  # longer than most words are
JOIN = "_"  # between the words of a phrase
SKIN, FLAG, TAGS, JOINER = "[\U0001f3fb-\U0001f3ff]", "[\U0001f1e6-\U0001f1ff]", "[\U000e0020-\U000e007f]", "\u200d"


@cache
def pattern() -> re.Pattern:
    """A letter or digit with what follows of its kind and combining marks, apostrophes inside; or an emoji with its skin tone and what is
    joined to it, or a flag."""
    marks = "".join(c for c in map(chr, range(0x300, 0x20000)) if unicodedata.category(c)[0] == "M" and not SELECTORS.match(c))
    inside = rf"[^\W_](?:[^\W_]|[{_ranges(marks)}])*"
    one = f"[{EMOJI}]{SKIN}?{TAGS}*"
    return re.compile(rf"{inside}(?:'{inside})*|{FLAG}{{2}}|{one}(?:{JOINER}{one})*")


def _ranges(characters: str) -> str:
    """Neighbouring characters as ranges of a character class."""
    codes = np.array([ord(c) for c in characters])
    cuts = np.flatnonzero(np.diff(codes) > 1) + 1
    return "".join(f"{chr(part[0])}-{chr(part[-1])}" for part in np.split(codes, cuts))


def tokens(text: str, lowercase: bool = True) -> list[str]:
    """The words of a text, in order."""
    text = text.lower() if lowercase else text
    if text.isascii():
        found = ASCII.findall(text)
    else:
        text = SELECTORS.sub("", unicodedata.normalize("NFC", text)).replace("’", "'")
        found = pattern().findall(text)
    return found if len(text) <= LONGEST or max(map(len, found), default=0) <= LONGEST else [word[:LONGEST] for word in found]


def lacks_spaces(words: list[str]) -> bool:
    """Whether words look like whole phrases of a script that is written without spaces: Chinese, Japanese, Thai, Lao, Burmese, Khmer."""
    some = words[:SOME]
    return sum(bool(RUN.search(word)) for word in some) > 0.3 * len(some)


def in_word(character: str) -> bool:
    """Whether a character is part of a word for a model that reads bytes: letters, marks, digits and emoji, of any script."""
    category = unicodedata.category(character)
    return (category[0] in "LMN" or category == "So") and not SELECTORS.match(character)
