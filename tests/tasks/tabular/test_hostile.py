"""Tables that are damaged, shifted, foreign or odd: what `predict` says of each row, and that the good rows beside it are answered."""

import gzip
import io
import json
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

HEAD = "size,colour,fresh,made"
GOOD = "3.5,red,yes,2024-02-03"
ROW = {"size": 3.5, "colour": "red", "fresh": "yes", "made": "2024-02-03"}


def training_table() -> pl.DataFrame:
    """A number, a category, a yes or no and a date; the price follows from them."""
    random = np.random.default_rng(0)
    size, red, fresh, day = random.normal(5, 2, 120), random.integers(0, 2, 120), random.integers(0, 2, 120), random.integers(0, 300, 120)
    made = (np.datetime64("2024-01-01") + day).astype(str)
    return pl.DataFrame(
        {
            "size": size.round(3),
            "colour": np.where(red, "red", "blue"),
            "fresh": np.where(fresh, "yes", "no"),
            "made": made,
            "price": (size * 2 + red + fresh + day / 100).round(3),
        }
    )


def trained(folder, **data):
    training_table().write_csv(folder / "train.csv")
    data = {"source": str(folder / "train.csv"), **data}
    return applied_dl.train("tabular", out=folder / "out", data=data, model={"name": "linear"}, train={"epochs": 2}, export=QUICK).bundle


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    """A regression, hardly trained."""
    return trained(tmp_path_factory.mktemp("tabular"))


