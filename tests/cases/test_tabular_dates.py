"""Dates, times, years and words for booleans in tables as people have them."""

import datetime

import numpy as np
import pytest

from applied_dl.io.tables import read_table
from applied_dl.tasks.tabular.encoder import encode
from tests.tasks.tabular.tables import learned, prepare

RANDOM = np.random.default_rng(1)
N = 600


def test_dates_of_one_year_are_read_so_that_the_next_year_is_like_it():
    start, days = datetime.date(2023, 1, 1), RANDOM.integers(0, 365, N)
    size, dates = RANDOM.uniform(30, 180, N), [start + datetime.timedelta(int(d)) for d in days]
    frame = {"when": [d.isoformat() for d in dates], "size": size, "y": 10 * size + 50 * np.array([d.month for d in dates])}
    prepared = prepare(frame)
    assert {c.name: c.parts for c in prepared.encoder.columns}["when"] == ("month", "day", "weekday")
    fiscal = frame | {"when": [(d + datetime.timedelta(181)).isoformat() for d in dates]}
    assert {c.name: c.parts for c in prepare(fiscal).encoder.columns}["when"] == ("month", "day", "weekday")
    both = {name: np.concatenate([cells, cells]) for name, cells in frame.items()}
    both["when"] = [*frame["when"], *(when.replace("2023", "2021") for when in frame["when"])]
    assert {c.name: c.parts for c in prepare(both).encoder.columns}["when"] == ("days", "year", "month", "day", "weekday")
    one = prepare({"when": ["2023-05-01"] * N, "size": size, "y": size}).encoder
    assert [c.name for c in one.columns] == ["size"]


def test_numbers_under_a_name_of_times_are_moments():
    days = np.arange(43_000, 43_000 + 600, 5)[RANDOM.permutation(120)]
    seconds = (days - 25_569) * 86_400
    frame = {
        "sale_date": days,
        "timestamp": seconds,
        "updated_time": seconds * 1000,
        "amount": days,
        "lifetime": days,
        "runtime": days,
        "y": RANDOM.normal(size=120),
    }
    encoder, notes = learned(frame)
    assert {c.name: c.kind for c in encoder.columns} == {
        "sale_date": "moment", "timestamp": "moment", "updated_time": "moment", "amount": "number", "lifetime": "number",
        "runtime": "number",
    }  # fmt: skip
    found = encode(
        encoder,
        read_table(
            {
                "sale_date": [43_831],
                "timestamp": ["1577836800"],
                "updated_time": [1577836800000],
                **dict.fromkeys(("amount", "lifetime", "runtime"), [1]),
            }
        ),
    )
    for name in ("sale_date", "timestamp", "updated_time"):  # 1 January 2020
        assert [found.inputs[f"{name}_{part}"][0] for part in ("year", "month", "day")] == [2020, 1, 1]
    assert "date of a spreadsheet" in " ".join(notes)


def test_words_for_booleans_and_dates_of_many_kinds():
    n = 120
    day = [datetime.date(2020, 1, 1) + datetime.timedelta(days=i) for i in range(n)]
    words = [("oui", "non"), ("ja", "nein"), ("Y", "N"), ("T", "F"), ("sí", "no"), ("TRUE", "FALSE"), ("да", "нет"), ("on", "off")]
    frame = {f"b{i}": [pair[j % 3 == 0] for j in range(n)] for i, pair in enumerate(words)}
    frame["b0"][5] = "n/a"
    forms = ("%Y-%m-%d", "%d.%m.%Y", "%d %B %Y", "%B %d, %Y", "%m/%d/%Y", "%Y%m%d")
    frame |= {f"d{i}": [d.strftime(form) for d in day] for i, form in enumerate(forms)}
    encoder, _ = learned({**frame, "y": RANDOM.normal(size=n)})
    found = {column.name: column.kind for column in encoder.columns}
    assert {kind for name, kind in found.items() if name.startswith("b")} == {"boolean"}
    assert {kind for name, kind in found.items() if name.startswith("d")} == {"moment"}


def test_check_marks_are_booleans_and_stars_are_no_missing_marks():
    encoder, _ = learned({
        "paid": ["✓" if i % 3 else "✗" for i in range(N)],
        "stars": ["★" * (i % 5 + 1) + "☆" * (4 - i % 5) for i in range(N)],
        "y": RANDOM.normal(size=N),
    })  # fmt: skip
    assert {column.name: column.kind for column in encoder.columns} == {"paid": "boolean", "stars": "category"}
    assert encode(encoder, read_table({"paid": ["✓", "✗"], "stars": ["★★★★★"] * 2})).inputs["paid"].tolist() == [1.0, 0.0]


def test_a_column_of_several_forms_of_dates_is_one_of_moments():
    days = [datetime.date(2020, 1, 1) + datetime.timedelta(i) for i in range(N)]
    forms = ("%Y-%m-%d", "%d.%m.%Y", "%b %d, %Y")
    mixed = {"when": [day.strftime(forms[i % 3]) for i, day in enumerate(days)], "y": RANDOM.normal(size=N)}
    encoder, _ = learned(mixed)
    assert encoder.columns[0].kind == "moment"
    same = read_table({"when": ["2020-03-05", "05.03.2020", "Mar 5, 2020"]})
    for values in encode(encoder, same).inputs.values():
        assert len(set(values.tolist())) == 1
    mixed["when"] = [day.strftime(("%d/%m/%Y", "%m/%d/%Y")[i % 2]) for i, day in enumerate(days)]
    assert learned(mixed)[0].columns[0].kind != "moment"  # 01/02/2020 would be two days


@pytest.mark.parametrize(("name", "count"), [("year", 4), ("Date", 12), ("time", 365), ("date", 52)])
def test_years_with_decimals_are_moments(name, count):
    steps = RANDOM.permutation(np.arange(N)) % (count * 8)
    years = 1990 + steps / count
    encoder, notes = learned({name: years.round(4), "x": RANDOM.normal(size=N), "y": RANDOM.normal(size=N)})
    column = encoder.columns[0]
    assert column.kind == "moment"
    assert any("a year with decimals" in note for note in notes)
    inputs = encode(encoder, read_table({name: [1995.0, 1995.5, None, -1.0], "x": [0.0] * 4})).inputs
    assert inputs[column.inputs[column.parts.index("year")]][:2].tolist() == [1995, 1995]
    month = inputs[column.inputs[column.parts.index("month")]]
    assert month[0] in (1, 12) if count == 52 else month[0] == 1
    assert month[1] in (6, 7)
    assert np.isnan(month[2:]).all()
    assert learned({name: years, "y": RANDOM.normal(size=N)}, numeric=(name,))[0].columns[0].kind == "number"


@pytest.mark.parametrize(
    "years",
    [RANDOM.integers(1950, 2020, N), 1950 + 70 * RANDOM.random(N), RANDOM.integers(3900, 4040, N) / 2],
    ids=["whole", "any", "halves"],
)
def test_other_years_are_numbers(years):
    assert learned({"year_built": years, "y": RANDOM.normal(size=N)})[0].columns[0].kind == "number"


def test_dates_of_zeros_are_missing():
    days = ["0000-00-00" if i % 11 == 0 else f"2020-0{i % 9 + 1}-1{i % 7}" for i in range(N)]
    encoder, _ = learned({"day": days, "y": RANDOM.normal(size=N)})
    assert encoder.columns[0].kind == "moment"
    found = encode(encoder, read_table({"day": ["0000-00-00", "0000-00-00 00:00:00", "2020-01-11"]}))
    assert not found.errors
    assert np.isnan(found.inputs["day_month"]).tolist() == [True, True, False]
