"""Numbers and scores in the card are rounded to what their interval supports."""

import doctest
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from applied_dl.core.bundle import SCHEMA, Manifest
from applied_dl.report import details, wording
from applied_dl.report.wording import answers_sentence, drop_text, interval_text, rounded, score_sentence

numbers = st.floats(-1e9, 1e9).filter(lambda x: abs(x) > 1e-9 or x == 0)


@pytest.mark.parametrize("module", [wording, details])
def test_the_examples_of_the_docstrings(module):
    assert doctest.testmod(module).failed == 0


@given(numbers, st.floats(1e-6, 1e6))
def test_rounding_changes_a_value_by_less_than_a_quarter_of_its_interval(value, half):
    text = rounded(value, (value - half, value + half))
    assert abs(float(text.replace(",", "")) - value) <= half / 2 + 1e-9 * abs(value)


@given(numbers)
def test_without_an_interval_four_digits_are_kept(value):
    assert float(rounded(value).replace(",", "")) == pytest.approx(value, rel=6e-4, abs=1e-300)


@pytest.mark.parametrize("value", [None, math.nan, math.inf])
def test_a_value_that_is_not_a_number_is_a_dash(value):
    assert rounded(value) == wording.percent(value) == wording.milliseconds(value) == drop_text(value, True) == "—"
    assert interval_text((0.0, math.nan)) == ""


def manifest(main: str, test: dict, intervals: dict | None = None, **more) -> Manifest:
    return Manifest(
        schema=SCHEMA, task="tabular", name="m", recipe={}, created="", versions={}, seed=0, fingerprint="", main=main,
        metrics={"test": test}, intervals={"test": intervals or {}}, **more,
    )  # fmt: skip


def test_scores_are_sentences():
    one = manifest("accuracy", {"accuracy": 0.99446}, {"accuracy": (0.98, 0.99848)}, rows={"test": 361})
    assert score_sentence(one, "images") == "**99.4% of 361 held-out images are predicted correctly** (95% interval 98.0 to 99.8%)."
    two = manifest("rmse", {"rmse": 54.3, "mae": 43.4, "r2": 0.51, "coverage": 0.92}, {"rmse": (46.5, 61.7)})
    assert score_sentence(two, "rows", "`price`") == (
        "On the held-out rows the **root mean squared error of `price` is 54** (95% interval 46 to 62); its mean absolute error is 43.4, "
        "it explains 51% of the variance, and its prediction intervals contain 92% of the true values."
    )
    assert score_sentence(manifest("f1", {"f1": 0.5}), "texts") == "On the held-out texts the **f1 is 0.5**."
    assert "could not be computed" in score_sentence(manifest("auc", {"auc": None}), "rows")


def test_explained_variance_is_a_sentence():
    one = manifest("r2", {"r2": 0.982}, {"r2": (0.976, 0.986)}, rows={"test": 160})
    assert score_sentence(one, "rows", "`a, b`") == (
        "On 160 held-out rows the model **explains 98.2% of the variance of `a, b`** (95% interval of r2 0.976 to 0.986)."
    )


def test_sets_and_warnings_are_stated_with_what_was_asked_for():
    found = manifest_with({"set_coverage": 0.925, "set_size": 1.31, "false_alarms": 0.018})
    assert answers_sentence(found) == (
        "Its label sets, made for 90%, hold the true label of 92.5% of the test rows, with 1.31 labels on average. It warns of inputs "
        "unlike the training data: 1.8% of the test rows are reported, 2% was to be expected."
    )
    assert answers_sentence(manifest_with({"accuracy": 0.9})) == ""
    of_labels = manifest_with({"set_coverage": 0.925, "set_size": 1.31, "lowest_set_coverage": 0.84})
    of_labels.recipe["calibration"]["sets"] = "by_class"
    assert answers_sentence(of_labels) == (
        "Its label sets, made for 90% of each label, hold the true label of 92.5% of the test rows, with 1.31 labels on average. "
        "Of the labels with 20 test rows or more, the one that is covered least is in the set of 84% of its rows."
    )


def manifest_with(metrics):
    return Manifest(
        schema=2, task="image", name="a", recipe={"calibration": {"coverage": 0.9, "false_alarms": 0.02}}, created="", versions={}, seed=0,
        fingerprint="", metrics={"test": metrics},
    )  # fmt: skip
