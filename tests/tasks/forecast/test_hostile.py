"""Series that are damaged, out of order, full of holes or odd: what `predict` says of each file, beside good ones that are answered."""

import gzip
import io
import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import applied_dl
from applied_dl.core.errors import AppliedError, DataError
from applied_dl.predictor import load
from tests.hostile import QUICK, answered, check_answers, check_command, named, names, one_sentence, refused

START, LATER, STEPS = np.datetime64("2023-01-01"), np.datetime64("2024-06-01"), 400
LOOKBACK, HORIZON = 28, 7


def days(count: int, start=START) -> list[str]:
    return (start + np.arange(count)).astype(str).tolist()


def values(count: int) -> np.ndarray:
    """A week's season and noise."""
    step = np.arange(count)
    return (10 + 3 * np.sin(2 * np.pi * step / 7) + np.random.default_rng(0).normal(size=count)).round(3)


def trained(folder, frame: pl.DataFrame, **data):
    frame.write_csv(folder / "train.csv")
    data = {"source": str(folder / "train.csv"), "horizon": HORIZON, "lookback": LOOKBACK, **data}
    return applied_dl.train("forecast", out=folder / "out", data=data, model={"name": "ridge"}, export=QUICK).bundle


@pytest.fixture(scope="module")
def wide(tmp_path_factory):
    """Two series on one daily clock."""
    frame = pl.DataFrame({"date": days(STEPS), "beer": values(STEPS), "wine": values(STEPS)[::-1]})
    return trained(tmp_path_factory.mktemp("wide"), frame)


