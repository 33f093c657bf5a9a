"""Targets of tables as people have them: labels in other words, counts and codes, ranges, dates, several at once, leaks."""

import numpy as np
import polars as pl
import pytest

from applied_dl.core.errors import DataError, UsageError
from applied_dl.tasks.tabular import task
from applied_dl.workflows import recipes
from tests.tasks.tabular.tables import prepare

RANDOM = np.random.default_rng(1)
N = 600


@pytest.mark.parametrize("change", [lambda t: t + ".", str.upper, lambda t: f"{t[:1]} {t[1:]} ".replace("p ", "p"), str.title])
def test_labels_of_the_test_file_are_normalised_and_reported(change, tmp_path):
    for part, n in (("train", 200), ("test", 60)):
        labels = RANDOM.choice(["pass", "fail"], n)
        text = [change(label) if part == "test" else label for label in labels]
        pl.DataFrame({"x": RANDOM.normal(size=n), "y": text}).write_csv(tmp_path / f"{part}.csv")
    data = {part: str(tmp_path / f"{part}.csv") for part in ("train", "test")}
    recipe = recipes.read_recipe({"task": "tabular", "data": {**data, "target": "y"}})
    if "p" in change("pass") and " " in change("fail").strip():
        with pytest.raises(DataError, match="labels? of 'y' that the training part lacks"):
            task.prepare(recipe, None)
        return
    prepared = task.prepare(recipe, None)
    assert prepared.encoder.labels == ("fail", "pass")
    assert "spelled differently" in " ".join(prepared.warnings)


@pytest.mark.parametrize(
    ("name", "values", "kind"),
    [
        ("n_claims", RANDOM.poisson(0.3, 3000).clip(0, 4), "regression"),
        ("visits", RANDOM.poisson(2.0, 3000).clip(0, 9), "regression"),
        ("digit", RANDOM.integers(0, 10, 3000), "classification"),
        ("stars", RANDOM.integers(1, 6, 3000), "classification"),
        ("grade", RANDOM.choice([0, 1, 2], 3000, p=[0.6, 0.3, 0.1]), "classification"),
        ("bought", RANDOM.integers(0, 2, 3000), "classification"),
    ],
)
def test_counts_are_numbers_and_codes_are_classes(name, values, kind):
    prepared = prepare({"x": RANDOM.normal(size=3000), name: values}, target=name)
    assert bool(prepared.encoder.labels) == (kind == "classification")
    if len(set(values.tolist())) > 3:
        assert "data.kind" in " ".join(prepared.warnings)
    if kind == "regression":
        assert prepared.state.least == 0.0


def test_a_target_of_orders_of_magnitude_is_learned_on_a_logarithmic_scale():
    x = RANDOM.normal(size=(1500, 3))
    heavy = np.exp(10 + 1.5 * x[:, 0] + 0.3 * RANDOM.normal(size=1500))
    columns = {f"x{j}": x[:, j] for j in range(3)}
    assert prepare({**columns, "y": heavy}).state.log
    assert not prepare({**columns, "y": 100 + 20 * x[:, 0]}).state.log
    assert not prepare({**columns, "y": heavy - 1e5}).state.log


@pytest.mark.parametrize(
    ("leak", "words"),
    [
        (lambda y, x: {"price_eur": y * 0.92}, "'price_eur' alone"),
        (lambda y, x: {"rank": np.argsort(np.argsort(y))}, "'rank' alone"),
        (lambda y, x: {"band": [f"{v:.0f}" for v in y], "y_again": y + 0.0}, "'y_again' alone"),
        (lambda y, x: {"casual": x, "registered": y - x}, "sum or difference of 'casual', 'registered'"),
        (lambda y, x: {"units": np.exp(x), "each": y / np.exp(x)}, "product or ratio of 'units', 'each'"),
    ],
)
def test_leaks_are_reported_first(leak, words):
    x = RANDOM.normal(size=800)
    y = 50 + 5 * RANDOM.normal(size=800)
    prepared = prepare({"other": RANDOM.normal(size=800), "noise": RANDOM.normal(size=800), **leak(y, x), "y": y})
    assert prepared.warnings[0].startswith("IMPORTANT: ")
    assert any(words in note for note in prepared.warnings), prepared.warnings


