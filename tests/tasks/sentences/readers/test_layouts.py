"""Tables of texts: what they hold, seen from their columns; what cannot be read."""

import bz2
import gzip
import json

import polars as pl
import pytest

from applied_dl.core.errors import DataError
from applied_dl.tasks.sentences.readers.layouts import layout_of
from applied_dl.tasks.sentences.readers.read import read_groups
from applied_dl.tasks.sentences.recipe import Data
from applied_dl.text.tables import read_table


def table_of(tmp_path, content, name="a.csv", known=()):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_table(path, known)


@pytest.mark.parametrize(
    ("content", "kind", "places"),
    [
        ("anchor,positive\na b,c d\n", "pairs", [0, 1]),
        ("id,Sentence1,Sentence2\n1,a b,c d\n", "pairs", [1, 2]),
        ("positive,negative,anchor\na b,c d,e f\n", "triplets", [2, 0, 1]),
        ("a b,c d\ne f,g h\n", "pairs", [0, 1]),
        ("a b,c d,e f\n", "triplets", [0, 1, 2]),
        ("text,label\na b,x\n", "labelled", [0, 1]),
        ("Label,Review\nx,a b\n", "labelled", [1, 0]),
        ("number,text,label\n1,a b,x\n", "labelled", [1, 2]),
    ],
)
def test_the_kind_is_seen_from_the_columns(tmp_path, content, kind, places):
    table = table_of(tmp_path, content)
    found = layout_of(table, Data())
    assert found.kind == kind
    assert [*found.texts, *([found.negative] if found.negative is not None else []), *found.labels] == places


WRITTEN = ("the red car left early", "a dog barked all night", "we ate soup and bread", "rain fell on the hills", "my keys are gone again",
           "they built a small boat", "snow covers every roof", "the old clock stopped")  # fmt: skip


@pytest.mark.parametrize(
    "names", [("text", "positive"), ("instruction", "output"), ("query", "response"), ("sentence", "translation"), ("prompt", "completion")]
)
def test_two_columns_of_written_texts_are_pairs(tmp_path, names):
    rows = "".join(f"{text} {i},{WRITTEN[i % 7 + 1]} {i}\n" for i, text in enumerate(WRITTEN * 5))
    found = layout_of(table_of(tmp_path, f"{','.join(names)}\n{rows}"), Data())
    assert (found.kind, found.texts) == ("pairs", (0, 1))


@pytest.mark.parametrize(
    ("names", "texts"), [(("id", "title", "body"), (1, 2)), (("english", "german", "source"), (0, 1)), (("text1", "text3", "url"), (0, 1))]
)
def test_only_a_column_of_negatives_makes_triplets(tmp_path, names, texts):
    cells = [[f"{i}" if k not in texts else f"{WRITTEN[(i + 3 * k) % 8]} {i}" for k in range(3)] for i in range(40)]
    content = "".join(",".join(row) + "\n" for row in [names, *cells])
    found = layout_of(table_of(tmp_path, content), Data())
    assert (found.kind, found.texts, found.negative) == ("pairs", texts, None)
    assert "data.column = NAME reads one column" in found.warnings[0]


def test_a_third_written_text_is_no_negative(tmp_path):
    rows = "".join(f"{WRITTEN[i % 8]} {i},{WRITTEN[i % 7]} {i},{WRITTEN[i % 6]} {i}\n" for i in range(40))
    assert layout_of(table_of(tmp_path, "subject,description,resolution\n" + rows), Data()).kind == "text"
    assert layout_of(table_of(tmp_path, "left,right,negative\n" + rows), Data()).kind == "triplets"


def test_numbers_are_no_side(tmp_path):
    assert layout_of(table_of(tmp_path, "id,caption\n" + "".join(f"{i},{WRITTEN[i % 8]} {i}\n" for i in range(40))), Data()).kind == "text"
    assert layout_of(table_of(tmp_path, "".join(f"{i},a{i},b{i}\n" for i in range(40))), Data()).kind != "triplets"


