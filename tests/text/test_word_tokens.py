"""Words of any script and emoji, however they were typed."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from applied_dl.text import word_tokens
from applied_dl.text.word_tokens import lacks_spaces, tokens


def test_case_marks_and_length():
    assert tokens("The Café, naïve_x", False) == ["The", "Café", "naïve", "x"]
    assert tokens("THE Straße") == ["the", "straße"]
    assert tokens("don’t can't 'x'") == ["don't", "can't", "x"]
    assert tokens("नमस्ते हिन्दी שָׁלוֹם") == ["नमस्ते", "हिन्दी", unicodedata.normalize("NFC", "שָׁלוֹם")]
    assert [len(word) for word in tokens("a" * 5000 + " b")] == [word_tokens.LONGEST, 1]
    assert tokens("\u200f \x00 … \u0301 \ufe0f") == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("❤️ ❤", ["❤", "❤"]),
        ("a⭐b ⏰▶️", ["a", "⭐", "b", "⏰", "▶"]),
        ("🇩🇪🇫🇷 🇩", ["🇩🇪", "🇫🇷"]),
        ("👍🏽👍", ["👍🏽", "👍"]),
        ("👩‍💻👨‍👩‍👧", ["👩‍💻", "👨‍👩‍👧"]),
        ("🏴\U000e0067\U000e0062\U000e0073\U000e007f", ["🏴\U000e0067\U000e0062\U000e0073\U000e007f"]),
    ],
)
def test_an_emoji_is_one_word(text, words):
    assert tokens(text) == words


@settings(max_examples=200, deadline=None)
@given(st.text(st.characters(categories=["L", "M", "N", "Zs"], max_codepoint=0x1FFFF), max_size=12))
def test_composed_and_decomposed_text_have_the_same_words(text):
    assert tokens(unicodedata.normalize("NFD", text), False) == tokens(unicodedata.normalize("NFC", text), False)


def test_text_without_spaces_between_words_gets_a_warning():
    assert lacks_spaces(tokens("我们今天去北京看长城。他昨天没有来学校上课！"))
    assert lacks_spaces(tokens("ผมอยากไปเที่ยวทะเลกับเพื่อน"))
    for text in ("我们 今天 去 北京 看 长城 人工智能", "the cat sat on a mat", "ผม อยาก ไป เที่ยว ทะเล", "в лесу родилась ёлочка"):
        assert not lacks_spaces(tokens(text))
