"""Matrices of users and items, and baskets with all items of a user in a cell."""

import json

import numpy as np
import polars as pl
import pytest

from applied_dl.core.errors import DataError, UsageError
from applied_dl.tasks.recommend.readers.events import read_events
from applied_dl.tasks.recommend.readers.prepare import prepare_events
from applied_dl.tasks.recommend.suggest import suggest
from applied_dl.workflows import recipes

NONE = dict.fromkeys(("user", "item", "value", "time"))
USERS, ITEMS = 20, 12
RANDOM = np.random.default_rng(0)
MATRIX = np.where(RANDOM.random((USERS, ITEMS)) < 0.5, RANDOM.integers(1, 6, (USERS, ITEMS)), 0)


def triples(events):
    return {(events.user_ids[u], events.item_ids[i], float(v)) for u, i, v in zip(events.users, events.items, events.values)}


@pytest.mark.parametrize("absent", ["", "0"])
@pytest.mark.parametrize("corner", ["user", "", "Name"])
def test_a_matrix_is_read_as_events(tmp_path, absent, corner):
    rows = [f"u{u}," + ",".join(str(v) if v else absent for v in row) for u, row in enumerate(MATRIX)]
    path = tmp_path / "m.csv"
    path.write_text("\n".join([f"{corner}," + ",".join(f"Film {i}" for i in range(ITEMS)), *rows]))
    events = read_events(str(path), NONE)
    wanted = {(f"u{u}", f"Film {i}", float(v)) for (u, i), v in np.ndenumerate(MATRIX) if v}
    assert {row for row in triples(events) if row[2]} == wanted
    assert any("is read as a matrix" in note for note in events.notes)
    assert suggest(str(path)) == {}
    prepared = prepare_events(recipes.read_recipe({"task": "recommend", "data": {"source": str(path)}}))
    assert (prepared.facts["events"], prepared.facts["kind"]) == (len(wanted), "explicit")


@pytest.mark.parametrize("corner", ["movie", "Book-Title", "item_id"])
def test_a_matrix_with_a_row_for_each_item(tmp_path, corner):
    rows = [f"Film {i}," + ",".join(str(v) if v else "" for v in column) for i, column in enumerate(MATRIX.T)]
    path = tmp_path / "m.csv"
    path.write_text("\n".join([f"{corner}," + ",".join(f"u{u}" for u in range(USERS)), *rows]))
    events = read_events(str(path), NONE)
    assert triples(events) == {(f"u{u}", f"Film {i}", float(v)) for (u, i), v in np.ndenumerate(MATRIX) if v}
    assert any("a row for each item, a column for each user" in note for note in events.notes)


def test_other_wide_tables_are_no_matrix(tmp_path):
    path = tmp_path / "t.csv"
    rows = [f"u{u}," + ",".join(f"{RANDOM.normal():.3f}" for _ in range(6)) for u in range(30)]
    path.write_text("\n".join(["person,age,income,height,weight,x,y", *rows]))
    with pytest.raises(UsageError, match=r"data\.item"):
        read_events(str(path), NONE)


@pytest.mark.parametrize("form", [", ".join, ";".join, "|".join, json.dumps, str, None])
def test_baskets_are_events_of_their_items(tmp_path, form):
    baskets = [[f"item {i}" for i in range(ITEMS) if row[i]] or ["item 0"] for row in MATRIX]
    if form is None:
        path = tmp_path / "b.json"
        path.write_text(json.dumps([{"order_id": f"o{u}", "items": items} for u, items in enumerate(baskets)]))
    else:
        path = tmp_path / "b.csv"
        pl.DataFrame({"order_id": [f"o{u}" for u in range(USERS)], "items": list(map(form, baskets))}).write_csv(path)
    events = read_events(str(path), NONE)
    assert triples(events) == {(f"o{u}", item, 1.0) for u, items in enumerate(baskets) for item in items}
    assert any("holds several items" in note for note in events.notes)


def test_names_with_commas_of_users_with_many_rows_stay_whole(tmp_path):
    path = tmp_path / "e.csv"
    path.write_text("user,item\n" + "".join(f'u{i % 9},"Film {i}, The"\n' for i in range(60)))
    assert read_events(str(path), NONE).item_ids[0] == "Film 0, The"


@pytest.mark.parametrize("name", ["Film {}, The", "Shirt, blue, size {}"])
def test_names_with_commas_of_users_with_a_row_each_stay_whole(tmp_path, name):
    path = tmp_path / "e.csv"
    path.write_text("order_id,product\n" + "".join(f'o{i},"{name.format(i % 30)}"\n' for i in range(60)))
    assert read_events(str(path), NONE).item_ids[0] == name.format(0)


def test_objects_in_cells_are_refused(tmp_path):
    path = tmp_path / "p.json"
    path.write_text(json.dumps([{"user": f"u{u}", "tracks": [{"pos": 0, "uri": f"a:{u}"}]} for u in range(9)]))
    with pytest.raises(DataError, match="holds objects; write a row for each user and item"):
        read_events(str(path), NONE)
