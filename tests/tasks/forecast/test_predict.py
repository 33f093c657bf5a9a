"""Histories in, stamped forecasts out, without a model: which window each answer comes from, and each refusal in its place."""

import sys

import numpy as np
import pytest
from msgspec.structs import replace

from applied_dl.io.clock import Clock
from applied_dl.tasks.forecast.encoder import SeriesEncoder
from applied_dl.tasks.forecast.predict import appended, encode, expand_inputs, postprocess
from applied_dl.tasks.forecast.series import Columns

CLOCK = Clock(unit="d", origin="2024-01-01T00:00:00")


def encoder(form="aligned", **more) -> SeriesEncoder:
    names = ("a", "b")
    columns = Columns(layout="wide" if form == "aligned" else "long", time="day", series=None if form == "aligned" else "item",
                      targets=names if form == "aligned" else ("value",))  # fmt: skip
    count = 2 if form == "aligned" else 1
    return SeriesEncoder(columns=columns, clock=CLOCK, form=form, names=names, lookback=5, horizon=3, season=1, center=(0.0,) * count,
                         scale=(1.0,) * count, coverage=0.9, **more)  # fmt: skip


def days(n, start="2024-03-01"):
    return [str(np.datetime64(start) + i) for i in range(n)]


def naive(found: dict) -> dict:
    """A stand-in for the file: the last value again, a unit up and down."""
    last = np.repeat(found["history"][:, -1:], 3, axis=1)
    return {"forecast": last, "lower": last - 1, "upper": last + 1}


def table(n, **cells):
    return {"day": days(n), "a": np.arange(n, dtype=float), "b": 10 * np.arange(n, dtype=float)} | cells


def test_every_series_is_answered_from_its_last_window_with_the_stamps_that_follow():
    encoded = encode(encoder(), table(8))
    assert encoded.inputs["history"].tolist() == [[[3, 30], [4, 40], [5, 50], [6, 60], [7, 70]]]
    assert encoded.kept == [0, 1]
    assert postprocess(encoder(), naive(encoded.inputs), encoded) == [
        {"series": "a", "times": ["2024-03-09", "2024-03-10", "2024-03-11"], "forecast": [7.0] * 3, "lower": [6.0] * 3, "upper": [8.0] * 3},
        {"series": "b", "times": ["2024-03-09", "2024-03-10", "2024-03-11"], "forecast": [70.0] * 3, "lower": [69.0] * 3,
         "upper": [71.0] * 3},
    ]  # fmt: skip


def test_a_panel_answers_each_of_its_series_from_its_own_end():
    long = {"item": ["x"] * 6 + ["y"] * 9, "day": days(6) + days(9, "2024-05-01"), "value": np.arange(15.0)}
    encoded = encode(encoder("panel"), long)
    found = postprocess(encoder("panel"), naive(encoded.inputs), encoded)
    assert [(f["series"], f["times"][0], f["forecast"][0]) for f in found] == [("x", "2024-03-07", 5.0), ("y", "2024-05-10", 14.0)]


def test_what_cannot_be_read_is_an_error_in_its_place_and_the_others_are_answered(tmp_path):
    (tmp_path / "words.csv").write_text("day,a,b\n2024-03-01,1,high\n")
    encoded = encode(encoder(), [table(8), table(3), str(tmp_path / "words.csv"), "missing.csv", {"day": days(8), "a": np.arange(8.0)}])
    assert encoded.kept == [0, 1]
    assert {place: text.split(";")[0][:60] for place, text in encoded.errors.items()}.keys() == {2, 3, 4, 5, 6}
    assert "expected at least 5" in encoded.errors[2]
    assert "expected at least 5" in encoded.errors[3]
    assert "received 'high'" in encoded.errors[4]
    assert "does not exist" in encoded.errors[5]
    assert "no column 'b'" in encoded.errors[6]
    assert not any("\n" in text for text in encoded.errors.values())


