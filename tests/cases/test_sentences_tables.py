"""Tables of texts as people have them: names of columns, separators, headers, titles, published files."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from applied_dl.core.errors import DataError
from applied_dl.text.delimited import separator_of
from applied_dl.text.inputs import expand_inputs
from applied_dl.text.tables import read_table
from tests.cases.sentence_files import PLAIN, TOPICS, WANTED, csv_of, read, rows_of, sentence

LABEL_NAMES = ["label", "Category", "class", "target", "tag", "sentiment", "intent", "topic", "y", "Genre", "airline_sentiment",
               "newsCategory", "Product category", "coarse_label", "emotion", "kategorie", "категория", "标签"]  # fmt: skip


TEXT_NAMES = ["text", "review", "Body", "message", "content", "tweet_text", "reviewText", "Comment", "utterance", "query", "description",
              "consumer_complaint_narrative", "sentence", "Review Text", "texto", "kommentar", "текст", "评论"]  # fmt: skip


@pytest.mark.parametrize("label", LABEL_NAMES)
def test_a_label_column_under_any_usual_name(tmp_path, label):
    rows = [[i, text, f"2024-01-{i % 28 + 1:02d}", topics[0]] for i, (text, topics) in enumerate(PLAIN)]
    groups = read(tmp_path, csv_of(["id", "text", "date", label], rows))
    assert rows_of(groups) == WANTED
    assert any(f"labels from {label!r}" in warning for warning in groups.warnings) == (label != "label")


@pytest.mark.parametrize("name", TEXT_NAMES)
def test_a_text_column_under_any_usual_name(tmp_path, name):
    rows = [[topics[0], f"u{i % 40}", text, i] for i, (text, topics) in enumerate(PLAIN)]
    assert rows_of(read(tmp_path, csv_of(["category", "user_name", name, "likes"], rows))) == WANTED


def test_columns_of_unusual_names_are_seen_from_their_cells_or_asked_for(tmp_path):
    rows = [[i, text, topics[0]] for i, (text, topics) in enumerate(PLAIN)]
    assert rows_of(read(tmp_path, csv_of(["nr", "was_er_schrieb", "wohin"], rows))) == WANTED
    twice = [[text, topics[0], "web" if i % 2 else "phone"] for i, (text, topics) in enumerate(PLAIN)]
    with pytest.raises(DataError, match=r"several columns may hold the labels \('wohin', 'channel'\); name one with data.target"):
        read(tmp_path, csv_of(["was_er_schrieb", "wohin", "channel"], twice))
    assert rows_of(read(tmp_path, csv_of(["was_er_schrieb", "wohin", "channel"], twice), target="wohin")) == WANTED


def test_a_title_and_a_body_are_one_text(tmp_path):
    rows = [[f"Ticket number {i} here", text, topics[0]] for i, (text, topics) in enumerate(PLAIN)]
    groups = read(tmp_path, csv_of(["title", "body", "category"], rows))
    assert rows_of(groups) == {(f"Ticket number {i} here {text}", tuple(topics)) for i, (text, topics) in enumerate(PLAIN)}
    assert groups.columns == {"text": ("title", "body"), "labels": ("category",)}
    assert rows_of(read(tmp_path, csv_of(["title", "body", "category"], rows), column="body")) == WANTED


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("header", [["message", "category"], None])
def test_any_separator_with_and_without_a_header(tmp_path, delimiter, header):
    rows = [[text, topics[0]] for text, topics in PLAIN]
    assert rows_of(read(tmp_path, csv_of(header, rows, delimiter))) == WANTED


def test_headerless_class_title_and_description(tmp_path):
    rows = [[list(TOPICS).index(topics[0]) + 1, f"News item of number {i}", text] for i, (text, topics) in enumerate(PLAIN)]
    groups = read(tmp_path, csv_of(None, rows))
    assert {labels for _, labels in rows_of(groups)} == {("1",), ("2",), ("3",)}
    assert all(text.startswith("News item") and "case" in text for text, _ in rows_of(groups))


def test_quotes_and_line_breaks_inside_texts(tmp_path):
    rows = [[f'She said "no",\nthen left; case {i}', "a" if i % 2 else "b"] for i in range(20)]
    assert {text for text, _ in rows_of(read(tmp_path, csv_of(["text", "label"], rows)))} == {" ".join(text.split()) for text, _ in rows}


def test_the_columns_of_a_table_stand_beside_its_predictions(tmp_path):
    (tmp_path / "new.csv").write_text(csv_of(["id", "body", "note"], [[1, "a, b", "x"], [2, "c", ""]], ";"))
    found = expand_inputs([str(tmp_path / "new.csv")], "body")
    assert list(found) == ["a, b", "c"]
    assert found.frame.columns == ["id", "body", "note"]
    joined = expand_inputs([str(tmp_path / "new.csv")], ["body", "note"])
    assert list(joined) == ["a, b x", "c"]


@settings(max_examples=40, deadline=None)
@given(st.sampled_from([",", ";", "\t", "|"]), st.lists(st.text("abc,;|\t \"'", max_size=12), min_size=3, max_size=8))
def test_the_separator_is_seen_whatever_the_texts_hold(delimiter, cells):
    content = csv_of(["text", "label", "id"], [[cell, "x", i] for i, cell in enumerate(cells)], delimiter)
    assert separator_of([line for line in content.split("\n") if line]) == delimiter


def test_a_line_that_names_the_separator(tmp_path):
    (tmp_path / "a.csv").write_text("sep=;\ntext;label\na, b, c;x\nd, e;y\n")
    assert read_table(tmp_path / "a.csv").rows == [["a, b, c", "x"], ["d, e", "y"]]


PUBLISHED = {  # headers of published files: the columns that are the text, those that are the labels
    "v1,v2,,,": ("v2", "v1"),
    "tweet_id,airline_sentiment,airline_sentiment_confidence,negativereason,airline,retweet_count,text": ("text", "airline_sentiment"),
    "id,title,author,text,label": ("title text", "label"),
    "title,text,subject,date,class": ("title text", "class"),
    "id,comment_text,toxic,severe_toxic,obscene": ("comment_text", "toxic severe_toxic obscene"),
    "Id,ProductId,UserId,HelpfulnessNumerator,Score,Time,Summary,Text": ("Summary Text", "Score"),
    "link,headline,category,short_description,authors,date": ("headline short_description", "category"),
    "qid,question_text,target": ("question_text", "target"),
    "Class Index,Title,Description": ("Title Description", "Class Index"),
    "text,id,author,subreddit,admiration,anger": ("text", "admiration anger"),
    "Category,Resume": ("Resume", "Category"),
    ",description,medical_specialty,sample_name,transcription": ("transcription", "medical_specialty"),
    "utterance,intent_name,domain": ("utterance", "intent_name"),
    "conversation_id,speaker,message,emotion": ("message", "emotion"),
    "Nr,Bewertungstext,Sterne": ("Bewertungstext", "Sterne"),
    "sentence,language": ("sentence", "language"),
    "Message-ID,Subject,Body,Spam/Ham,Date": ("Subject Body", "Spam/Ham"),
    "category_id,complaint_text": ("complaint_text", "category_id"),
}


CELLS = {
    "title text headline subject summary": 5, "text body description complaint_text comment_text message utterance sentence review v2": 20,
    "question_text short_description bewertungstext": 20, "resume transcription": 90,
}  # fmt: skip


def cell(name: str, i: int, random) -> str:
    """A cell as a column of that name has it."""
    if name == "":
        return ""
    low = name.lower()
    for names, words in CELLS.items():
        if low in names.split() and not (low == "subject" and i < 0):
            return sentence(random, words)
    if low in ("toxic", "severe_toxic", "obscene", "admiration", "anger", "target", "label"):
        return str(random.integers(2))
    if low == "category_id":
        return str(random.integers(4))
    if low == "nr" or "id" in low.replace("_", " ").split() or low.endswith("id"):
        return f"x{i}" if low != "userid" else f"u{random.integers(60)}"
    if low in ("date", "time"):
        return f"2019-03-{random.integers(1, 28):02d} 10:11:{i % 60:02d}"
    if low in ("author", "authors", "speaker"):
        return f"Ann Bell {random.integers(90)}"
    if "confidence" in low:
        return f"{random.random():.4f}"
    if low in ("link",):
        return f"https://a.b/{i}"
    return (
        str(random.choice(["one kind", "two", "three"])) if low not in ("score", "sterne", "retweet_count") else str(random.integers(1, 5))
    )


@pytest.mark.parametrize("header", PUBLISHED)
def test_the_columns_of_published_files(tmp_path, header):
    random, names = np.random.default_rng(0), header.split(",")
    short = {"subject"} if "title" in names else set()
    rows = [[str(random.choice(["politics", "news"])) if name in short else cell(name, i, random) for name in names] for i in range(200)]
    groups = read(tmp_path, csv_of(names, rows))
    text, labels = PUBLISHED[header]
    assert groups.columns == {"text": _columns(text, names), "labels": _columns(labels, names)}


def _columns(text: str, names: list[str]) -> tuple[str, ...]:
    return (text,) if text in names else tuple(text.split())


def test_a_table_without_labels_is_running_text_and_says_so(tmp_path):
    groups = read(
        tmp_path,
        csv_of(
            ["nr", "Text"],
            [
                [i, f"My parcel of number {i} is very late again. When will it come to our house? Thank you for all your help."]
                for i in range(60)
            ],
        ),
    )
    assert groups.labels is None
    assert any("no column of labels is found beside 'Text'" in warning and "'nr'" in warning for warning in groups.warnings)


def test_lines_above_a_header_and_a_header_that_comes_again(tmp_path):
    rows = [[i, text, topics[0]] for i, (text, topics) in enumerate(PLAIN)]
    table = csv_of(["Nr", "Text", "Kategorie"], rows, ";")
    groups = read(tmp_path, f"Export of tickets;;\nmade on 2024-01-01;;\n;;\n{table}")
    assert rows_of(groups) == WANTED
    assert any("3 lines above the table skipped" in warning for warning in groups.warnings)
    plain = csv_of(["text", "label"], [row[1:] for row in rows])
    assert rows_of(read(tmp_path, plain + plain.replace(" case", " another case"))) >= WANTED
    assert len(expand_inputs([str(tmp_path / "a.csv")], "text")) == 2 * len(PLAIN)


@pytest.mark.parametrize("first", [True, False])
def test_commas_in_texts_without_quotes_belong_to_them(tmp_path, first):
    lines = [("text,label" if first else "label,text")]
    lines += [f"{text}, and, more,{topics[0]}" if first else f"{topics[0]},{text}, and, more" for text, topics in PLAIN]
    groups = read(tmp_path, "\n".join(lines))
    assert rows_of(groups) == {(f"{text}, and, more", tuple(topics)) for text, topics in PLAIN}
    assert any("60 rows have more cells than the first" in warning for warning in groups.warnings)
    assert expand_inputs([str(tmp_path / "a.csv")], "text")[0] == f"{PLAIN[0][0]}, and, more"


def test_a_column_of_texts_is_never_cut_at_a_comma(tmp_path):
    (tmp_path / "a.csv").write_text("text\n" + "\n".join(f"Hello, {text}" for text, _ in PLAIN[:5]) + '\n"quoted, too"\n')
    assert expand_inputs([str(tmp_path / "a.csv")], "text") == [*(f"Hello, {text}" for text, _ in PLAIN[:5]), "quoted, too"]
    (tmp_path / "b.csv").write_text("Text\nWhere is my parcel, please?\n")
    assert expand_inputs([str(tmp_path / "b.csv")], "Text") == ["Where is my parcel, please?"]


def test_two_texts_and_labels_ask_which_text(tmp_path):
    rows = [[f"good: {text}", f"bad: {text[::-1]}", i % 5 + 1] for i, (text, _) in enumerate(PLAIN)]
    with pytest.raises(DataError, match="data.column"):
        read(tmp_path, csv_of(["pros", "cons", "rating"], rows))
    assert len(read(tmp_path, csv_of(["pros", "cons", "rating"], rows), column=("pros", "cons"))) == len(PLAIN)
