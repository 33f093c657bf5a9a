"""The bytes of a table as text: UTF-8, UTF-16, or what spreadsheets of European computers write."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from applied_dl.core import console
from applied_dl.core.errors import DataError
from applied_dl.io.latin_encodings import NAMES, is_western, latin_encoding

USUAL, CASED = 0.95, 0.9  # least share of special characters that an encoding makes usual ones, and of words with usual capitals
RUN, LEAST_SPECIAL = re.compile(rb"[\x80-\xff]{3,}"), 6  # special characters side by side, and how many show what they are
WORD, ASCII = re.compile(r"[^\W\d_]{2,}"), bytes(range(128))
WESTERN = frozenset("€£¥°§«»‘’“”–—…±²³µ½¼¾·\xa0ªº©®™¢¿¡×÷´¨¹")  # signs of western texts, beside letters
RUSSIAN = frozenset("№«»–—“”„…\xa0°±§€")  # signs of Russian texts
COMMONEST, LEAST_COMMON, LEAST_LETTERS = frozenset("ОЕАИ"), 0.2, 20  # a third of Russian letters; of small letters in KOI8-R a sixth


def decoded(raw: bytes, path: Path, before: int, encoding: str | None = None) -> str:
    """The text of a file, decoded by its byte-order mark, as UTF-8, or else as an encoding that spreadsheets write.

    Args:
        raw: the file, or some of its lines.
        path: its name, for messages.
        before: how many lines of the file precede `raw`, for messages.
        encoding: of one byte, where other lines of the file have shown it.

    Raises:
        DataError: the bytes are no text, or one in another encoding.
    """
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
        if encoding is None and (encoding := windows_encoding(raw)) is not None:
            _note(path, encoding, raw)
        if encoding is None:
            line = before + raw.count(b"\n", 0, error.start) + 1
            raise DataError(
                f"The table {str(path)!r} is neither UTF-8 nor in a European encoding of Windows (line {line}); save it as UTF-8."
            ) from None
        text = raw.decode(encoding, "replace")
    return _line_ends(text)


def windows_encoding(raw: bytes) -> str | None:
    """The encoding of a text that is not UTF-8: "cp1252"; where its special characters are words of another language in them, "cp1250",
    "cp1254", "mac_roman" or "cp1251".

    None where they are not mostly letters and signs of any. Special characters of western words are alone or two
    (hyvää); those of other alphabets follow one another, and their capitals are where words begin.

    Example:
        >>> windows_encoding("Größe, Übergänge".encode("cp1252")), windows_encoding("Рост, Город".encode("cp1251"))
        ('cp1252', 'cp1251')
    """
    if (latin := latin_encoding(raw)) is not None:
        return latin
    special = raw.translate(None, ASCII)
    counts = Counter(special)
    western = _characters(counts, "cp1252")
    letters = sum(count for character, count in western.items() if character.isalpha())
    usual = letters + sum(count for character, count in western.items() if character in WESTERN and not character.isalpha())
    in_runs = sum(len(run) * count for run, count in Counter(RUN.findall(raw)).items() if len(set(run)) > 1)  # €€€ is no word
    alone = len(special) < LEAST_SPECIAL or len(special) >= 2 * in_runs
    if "\ufffd" not in western and usual >= USUAL * len(special) and alone:
        return "cp1252"
    russian = _characters(counts, "cp1251")
    words = Counter(word for word in WORD.findall(raw.decode("cp1251", "replace")) if not word.isascii())
    usual = sum(count for character, count in russian.items() if "\u0400" <= character <= "\u0491" or character in RUSSIAN)
    cased = sum(count for word, count in words.items() if min(word) > "\u0400" and (word[1:].islower() or word.isupper()))
    if not words or usual < USUAL * len(special) or cased < CASED * words.total() or _small_letters_of_koi8(russian):
        return None
    return "cp1251"


def _note(path: Path, encoding: str, raw: bytes) -> None:
    """What the user should check where the language of a text is rare in its encoding, or none is seen."""
    if encoding not in ("cp1251", "cp1252"):
        console.warn(f"{str(path)!r} is not UTF-8; it is read as {NAMES[encoding]}, by the letters of its words")
    elif encoding == "cp1252" and not is_western(raw):
        console.warn(f"{str(path)!r} is not UTF-8; it is read as {NAMES[encoding]}: where letters are wrong, save it as UTF-8")


def _characters(counts: Counter[int], encoding: str) -> dict[str, int]:
    """The characters of special bytes, each with its count; those that an encoding lacks as U+FFFD."""
    found: Counter[str] = Counter()
    for byte, count in counts.items():
        found[bytes([byte]).decode(encoding, "replace")] += count
    return found


def _small_letters_of_koi8(characters: dict[str, int]) -> bool:
    """Whether letters are capitals, of which the commonest ones of Russian are rare, as small letters in KOI8-R are in Windows-1251."""
    letters = {character: count for character, count in characters.items() if character.isalpha()}
    capitals = {character: count for character, count in letters.items() if character.isupper()}
    common = sum(count for character, count in capitals.items() if character in COMMONEST)
    return sum(capitals.values()) > max(LEAST_LETTERS, sum(letters.values()) / 2) and common < LEAST_COMMON * sum(capitals.values())


def _line_ends(text: str) -> str:
    text = text if "\n" in text else text.replace("\r", "\n")  # line ends of classic Mac OS
    whole = text.rstrip("\r\n\x1a")
    return whole + "\n" if "\x1a" in text[len(whole) :] else text  # the Ctrl-Z with which MS-DOS ends a file
