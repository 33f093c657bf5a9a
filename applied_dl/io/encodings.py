"""The bytes of a table as text: UTF-8, UTF-16, or what spreadsheets of western and Russian computers write."""

from __future__ import annotations

import re
from pathlib import Path

from applied_dl.core.errors import DataError

USUAL, CASED = 0.95, 0.9  # least share of special characters that an encoding makes usual ones, and of words with usual capitals
RUN = re.compile(r"([^\x00-\x7f])(?!\1+(?![^\x00-\x7f]))[^\x00-\x7f]{2,}")  # three special characters or more, not all the same
LEAST_SPECIAL = 6  # how many of them show what they are


def decoded(raw: bytes, path: Path, before: int) -> str:
    """The text of a file, decoded by its byte-order mark, as UTF-8, or else as Windows-1252 or 1251, which many spreadsheets write."""
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        try:
            return _line_ends(raw.decode("utf-16"))
        except UnicodeDecodeError as error:
            raise DataError(f"The table {str(path)!r} begins as UTF-16 but is damaged; save it as UTF-8.") from error
    if (place := raw.find(b"\0")) >= 0:
        line = before + raw.count(b"\n", 0, place) + 1
        raise DataError(f"The table {str(path)!r} holds a NUL byte in line {line}; it is not a text file, or it is damaged.")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        text = _windows(raw)
        if text is None:
            line = before + raw.count(b"\n", 0, error.start) + 1
            raise DataError(f"The table {str(path)!r} is neither UTF-8 nor Windows-1252 or 1251 (line {line}); save it as UTF-8.") from None
    return _line_ends(text)


def _windows(raw: bytes) -> str | None:
    """Text in Windows-1252 or, where its special characters are Russian words in that, Windows-1251; None where they are not mostly letters
    and signs of either. Special characters of western words are alone or two (hyvää); those of other alphabets follow one another."""
    try:
        text = raw.decode("cp1252")
    except UnicodeDecodeError:
        text = ""
    special = [character for character in text if character > "\x7f"]
    letters = sum(character.isalpha() for character in special)
    usual = letters + sum(character in "€£¥°§«»‘’“”–—…±²³µ½¼¾·\xa0ªº©®™¢¿¡×÷´¨¹" for character in special if not character.isalpha())
    in_runs = sum(len(run[0]) for run in RUN.finditer(text))
    if text and usual >= USUAL * len(special) and not (len(special) >= LEAST_SPECIAL and len(special) < 2 * in_runs):
        return text
    text = raw.decode("cp1251", "replace")
    words = [word for word in re.findall(r"[^\W\d_]{2,}", text) if not word.isascii()]
    special = [character for character in text if character > "\x7f"]
    russian = sum("\u0400" <= character <= "\u0491" or character in "№«»–—“”„…\xa0°±§€" for character in special)
    cased = sum(min(word) > "\u0400" and (word[1:].islower() or word.isupper()) for word in words)
    return text if words and russian >= USUAL * len(special) and cased >= CASED * len(words) else None


def _line_ends(text: str) -> str:
    return text if "\n" in text else text.replace("\r", "\n")  # line ends of classic Mac OS
