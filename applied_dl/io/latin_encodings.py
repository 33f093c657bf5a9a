"""Which encoding of one byte a text of Latin letters has: the one in which its words have the letters of one language."""

from __future__ import annotations

import re

# The letters beyond ASCII of languages, common ones alone: a language with all letters of its neighbours would fit their texts too.
WESTERN = (
    "äöüß", "àâçèéêëîïôœùûü", "áéíóúñü", "áâãàçéêíóôú", "àèéìòù", "æøåéôò", "äöåé", "áðéíóúýþæö", "äöõü", "ëéïöüèêó", "àçèéíïòóúü",
)  # fmt: skip
ICELANDIC, ACUTE = "áðéíóúýþæö", frozenset("áéíóúæ")  # without any of these, ð, þ and ý are Turkish letters
LANGUAGES = {
    "cp1252": WESTERN,
    "mac_roman": (*WESTERN, "áâãàçéêíóôõú"),  # õ, a rare letter of Portuguese, is ő in Windows-1250
    "cp1254": ("çğıöşüâîûİ",),
    "cp1250": ("ąćęłńóśźż", "áčďéěíňóřšťúůýž", "áäčďéíĺľňóôŕšťúýž", "áéíóöőúüű", "čćđšž", "ăâîşţ"),
}
NAMES = {"cp1252": "Windows-1252", "cp1250": "Windows-1250", "cp1254": "Windows-1254", "mac_roman": "Mac Roman", "cp1251": "Windows-1251"}
WORD = re.compile(rb"[A-Za-z\x80-\xff]*[\x80-\xff][A-Za-z\x80-\xff]*")
SIGNS = "€£¥°§«»‘’“”„–—…±½¼¾·\xa0ªº©®™¢¿¡×÷´¨•"  # beside words, not in them
SQUARED = re.compile(r"[A-Za-z]{1,2}[²³]")  # m², ft³
LEAST, BELOW = 0.97, 0.82  # shares of its letters: of a language that the text is in, and at most of all others
MOST, MOST_WORDS = 2**24, 20_000  # bytes that are looked at, and different words in them
ASCII_SHARE = 0.4  # least share of the letters of these words, which are those of other alphabets otherwise


def latin_encoding(raw: bytes) -> str | None:
    """Windows-1250, 1254 or Mac Roman where the words of a text have the letters of a language in it, and of none in Windows-1252.

    Words that it reads as Windows-1252 does tell nothing, whatever their language: Köln and Málaga are the same in Windows-1250.

    Example:
        >>> latin_encoding("dvořák".encode("cp1250")), latin_encoding("Größe".encode("mac_roman")), latin_encoding("Größe".encode("cp1252"))
        ('cp1250', 'mac_roman', None)
    """
    words = _special_words(raw)
    letters = b"".join(words)
    if not words or sum(byte < 0x80 for byte in letters) < ASCII_SHARE * len(letters):
        return None
    shares = {encoding: language_share(words, encoding) for encoding in LANGUAGES}
    best = max(shares, key=lambda encoding: shares[encoding])
    if best == "cp1252" or shares[best] < LEAST or shares["cp1252"] > BELOW:
        return None
    different = [word for word in words if word.decode(best, "replace") != word.decode("cp1252", "replace")]
    return best if different and language_share(different, best) >= LEAST else None


def is_western(raw: bytes) -> bool:
    """Whether the words of a text have the letters of one language in Windows-1252."""
    words = _special_words(raw)
    return not words or language_share(words, "cp1252") > BELOW


def _special_words(raw: bytes) -> list[bytes]:
    """The different words with characters beyond ASCII; of very many some from everywhere."""
    words = list(dict.fromkeys(WORD.findall(raw[:MOST])))
    return words[:: len(words) // MOST_WORDS + 1]


def language_share(words: list[bytes], encoding: str) -> float:
    """The share of the characters beyond ASCII that are letters of the language with the most of them; 1.0 where all are signs."""
    found = [text for word in words if (text := word.decode(encoding, "replace").strip(SIGNS)) and not SQUARED.fullmatch(text)]
    every = [character for text in found for i, character in enumerate(text) if character > "\x7f"]
    fitting = [character for text in found for i, character in enumerate(text) if character > "\x7f" and _fits(text, i)]
    if not every:
        return 1.0
    languages = [one for one in LANGUAGES[encoding] if one != ICELANDIC or ACUTE & {character.lower() for character in every}]
    return max(sum(c in letters or c.lower() in letters for c in fitting) for letters in languages) / len(every)


def _fits(text: str, place: int) -> bool:
    """Whether a letter may stand there: no capital after a small letter, no þ at the end of a word."""
    return not (text[place].isupper() and text[:place][-1:].islower() or text[place] == "þ" and place == len(text) - 1)
