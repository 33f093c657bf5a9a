"""Mirrored and moved pictures against numpy."""

import numpy as np
import pytest

from applied_dl.tasks.image.models.views import Mirror, Nudge

X = np.arange(2 * 4 * 5 * 3, dtype=np.float32).reshape(2, 4, 5, 3)


def test_mirror_swaps_left_and_right():
    np.testing.assert_array_equal(Mirror()(X), X[:, :, ::-1])


@pytest.mark.parametrize(("down", "right"), [(1, 0), (-1, 0), (0, 1), (0, -2)])
def test_nudge_moves_and_repeats_the_edge(down, right):
    got = np.asarray(Nudge(down, right)(X))
    padded = np.pad(X, ((0, 0), (2, 2), (2, 2), (0, 0)), mode="edge")
    np.testing.assert_array_equal(got, padded[:, 2 - down : 6 - down, 2 - right : 7 - right])
