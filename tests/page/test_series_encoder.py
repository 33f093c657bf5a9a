"""The series encoder of the page gives the windows of the Python encoder: clocks, gaps, orders, repeated and odd times, short histories."""

import numpy as np
import pytest
from msgspec import to_builtins
from msgspec.structs import replace

from applied_dl.io.clock import Clock
from applied_dl.io.numbers import NumberFormat
from applied_dl.page.rules import table_rules
from applied_dl.tasks.forecast.encoder import SeriesEncoder
from applied_dl.tasks.forecast.predict import encode
from applied_dl.tasks.forecast.series import Columns
from tests.page import javascript

CLOCKS = [
    Clock(unit="h", origin="2024-01-01T00:00:00"), Clock(unit="min", every=15, origin="2024-03-10T06:00:00"),
    Clock(unit="d", origin="2023-12-30T00:00:00"), Clock(unit="w", origin="2024-01-05T00:00:00"),
   
    Clock(unit="m", origin="2020-01-01T00:00:00"),
    Clock(unit="m", origin="2020-01-31T00:00:00", month_end=True), Clock(unit="q", origin="2019-10-01T00:00:00"),
    Clock(unit="y", origin="1990-01-01T00:00:00"), Clock(unit="b", origin="2024-01-03T00:00:00"),
    Clock(unit="d", origin="2024-01-02T00:00:00", open=(0, 1, 2, 3, 4, 5)), Clock(unit="h", origin="2024-01-01T00:00:00", zone=True),
    Clock(unit="h", origin="2024-01-01T09:00:00", open=tuple(24 * day + hour for day in range(5) for hour in range(9, 17))),
    Clock(unit="m", origin="2020-01-30T00:00:00", day=30), Clock(unit="d", every=2, origin="2024-01-01T12:00:00"),
]  # fmt: skip


def encoder(clock: Clock, form: str = "aligned", layout: str = "wide", **more) -> SeriesEncoder:
    targets = ("a", "b") if layout == "wide" else ("value",)
    columns = Columns(layout=layout, time="when", series="name" if layout == "long" else None, targets=targets, style="plain", mark=".",
                      form="%Y-%m-%d %H:%M" if clock.unit in ("h", "min") else "%Y-%m-%d", missing=("no data yet",),
                      sentinels=(-999.0,))  # fmt: skip
    return SeriesEncoder(
        columns=columns, clock=clock, form=form, names=targets if form == "aligned" else (), lookback=12, horizon=4, season=clock.season,
        center=(5.0, 50.0), scale=(2.0, 9.0), coverage=0.9, seen=(0.0, 80.0), **more,
    )  # fmt: skip


def history(made: SeriesEncoder, steps: np.ndarray, random) -> list[dict]:
    """Rows of a file, some cells of which are empty."""
    values = np.round(5 + random.normal(size=(len(steps), 2)) * [1, 9] + [0, 45], 3)
    cell = lambda value: None if random.random() < 0.08 else str(value)  # noqa: E731
    times = made.clock.text(steps)
    if made.columns.layout == "long":
        return [{"when": t, "name": name, "value": cell(v[k])} for k, name in enumerate("xy") for t, v in zip(times, values)]
    return [{"when": t, "a": cell(v[0]), "b": cell(v[1])} for t, v in zip(times, values)]


def changed(rows: list[dict], how: str, random) -> list[dict]:
    """Rows as people's files hold them."""
    if how == "newest first":
        return rows[::-1]
    if how == "repeated":
        return [*rows, *rows[-3:]]
    if how == "gaps":
        return [row for i, row in enumerate(rows) if i % 7 != 3]
    if how == "commas":
        return [{k: v.replace(".", ",") if v and k != "when" else v for k, v in row.items()} for row in rows]
    if how == "units":
        return [{k: f"{v} kW" if v and k in ("a", "b", "value") else v for k, v in row.items()} for row in rows]
    if how == "no values":
        column = "a" if "a" in rows[0] else "value"
        return [{**row, column: {5: "no data yet", 7: "-999"}.get(i, row[column])} for i, row in enumerate(rows)]
    if how == "a text":
        return [{**row, "a" if "a" in row else "value": "closed"} if i == 5 else row for i, row in enumerate(rows)]
    return rows


HOWS = ("plain", "newest first", "repeated", "gaps", "commas", "units", "no values", "a text")


