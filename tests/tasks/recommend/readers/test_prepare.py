"""People's tables of events: names, ids, times and values as they are written; what is left out and how events are split."""

import gzip

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from applied_dl.core.errors import AppliedError, DataError, UsageError
from applied_dl.tasks.recommend.readers.builtin import built_in
from applied_dl.tasks.recommend.readers.columns import find_columns
from applied_dl.tasks.recommend.readers.events import Ids, read_events
from applied_dl.tasks.recommend.readers.parts import follows, split_events
from applied_dl.tasks.recommend.readers.prepare import prepare_events
from applied_dl.workflows import recipes
from tests.hostile import one_sentence

NONE = dict.fromkeys(("user", "item", "value", "time"))


def prepared(path, **keys):
    data = {"source": str(path), **keys} if path is not None else keys
    return prepare_events(recipes.read_recipe({"task": "recommend", "data": data}))


def events_frame(users=30, per_user=8, items=20, seed=0) -> pl.DataFrame:
    random = np.random.default_rng(seed)
    rows = [(f"u{u}", f"i{i}") for u in range(users) for i in random.choice(items, per_user, replace=False)]
    return pl.DataFrame({"user": [r[0] for r in rows], "item": [r[1] for r in rows], "time": random.integers(1.6e9, 1.7e9, len(rows))})


@pytest.fixture
def write(tmp_path):
    def to(frame: pl.DataFrame, name="events.csv", **options):
        frame.write_csv(tmp_path / name, **options)
        return tmp_path / name

    return to


@pytest.mark.parametrize(
    ("columns", "found"),
    [
        (["userId", "movieId", "rating", "timestamp"], ["userId", "movieId", "rating", "timestamp"]),
        (["Customer ID", "StockCode", "sku", "Quantity", "InvoiceDate", "date"], ["Customer ID", "sku", "Quantity", "date"]),
        (["reviewerID", "asin", "overall", "unixReviewTime"], ["reviewerID", "asin", "overall", "unixReviewTime"]),
        (["user_id", "artist_id", "plays"], ["user_id", "artist_id", "plays"]),
        (["User-ID", "ISBN", "Book-Rating"], ["User-ID", "ISBN", "Book-Rating"]),
        (["Kundennummer", "Artikelnummer", "Menge", "Bestelldatum"], ["Kundennummer", "Artikelnummer", "Menge", "Bestelldatum"]),
        (["id_client", "id_produit", "quantité", "play_time"], ["id_client", "id_produit", "quantité"]),
        (["Cust_Id", "Movie_Id", "avg_rating", "Rating"], ["Cust_Id", "Movie_Id", "Rating"]),
        (
            ["customer_id", "product_id", "avg_rating", "star_rating", "review_date"],
            ["customer_id", "product_id", "star_rating", "review_date"],
        ),
        (["user_location", "user_pseudo_id", "item_name", "event_timestamp"], ["user_pseudo_id", "item_name", "event_timestamp"]),
        (["order_id", "products"], ["order_id", "products"]),
        (["column_1", "column_2", "column_3"], ["column_1", "column_2", "column_3"]),
    ],
)
def test_columns_are_found_by_their_names(columns, found):
    assert list(find_columns(columns, NONE, "x.csv")[0].values()) == found


def test_columns_that_cannot_be_recognised_are_asked_for():
    with pytest.raises(UsageError, match="data.item"):
        find_columns(["user", "a", "b"], NONE, "x.csv")
    with pytest.raises(UsageError, match="no column"):
        find_columns(["user", "a"], {**NONE, "item": "c"}, "x.csv")
    with pytest.raises(UsageError, match="cannot be two"):
        find_columns(["user", "a"], {**NONE, "user": "a", "item": "a"}, "x.csv")


def test_ids_of_mixed_types_are_one_user(tmp_path):
    rows = [{"user": 17, "item": "a"}, {"user": "17", "item": "b"}, {"user": 17.0, "item": "c"}, {"user": " 17 ", "item": 5}]
    read = read_events(rows, NONE)
    assert read.user_ids == ["17"]
    assert read.item_ids == ["a", "b", "c", "5"]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "cp1252"])