def test_texts_beside_names_and_numbers_are_no_pairs(tmp_path):
    rows = "".join(f"{text} {i},Ann Lee{i},{i}.5\n" for i, text in enumerate(WRITTEN * 5))
    found = layout_of(table_of(tmp_path, f"text,reviewer_name,weight\n{rows}"), Data())
    assert found.kind == "text"
    assert "data.target" in found.warnings[0]


@pytest.mark.parametrize("labels", [("yes", "no"), ("True", "False"), ("a lot", "a little")])
def test_answers_that_are_labels_are_no_second_texts(tmp_path, labels):
    rows = "".join(f"{text} {i},{labels[i % 2]}\n" for i, text in enumerate(WRITTEN * 5))
    found = layout_of(table_of(tmp_path, f"question,answer\n{rows}"), Data())
    assert (found.kind, found.texts, found.labels) == ("labelled", (0,), (1,))


def test_a_header_of_several_words_counts_where_the_recipe_names_it(tmp_path):
    content = "What they wrote,How it was\ngood food,bad\nbad food,good\n"
    assert table_of(tmp_path, content).header == []
    table = table_of(tmp_path, content, known=("What they wrote", "How it was"))
    found = layout_of(table, Data(column="What they wrote", target="How it was"))
    assert (found.kind, found.texts, found.labels) == ("labelled", (0,), (1,))


def test_labels_are_not_taken_for_positives(tmp_path):
    table = table_of(tmp_path, "".join(f"a text of number {i},{i % 2}\n" for i in range(60)))
    found = layout_of(table, Data())
    assert (found.kind, found.texts, found.labels) == ("labelled", (0,), (1,))
    assert "read as labelled texts: labels from 'column_2', text from 'column_1'" in found.warnings[0]
    assert layout_of(table, Data(kind="pairs")).texts == (0, 1)


def test_every_format_holds_the_same_rows(tmp_path):
    rows = [["first \u05e9\u05dc\u05d5\u05dd text", "second, with a comma"], ["third \U0001f600", 'fourth "quoted"\nand broken']]
    frame = pl.DataFrame({"anchor": [a for a, _ in rows], "positive": [b for _, b in rows]})
    frame.write_parquet(tmp_path / "a.parquet")
    frame.write_csv(tmp_path / "a.csv")
    frame.write_csv(tmp_path / "a.tsv", separator="\t")
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress((tmp_path / "a.csv").read_bytes()))
    (tmp_path / "a.tsv.bz2").write_bytes(bz2.compress((tmp_path / "a.tsv").read_bytes()))
    (tmp_path / "a.jsonl").write_text("".join(json.dumps({"anchor": a, "positive": b}) + "\n\n" for a, b in rows))
    (tmp_path / "bom.csv").write_bytes(b"\xef\xbb\xbf" + (tmp_path / "a.csv").read_bytes())
    for name in ("a.parquet", "a.csv", "a.tsv", "a.csv.gz", "a.tsv.bz2", "a.jsonl", "bom.csv"):
        found = read_table(tmp_path / name)
        assert (found.header, found.rows) == (["anchor", "positive"], rows), name


def test_sets_come_as_lists_or_under_texts(tmp_path):
    for content in ('["a", "b", "c"]\n["d", "e"]\n', '{"texts": ["a", "b", "c"]}\n{"texts": ["d", "e"]}\n'):
        table = table_of(tmp_path, content, "a.jsonl")
        assert layout_of(table, Data()).kind == "sets"
        assert table.rows == [["a", "b", "c"], ["d", "e"]]


def test_columns_are_those_of_all_rows(tmp_path):
    rows = [{"anchor": "a", "positive": "b"}, {"positive": "d", "anchor": "c", "negative": "e"}]
    table = table_of(tmp_path, "".join(json.dumps(row) + "\n" for row in rows), "a.jsonl")
    assert (table.header, table.rows) == (["anchor", "positive", "negative"], [["a", "b", None], ["c", "d", "e"]])
    assert layout_of(table, Data()).kind == "triplets"
    assert layout_of(table_of(tmp_path, "a b,c d\n" + "a b,c d,e f\n" * 3), Data()).kind == "triplets"


