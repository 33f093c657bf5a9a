"""Batches are a pure function of the step; plans cut any number of rows; arrays on disk are read by the batch."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from applied_dl.training.batches import ordered_batches, permutation, plan, row_blocks, shard, training_batches
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


@pytest.mark.parametrize("size", [1, 2, 60, 1000, 65536, 65538, 70001])
def test_numpys_order_is_that_of_tensorflows_graph(size):
    for seed, epoch in ((0, 0), (77, 5), (2**31 - 1, 3))[: 3 if size > 2 else 1]:  # TensorFlow walks long for the smallest
        expected = tf.random.experimental.index_shuffle(tf.range(size, dtype=tf.int64), tf.constant([seed, epoch], tf.int32), size - 1)
        np.testing.assert_array_equal(permutation(size, seed, epoch), expected)


@given(size=st.integers(1, 3000), batch=st.integers(1, 400), seed=st.integers(0, 2**31 - 1), first=st.integers(0, 50))
@settings(max_examples=20, deadline=None)
def test_blocks_of_rows_are_the_batches_from_a_step_on(size, batch, seed, first):
    cut = plan(size, batch)
    one_by_one = cut._replace(execution=1)
    blocks = row_blocks(size, cut, seed, first * cut.execution)
    steps = row_blocks(size, one_by_one, seed, first * cut.execution)
    np.testing.assert_array_equal(next(blocks), np.concatenate([next(steps) for _ in range(cut.execution)]))


@pytest.mark.parametrize("workers", [2, 8])
def test_the_shards_of_several_workers_show_each_row_once_an_epoch(workers):
    cut = plan(4096, 64)
    seen = [[] for _ in range(workers)]
    for step, (batch,) in zip(range(2 * cut.steps), row_blocks(4096, cut._replace(execution=1), 5)):
        for rank in range(workers):
            seen[rank] += [(step // cut.steps, row) for row in shard(batch, rank, workers)]
    assert {len(rows) for rows in seen} == {2 * 4096 // workers}
    everything = [row for rows in seen for row in rows]
    assert sorted(everything) == [(epoch, row) for epoch in range(2) for row in range(4096)]