def test_separators_encodings_and_windows_line_ends(tmp_path, separator, encoding):
    lines = ["Nutzer", "Artikel", "Bewertung"], ["Jörg", "Käse", "4,5" if separator == ";" else "4.5"], ["Zoë", "Brot", "3"]
    path = tmp_path / "e.csv"
    path.write_bytes("\r\n".join(separator.join(line) for line in lines).encode(encoding))
    read = read_events(str(path), NONE)
    assert read.user_ids == ["Jörg", "Zoë"]
    assert read.values.tolist() == [4.5, 3.0]


def test_movielens_files_without_a_header(tmp_path):
    path = tmp_path / "u.data.gz"
    path.write_bytes(gzip.compress(b"196\t242\t3\t881250949\n186\t302\t3\t891717742\n22\t377\t1\t878887116\n"))
    path = path.rename(tmp_path / "u.csv.gz")
    read = read_events(str(path), NONE)
    assert read.user_ids == ["196", "186", "22"]
    assert read.values.tolist() == [3, 3, 1]
    assert read.times.tolist() == [881250949, 891717742, 878887116]


def test_times_in_any_unit_or_as_text_give_the_same_order(write):
    base = events_frame()
    seconds = base["time"]
    forms = {
        "s": seconds, "ms": seconds * 1000, "us": seconds * 10**6, "ns": seconds * 10**9,
        "text": pl.from_epoch(seconds, "s").dt.strftime("%Y-%m-%d %H:%M:%S"), "date": pl.from_epoch(seconds, "s"),
    }  # fmt: skip
    tests = [prepared(write(base.with_columns(time=form), f"{name}.csv")).test.extra["relevant"].tolist() for name, form in forms.items()]
    assert all(one == tests[0] for one in tests)


def test_the_last_events_of_each_user_are_held_out(write):
    found = prepared(write(events_frame()), leave=1)
    state = found.state
    times = {(r["user"], r["item"]): r["time"] for r in events_frame().to_dicts()}
    name = lambda log, i: (found.encoder.users[log.users[i] - 1], found.encoder.items[log.items[i] - 1])  # noqa: E731
    last = {user: max(t for (u, _), t in times.items() if u == user) for user in found.encoder.users}
    assert len(state.test) == len(state.validation) == 30
    assert all(times[name(state.test, i)] == last[name(state.test, i)[0]] for i in range(30))
    assert not set(zip(state.fitted.users, state.fitted.items)) & set(zip(state.test.users, state.test.items))
    assert len(state.seen) == 240


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 40), st.sampled_from(["last", "random"]), st.sampled_from([None, 1, 2]))
def test_a_split_keeps_the_first_event_of_every_user_and_loses_none(seed, users, split, leave):
    random = np.random.default_rng(seed)
    count = int(random.integers(users * 3, users * 12))
    rows = [{"user": int(random.integers(users)), "item": i, "time": int(random.integers(1e9))} for i in range(count)]
    read = read_events(rows, NONE)
    try:
        part = split_events(read, np.full(count, -1), split, (0.6, 0.2, 0.2), leave, seed)
    except DataError:
        return  # nothing can be held out
    assert set(part.tolist()) == {0, 1, 2}
    assert len(np.unique(read.users[part == 0])) == len(read.user_ids)
    if split == "last":
        for user in range(len(read.user_ids)):
            own = [read.times[(read.users == user) & (part == which)] for which in range(3)]
            ends = [times for times in own if len(times)]
            assert all(a.max() <= b.min() for a, b in zip(ends, ends[1:]))


def test_kinds_are_recognised_by_names_and_values(write):
    frame = events_frame()
    random = np.random.default_rng(0)
    stars, counts = random.integers(1, 6, len(frame)), random.integers(1, 500, len(frame))
    for name, values, kind in (
        ("rating", stars, "explicit"), ("value", stars, "explicit"), ("plays", stars, "implicit"), ("value", counts, "implicit"),
        ("rating", stars * 0 + 1, "implicit"), ("value", stars / 2, "explicit"),
    ):  # fmt: skip
        found = prepared(write(frame.with_columns(pl.Series(name, values))))
        assert found.facts["kind"] == kind, (name, found.facts["kind_because"])
    assert prepared(write(frame)).facts["kind_because"] == "there is no column of values"