@pytest.mark.parametrize("rows", [['{"anchor": "a", "positive": "b"}', '["a", "b", "c"]'], ['["a", "b"]', '{"anchor": "a"}']])
def test_rows_of_two_shapes_are_refused(tmp_path, rows):
    with pytest.raises(DataError, match=r"row 2: an? .* where the rows before are each an? .*write all rows the same way"):
        table_of(tmp_path, "\n".join(rows), "a.jsonl")


def test_bad_bytes_and_nul_are_read_as_spaces_and_reported(tmp_path):
    found = table_of(tmp_path, b"anchor,positive\na\xff b,c\0d\n")
    assert found.rows == [["a  b", "c d"]]
    assert len(found.warnings) == 2


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"", "holds no rows"),
        ("a.csv", b"anchor,positive\n", "holds no rows"),
        ("a.csv", b"\0" * 100, "is not a text"),
        ("a.csv.gz", gzip.compress(b"a,b\n", mtime=0)[:-8], "cannot be read"),
        ("a.jsonl", b'{"anchor": \n', "row 1: not JSON"),
        ("a.jsonl", b"3\n", "row 1: expected a JSON object or a list of texts, received int"),
        ("a.jsonl", b"[" * 100_000 + b"\n", "row 1: not JSON"),
        ("a.parquet", b"PAR1 no", "cannot be read"),
    ],
)
def test_what_is_no_table_is_one_sentence(tmp_path, name, content, message):
    with pytest.raises(DataError, match=message):
        table_of(tmp_path, content, name)


def test_missing_columns_are_named(tmp_path):
    table = table_of(tmp_path, "anchor,positive\na,b\n")
    with pytest.raises(DataError, match="no column 'negative', which triplets need"):
        layout_of(table, Data(kind="triplets"))
    with pytest.raises(DataError, match=r"the label column 'topic'; found: anchor, positive"):
        layout_of(table, Data(target="topic"))
    with pytest.raises(DataError, match="pairs need 2 columns, found 1"):
        layout_of(table_of(tmp_path, "a b\nc d\n"), Data(kind="pairs"))


def test_texts_without_blanks_and_their_labels_need_no_header(tmp_path):
    texts = ["物流太慢了，客服态度很差", "质量不错，价格也合适", "电池不耐用，用了两天", "房间很干净，服务也好"]
    rows = "".join(f"{'好差'[i % 2]}评\t{texts[i % 4]}{i}\n" for i in range(40))
    found = layout_of(table_of(tmp_path, rows, "a.tsv"), Data())
    assert (found.kind, found.texts, found.labels) == ("labelled", (1,), (0,))


def test_a_word_a_row_is_no_labelled_text(tmp_path):
    rows = "".join(f"{'Sentence: ' + str(i // 8 + 1) if i % 8 == 0 else ''},word{i},NN,{'OB'[i % 5 == 0]}\n" for i in range(200))
    with pytest.raises(DataError, match="name the one that holds the text"):
        layout_of(table_of(tmp_path, "Sentence #,Word,POS,Tag\n" + rows), Data())


def test_the_choice_of_an_annotation_is_the_label(tmp_path):
    rows = [
        {
            "id": i,
            "data": {"text": f"{WRITTEN[i % 8]} {i}"},
            "annotations": [{"completed_by": 1, "result": [{"type": "choices", "value": {"choices": [["mail", "call"][i % 2]]}}]}],
        }
        for i in range(40)
    ]
    table = table_of(tmp_path, json.dumps(rows), "export.json")
    found = layout_of(table, Data())
    assert [table.header[i] for i in (*found.texts, *found.labels)] == ["data.text", "annotations.result.value.choices"]