@pytest.mark.parametrize(
    ("cells", "says"),
    [
        ({"a": [0.0, 1, None, None, None, None, 6, 7]}, "Series 'a': 60% of its last 5 steps are missing"),
        ({"a": [None] * 8, "b": [None] * 8}, "every value of a, b is missing"),
        ({"day": [f"{d} 07:30" for d in days(8)]}, "off the grid of 'd'"),
        ({"day": list(range(8))}, "its times are numbers"),
    ],
)
def test_histories_unlike_the_training_data_are_refused_with_the_place(cells, says):
    encoded = encode(encoder(), table(8, **cells))
    assert encoded.kept == []
    assert says in encoded.errors[0]


def test_a_far_away_history_is_warned_of():
    encoded = encode(encoder(), table(8, a=1000.0 + np.arange(8)))
    assert any("series 'a' is 1005 training standard deviations away" in text for text in encoded.warnings)
    assert not any("'b'" in text and "deviations" in text for text in encode(encoder(), table(8, b=np.zeros(8))).warnings)


def test_plain_arrays_are_histories_too():
    rows = np.stack([np.arange(6.0), 2 * np.arange(6.0)], axis=1)
    encoded = encode(encoder(), [rows])
    assert encoded.inputs["history"][0].tolist() == rows[1:].tolist()
    assert postprocess(encoder(), naive(encoded.inputs), encoded)[0]["times"] == ["+1", "+2", "+3"]  # nobody knows when it ends
    assert "has 1 columns, expected 2: a, b" in encode(encoder(), [np.arange(6.0)]).errors[0]
    assert expand_inputs(["x.csv", "y.csv"]) == ["x.csv", "y.csv"]


def test_every_file_is_appended_to_itself_and_refused_ones_leave_no_history(tmp_path):
    def put(name, first, values):
        rows = [f"{day},{v}" for day, v in zip(days(len(values), first), values)]
        (tmp_path / name).write_text("day,a\n" + "\n".join(rows))
        return str(tmp_path / name)

    e = replace(encoder(), names=("a",), center=(0.0,), scale=(1.0,), columns=replace(encoder().columns, targets=("a",)))
    gaps = put("gaps.csv", "2020-01-01", [1, "", "", "", "", 1, "", "", "", ""])
    files = [gaps, put("b.csv", "2024-03-01", range(8)), "none.csv", put("c.csv", "2025-03-01", range(10, 18))]
    encoded = encode(e, files)
    answers = iter(postprocess(e, naive(encoded.inputs), encoded))
    results = [{"error": encoded.errors[i]} if i in encoded.errors else next(answers) for i in range(4)]
    rows = appended(e, files, results)
    assert [set(row) for row in rows if row["input"] == gaps] == [{"input", "series", "error"}]
    for name, first in (("b.csv", 0), ("c.csv", 10)):
        own = [row for row in rows if row["input"].endswith(name)]
        assert [row["a"] for row in own[:8]] == list(range(first, first + 8))
        assert [row["forecast"] for row in own[8:]] == [first + 7.0] * 3
        assert own[8]["day"][:4] == own[0]["day"][:4]


def test_the_forecast_is_written_under_the_columns_of_the_user():
    """Covariates of both kinds are kept, and a column that is called as the forecast is does not lose its values."""
    one = replace(encoder(), names=("sales",), center=(0.0,), scale=(1.0,))
    columns = Columns(layout="wide", time="date", targets=("sales",), future=("promo", "weather"), categories=("weather",))
    names = (("promo", ""), ("weather", "*"), ("weather", "rain"))
    e = replace(one, columns=columns, future_columns=names)
    data = {
        "date": days(9), "sales": [*map(float, range(6)), None, None, None], "promo": [0, 1] * 4 + [1],
        "weather": ["rain", "sun", None] * 3,
    }  # fmt: skip
    encoded = encode(e, data)
    rows = appended(e, [data], postprocess(e, naive(encoded.inputs), encoded))
    assert list(rows[0]) == ["date", "sales", "promo", "weather"]
    assert rows[1] == {"date": "2024-03-02", "sales": 1.0, "promo": 1.0, "weather": "sun"}
    assert rows[8] == {"date": "2024-03-09", "promo": 1.0, "weather": None, "forecast": 5.0, "lower": 4.0, "upper": 6.0}
    both = {"day": days(8), "a": np.arange(8.0), "b": np.ones(8), "a_lower": np.ones(8)}
    encoded = encode(encoder(), both)
    rows = appended(encoder(), [both], postprocess(encoder(), naive(encoded.inputs), encoded))
    assert list(rows[-1]) == ["day", "a_forecast", "a_lower", "a_upper", "b_forecast", "b_lower", "b_upper"]
    long = {"item": ["x"] * 6 + ["y"] * 9, "day": days(6) + days(9), "value": np.arange(15.0)}
    encoded = encode(encoder("panel"), long)
    rows = appended(encoder("panel"), [long], postprocess(encoder("panel"), naive(encoded.inputs), encoded))
    assert rows[0] == {"item": "x", "day": "2024-03-01", "value": 0.0}
    assert rows[-1] == {"item": "y", "day": "2024-03-12", "forecast": 14.0, "lower": 13.0, "upper": 15.0}


