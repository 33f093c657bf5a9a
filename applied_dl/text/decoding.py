"""A file's bytes as lines of text, in constant memory, compressed or not.

UTF-8 with or without a byte-order mark, UTF-16 and UTF-32, Windows-1252 and 1251, and other legacy encodings where `charset-normalizer` is
installed. Single bytes that are not UTF-8 and NUL bytes become a space and are counted; a line longer than 1 MiB is cut at a space.
"""

from __future__ import annotations

import bz2
import codecs
import gzip
import lzma
import re
import zlib
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct, field

from applied_dl.core.errors import DataError
from applied_dl.core.plurals import numbered
from applied_dl.io.encodings import windows_encoding

BEGIN = 1000  # bytes that show what kind of file it is
DOCUMENTS = (".docx", ".odt", ".pptx", ".odp", ".epub", ".pages")  # which are zip archives
FORMATTED = (b"%PDF", b"{\\rtf", b"\xd0\xcf\x11\xe0")
ARCHIVE, XML = b"PK\x03\x04", (b"<?xml", b"<mediawiki")
OPENERS = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
BLOCK = 2**20  # bytes read at a time, and the longest line
BINARY_SHARE = 0.1  # a file whose first block holds more NUL bytes than this is not a text
WIDE_SHARE = 0.2  # NUL bytes on one side of all pairs of bytes from which on they are UTF-16
DENSE, FEWEST = 0.3, 16  # share and number of bytes beyond ASCII from which on an encoding is not that of a Latin script
BOMS = ((codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
HIGH, SEQUENCE = re.compile(rb"[\x80-\xff]"), re.compile(rb"[\xc2-\xf4][\x80-\xbf]{1,3}")
JAPANESE, KANA_SHARE = ("shift_jis", "euc_jp"), 0.2
KANA, WIDE_CHARACTER = re.compile("[\u3041-\u30ff]"), re.compile("[^\x00-\x7f]")
WESTERN = frozenset("ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÕÖØÙÚÛÜßàáâãäåæçèéêëìíîïñòóôõöøùúûüœŒšž’‘“”„–—…•€£§°«»¡¿©®™´·½º ª")


class Reading(Struct):
    """Counts of what was read and what was repaired; filled while the lines are read."""

    files: int = 0
    bytes: int = 0
    lines: int = 0
    bad_bytes: int = 0
    nul_bytes: int = 0
    cut_lines: int = 0
    stray_quotes: int = 0
    swallowed: int = 0
    joined: int = 0
    skipped: int = 0
    wrapped: int = 0
    encodings: dict[str, str] = field(default_factory=dict)

    def warnings(self) -> list[str]:
        """What the user should know, one sentence each."""
        found = [f"{name} is not UTF-8; it was read as {encoding}." for name, encoding in list(self.encodings.items())[:3]]
        if self.bad_bytes:
            found.append(f"{self.bad_bytes:,} places in the text are not UTF-8; each was read as a space.")
        if self.nul_bytes:
            found.append(f"{self.nul_bytes:,} NUL bytes of the text were read as spaces.")
        if self.cut_lines:
            found.append(f"{self.cut_lines:,} times a line longer than {BLOCK:,} bytes was cut at a space.")
        if self.stray_quotes:
            found.append(
                f"{numbered(self.stray_quotes, 'row has', 'rows have')} a quotation mark that is never closed; each was read as it is."
            )
        if self.swallowed:
            found.append(
                f"{self.swallowed:,} cells in quotes hold line breaks and look like several rows; each was read as one cell. Double a "
                "quotation mark that is part of a text."
            )
        if self.joined:
            found.append(f"{numbered(self.joined, 'row has', 'rows have')} more cells than the first: the text holds what separates cells.")
        if self.wrapped:
            found.append(f"{numbered(self.wrapped, 'line was', 'lines were')} joined to the line before: the text is wrapped at a width.")
        if self.skipped:
            found.append(f"{numbered(self.skipped, 'line', 'lines')} above the table skipped.")
        return found


def suffix_of(path: Path) -> str:
    """The suffix that decides how a file is read, without that of its compression."""
    name = path.with_suffix("") if path.suffix.lower() in OPENERS else path
    return name.suffix.lower()


def decoded(path: Path, reading: Reading, cut: bool) -> Iterator[str]:
    """Lines as text, without their line break; cut: into pieces of at most `BLOCK` bytes where a line is longer."""
    rest, held = b"", []
    for block in _utf8(path, reading):
        reading.bytes += len(block)
        if not cut and b"\n" not in block:
            held.append(block)
            continue
        block, held = b"".join((rest, *held, block)), []
        end = block.rfind(b"\n") + 1
        if end == 0 and cut and len(block) >= BLOCK:  # one huge line: cut it at its last space, or between two characters
            end = max(block.rfind(b" ") + 1, 0) or _edge(block)
            reading.cut_lines += 1
        rest = block[end:]
        if end:
            yield from _text(block[:end], reading)
    if rest := b"".join((rest, *held)):
        yield from _text(rest, reading)


def whole_text(path: Path, reading: Reading) -> str:
    """All of a file as one text."""
    return "\n".join(decoded(path, reading, cut=False))


def _text(block: bytes, reading: Reading) -> list[str]:
    if b"\0" in block:
        reading.nul_bytes += block.count(b"\0")
        block = block.replace(b"\0", b" ")
    try:
        text = block.decode("utf-8")
    except UnicodeDecodeError:
        text = block.decode("utf-8", errors="replace")
        reading.bad_bytes += text.count("\ufffd")
        text = text.replace("\ufffd", " ")
    return text.removesuffix("\n").split("\n")


def _edge(block: bytes) -> int:
    """The last place where no UTF-8 character is cut in two."""
    end = len(block)
    while end > len(block) - 4 and block[end - 1] & 0xC0 == 0x80:
        end -= 1
    return end - 1 if block[end - 1] >= 0xC0 else end


def _utf8(path: Path, reading: Reading) -> Iterator[bytes]:
    """The blocks of a file as UTF-8, whatever its encoding."""
    decoder, first = None, True
    for block in _blocks(path):
        if first:
            first = False
            _check_kind(path, block)
            encoding = _wide(block)
            if encoding is not None:
                decoder = _decoder(path, encoding, reading)
            else:
                _check_text(path, block)
                block = block.removeprefix(codecs.BOM_UTF8)
        if decoder is None and not block.isascii() and (encoding := _legacy(path, block)) is not None:
            decoder = _decoder(path, encoding, reading)
        yield block if decoder is None else decoder.decode(block).removeprefix("\ufeff").encode("utf-8", errors="replace")
    if decoder is not None:
        yield decoder.decode(b"", final=True).encode("utf-8", errors="replace")


def _decoder(path: Path, encoding: str, reading: Reading):
    reading.encodings[path.name] = encoding
    return codecs.getincrementaldecoder(encoding)(errors="replace")


def _wide(block: bytes) -> str | None:
    """UTF-16 or UTF-32 by a byte-order mark, or UTF-16 by its NUL bytes, all on one side of pairs."""
    for mark, encoding in BOMS:
        if block.startswith(mark):
            return encoding
    even, odd = block[0::2].count(0), block[1::2].count(0)
    pairs = max(len(block) // 2, 1)
    if odd > WIDE_SHARE * pairs and even < odd / 20:
        return "utf-16-le"
    if even > WIDE_SHARE * pairs and odd < even / 20:
        return "utf-16-be"
    return None


def _legacy(path: Path, block: bytes) -> str | None:
    """The legacy encoding of a block that is not UTF-8; None where it is, but for a few damaged bytes.

    Raises `DataError` where it is an encoding of another script that is not known.
    """
    bad = block.decode("utf-8", errors="replace").count("\ufffd") - block.count("\ufffd".encode())
    high = HIGH.findall(block)
    if bad <= 4 and _valid_inside(block) or bad <= len(SEQUENCE.findall(block)) or set(high) == {b"\xff"}:  # ÿ alone is damage
        return None
    if (encoding := windows_encoding(block)) is not None:
        return encoding
    if len(high) > max(DENSE * len(block), FEWEST):
        return _guessed(path, block)
    western = sum(byte.decode("cp1252", errors="replace") in WESTERN for byte in high)
    if western >= 0.8 * len(high):
        return "cp1252"
    return _guessed(path, block) if len(high) > FEWEST else None


def _valid_inside(block: bytes) -> bool:
    """Whether a block is UTF-8 but for a character that its ends cut in two."""
    start = next((i for i in range(min(4, len(block))) if block[i] & 0xC0 != 0x80), 0)
    try:
        block[start : _edge(block)].decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _guessed(path: Path, block: bytes) -> str:
    for encoding in JAPANESE:
        text = block[: 2**16].decode(encoding, errors="replace")
        if text.count("\ufffd") <= 1 and KANA_SHARE * len(WIDE_CHARACTER.findall(text)) < len(KANA.findall(text)):
            return encoding
    try:
        from charset_normalizer import from_bytes
    except ImportError:
        best = None
    else:
        best = from_bytes(block[: 2**16]).best()
    if best is None:
        raise DataError(f"The text {str(path)!r} is not UTF-8, and its encoding cannot be determined; save it as UTF-8.")
    return best.encoding


def _check_text(path: Path, block: bytes) -> None:
    if block.count(b"\0") > BINARY_SHARE * len(block):
        raise DataError(f"{str(path)!r} is not a text: {block.count(0):,} of its first {len(block):,} bytes are NUL; expected UTF-8 text.")


def _check_kind(path: Path, block: bytes) -> None:
    """Raises `DataError` where a file is no plain text by its first bytes."""
    begin = block[:BEGIN].removeprefix(codecs.BOM_UTF8).lstrip()
    if begin.startswith(ARCHIVE):
        if path.suffix.lower() not in DOCUMENTS:
            raise DataError(f"{str(path)!r} is a zip archive; unpack it and give the file or folder inside.")
        raise DataError(f"{str(path)!r} is a {path.suffix} document; save its text as a .txt file.")
    if begin.startswith(FORMATTED):
        raise DataError(f"{str(path)!r} is a document with formats (PDF, RTF or an old .doc); save its text as a .txt file.")
    if begin.startswith(XML) and b"<html" not in begin.lower():
        raise DataError(f"{str(path)!r} is XML; extract its text first (of a Wikipedia dump with WikiExtractor), and give a text file.")


def _blocks(path: Path) -> Iterator[bytes]:
    opener = OPENERS.get(path.suffix.lower(), open)
    try:
        with opener(path, "rb") as file:
            while block := file.read(BLOCK):
                yield block
    except (OSError, EOFError, lzma.LZMAError, zlib.error) as error:
        raise DataError(f"The text {str(path)!r} cannot be read: {error or 'it ends in the middle'}.") from error
