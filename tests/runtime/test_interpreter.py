"""Sequences of similar length run together, and every output keeps its row."""

import numpy as np
import pytest

import applied_dl
from applied_dl.runtime.interpreter import Runtime


@pytest.fixture(scope="module")
def predictor(trained):
    return applied_dl.load(trained("sentences").bundle)


@pytest.mark.parametrize("batch", [1, 7, 64])
def test_rows_of_any_length_keep_their_outputs(predictor, batch):
    random = np.random.default_rng(0)
    sizes = random.integers(0, 30, 50)  # a row of padding only among them
    ids = random.integers(3, predictor.encoder.vocabulary, (50, 30)).astype(np.int32)
    ids[np.arange(30) >= sizes[:, None]] = predictor.encoder.padding
    plain = Runtime(predictor.runtime.content).run({"ids": ids})["vector"]
    found = predictor.runtime.run({"ids": ids}, batch)["vector"]
    assert (sizes == 0).any()
    np.testing.assert_allclose(found, plain, atol=1e-6)


def test_a_batch_is_no_wider_than_its_longest_row(predictor):
    ids = np.full((6, 40), predictor.encoder.padding, np.int32)
    sizes = [3, 39, 4, 17, 5, 16]
    for row, size in zip(ids, sizes):
        row[:size] = 5
    order, parts = predictor.runtime._group_by_length({"ids": ids}, 3)
    assert [part["ids"].shape for part in parts] == [(3, 8), (3, 40)]
    assert [sizes[i] for i in order] == sorted(sizes)
    assert sum(int((part["ids"] == 5).sum()) for part in parts) == sum(sizes)  # nothing was cut away
