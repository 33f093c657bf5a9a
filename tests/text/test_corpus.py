"""Text as lines and as paragraphs."""

import textwrap

import pytest

from applied_dl.core.errors import DataError
from applied_dl.text.corpus import lines, paragraphs
from applied_dl.text.decoding import Reading

SENTENCES = (
    "The boat left the harbour before anybody had woken up.",
    "A cold wind from the north made the sails very hard to hold.",
    "By noon the coast had become a thin grey line behind them.",
    "Nobody spoke, because there was nothing that had to be done.",
)
PARAGRAPHS = [" ".join(SENTENCES[(i + k) % 4] for k in range(4)) for i in range(9)]


@pytest.mark.parametrize("width", [50, 72, 100])
def test_wrapped_paragraphs_are_joined(tmp_path, width):
    path = tmp_path / "book.txt"
    path.write_text("\r\n\r\n".join("\r\n".join(textwrap.wrap(text, width)) for text in PARAGRAPHS))
    reading = Reading()
    assert list(paragraphs(path, None, reading)) == PARAGRAPHS
    assert any("joined to the line before" in warning for warning in reading.warnings())


NOUNS = ("Water Board", "Council", "Old Harbour Trust", "Farmers", "Budget Office", "Rail", "Town Museum")
TITLES = [
    f"{NOUNS[i % 7]} and {NOUNS[(i // 7) % 7]} {('Ask for a New', 'Turn Down a Much Longer', 'Agree to a Second')[i % 3]} Plan"
    for i in range(0, 210, 4)
]


@pytest.mark.parametrize(
    "text",
    [
        TITLES,  # of much the same length, without the end of a sentence
        PARAGRAPHS,  # a paragraph a line
        [*SENTENCES] * 9,  # a sentence a line
        [word for text in PARAGRAPHS for word in text.split(". ")][::3] * 5 + ["short line", "a"] * 20,  # lines of any length
        ["tea", "two words", "salt and pepper"] * 12,
    ],
)
def test_other_lines_stay_as_they_are(tmp_path, text):
    path = tmp_path / "a.txt"
    path.write_text("\n".join(text))
    assert list(paragraphs(path)) == list(lines(path)) == text


SUBTITLES = "1\n00:00:01,600 --> 00:00:04,200\n<i>Where are you</i>\n- At home.\n\n2\n00:00:05,000 --> 00:00:07,000\nIn 1984\n1984\n"


@pytest.mark.parametrize(("name", "head"), [("a.srt", ""), ("a.vtt", "WEBVTT\n\nNOTE made by hand\n\n"), ("a.txt", "")])
def test_subtitles_without_their_times_and_numbers(tmp_path, name, head):
    path = tmp_path / name
    path.write_text("\ufeff" + head + (SUBTITLES.replace(",", ".").replace("1\n00", "00") if head else SUBTITLES))
    assert [line for line in lines(path) if "NOTE" not in line] == ["<i>Where are you</i>", "- At home.", "In 1984", "1984"]
    assert list(lines(tmp_path)) == list(lines(path))


@pytest.mark.parametrize("begin", ['<?xml version="1.0"?>\n<corpus>', '\n<mediawiki xml:lang="en">'])
def test_xml_is_refused_and_html_is_not(tmp_path, begin):
    (tmp_path / "dump.xml").write_text(f"{begin}\n<page><title>A</title><text>words of it</text></page>\n")
    with pytest.raises(DataError, match="is XML; extract its text first"):
        list(lines(tmp_path / "dump.xml"))
    (tmp_path / "page.txt").write_text('<?xml version="1.0"?>\n<!DOCTYPE html>\n<html><p>words</p></html>\n')
    assert len(list(lines(tmp_path / "page.txt"))) == 3


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.zip", b"PK\x03\x04\x00\x00", "is a zip archive; unpack it"),
        ("a.docx", b"PK\x03\x04\x00\x00", "is a .docx document; save its text"),
        ("a.pdf", b"%PDF-1.7\n", "save its text as a .txt file"),
        ("a.txt", b"{\\rtf1\\ansi some words}", "save its text as a .txt file"),
    ],
)
def test_documents_are_refused_by_name(tmp_path, name, content, words):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=words):
        list(lines(tmp_path / name))