def test_repeated_events_count_together_and_the_last_rating_is_kept(write):
    rows = {"user": ["a", "a", "a", "b"] * 5, "item": [f"i{k // 4}" for k in range(20)], "time": list(range(20))}
    twice = pl.DataFrame({**rows, "rating": [1, 2, 5, 3] * 5})
    found = prepared(write(twice), kind="explicit")
    assert found.state.seen.values.tolist() == [5.0] * 5 + [3.0] * 5
    assert any("the last value is kept" in text for text in found.warnings)
    counted = prepared(write(twice.rename({"rating": "plays"})))
    assert counted.state.seen.values.tolist() == [8.0] * 5 + [3.0] * 5
    plain = prepared(write(twice.drop("rating")))
    assert plain.state.seen.values.tolist() == [3.0] * 5 + [1.0] * 5


def test_the_core_is_cut_until_it_holds_and_reported(write):
    frame = events_frame()
    rare = pl.DataFrame({"user": ["lonely", "u1"], "item": ["i1", "odd"], "time": [1, 2]}, schema=frame.schema)
    found = prepared(write(pl.concat([frame, rare])), min_user=2, min_item=2)
    assert "lonely" not in found.encoder.users
    assert "odd" not in found.encoder.items
    assert found.facts["left_out"]["events"] == 2
    assert any("k-core" in text for text in found.warnings)
    counts = np.bincount(found.state.seen.items)[1:]
    assert counts.min() >= 2


def test_values_below_liked_are_seen_and_not_learned_from(write):
    frame = events_frame().with_columns(pl.Series("rating", np.tile([5, 2], 120)))
    found = prepared(write(frame), kind="implicit", liked=4.0)
    liked = set(map(tuple, frame.filter(pl.col("rating") >= 4).select("user", "item").iter_rows()))
    for row in range(len(found.test)):
        user = found.encoder.users[found.test.extra["users"][row] - 1]
        for item in found.test.extra["relevant"][row]:
            assert not item or (user, found.encoder.items[item - 1]) in liked
    signs = events_frame().with_columns(pl.Series("value", np.tile([1, -1], 120)))
    assert prepared(write(signs), kind="implicit").encoder.liked == 1.0


def test_given_files_are_used_as_they_are(write):
    frame = events_frame().sample(240, shuffle=True, seed=0)
    train, test = write(frame[:200], "a.csv"), write(frame[200:], "b.csv")
    found = prepared(None, train=str(train), test=str(test))
    assert len(found.state.test) == 40
    assert len(found.state.train) + len(found.state.validation) == 200
    assert len(found.state.validation) > 0
    assert not follows(read_events(str(train), NONE), np.zeros(200, int) + 2 * (np.arange(200) % 2))
    ordered = frame.sort("time")
    assert follows(read_events(ordered, NONE), np.repeat([0, 2], [200, 40]))
    third = write(frame[150:200], "c.csv")
    assert len(prepared(None, train=str(train), validation=str(third), test=str(test)).state.test) == 40


def test_a_file_that_is_missing_is_named_with_the_built_in_events():
    with pytest.raises(DataError, match=r"^There is no table of events at 'no/such.csv'; expected a file, or one of: tastes, stars\.$"):
        prepared("no/such.csv")


@pytest.mark.parametrize(
    ("content", "keys", "words"),
    [
        (b"", {}, "empty"),
        (b"user,item\n", {}, "rows"),
        (b"user,item\n,\n,\n", {}, ""),
        (b"user,item\na,x\n", {}, "held out"),
        (b"user,item\na,x\na,x\na,x\n", {}, "held out"),
        (b"user,item\na,x\nb,x\nc,x\n", {}, "held out"),
        (b"user,item,rating\na,x,good\na,y,bad\nb,x,fine\n", {}, "data.value"),
        (b"user,item,time\na,x,soon\na,y,later\nb,x,1\n", {}, "data.time"),
        (b"a,b,c,d,e\n1,2,3,4,5\n", {}, "data.user"),
        (b"user,item\na,x\na,y\na,z\nb,x\n", {"split": "last"}, "needs times"),
        (b"user,item\na,x\na,y\na,z\nb,x\n", {"min_user": 9}, "lower data.min_user"),
        (b"user,item\na,x\na,y\na,z\nb,x\n", {"kind": "explicit"}, "same value"),
        (b"user,item,rating\na,x,1\na,y,2\na,z,3\nb,x,1\n", {"kind": "implicit", "liked": 9.0}, "above every value"),
        (b"user,item\na,x\na,y\na,z\n", {"shares": [0.5, 0.5, 0.5]}, "sum to 1"),
        (b"user,item\na,x\na,y\na,z\n", {"user": "wer"}, "no column"),
    ],
)
def test_bad_files_get_one_sentence(tmp_path, content, keys, words):
    path = tmp_path / "e.csv"
    path.write_bytes(content)
    with pytest.raises(AppliedError) as error:
        prepared(path, **keys)
    one_sentence(str(error.value), (words,))


