"""The compiled growth of a tree beside the same in numpy, bit by bit."""

import numpy as np
import pytest

from applied_dl.tasks.tabular.fit.grow import grow


def by_numpy(codes, edges, gradient, weight, depth, penalty, noise):
    """All columns and cuts of a level at once."""
    columns, rows = codes.shape
    bins = noise.shape[2] + 1
    leaf, cuts = np.zeros(rows, np.int64), []
    allowed = np.arange(bins - 1) < edges[:, None]
    for level in range(depth):
        size = 1 << level
        place = (leaf * columns * bins + (codes + np.arange(columns)[:, None] * bins)).T.ravel()

        def sums(values):
            found = np.bincount(place, np.repeat(values, columns), minlength=size * columns * bins)  # noqa: B023
            return np.cumsum(found.reshape(size, columns, bins), axis=2)  # noqa: B023

        count = sums(weight)
        below, above = count[:, :, :-1] + penalty, count[:, :, -1:] - count[:, :, :-1] + penalty
        gain, norm = 0.0, 1e-12
        for column in gradient.T:
            left = sums(column)
            left, right = left[:, :, :-1], left[:, :, -1:] - left[:, :, :-1]
            low, high = left / below, right / above
            gain = gain + (left * low + right * high).sum(0)
            norm = norm + (low * low * below + high * high * above).sum(0)
        score = np.where(allowed, gain / np.sqrt(norm) + noise[level], -np.inf)
        cut = divmod(int(np.argmax(score)), bins - 1)
        cuts.append(cut)
        leaf = leaf + ((codes[cut[0]] > cut[1]) << level)
    return np.array(cuts), leaf


@pytest.mark.parametrize(("rows", "outputs", "depth"), [(3, 1, 2), (80, 1, 4), (300, 3, 6)])
@pytest.mark.parametrize("seed", range(4))
def test_it_grows_the_tree_that_numpy_grows(rows, outputs, depth, seed):
    random = np.random.default_rng(seed)
    edges = random.integers(1, 31, 5)
    codes = np.stack([random.integers(0, count + 1, rows) for count in edges]).astype(np.uint8)
    weight = random.exponential(size=rows)
    inputs = (
        codes,
        edges,
        random.normal(size=(rows, outputs)) * weight[:, None],
        weight,
        depth,
        3.0,
        0.1 * random.normal(size=(depth, 5, 31)),
    )
    cuts, leaf = grow(*inputs)
    wanted = by_numpy(*inputs)
    np.testing.assert_array_equal(cuts, wanted[0])
    np.testing.assert_array_equal(leaf, wanted[1])
