"""Lengths of time and costs of a file, as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from applied_dl.core import limits
from applied_dl.core.errors import UsageError


@pytest.mark.parametrize(
    ("text", "expected"),
    [("60s", 60), ("1.5 h", 5400), ("2m", 120), ("10 min", 600), ("90", 90), (45, 45), (0.5, 0.5), (" 3 S ", 3), ("1H", 3600)],
)
def test_lengths_of_time(text, expected):
    assert limits.seconds(text, "train.time_limit") == expected


@pytest.mark.parametrize("text", ["", "soon", "60 kB", "-5s", "0s", "1h30", "s", "1,5h", 0, -3])
def test_what_is_no_length_of_time_is_named(text):
    with pytest.raises(UsageError, match=r"train\.time_limit expects .*received"):
        limits.seconds(text, "train.time_limit")


@pytest.mark.parametrize(
    ("text", "size", "ms"),
    [("50 kB, 1 ms", 50e3, 1), ("1ms;50kB", 50e3, 1), ("2 MiB", 2 * 2**20, None), ("100 us", None, 0.1), ("100 µs", None, 0.1),
     ("100 μs", None, 0.1), (".5 MB", 5e5, None), ("300 b, 1 s", 300, 1000)],
)  # fmt: skip
def test_budgets(text, size, ms):
    assert limits.budget(text, "export.budget") == limits.Budget(bytes=size, ms=ms)


@pytest.mark.parametrize("text", ["", "50", "50 kB 1 ms", "50 kB, 60 kB", "small", "1 ms, 0 kB", "50 kB,", "1 h"])
def test_what_is_no_budget_is_named(text):
    with pytest.raises(UsageError, match=r"export\.budget expects .*received"):
        limits.budget(text, "export.budget")


@given(st.floats(1, 1e9), st.floats(1e-3, 1e3))
def test_a_budget_is_read_as_it_is_shown(size, ms):
    again = limits.budget(str(limits.Budget(bytes=size, ms=ms)), "export.budget")
    assert again.bytes == pytest.approx(size, rel=6e-4, abs=0.6)
    assert again.ms == pytest.approx(ms, rel=6e-3)


@given(st.floats(0.1, 1e6))
def test_shown_seconds_are_rounded_up_by_a_fifth_at_most(value):
    again = limits.seconds(limits.format_seconds(value), "train.time_limit")
    assert value <= again * (1 + 1e-9)
    assert again <= max(1.2 * value, value + 1)


def test_the_excess_is_that_of_the_worse_of_both():
    both = limits.Budget(bytes=100, ms=2)
    assert both.excess(50, 1) == 0.5
    assert both.excess(50, 8) == 4
    assert both.excess(300, None) == 3
    assert limits.Budget(ms=2).excess(1e9, 1) == 0.5
