"""Texts of objects are read by the names of the objects, whichever language wrote them; other texts stay."""

import json
import warnings

import pytest

from applied_dl.io.nested import literal, with_object_names
from applied_dl.io.tables import read_table

GENRES = [{"id": 28, "name": "Action"}, {"id": 12, "name": "Adventure"}]


@pytest.mark.parametrize("write", [str, json.dumps])
@pytest.mark.parametrize(
    ("objects", "wanted"),
    [
        (GENRES, "Action|Adventure"),
        ([{"iso_639_1": "en", "Name": "English", "native": "English"}], "English"),
        ({"id": 7, "name": "A Collection", "poster": None}, "A Collection"),
        ([{"tag": "red"}, {"tag": "blue"}], "red|blue"),
    ],
)
def test_objects_are_read_by_their_names(write, objects, wanted):
    table = read_table({"x": [write(objects), "[]", None, "plain"], "y": [1, 2, 3, 4]})
    assert with_object_names(table).frame["x"].to_list() == [wanted, None, None, "plain"]


@pytest.mark.parametrize("text", ["{'a': 1, 'b': 2}", "[{'a': 1}, 3]", "{'open", '{"a": [1], "b": {}}', "{red, blue}"])
def test_what_has_no_names_stays(text):
    assert with_object_names(read_table({"x": [text, "b"]})).frame["x"].to_list() == [text, "b"]


@pytest.mark.parametrize("text", [r"[{'name': 'a\d'}]", "[1or 2]", "{'a': 0o8}", r"'\8'"])
def test_texts_that_python_warns_about_are_read_in_silence(text):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        literal(text)
        with_object_names(read_table({"x": [text, "b"]}))
