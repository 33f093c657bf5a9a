"""Rows of totals are recognised by their word and by their sums; names and levels with such a word stay."""

import numpy as np
import polars as pl
import pytest

from applied_dl.io.totals import total_rows

RANDOM = np.random.default_rng(0)
N = 60
A, B = RANDOM.uniform(1, 50, (2, N)).round(2)
REGION = np.array(["North", "South", "East"])[np.arange(N) * 3 // N]


def written(cell):
    return f"{cell:.2f}" if isinstance(cell, float) else str(int(cell)) if isinstance(cell, np.bool_) else str(cell)


def frame(*rows, region=REGION, a=A, b=B):
    table = pl.DataFrame({"region": region, "a": list(map(written, a)), "b": list(map(written, b))})
    return pl.concat([table, pl.DataFrame(rows, schema=table.schema, orient="row")]) if rows else table


def sums(word, rows=slice(None), by=np.sum):
    return word, f"{by(A[rows]):.2f}", f"{by(B[rows]):.2f}"


@pytest.mark.parametrize(
    "word", ["Total", "TOTAL:", "Grand Total", "Summe", "Gesamtergebnis", "Total général", "Total (60)", "All regions", "合計"]
)
def test_a_last_row_of_sums_is_one_of_totals(word):
    assert total_rows(frame(sums(word)), ".") == {N: word}


def test_sums_without_a_word_means_and_several_last_rows():
    assert total_rows(frame((None, f"{A.sum():.2f}", None)), ".") == {N: ""}
    assert total_rows(frame(sums("Total"), sums("Average", by=np.mean)), ".") == {N: "Total", N + 1: "Average"}
    assert total_rows(frame(("Total", None, f"{A.sum():.1f}")), ".") == {N: "Total"}  # by its empty cell


def test_subtotals_of_groups_and_the_grand_total_are_found_in_one_pass():
    parts, found = [], {}
    for name in ("North", "South", "East"):
        rows = np.flatnonzero(name == REGION)
        parts += [frame()[rows], pl.DataFrame([sums(f"{name} Total", rows)], schema=frame().schema, orient="row")]
        found[sum(map(len, parts)) - 1] = f"{name} Total"
    parts.append(pl.DataFrame([sums("Grand Total")], schema=frame().schema, orient="row"))
    assert total_rows(pl.concat(parts), ".") == found | {N + 3: "Grand Total"}
    plain = pl.concat(parts).with_columns(pl.col("region").str.replace("^.* Total$", "Total"))
    assert list(total_rows(plain, ".")) == [*found, N + 3]


@pytest.mark.parametrize(
    "table",
    [
        frame(region=np.where(np.arange(N) % 3, "average", "all")),  # a level of a category
        frame(region=[f"{'Total ' * (i % 2)}{['Fat', 'Sugar', 'Salt'][i % 3]}" for i in range(N)]),
        frame(("Total", "12.00", "7.00")),  # the company
        frame((None, None, "7.00")),
        frame(("Total", "1.00", "1.00"), a=np.ones(N), b=np.ones(N)),  # the mean of constants is no evidence
        frame(("East", None, None)),
        frame(("All", None, "7.00")),  # a level of the last row, which lacks a cell
        frame(("Mean", None, "7.00")),
        frame(("b7", "Total", None), a=np.where(np.arange(N) % 2, "Minor", "Partial")),  # a loss; its row begins with a name
        frame(
            region=np.where(np.arange(N) % 3, "Average", "Good"), b=[f"{10 + v / 1e5:.6f}" for v in B]
        ),  # hardly varies, so that all are as their mean
        frame(("Total Recall", "25.00", "1990")),
        frame((None, None, "1"), b=np.arange(N) == 4),  # a flag of one row, and of the last one
    ],
)
def test_names_and_levels_stay(table):
    assert total_rows(table, ".") == {}


def test_what_cannot_be_summed_needs_an_empty_cell():
    assert total_rows(frame(sums("Total")), ".", cut=(True, False)) == {}
    assert total_rows(frame(("Total", None, "9.00")), ".", cut=(True, False)) == {N: "Total"}
    assert total_rows(frame(("Total", None, "9.00")), ".", cut=(False, True)) == {}


def test_a_comma_is_a_decimal_mark_where_the_file_says_so():
    table = frame(sums("Summe")).with_columns(pl.col("a", "b").str.replace(".", ",", literal=True))
    assert total_rows(table, ",") == {N: "Summe"}