def cases() -> list[tuple[SeriesEncoder, list[dict]]]:
    random = np.random.default_rng(0)
    kinds = [{}, {"form": "panel"}, {"form": "panel", "layout": "long"}, {"form": "panel", "own_offset": True}, {"offset": (3.0, 40.0)},
             {"cycle": 7}, {"calendar": ("weekday", "year")}, {"least": 3}]  # fmt: skip
    found = []
    for i, clock in enumerate(CLOCKS):
        for j, kind in enumerate(kinds):
            made = encoder(clock, **kind)
            for how in (HOWS[(i + j) % len(HOWS)], HOWS[(i + 3 * j + 2) % len(HOWS)]):
                length = int(random.choice([6, 12, 30, 30, 45]))
                found.append((made, changed(history(made, np.arange(length) + int(random.integers(0, 30)), random), how, random)))
    return found


def test_the_windows_are_those_of_python():
    every = cases()
    assert len(every) >= 200
    given = [{"encoder": to_builtins(made), "rows": rows} for made, rows in every]
    compared = 0
    for (made, rows), got in zip(every, javascript.encode("series", table_rules(), None, given), strict=True):
        want = encode(made, [{name: [row[name] for row in rows] for name in rows[0]}])
        what = f"{made.clock} {made.form} {rows[:3]}"
        windows = [one for one in got if isinstance(one, dict)] if isinstance(got, list) else []
        assert bool(windows) == bool(want.kept), f"{what}: {got if not windows else ''} {want.errors}"
        for name, array in want.inputs.items():
            assert len(array) == len(windows), what
            for row, window in zip(array, windows):
                np.testing.assert_allclose(np.array(window[name], float), row.ravel(), rtol=1e-6, atol=1e-6, err_msg=f"{name}: {what}")
                compared += 1
    assert compared > 200


@pytest.mark.parametrize(
    "cells", [["900", "1.2 K"], ["1.2 K", "1.3 K"], ["0.9 K", "(1200)"], ["0.9 K", "(1,200)"], ["1,2 K", "0,9 K"], ["1.2 kg", "900"]]
)
def test_numbers_with_units_are_those_of_python(cells):
    made = encoder(CLOCKS[2])
    formats = {"a": NumberFormat(units={"": 1.0, "K": 1000.0})}
    made = replace(made, columns=replace(made.columns, formats=formats))
    times = made.clock.text(np.arange(30))
    rows = [{"when": t, "a": cells[i % 2], "b": "5,5" if "," in cells[0] else "5.5"} for i, t in enumerate(times)]
    want = encode(made, [{name: [row[name] for row in rows] for name in rows[0]}])
    (got,) = javascript.encode("series", table_rules(), None, [{"encoder": to_builtins(made), "rows": rows}])
    windows = [one for one in got if isinstance(one, dict)] if isinstance(got, list) else []
    refused = "kg" in cells[0] or cells[1] == "(1,200)"
    assert bool(windows) == bool(want.kept) == (not refused), (got, want.errors)
    for name, array in want.inputs.items():
        np.testing.assert_allclose(np.array([window[name] for window in windows], float).ravel(), array.ravel(), rtol=1e-6)


@pytest.mark.parametrize("clock", CLOCKS, ids=lambda clock: f"{clock.name} {clock.origin[:10]}")
def test_the_stamps_of_a_clock_are_those_of_python(clock):
    steps = [-40, -1, 0, 1, 2, 5, 11, 12, 13, 60, 400]
    (found,) = javascript.encode("clock", table_rules(), None, [{"clock": to_builtins(clock), "steps": steps}])
    assert [text for text, _ in found] == clock.text(np.array(steps))
    np.testing.assert_allclose([place for _, place in found], clock.place(clock.stamps(np.array(steps))), atol=1e-9)


@pytest.mark.parametrize(("written", "read"), [("{}", True), ("{}.0", True), ("{}.5", False)])
def test_numbers_of_rows_are_those_of_python(written, read):
    made = encoder(Clock(unit="step", origin="0"))
    rows = [{"when": written.format(i), "a": str(i % 7), "b": "5.5"} for i in range(30)]
    want = encode(made, [{name: [row[name] for row in rows] for name in rows[0]}])
    (got,) = javascript.encode("series", table_rules(), None, [{"encoder": to_builtins(made), "rows": rows}])
    windows = [one for one in got if isinstance(one, dict)] if isinstance(got, list) else []
    assert bool(windows) == bool(want.kept) == read, (got, want.errors)
    for name, array in want.inputs.items():
        np.testing.assert_allclose(np.array([window[name] for window in windows], float).ravel(), array.ravel(), rtol=1e-6)
