"""Batches in which exported files and graphs are computed for their scores."""

from __future__ import annotations

import numpy as np
import pytest

from applied_dl.exporting.evaluate import batch_rows


@pytest.mark.parametrize(
    ("shape", "rows"), [((28, 28, 1), 256), ((32, 32, 3), 256), ((160, 160, 3), 54), ((512, 512, 3), 5), ((4096, 4096, 3), 1), ((), 256)]
)
def test_large_rows_are_computed_a_few_at_a_time(shape, rows):
    assert batch_rows({"rows": np.broadcast_to(np.uint8(0), (10, *shape))}) == rows


def test_all_inputs_count():
    part = np.zeros((4, 2**14), np.float32)
    assert batch_rows({"a": part, "b": part}) == 128