def put(content, name="x.csv"):
    """A maker that writes a table (text as UTF-8, or bytes) under `name`."""

    def make(folder):
        (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
        return [folder / name]

    return make


def table(*rows: str, head: str = HEAD):
    return put("\n".join([head, *rows]) + "\n")


def parquet(frame: pl.DataFrame, cut: int | None = None):
    buffer = io.BytesIO()
    frame.write_parquet(buffer)
    return put(buffer.getvalue()[:cut], "x.parquet")


def typed(*rows):
    """Rows as JSON on the command line."""
    return lambda _: [json.dumps(row) for row in rows]


CASES = [
    refused("empty", put(""), "x.csv", "empty"),
    refused("white space", put("\n\n  \n"), "x.csv", "empty"),
    refused("a header alone", table(), "x.csv", "0 rows"),
    refused("half a UTF-16 file", put(b"\xff\xfes\0i"), "x.csv", "UTF-16"),
    refused("bytes of no encoding", put(b"size,colour,fresh,made\n3,r\x81d,yes,2024-01-01\n"), "x.csv", "line 2"),
    refused("NUL bytes", put(f"{HEAD}\n3,re\0d,yes,2024-01-01\n"), "x.csv", "NUL"),
    refused("an image", put(b"\x89PNG\r\n\x1a\n" + bytes(99)), "x.csv"),
    refused("a web page", put("<html><body>404</body></html>\n<p>none</p>\n"), "x.csv", "lacks"),
    refused("too many cells", table(GOOD, GOOD + ",extra,cells"), "x.csv"),
    refused("too many cells in the first row", table(GOOD + ",extra", GOOD), "x.csv"),
    refused("a quote that is not closed", table('3.5,"red,yes,2024-02-03', GOOD), "x.csv", "quote"),
    answered("two columns of a name", table(GOOD + ",4", head=HEAD + ",size")),
    refused("no header", put(f"{GOOD}\n{GOOD}\n"), "lacks the columns"),
    refused("a column too few", table("3.5,red,yes", head="size,colour,fresh"), "'made'"),
    answered("columns of other case", table(GOOD, head=HEAD.upper())),
    refused("absent", lambda folder: [folder / "gone.csv"], "There is no table"),
    refused("a folder", lambda folder: [folder], "is a folder"),
    refused("a name too long", lambda folder: [folder / ("n" * 300 + ".csv")], "There is no table"),
    refused("half a gzip", put(gzip.compress(f"{HEAD}\n{GOOD}\n".encode() * 99)[:60], "x.csv.gz"), "x.csv.gz"),
    refused("half a Parquet", parquet(pl.DataFrame([ROW]), 200), "x.parquet"),
    refused("a CSV called Parquet", put(f"{HEAD}\n{GOOD}\n", "x.parquet"), "x.parquet"),
    refused("nested Parquet", parquet(pl.DataFrame([{**ROW, "size": {"a": 1}}])), "'size'"),
    named("lists in Parquet", parquet(pl.DataFrame([{**ROW, "size": [1, 2]}])), "received '1|2'"),
    refused("no JSON", put('{"size": 3.5,', "x.jsonl"), "x.jsonl", "JSON"),
    refused("JSON of numbers", put("[1, 2]", "x.json"), "row 0"),
    refused("an empty list", put("[]", "x.json"), "x.json"),
    named("text for a number", table(GOOD, "big,red,yes,2024-02-03", GOOD), {1: "row 3, column 'size'"}, count=3),
    named("a number with a unit", table("3.5 kg,red,yes,2024-02-03"), "received '3.5 kg'"),
    named("infinity", table(GOOD, "inf,red,yes,2024-02-03"), {1: "finite"}, count=2),
    named("beyond every float", table("1e400,red,yes,2024-02-03"), "finite"),
    named("a thousands mark", table('"1,234",red,yes,2024-02-03'), "received '1,234'"),
    named("a decimal comma among points", table(GOOD, '"3,5",red,yes,2024-02-03'), {1: "received '3,5'"}, count=2),
    named("another separator in the rows", put(f"{HEAD}\n{GOOD.replace(',', ';')}\n"), "row 2: expected 4 cells, received 1"),
    named("hexadecimal", table("0x1F,red,yes,2024-02-03"), "received '0x1F'"),
    named("Arabic digits", table("٣,red,yes,2024-02-03"), "received '٣'"),
    named("a formula", table('"=1+1",red,yes,2024-02-03'), "received '=1+1'"),
    named("no yes or no", table("3.5,red,maybe,2024-02-03"), "expected yes or no"),
    named("no date", table("3.5,red,yes,yesterday"), "expected a date"),
    named("the 30th of February", table("3.5,red,yes,2024-02-30"), "received '2024-02-30'"),
    named("day and month the other way", table("3.5,red,yes,03/02/2024"), "received '03/02/2024'"),
    named("every row is bad", table("a,red,yes,2024-02-03", "3,red,yes,x"), {0: "row 2", 1: "row 3"}, count=2),
    named("a row typed without a column", typed({"size": 1}, ROW), {0: "lacks 'colour'"}, count=2),
    named("a typed list in a cell", typed({**ROW, "size": [1, 2]}), "received '1|2'"),
    named("a typed mapping in a cell", typed({**ROW, "size": {"a": 1}}), "expected a finite number"),
    named("typed truth for a number", typed({**ROW, "size": True}), "received"),
    named("a huge whole number", typed({**ROW, "size": 10**400}), "finite"),
    answered("no value at all", table(",,,")),
    answered("UTF-16", put(f"{HEAD}\n{GOOD}\n".encode("utf-16"))),
    answered("latin-1", put(f"{HEAD}\n3,r\xe9d,yes,2024-01-01\n".encode("latin-1")), warns="never seen"),
    answered("words for nothing", table("NA,null,?,-")),
    named("a short row", table(GOOD, "3.5,red", GOOD), {1: "row 3: expected 4 cells, received 2"}, count=3),
    answered("a level never seen", table("3.5,puce,yes,2024-02-03"), warns="never seen in training ('puce')"),
    answered("a level of 10,000 letters", table(f"3.5,{'x' * 10_000},yes,2024-02-03"), warns="never seen"),
    answered("far away", table("1e30,red,yes,2024-02-03"), warns="far outside the training range"),
    answered("the largest float", table("1.7e308,red,yes,2024-02-03"), warns="far outside"),
    answered("the smallest float", table("5e-324,red,yes,2024-02-03")),
    answered("the year 1", table("3.5,red,yes,0001-01-01")),
    answered("the year 9999", table("3.5,red,yes,9999-12-31")),
    answered("a column that is not known", table(GOOD + ",1", head=HEAD + ",shape"), warns="'shape'"),
    answered("columns in another order", table("2024-02-03,yes,red,3.5", head="made,fresh,colour,size")),
    answered("spaces around", table(" 3.5 , red , yes , 2024-02-03 ", head="size , colour, fresh ,made")),
    answered("leading zeros", table("003.5,red,yes,2024-02-03")),
    answered("a file of decimal commas", put(f"{HEAD}\n{GOOD}\n".replace(",", ";").replace(".", ","))),
    answered("semicolons", put(f"{HEAD}\n{GOOD}\n".replace(",", ";"))),
    answered("a byte-order mark", put(b"\xef\xbb\xbf" + f"{HEAD}\r\n{GOOD}\r\n".encode())),
    answered("old Macintosh lines", put(f"{HEAD}\r{GOOD}\r")),
    answered("many rows", table(*[GOOD] * 3000), count=3000),
    answered("gzip", put(gzip.compress(f"{HEAD}\n{GOOD}\n".encode()), "x.csv.gz")),
    answered("Parquet of real types", parquet(pl.DataFrame([ROW]).with_columns(pl.col("made").str.to_date()))),
]


@pytest.mark.parametrize("case", CASES, ids=names(CASES))
def test_a_hostile_table_is_named_or_answered(case, bundle, tmp_path, capsys):
    check_command(case, bundle, tmp_path, capsys)


def test_a_table_of_wrong_type_on_the_command_line(bundle, capsys):
    """`{size: 1}` is no JSON: that is wrong usage, reported as such."""
    from applied_dl import cli

    assert cli.main(["predict", str(bundle), "{size: 1}"]) == 2
    assert "is not valid JSON" in capsys.readouterr().err


GIVEN = [
    named("nothing", lambda _: [None], "received NoneType"),
    named("numbers beside a row", lambda _: [1, ROW, "x"], {0: "received int", 2: "received str"}, count=3),
    named("an object", lambda _: [{**ROW, "size": object}], "expected a finite number"),
    named("an empty row", lambda _: [{}], "lacks 'size'"),
    answered("NaN", lambda _: [{**ROW, "size": math.nan}]),
    answered("numpy's own numbers", lambda _: [{**ROW, "size": np.float32(3.5)}]),
    answered("a date that is one", lambda _: [{**ROW, "made": np.datetime64("2024-02-03").astype(object)}]),
    answered("lone surrogates", lambda _: [{**ROW, "colour": "\ud800"}]),
]


@pytest.mark.parametrize("case", GIVEN, ids=names(GIVEN))
def test_a_hostile_row_is_named_or_answered(case, bundle):
    check_answers(case, load(bundle).predict(case.make(None)))


CELLS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20), st.dates(), st.datetimes(), st.binary(max_size=4)
)