def test_a_missing_file_and_files_that_do_not_go_together(tmp_path):
    for keys, words in (
        ({"source": "no/such.csv"}, "no table"), ({"test": "a.csv"}, "data.train"), ({"train": "a.csv"}, "data.test"),
    ):  # fmt: skip
        with pytest.raises(AppliedError) as error:
            prepared(None, **keys)
        one_sentence(str(error.value), (words,))


def test_empty_cells_are_left_out_and_counted(write):
    frame = events_frame()
    holes = frame.with_columns(user=pl.when(pl.int_range(pl.len()) % 50 == 3).then(None).otherwise(pl.col("user")))
    found = prepared(write(holes))
    assert found.facts["events"] == 235
    assert any("5 of 240 events without a user" in text for text in found.warnings)


def test_unknown_ids_are_left_out_of_other_events():
    known = read_events([{"user": "a", "item": "x"}, {"user": "b", "item": "y"}], NONE, Ids(["a"]), Ids(["x", "y"]))
    assert len(known) == 1


def test_the_built_in_events_are_the_same_every_time():
    first, second = built_in("stars"), built_in("stars")
    assert first == second
    assert set(first["rating"]) == {1, 2, 3, 4, 5}


def ratings_frame(**columns) -> pl.DataFrame:
    random = np.random.default_rng(3)
    frame = events_frame()
    return frame.with_columns(pl.Series("rating", random.integers(1, 6, len(frame)))).with_columns(**columns)


def test_what_is_missing_is_counted(write):
    """Events without a rating are left out and those without a time come first; a column of nothing but empty cells says so."""
    some = pl.when(pl.int_range(pl.len()) % 10 > 0)
    found = prepared(write(ratings_frame(rating=some.then(pl.col("rating")), time=some.then(pl.col("time")))))
    assert any("24 events without a number in the column 'rating'" in note for note in found.warnings)
    found = prepared(write(ratings_frame(time=some.then(pl.col("time")))))
    assert any("24 events have no time" in note for note in found.warnings)
    dates = pl.from_epoch("time").dt.strftime("%d.%m.%Y")
    assert len(prepared(write(ratings_frame(time=some.then(dates)))).state.seen) == 240
    with pytest.raises(DataError, match="no event has a number in the column 'rating'"):
        prepared(write(ratings_frame(rating=pl.lit(None).cast(pl.Int64))))


def test_a_time_that_is_none_is_named_by_its_row(write):
    frame = ratings_frame(time=pl.when(pl.int_range(pl.len()) == 7).then(pl.lit("yesterday")).otherwise(pl.col("time").cast(pl.String)))
    with pytest.raises(DataError, match="row 9, column 'time'.*received 'yesterday'") as error:
        prepared(write(frame))
    one_sentence(str(error.value))


def test_the_same_time_everywhere_is_no_time(write):
    found = prepared(write(ratings_frame(time=pl.lit(0))))
    assert found.facts["split"] == "random"
    assert any("the same time" in note for note in found.warnings)


@pytest.mark.parametrize("name", ["rating", "liked"])
@pytest.mark.parametrize("form", ["bool", "0 and 1", "-1 and 1"])
def test_thumbs_up_and_down(name, form, write):
    """Two levels are events, of which the positive ones are liked; a later opinion replaces an earlier one, and nothing adds up."""
    up = pl.col("rating") > 2
    cells = {"bool": up, "0 and 1": up.cast(pl.Int8), "-1 and 1": up.cast(pl.Int8) * 2 - 1}[form]
    frame = ratings_frame(rating=cells).rename({"rating": name})
    found = prepared(write(pl.concat([frame, frame])))
    assert not found.encoder.explicit
    assert found.encoder.liked == 1
    assert found.encoder.high == 1
    assert any("the last value is kept" in note for note in found.warnings)