def test_a_label_in_other_words_is_a_leak_and_a_good_feature_is_not():
    y = RANDOM.integers(0, 2, 800)
    x = y + RANDOM.normal(0, 0.5, 800)
    found = prepare({"x": x, "outcome": np.where(y, "won", "lost"), "y": np.where(y, "yes", "no")}).warnings
    assert [note for note in found if "alone predicts" in note and "'outcome'" in note]
    assert not any("'x' alone" in note for note in found)


def test_several_targets_are_numbers_side_by_side():
    frame = {"x": RANDOM.normal(size=N), "heat": RANDOM.normal(size=N), "cool": RANDOM.normal(size=N), "kind": RANDOM.choice(["a", "b"], N)}
    prepared = prepare(frame, target=["heat", "cool"])
    assert prepared.train.target.shape == (len(prepared.train), 2)
    with pytest.raises(UsageError, match="must be numbers"):
        prepare(frame, target=["heat", "kind"])
    with pytest.raises(UsageError, match="no column 'hot'"):
        prepare(frame, target=["heat", "hot"])


@pytest.mark.parametrize(
    ("y", "says"),
    [
        (np.sort(RANDOM.normal(size=N)), True),
        (-np.sort(RANDOM.integers(0, 40, N)), True),
        (np.repeat(["b", "a", "c"], N // 3), True),
        (RANDOM.normal(size=N), False),
        (np.tile(["a", "b"], N // 2), False),
    ],
)
def test_rows_sorted_by_the_target_are_reported(y, says):
    notes = prepare({"x": RANDOM.normal(size=N), "z": RANDOM.normal(size=N), "y": y}).warnings
    assert any("sorted by the target 'y'" in note for note in notes) == says


def test_a_class_among_several_targets_is_reported():
    frame = {"x": RANDOM.normal(size=N), "a": RANDOM.normal(size=N), "b": RANDOM.integers(0, 2, N)}
    notes = prepare(frame, target=("a", "b")).warnings
    assert any(note.startswith("IMPORTANT: target 'b' looks like 2 classes") for note in notes)
    assert not any("'a' looks like" in note for note in notes)
    with pytest.raises(UsageError, match="must be numbers, and 'b' is not"):
        prepare(frame | {"b": RANDOM.permutation(["yes", "no"] * (N // 2))}, target=("a", "b"))


def test_dates_as_a_target_are_reported():
    days = [f"2024-0{i % 6 + 1}-15" for i in range(N)]
    found = prepare({"x": RANDOM.normal(size=N), "y": days})
    assert any(note.startswith("IMPORTANT") and "dates or times" in note for note in found.warnings)


def test_a_test_file_without_a_target_is_refused(tmp_path):
    a = np.arange(60.0) % 7
    pl.DataFrame({"a": a, "y": a**2 + np.arange(60)}).write_csv(tmp_path / "train.csv")
    pl.DataFrame({"a": a[:9], "y": [None] * 9}).write_csv(tmp_path / "test.csv")
    data = {part: str(tmp_path / f"{part}.csv") for part in ("train", "test")}
    with pytest.raises(DataError, match="The test file has no row with a target"):
        task.prepare(recipes.read_recipe({"task": "tabular", "data": {**data, "target": "y"}}), None)


@pytest.mark.parametrize(
    ("cells", "classes"),
    [
        (["20-29", "30-39", "40-49", "50+"], 4),
        (["<18.5", "18.5-24.9", "25-30", ">30"], 4),
        (["<0.1", "0.5", "0.7", "1.5", "2.5"], 0),
        ([f"{i}-{i + 4}" for i in range(0, 90, 5)], 0),
        (["10-20", "15", "20-30", "7"], 0),
    ],
)
def test_a_target_of_few_ranges_has_classes(cells, classes):
    prepared = prepare({"x": RANDOM.normal(size=N), "y": [cells[i % len(cells)] for i in range(N)]})
    assert len(prepared.encoder.labels) == classes
    assert any("data.kind" in note for note in prepared.warnings) == bool(classes)


def test_a_target_of_one_value_says_what_empty_cells_are():
    with pytest.raises(DataError, match="one value, 'x', in the rows where it is not empty.*write a word such as 'no'"):
        prepare({"x": RANDOM.normal(size=N), "y": ["x" if i % 2 else "" for i in range(N)]})
