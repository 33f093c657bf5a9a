"""HTML in texts, found and removed the same way in training and in prediction."""

from __future__ import annotations

import html
import re

BLOCK = (
    "address|article|aside|blockquote|body|br|caption|center|dd|details|div|dl|dt|fieldset|figcaption|figure|footer|form|frame|"
    "frameset|h1|h2|h3|h4|h5|h6|head|header|hr|html|iframe|legend|li|link|main|map|menu|meta|nav|noscript|ol|optgroup|option|p|pre|"
    "script|section|select|style|summary|table|tbody|td|template|textarea|tfoot|th|thead|title|tr|ul|video"
)
INLINE = (
    "a|abbr|acronym|area|audio|b|bdi|bdo|big|button|canvas|cite|code|col|colgroup|data|del|dfn|em|embed|font|i|img|input|ins|kbd|"
    "label|mark|object|param|picture|q|s|samp|small|source|span|strike|strong|sub|sup|svg|time|track|tt|u|var|wbr"
)
TAG = re.compile(
    r"<!--.*?-->|<(script|style)\b[^<>]*>.*?</\1\s*>|<!doctype\b[^<>]*>|<!\[CDATA\[|\]\]>"
    rf"|</?(?:{BLOCK}|({INLINE}))(?:\s[^<>]*)?/?>",
    re.IGNORECASE | re.DOTALL,
)
ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});")
USUAL = 0.005  # share of texts with markup from which on it is removed
SAMPLE = 20_000  # texts that are searched for it


def has_markup(text: str) -> bool:
    """Whether a text holds an HTML tag or entity; `a < b`, `List<String>` and `R&D` are none."""
    return bool(TAG.search(text) or ENTITY.search(text))


def markup_share(texts: list[str]) -> float:
    """Share of the texts (of an even sample of them) that hold HTML tags or entities."""
    some = texts[:: max(1, len(texts) // SAMPLE)]
    return sum(map(has_markup, map(str, some))) / max(len(some), 1)


def without_markup(text: str) -> str:
    """The text without tags, comments, scripts and styles, entities as their characters; also where both were escaped twice.

    Example:
        >>> without_markup("R&amp;D was <b>great</b>!<br />Really.")
        'R&D was great! Really.'
    """
    for _ in range(2):  # feeds hold escaped markup: &lt;b&gt;
        text = ENTITY.sub(lambda match: html.unescape(match[0]), TAG.sub(_replacement, text))
    return TAG.sub(_replacement, text)


def _replacement(match: re.Match) -> str:
    """Nothing for tags within a line of text, a blank for those that break it."""
    return "" if match[2] else " "


def tidy(text, html: bool) -> str:
    """A cell as a text on one line with single blanks, without HTML where `html` is true; empty for a missing cell.

    Example:
        >>> tidy(" <p>two  words</p> ", True)
        'two words'
    """
    text = str(text or "")
    return " ".join((without_markup(text) if html else text).split())