def test_ratings_that_are_ranked_are_not_added_up(write):
    found = prepared(write(pl.concat([ratings_frame(), ratings_frame()])), kind="implicit", liked=4)
    assert found.encoder.high == 5
    with pytest.raises(UsageError, match="data.liked = 4 has no meaning"):
        prepared(write(ratings_frame()), liked=4)


@pytest.mark.parametrize(("name", "separator"), [("ratings.dat", "::"), ("events.tsv", "\t"), ("events.csv", ",")])
def test_files_of_numbers_without_a_header(name, separator, tmp_path):
    frame = ratings_frame().select(pl.col("user", "item").str.slice(1), "rating", "time")
    for columns in (4, 2):
        (tmp_path / name).write_text("".join(separator.join(map(str, row[:columns])) + "\n" for row in frame.rows()))
        found = prepared(tmp_path / name)
        assert len(found.state.seen) == 240
        assert found.encoder.explicit == (columns == 4)


def test_scoring_other_events_says_what_is_unknown(write):
    from applied_dl.tasks.recommend.readers.prepare import read_part

    recipe = recipes.read_recipe({"task": "recommend", "data": {"source": str(write(events_frame()))}})
    encoder = prepare_events(recipe).encoder
    with pytest.raises(DataError, match="is of items that the model knows"):
        read_part(recipe, encoder, str(write(events_frame().with_columns(pl.lit("new").alias("item")), "other.csv")))
    part = read_part(recipe, encoder, str(write(ratings_frame(), "rated.csv")))  # its ratings are not read: the training had none
    assert any("columns that are not read: 'rating'" in note for note in part.warnings)


def test_the_card_will_say_that_the_bundle_keeps_the_users(write):
    found = prepared(write(events_frame(users=30)))
    assert any("The bundle keeps the names of 30 users with the items that each had" in text for text in found.warnings)


def levels_frame(levels, seed=0):
    frame = events_frame(users=40, per_user=9, seed=seed)
    return frame.with_columns(pl.Series("rating", np.random.default_rng(seed).choice(levels, len(frame)))).drop("time")


@pytest.mark.parametrize(
    ("levels", "unrated"),
    [
        ([-1, -1, 6, 7, 8], -1),
        ([0, 0, 0, 1, 2, 3], 0),
        ([0, 3, 4, 5, 5], 0),  # apart from the others
        ([0, 1, 2, 2, 2, 3], None),
        ([1, 2, 3, 4, 5], None),
        ([-2, -1, 0, 1, 2], None),
        ([0.5, 1.0, 1.5, 2.0], None),
    ],
)
def test_what_is_not_rated_is_no_rating(write, levels, unrated):
    frame = levels_frame(levels)
    found = prepared(write(frame))
    missing = 0 if unrated is None else int((frame["rating"] == unrated).sum())
    assert found.facts["events"] == len(frame) - missing
    assert any("taken as not rated and left out" in warning for warning in found.warnings) == (unrated is not None)
    assert found.encoder.low == min(level for level in levels if level != unrated)


@pytest.mark.parametrize(
    "form",
    [
        lambda n: f"{n} stars" if n > 1 else "1 star",
        lambda n: f"{n}/5",
        lambda n: f"{n}.0 out of 5 stars",
        lambda n: "★" * n + "☆" * (5 - n),
        lambda n: "⭐" * n,
    ],
)
def test_ratings_in_stars_are_numbers(write, form):
    frame = levels_frame([1, 2, 3, 4, 5])
    written = frame.with_columns(pl.Series("rating", [form(int(n)) for n in frame["rating"]]))
    assert np.array_equal(prepared(write(written)).state.seen.values, prepared(write(frame)).state.seen.values)


def test_mixed_scales_are_asked_about(write):
    frame = levels_frame([1, 2, 3])
    written = frame.with_columns(pl.Series("rating", [f"{n}/{5 + (i % 2) * 5}" for i, n in enumerate(frame["rating"])]))
    with pytest.raises(DataError, match="expected a number"):
        prepared(write(written))