@settings(max_examples=80, deadline=None)
@given(rows=st.lists(st.fixed_dictionaries(dict.fromkeys(ROW, CELLS)), min_size=1, max_size=5))
def test_any_cells_are_named_or_answered_by_a_number(rows, bundle):
    found = load(bundle).predict(rows)
    assert len(found) == len(rows)
    for row, answer in zip(rows, found):
        if "error" in answer:
            one_sentence(answer["error"])
        else:
            assert all(math.isfinite(answer[key]) for key in ("prediction", "lower", "upper")), (row, answer)


@settings(max_examples=60, deadline=None)
@given(content=st.one_of(st.binary(max_size=200), st.text(max_size=200).map(lambda text: f"{HEAD}\n{text}".encode("utf-8", "replace"))))
def test_any_file_is_a_sentence_or_answers(content, bundle, tmp_path_factory):
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_bytes(content)
    predictor = load(bundle)
    try:
        found = predictor.predict(predictor.expand_inputs([str(path)]))
    except DataError as error:
        one_sentence(str(error))
    else:
        assert all("error" in answer or math.isfinite(answer["prediction"]) for answer in found)


TRAINING = training_table()
SOURCES = [
    refused("nine rows", lambda folder: _saved(folder, TRAINING.head(9)), "expected at least 10"),
    refused("a constant target", lambda folder: _saved(folder, TRAINING.with_columns(price=pl.lit(1.0))), "'price'", "at least two"),
    refused("an empty target", lambda folder: _saved(folder, TRAINING.with_columns(price=pl.lit(None))), "'price'"),
    refused("nothing but the target", lambda folder: _saved(folder, TRAINING.select("price")), "x.csv"),
    refused("only constant columns", lambda folder: _saved(folder, TRAINING.select(pl.lit(1).alias("size"), "price")), "x.csv"),
    refused("words among the target's numbers", lambda folder: _saved(folder, _spoiled(TRAINING)), "'price'", "'dear'"),
]


def _saved(folder, frame: pl.DataFrame):
    frame.write_csv(folder / "x.csv")
    return folder / "x.csv"


def _spoiled(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(price=pl.Series(["dear", *map(str, frame["price"][1:].to_list())]))


@pytest.mark.parametrize("case", SOURCES, ids=names(SOURCES))
def test_hostile_training_tables_are_refused_before_any_training(case, tmp_path):
    source = case.make(tmp_path)
    with pytest.raises(AppliedError) as caught:
        applied_dl.train("tabular", out=tmp_path / "out", data={"source": str(source)}, export=QUICK)
    assert caught.value.exit_code == 3
    one_sentence(str(caught.value), case.says)
    assert not (tmp_path / "out").exists()


def test_bad_cells_of_training_rows_are_counted_and_named(tmp_path):
    """A few wrong cells do not stop a training; each is named in the bundle's warnings."""
    frame = TRAINING.with_columns(size=pl.Series(["inf", *map(str, TRAINING["size"][1:].to_list())]))
    frame.write_csv(tmp_path / "train.csv")
    done = applied_dl.train(
        "tabular", out=tmp_path / "out", data={"source": str(tmp_path / "train.csv")},
        model={"name": "linear"}, train={"epochs": 1}, export=QUICK,
    )  # fmt: skip
    (warning,) = [text for text in done.manifest.warnings if "count as empty" in text]
    assert "row 2, column 'size'" in warning
    assert math.isfinite(done.metrics["test"]["rmse"])
