"""Delimited text: what Python's csv writes comes back; a stray quotation mark costs no row."""

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from applied_dl.core.errors import DataError
from applied_dl.io.delimited import LONGEST_CELL, delimited_rows
from applied_dl.tasks.sentences.readers.read import read_groups
from applied_dl.tasks.sentences.recipe import Data
from applied_dl.text.corpus import lines
from applied_dl.text.decoding import Reading


def rows_of(text, delimiter=","):
    counts = Reading()
    return list(delimited_rows(Path("a.csv"), iter(text.removesuffix("\n").split("\n")), delimiter, counts)), counts


CELL = st.text(st.sampled_from('ab ",;\n'), max_size=8)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(CELL, CELL), min_size=1, max_size=6), st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]), st.sampled_from(",\t"))
def test_what_csv_writes_comes_back(rows, quoting, delimiter):
    file = io.StringIO()
    csv.writer(file, delimiter=delimiter, quoting=quoting, lineterminator="\n").writerows(rows)
    assert rows_of(file.getvalue(), delimiter)[0] == [list(row) for row in rows]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.text(st.sampled_from('ab " '), min_size=1, max_size=8), min_size=1, max_size=12))
def test_a_tsv_without_quoting_keeps_every_row(texts):
    found, _ = rows_of("".join(f"{text}\t{i}\n" for i, text in enumerate(texts)), "\t")
    assert [row[-1] for row in found] == [str(i) for i in range(len(texts))]
    assert all(len(row) == 2 for row in found)


def test_stray_quotes_are_counted_and_read_as_they_stand():
    found, counts = rows_of('text,label\n"a film,1\nb film,0\n"c" film,1\nd "film",0\n"e, film",1\n')
    assert found == [["text", "label"], ['"a film', "1"], ["b film", "0"], ['"c" film', "1"], ['d "film"', "0"], ["e, film", "1"]]
    assert counts.stray_quotes == 2
    assert "2 rows have a quotation mark that is never closed" in counts.warnings()[0]


def test_where_a_stray_quote_leaves_no_way_to_read_the_line_it_is_refused():
    with pytest.raises(DataError, match=r"'a.csv', line 3: a cell begins with a quotation mark .* the line has 3 cells, expected 2"):
        rows_of('text,label\nx,0\n"a long, long film,1\nb,0\n')


def test_a_cell_that_looks_like_several_rows_is_reported():
    found, counts = rows_of('text,label\n"a film,1\nb film",0\nc,1\n')
    assert (len(found), counts.swallowed) == (3, 1)
    assert "look like several rows" in counts.warnings()[0]
    assert rows_of('text,label\n"a film\nof two lines",0\n')[1].warnings() == []


def test_the_search_for_a_closing_quote_ends():
    line = "x" * 1000 + "\t1"
    found, _ = rows_of("\n".join(['"open\t0', *[line] * (LONGEST_CELL // 1000 + 5)]), "\t")
    assert len(found) == LONGEST_CELL // 1000 + 6


def test_empty_lines_carriage_returns_and_old_line_ends():
    assert rows_of('a,b\r\n\r\n"c",d\r\n')[0] == [["a", "b"], [], ["c", "d"]]
    with pytest.raises(DataError, match="line 1: not a readable table"):
        rows_of("a,b\rc,d\r")


def test_tables_of_texts_and_columns_of_words_keep_all_rows(tmp_path):
    data = Data(kind="labelled", column="text", target="label")
    path = tmp_path / "a.tsv"
    path.write_text("text\tlabel\n" + "".join(f"{chr(34) * (i % 5 == 0)}text of number {i}\t{i % 2}\n" for i in range(60)))
    groups = read_groups((str(path),), data)
    assert len(groups) == 60
    assert any("12 rows have a quotation mark" in w for w in groups.warnings)
    reading = Reading()
    assert len(list(lines(path, "text", reading))) == 60
    assert reading.stray_quotes == 12
