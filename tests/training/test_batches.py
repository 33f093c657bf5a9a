"""Batches are a pure function of the step; plans cut any number of rows; arrays on disk are read by the batch."""

import numpy as np
import pytest

from applied_dl.training.batches import ordered_batches, plan, training_batches
from applied_dl.training.source import resident


def test_an_epoch_shows_every_row_once_in_an_order_of_its_own():
    x = np.arange(96)
    source, cut = resident({"x": x}, x), plan(96, 8)
    seen = [batch[1].numpy() for batch in training_batches(source, cut, 3).take(24)]
    first, second = np.concatenate(seen[:12]), np.concatenate(seen[12:])
    assert sorted(first) == sorted(second) == list(range(96))
    assert not np.array_equal(first, second)
    later = next(iter(training_batches(source, cut, 3, first_step=17)))[1].numpy()
    np.testing.assert_array_equal(later, seen[17])


@pytest.mark.parametrize("size", [1, 5, 31, 32, 33, 101 * 16, 5000])
@pytest.mark.parametrize("batch", [1, 16, 4096, "all"])
def test_plans_fit_the_rows(size, batch):
    cut = plan(size, batch)
    assert 1 <= cut.batch <= size
    assert cut.steps % cut.execution == 0
    assert cut.steps * cut.batch <= size
    assert cut.steps * cut.batch >= size * 0.98 - cut.batch


def test_evaluation_keeps_the_order_and_every_row():
    x = np.arange(10)
    got = np.concatenate([b[1].numpy() for b in ordered_batches(resident({"x": x}, x), 4)])
    np.testing.assert_array_equal(got, x)


def test_large_mapped_arrays_are_read_by_the_batch(tmp_path, monkeypatch):
    monkeypatch.setattr("applied_dl.training.source.LARGEST_RESIDENT", 0)
    np.save(tmp_path / "x.npy", np.arange(40, dtype=np.float32).reshape(20, 2))
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    source = resident({"x": mapped}, np.arange(20))
    inputs, target = next(iter(ordered_batches(source, 6)))
    np.testing.assert_array_equal(inputs["x"], mapped[:6])
    assert inputs["x"].shape == (6, 2)
