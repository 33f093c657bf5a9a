"""Text files whose lines hold a label or the sides of pairs, and running text that only looks like it."""

import pytest

from applied_dl.core.errors import DataError
from applied_dl.tasks.sentences.readers.lines import line_batches
from applied_dl.tasks.sentences.readers.read import read_groups
from applied_dl.tasks.sentences.recipe import Data
from applied_dl.text.decoding import Reading

TEXTS = [f"The {noun} was {state} on {day}" for noun in ("parcel, it seems,", "phone", "lamp; yes", "old | new chair")
         for state in ("late", "broken", "fine, or not,") for day in ("Monday", "Friday; or", "Sunday")]  # fmt: skip
PLAIN = [text.replace(",", "").replace(";", "").replace("|", "") for text in TEXTS]


def read(tmp_path, lines, name="a.txt", **data):
    path = tmp_path / name
    path.write_text("\n".join(lines) + "\n")
    return read_groups((str(path),), Data(**data))


def labels_of(groups):
    return {groups.texts[place]: labels[0] for place, labels in zip(groups.rows[:, 0], groups.labels)}


FORMS = {
    "semicolon": lambda text, i: f"{text};{('joy', 'fear')[i % 2]}",
    "at": lambda text, i: f"{text}.@{('positive', 'neutral', 'negative')[i % 3]}",
    "pipe": lambda text, i: f"{('world', 'sport')[i % 2]}|{text}",
    "comma": lambda text, i: f"{text},{i % 3}",
    "digit": lambda text, i: f"{i % 2} {text}",
    "code": lambda text, i: f"{('DESC:manner', 'NUM:date')[i % 2]} {text}",
    "tab": lambda text, i: f"{('ham', 'spam')[i % 2]}\t{text}",
}


@pytest.mark.parametrize("texts", [TEXTS, PLAIN])
@pytest.mark.parametrize("form", FORMS)
def test_a_label_before_or_after_a_mark(tmp_path, form, texts):
    found = labels_of(read(tmp_path, [FORMS[form](text, i) for i, text in enumerate(texts)]))
    assert {text.removesuffix(".") for text in found} == {" ".join(text.split()) for text in texts}
    assert len({*found.values()}) in (2, 3)
    assert all(label in FORMS[form]("", i) for i, label in enumerate(found.values()))


def test_numbers_of_verses_are_no_labels(tmp_path):
    verses = [f"{i} {text}." for _ in range(6) for i, text in enumerate(PLAIN, 1)]
    (tmp_path / "a.txt").write_text("\n".join(verses))
    assert list(line_batches(tmp_path / "a.txt", Data(), Reading())) == []


@pytest.mark.parametrize("mark", [",", ";"])
def test_a_mark_in_each_sentence_makes_no_pairs(tmp_path, mark):
    sentences = [f"{text}{mark} {PLAIN[i - 1].lower()} too." for i, text in enumerate(PLAIN)]
    (tmp_path / "a.txt").write_text("\n".join(sentences))
    assert list(line_batches(tmp_path / "a.txt", Data(), Reading())) == []
    (tmp_path / "b.txt").write_text("\n".join([f"question{mark} answer", *sentences]))
    assert next(line_batches(tmp_path / "b.txt", Data(), Reading())).header == ["question", "answer"]


def test_a_table_under_another_suffix(tmp_path):
    rows = [f'{i},"{text}",{i % 2}' for i, text in enumerate(TEXTS)]
    groups = read(tmp_path, ["id,text,label", *rows], "train.data")
    assert labels_of(groups) == {text: str(i % 2) for i, text in enumerate(TEXTS)}
    assert groups.columns == {"text": ("text",), "labels": ("label",)}


def test_pairs_between_tabs_and_which_of_them_belong_together(tmp_path):
    rows = [f"{i % 2}\t{i}\t{text}\t{PLAIN[i - 1]} again" for i, text in enumerate(PLAIN)]
    groups = read(tmp_path, ["Quality\t#1 ID\t#1 String\t#2 String", *rows])
    assert (groups.kind, len(groups)) == ("pairs", len(PLAIN) // 2)
    assert any("18 of 36 pairs belong together by 'Quality'" in warning for warning in groups.warnings)
    sources = [f"{text}\t{text} en plus\tCC-BY 2.0 (France) #{i}" for i, text in enumerate(PLAIN)]
    groups = read(tmp_path, sources, "fra.txt")
    assert (groups.kind, len(groups)) == ("pairs", len(PLAIN))
    assert any("'column_3', alike in all rows, is left out" in warning for warning in groups.warnings)


@pytest.mark.parametrize(
    "lines",
    [
        [f"{text}. And then, it rained; nobody cared." for text in PLAIN],
        [f"{('Love', 'And', 'Oh', 'You')[i % 4]} {text}. She said it, he said it." for i, text in enumerate(PLAIN)],
    ],
)
def test_running_text_holds_no_labels(tmp_path, lines):
    assert read(tmp_path, lines).labels is None


def test_numbers_are_no_texts(tmp_path):
    with pytest.raises(DataError, match="no usable rows"):
        read(tmp_path, [f"{'+-'[i % 2]}1 3:0.25 17:{i / 40} 20:0.5" for i in range(40)])