def test_series_of_a_long_file_on_one_clock_keep_their_own_rows():
    """They are the channels of one window, and every one of them has its history, its covariates and its forecast."""
    columns = Columns(layout="long", time="day", series="item", targets=("value",), future=("promo",))
    e = replace(encoder(), columns=columns, future_columns=(("promo", ""),))
    history = {"item": ["a"] * 8 + ["b"] * 8, "day": days(8) * 2, "value": [*map(float, range(5)), None, None, None] * 2}
    history["value"][8:13] = [50.0, 60.0, 70.0, 80.0, 90.0]
    history["promo"] = [0] * 8 + [1] * 8
    encoded = encode(e, history)
    assert "those of 'a' are used for all" in " ".join(encoded.warnings)
    rows = appended(e, [history], postprocess(e, naive(encoded.inputs), encoded))
    assert [(row["item"], row["promo"]) for row in rows] == [("a", 0.0)] * 8 + [("b", 1.0)] * 8
    assert [row.get("value") for row in rows[8:13]] == [50.0, 60.0, 70.0, 80.0, 90.0]
    assert rows[7] == {"item": "a", "day": "2024-03-08", "promo": 0.0, "forecast": 4.0, "lower": 3.0, "upper": 5.0}
    assert rows[15] == {"item": "b", "day": "2024-03-08", "promo": 1.0, "forecast": 90.0, "lower": 89.0, "upper": 91.0}


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"cycle": 7}, "the times"),
        ({"calendar": ("weekday",)}, "the times"),
        ({"columns": replace(encoder().columns, future=("price",))}, "the columns price"),
    ],
)
def test_an_array_cannot_feed_a_model_that_reads_more_than_values(changes, what):
    found = encode(replace(encoder(), **changes), [np.ones((6, 2))])
    assert found.errors[0].startswith(f"This model needs {what} beside the values, which an array does not have")


def test_no_tensorflow_is_needed():
    import subprocess

    code = "import sys, applied_dl.tasks.forecast.predict; sys.exit(any(m in sys.modules for m in ('tensorflow', 'keras')))"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_a_forecast_ends_where_the_covariates_are_known_no_further():
    e = replace(encoder(), columns=replace(encoder().columns, future=("price",)), future_columns=(("price", ""),))
    table_ = {"day": days(10), "a": [*map(float, range(8)), None, None], "b": [1.0] * 8 + [None] * 2, "price": np.arange(10.0)}
    encoded = encode(e, table_)
    found = postprocess(e, naive({"history": encoded.inputs["history"]}), encoded)
    assert [len(one["forecast"]) for one in found] == [len(one["times"]) for one in found] == [2, 2]
    assert any("known for 2 steps ahead" in note for note in encoded.warnings)
    assert "has no value at" in encode(e, {name: cells[:8] for name, cells in table_.items()}).errors[0]


def test_the_text_that_the_absence_of_the_other_stands_for_is_known():
    e = encoder(future_columns=(("promo", "no"),))
    e = replace(e, columns=replace(e.columns, future=("promo",), categories=("promo",)))
    assert encode(e, table(8, promo=["no", "yes"] * 4)).warnings == []
    three = encode(e, table(8, promo=["no", "yes", "often", "no"] * 2)).warnings
    assert three == ["the texts 'often', 'yes' of 'promo' are read alike, as not 'no'"]
