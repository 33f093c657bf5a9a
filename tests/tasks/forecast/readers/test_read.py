"""Explicit files joined in time: values and covariates of each where its stamps say."""

import numpy as np
import polars as pl
import pytest

from applied_dl.core.errors import DataError
from applied_dl.tasks.forecast.readers.read import read, trim
from applied_dl.workflows import recipes

DAYS = np.datetime64("2024-01-01") + np.arange(40)
WHOLE = pl.DataFrame({"date": DAYS.astype(str), "y": np.arange(40.0), "x": np.arange(40.0) * 2, "p": np.arange(40.0) * 3})


def recipe(folder, cuts, frame=WHOLE, names=("train", "validation", "test"), **data):
    paths = {}
    for name, low, high in zip(names, cuts, cuts[1:]):
        frame[low:high].write_csv(folder / f"{name}.csv")
        paths[name] = str(folder / f"{name}.csv")
    return recipes.read_recipe({"task": "forecast", "data": {"target": "y", **paths, **data}}).data


def test_covariates_of_the_following_files_are_read(tmp_path):
    found, cuts = read(recipe(tmp_path, (0, 25, 32, 40), past_covariates=("p",), future_covariates=("x",)))
    assert cuts == ([25], [32])
    np.testing.assert_array_equal(found.values[0], WHOLE["y"])
    np.testing.assert_array_equal(found.past[0][:, 0], WHOLE["p"])
    np.testing.assert_array_equal(found.future[0][:, 0], WHOLE["x"])


def test_a_gap_between_the_files_and_what_was_known_ahead_are_kept(tmp_path):
    ahead = WHOLE.with_columns(y=pl.when(pl.int_range(40) < 22).then("y"))  # the training file names three days of x ahead
    d = recipe(tmp_path, (0, 25, 25, 40), ahead, future_covariates=("x",))
    WHOLE[27:33].write_csv(tmp_path / "validation.csv")
    WHOLE[33:].write_csv(tmp_path / "test.csv")
    found, cuts = read(d)
    assert cuts == ([22], [33])
    assert np.flatnonzero(np.isnan(found.values[0])).tolist() == [22, 23, 24, 25, 26]
    assert np.flatnonzero(np.isnan(found.future[0][:, 0])).tolist() == [25, 26]


def test_without_a_validation_file_it_is_the_end_of_the_training_file(tmp_path):
    assert read(recipe(tmp_path, (0, 32, 40), names=("train", "test")))[1] == ([24], [32])


def test_files_of_the_recipes_separator_and_mark(tmp_path):
    d = recipe(tmp_path, (0, 25, 40), names=("train", "test"), separator=";", decimal=",")
    for name, part in (("train", WHOLE[:25]), ("test", WHOLE[25:])):
        rows = "\n".join(f"{day};1.{int(y) + 100}" for day, y in zip(part["date"], part["y"]))
        (tmp_path / f"{name}.csv").write_text("date;y\n" + rows)
    np.testing.assert_array_equal(read(d)[0].values[0], WHOLE["y"] + 1100)


def test_a_file_that_begins_too_early_is_refused(tmp_path):
    d = recipe(tmp_path, (0, 25, 40), names=("train", "test"))
    WHOLE[20:].write_csv(tmp_path / "test.csv")
    with pytest.raises(DataError, match="series 'y': it begins 5 steps before the training file ends"):
        read(d)


def test_series_of_which_too_much_is_missing_are_left_out_of_many(tmp_path):
    sparse = np.where(np.arange(40) % 3 == 0, 1.0 + np.arange(40), np.nan)
    columns = {"date": DAYS.astype(str), "a": np.arange(40.0), "b": np.sin(np.arange(40)), "sparse": sparse}
    pl.DataFrame(columns, nan_to_null=True).write_csv(tmp_path / "s.csv")
    read_with = lambda **data: read_and_trim(tmp_path / "s.csv", **data)  # noqa: E731
    found = read_with()
    assert found.names == ["a", "b"]
    assert "1 series left out, of which more than 40% of the values are missing: 'sparse'" in found.notes[-1]
    assert read_with(max_missing=0.7).names == ["a", "b", "sparse"]
    for data in ({"target": ("a", "sparse")}, {"gaps": "refuse"}):
        with pytest.raises(DataError, match="Series 'sparse': 65% of its values are missing"):
            read_with(**data)


def read_and_trim(path, **data):
    d = recipes.read_recipe({"task": "forecast", "data": {"source": str(path), **data}}).data
    return trim(*read(d), d)[0]