def test_who_sent_a_message_is_no_label(tmp_path):
    rows = "".join(f"{'ab'[i % 2]},{WRITTEN[i % 8]} {i}\n" for i in range(40))
    assert layout_of(table_of(tmp_path, "sender,message\n" + rows), Data()).kind == "text"


@pytest.mark.parametrize(("name", "same"), [("label_text", True), ("category_name", True), ("region", False)])
def test_names_of_numbered_labels_are_taken_where_they_agree(tmp_path, name, same):
    rows = "".join(f"{WRITTEN[i % 8]} {i},{i % 3},{('north', 'south', 'west')[i % 3 if same else i // 3 % 3]}\n" for i in range(60))
    table = table_of(tmp_path, f"text,label,{name}\n{rows}")
    found = layout_of(table, Data())
    assert table.header[found.labels[0]] == (name if same else "label")
    assert layout_of(table, Data(target="label")).labels == (1,)


@pytest.mark.parametrize("name", ["a.tsv", "a.txt"])
def test_words_and_their_tags_are_no_pairs(tmp_path, name):
    rows = "".join(f"word{i}\t{'OBI'[i % 3]}-PER\n" for i in range(60))
    (tmp_path / name).write_text(rows)
    with pytest.raises(DataError):
        read_groups((str(tmp_path / name),), Data())


def test_labels_of_words_and_of_parts_of_a_text_are_refused(tmp_path):
    tokens = [{"tokens": WRITTEN[i % 8].split(), "ner_tags": [(i + k) % 3 for k in range(len(WRITTEN[i % 8].split()))]} for i in range(30)]
    with pytest.raises(DataError, match="are lists with a label for each word of 'tokens'; this task labels whole texts"):
        layout_of(table_of(tmp_path, json.dumps(tokens), "a.json"), Data())
    for part in ([0, 3, "PER"], {"start": 0, "end": 3, "label": "PER"}):
        spans = [{"text": f"{WRITTEN[i % 8]} {i}", "label": [part] * (1 + i % 2)} for i in range(30)]
        (tmp_path / "b.jsonl").write_text("\n".join(map(json.dumps, spans)))
        with pytest.raises(DataError, match="mark parts of a text"):
            read_groups((str(tmp_path / "b.jsonl"),), Data())


def test_a_text_and_its_cleaned_form_are_no_pair(tmp_path):
    rows = "".join(f"{WRITTEN[i % 8]} number {i}!,{WRITTEN[i % 8]}\n" for i in range(40))
    assert layout_of(table_of(tmp_path, f"tweet,tweet_clean\n{rows}"), Data()).kind == "text"


@pytest.mark.parametrize(
    ("head", "labels"),
    [
        ("customer_id,star_rating,vine,verified_purchase,review_body", ["star_rating"]),
        ("text,priority,is_open,is_late", ["priority"]),
        ("product_category,star_rating,review_body", ["star_rating"]),  # all of one category
        ("overview,rating,action,comedy,drama,horror", ["action", "comedy", "drama", "horror"]),
        ("comment_text,toxic,insult", ["toxic", "insult"]),
    ],
)
def test_flags_beside_a_rating_are_no_labels_unless_most_columns_are_flags(tmp_path, head, labels):
    names = head.split(",")
    texts = [f"{WRITTEN[i % 8]} and {WRITTEN[i // 8]}" for i in range(60)]
    cells = {"customer_id": range(100, 160), "star_rating": [i % 5 for i in range(60)], "rating": [i % 5 for i in range(60)],
             "priority": ["P1", "P2", "P3"] * 20, "product_category": ["Books"] * 60}  # fmt: skip
    cells |= dict.fromkeys(("review_body", "text", "overview", "comment_text"), texts)
    flags = [(i * 7) % 3 % 2 for i in range(60)]
    pl.DataFrame({name: [*cells.get(name, flags)] for name in names}).write_csv(tmp_path / "a.csv")
    table = read_table(tmp_path / "a.csv")
    found = layout_of(table, Data())
    assert (found.kind, [names[i] for i in found.labels]) == ("labelled", labels)
