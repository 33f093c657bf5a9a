"""Batches in which exported files and graphs are computed for their scores."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from applied_dl.exporting.evaluate import FEW_BATCHES, batch_rows, outputs_of


@pytest.mark.parametrize(
    ("shape", "rows"), [((28, 28, 1), 256), ((32, 32, 3), 256), ((160, 160, 3), 54), ((512, 512, 3), 5), ((4096, 4096, 3), 1), ((), 256)]
)
def test_large_rows_are_computed_a_few_at_a_time(shape, rows):
    assert batch_rows({"rows": np.broadcast_to(np.uint8(0), (10, *shape))}) == rows


def test_all_inputs_count():
    part = np.zeros((4, 2**14), np.float32)
    assert batch_rows({"a": part, "b": part}) == 128


@pytest.mark.parametrize("rows", [0, 5, FEW_BATCHES * 256 - 1, FEW_BATCHES * 256 + 1])
def test_outputs_are_those_of_predict_in_its_structure(rows):
    entry, dense = keras.Input((3,), name="a"), keras.layers.Dense(2)
    values = {"a": np.random.default_rng(0).random((rows, 3), np.float32)}
    for outputs in ({"x": dense(entry)}, [dense(entry), keras.ops.tanh(dense(entry))], dense(entry)):
        found = outputs_of(keras.Model({"a": entry}, outputs), values)
        if not rows:
            assert all(len(one) == 0 for one in keras.tree.flatten(found))
            continue
        wanted = keras.Model({"a": entry}, outputs).predict(values, verbose=0)
        keras.tree.map_structure(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-7), found, wanted)