def put(content, name="x.csv"):
    def make(folder):
        (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
        return [folder / name]

    return make


def lines(count: int = 40) -> list[list[str]]:
    return [[day, str(a), str(b)] for day, a, b in zip(days(count, LATER), values(count), values(count)[::-1])]


def history(edit=None, head="date,beer,wine", count: int = 40, join=","):
    """A maker of a good history, spoiled by `edit(rows)`."""

    def text():
        rows = lines(count)
        rows = (edit(rows) or rows) if edit else rows
        return "\n".join([head.replace(",", join), *(join.join(row) for row in rows)]) + "\n"

    return put(text())


def cell(row: int, column: int, text: str):
    """An edit of one cell."""

    def edit(rows):
        rows[row][column] = text

    return edit


def column(place: int, text):
    def edit(rows):
        for row in rows:
            row[place] = text(row[place]) if callable(text) else text

    return edit


def holes(first: int, last: int):
    def edit(rows):
        for row in rows[first:last]:
            row[1] = ""

    return edit


def parquet(frame: pl.DataFrame, cut: int | None = None):
    buffer = io.BytesIO()
    frame.write_parquet(buffer)
    return put(buffer.getvalue()[:cut], "x.parquet")


def beside_good(folder):
    good, bad = history()(folder)[0], folder / "bad.csv"
    bad.write_text("date,beer,wine\n2024-01-01,a,b\n")
    return [good, bad, good]


DAYS = pl.DataFrame({"date": days(40), "beer": values(40), "wine": values(40)})
TOO_SHORT, MISSING = (dict.fromkeys((0, 1), text) for text in ("expected at least 28", "missing"))
CASES = [
    named("empty", put(""), "is empty"),
    named("white space", put("\n \n"), "x.csv"),
    named("a header alone", put("date,beer,wine\n"), "0 rows"),
    named("an image", put(b"\x89PNG\r\n\x1a\n" + bytes(range(256))), "x.csv"),
    named("a web page", put("<html><body>404</body></html>\n<p>none</p>\n"), "x.csv"),
    named("half a UTF-16 file", put(b"\xff\xfed"), "x.csv"),
    named("half a Parquet", parquet(DAYS, 300), "x.parquet"),
    named("half a gzip", put(gzip.compress(b"date,beer,wine\n" * 99)[:40], "x.csv.gz"), "x.csv.gz"),
    named("absent", lambda folder: [folder / "gone.csv"], "does not exist"),
    named("a folder", lambda folder: [folder], "is a folder"),
    named("a name too long", lambda folder: [folder / ("n" * 300)], "does not exist"),
    named("a column is lacking", history(lambda rows: [row[:2] for row in rows], "date,beer"), "'wine'"),
    named("columns of other names", history(head="date,milk,wine"), "'beer'"),
    named("no time column", history(lambda rows: [row[1:] for row in rows], "beer,wine"), "'date'"),
    named("words for a number", history(cell(20, 1, "many")), "row 22"),
    named("infinity", history(cell(5, 2, "inf")), "row 7"),
    named("beyond every float", history(cell(5, 2, "1e400")), "row 7"),
    answered("a thousands mark", history(cell(30, 1, '"1,234"')), count=2, warns="away from what the model was trained on"),
    named("no time in a cell", history(cell(11, 0, "soon")), "row 13"),
    named("an empty time", history(cell(11, 0, "")), "row 13"),
    named("the 30th of February", history(cell(11, 0, "2024-02-30")), "row 13"),
    answered("dates as whole numbers", history(column(0, lambda day: day.replace("-", ""))), count=2),
    answered("backwards", history(lambda rows: rows[::-1]), count=2, warns="newest row comes first"),
    answered("two rows exchanged", history(lambda rows: [*rows[:9], rows[10], rows[9], *rows[11:]]), count=2, warns="out of order"),
    named("day and month mixed", history(lambda rows: [["03/04/2024", *rows[0][1:]], *rows[1:]]), "row 2"),
    named("hours between the days", history(column(0, lambda day: f"{day} 05:30")), "off the grid"),
    named("weeks for days", history(lambda rows: [[d, *r[1:]] for r, d in zip(rows, (START + 7 * np.arange(40)).astype(str))]), "x.csv"),
    named("centuries apart", history(cell(39, 0, "2999-01-01")), "span"),
    named("far too short", history(lambda rows: rows[:3]), TOO_SHORT, count=2),
    named("a single row", history(lambda rows: rows[:1]), TOO_SHORT, count=2),
    named("every value missing", history(column(1, "")), MISSING, count=2),
    named("half of them missing", history(holes(5, 36)), MISSING, count=2),
    named("one bad file among good", beside_good, {2: "row 2"}, count=5),
    answered("a hole", history(holes(20, 23)), count=2),
    answered("the last value missing", history(holes(39, 40)), count=2),
    answered("a day twice", history(lambda rows: [*rows, rows[-1]]), count=2, warns="repeated stamps"),
    answered("a day left out", history(lambda rows: [*rows[:9], *rows[10:]]), count=2),
    answered("far from training", history(column(1, "1e12")), count=2, warns="training standard deviations away"),
    answered("constant", history(column(1, "10")), count=2),
    answered("all zero", history(column(1, "0")), count=2),
    answered("columns in another order", history(lambda rows: [[r[2], r[0], r[1]] for r in rows], "wine,date,beer"), count=2),
    answered("a column that is not known", history(lambda rows: [[*r, "x"] for r in rows], "date,beer,wine,note"), count=2),
    answered("a short row", history(lambda rows: [*rows[:9], rows[9][:2], *rows[10:]]), count=2),
    answered("semicolons", history(join=";"), count=2),
    answered("a byte-order mark", put(b"\xef\xbb\xbf" + DAYS.write_csv().encode().replace(b"\n", b"\r\n")), count=2),
    answered("stamps in another style", history(column(0, lambda day: f"{day}T00:00:00")), count=2),
    answered("a zone", history(column(0, lambda day: f"{day}T00:00:00Z")), count=2),
    answered("the year 9000", history(lambda rows: [[d, *r[1:]] for r, d in zip(rows, days(40, np.datetime64("9000-01-01")))]), count=2),
    answered("long", history(count=5000), count=2),
    answered("Parquet of dates", parquet(DAYS.with_columns(pl.col("date").str.to_date())), count=2),
]


@pytest.mark.parametrize("case", CASES, ids=names(CASES))
def test_a_hostile_history_is_named_or_answered(case, wide, tmp_path, capsys):
    check_command(case, wide, tmp_path, capsys)


def test_a_bad_file_is_called_by_its_own_name(wide, tmp_path):
    """Files with several series have several answers each: places and inputs are not the same numbers."""
    paths = [str(path) for path in beside_good(tmp_path)]
    found = load(wide).predict(paths)
    assert ["error" in answer for answer in found] == [False, False, True, False, False]
    assert found[2]["input"] == paths[1]


def columns(**replaced):
    return lambda _: [{"date": days(40), "beer": values(40), "wine": values(40), **replaced}]


GIVEN = [
    named("nothing", lambda _: [None], "NoneType"),
    named("a number", lambda _: [7], "received int"),
    named("texts as values", columns(beer=["a"] * 40), "'beer'"),
    named("columns of two lengths", columns(beer=[1.0] * 39), "39"),
    named("an array of other width", lambda _: [np.zeros((40, 3))], "3 columns, expected 2"),
    named("an array of three axes", lambda _: [np.zeros((40, 2, 2))], "(40, 2, 2)"),
    named("an array of texts", lambda _: [np.full((40, 2), "a")], "number"),
    named("an array of infinity", lambda _: [np.full((40, 2), np.inf)], "infin"),
    named("no rows", lambda _: [np.zeros((0, 2))], TOO_SHORT, count=2),
    named("not a number anywhere", lambda _: [np.full((40, 2), np.nan)], MISSING, count=2),
    answered("whole numbers", lambda _: [np.arange(80).reshape(40, 2)], count=2),
    answered("real dates", columns(date=START + np.arange(40)), count=2),
    named("numbers beyond float32", lambda _: [np.full((40, 2), 1e300)], "1e+300"),
]


@pytest.mark.parametrize("case", GIVEN, ids=names(GIVEN))
def test_a_hostile_table_in_memory_is_named_or_answered(case, wide):
    check_answers(case, load(wide).predict(case.make(None)))


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_any_cells_are_a_sentence_or_a_finite_forecast(data, wide, tmp_path_factory):
    rows = lines()
    for _ in range(data.draw(st.integers(1, 6))):
        odd = st.one_of(st.text(st.characters(codec="utf-8", exclude_characters='",\n\r'), max_size=8), st.floats().map(str))
        rows[data.draw(st.integers(0, 39))][data.draw(st.integers(0, 2))] = data.draw(odd)
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_text("\n".join(["date,beer,wine", *map(",".join, rows)]) + "\n", encoding="utf-8")
    for answer in load(wide).predict([str(path)]):
        if "error" in answer:
            one_sentence(answer["error"])
        else:
            assert all(math.isfinite(v) for key in ("forecast", "lower", "upper") for v in answer[key]), answer


@settings(max_examples=60, deadline=None)
@given(content=st.binary(max_size=200))
def test_any_file_is_a_sentence(content, wide, tmp_path_factory):
    path = tmp_path_factory.getbasetemp() / "bytes.csv"
    path.write_bytes(content)
    (found,) = load(wide).predict([str(path)])
    one_sentence(found["error"])


def frame(**replaced) -> pl.DataFrame:
    return pl.DataFrame({"date": days(60), "y": values(60), **replaced})


SOURCES = [
    refused("a handful of rows", lambda _: frame().head(4), "x.csv|steps|values"),
    refused("no number column", lambda _: frame(y=["a"] * 60), "x.csv"),
    refused("every value missing", lambda _: frame(y=[None] * 60), "x.csv"),
    refused("stamps without a clock", lambda _: frame(date=_wild()), "x.csv"),
    refused("infinity", lambda _: frame(y=["inf", *map(str, values(59))]), "row 2"),
    refused("mostly holes", lambda _: frame(y=[v if i % 4 == 0 else None for i, v in enumerate(values(60))]), "missing"),
]


def _wild() -> list[str]:
    gaps = np.random.default_rng(0).integers(1, 10**6, 60).cumsum()
    return (np.datetime64("2020-01-01T00:00:00") + gaps).astype(str).tolist()


@pytest.mark.parametrize("case", SOURCES, ids=names(SOURCES))
def test_hostile_training_series_are_refused_before_any_training(case, tmp_path):
    case.make(None).write_csv(tmp_path / "x.csv")
    with pytest.raises(AppliedError) as caught:
        applied_dl.train("forecast", out=tmp_path / "out", data={"source": str(tmp_path / "x.csv")}, export=QUICK)
    assert isinstance(caught.value, DataError)
    one_sentence(str(caught.value))
    assert any(word in str(caught.value) for word in case.says[0].split("|"))
    assert not (tmp_path / "out").exists()
