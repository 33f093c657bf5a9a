"""Related rows stay in one part of the split, for any rows."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from applied_dl.core.errors import DataError, UsageError
from applied_dl.core.fingerprint import fingerprint, row_keys
from applied_dl.core.splits import split_parts, split_rows

SHARES = (0.7, 0.1, 0.2)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 1000), st.integers(60, 300))
def test_every_row_is_in_one_part_and_equal_rows_in_the_same(seed, n):
    random = np.random.default_rng(seed)
    keys = random.integers(0, n * 2 // 3, n).astype(str)
    split = split_rows(n, SHARES, seed, keys=keys)
    assert sorted(np.concatenate(split[:3])) == list(range(n))
    for a, b in ((0, 1), (0, 2), (1, 2)):
        assert not set(keys[split[a]]) & set(keys[split[b]])
    assert split.moved == n - len(set(keys))


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000))
def test_groups_and_equal_rows_stay_together(seed):
    random = np.random.default_rng(seed)
    groups, keys = random.integers(0, 60, 200), random.integers(0, 190, 200)
    try:
        split = split_rows(200, SHARES, seed, groups=groups, keys=keys)
    except DataError:  # the chains joined too much to fill every part
        return
    for labels in (groups, keys):
        assert not set(labels[split.train]) & set(labels[split.test])


def test_classes_keep_their_shares():
    y = np.array([0] * 500 + [1] * 100 + [2] * 30)
    split = split_rows(len(y), SHARES, 0, strata=y)
    for part, share in zip(split[:3], SHARES):
        np.testing.assert_allclose(np.bincount(y[part], minlength=3), share * np.array([500, 100, 30]), atol=1)


def test_the_split_depends_on_the_seed_alone():
    a, b, c = (split_rows(100, SHARES, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(a.test, b.test)
    assert not np.array_equal(a.test, c.test)


def test_time_never_leaks_backward():
    when = np.random.default_rng(0).permutation(100)
    split = split_rows(100, SHARES, 0, order=when)
    assert when[split.train].max() < when[split.validation].min() <= when[split.validation].max() < when[split.test].min()


def test_impossible_splits_are_refused():
    with pytest.raises(UsageError, match="sum to 1"):
        split_rows(10, (0.5, 0.1, 0.1), 0)
    with pytest.raises(DataError, match="part of 2 rows is empty"):
        split_rows(2, (0.9, 0.05, 0.05), 0)


def test_fingerprints_depend_on_content_shape_and_type():
    a = np.arange(6)
    assert fingerprint(a) == fingerprint(a.copy())
    assert len({fingerprint(x) for x in (a, a.reshape(2, 3), a.astype(np.int32), a + 1)}) == 4
    keys = row_keys(np.array([[1, 2], [3, 4], [1, 2]]))
    assert keys[0] == keys[2] != keys[1]


def test_groups_too_few_for_the_parts_are_counted():
    with pytest.raises(DataError, match=r"part of 60 rows \(2 units, since equal rows and groups stay together\) is empty"):
        split_rows(60, SHARES, 0, groups=np.repeat([0, 1], 30))


def test_few_groups_and_small_classes_fill_every_part():
    """Where classes of a few rows, or a few groups, cannot have the same shares everywhere, no part stays empty."""
    split = split_rows(15, SHARES, 0, strata=np.repeat(np.arange(3), 5))
    assert min(len(part) for part in split[:3]) > 0
    for count in (3, 5, 9):
        groups = np.repeat(np.arange(count), 4)
        split = split_rows(len(groups), SHARES, 0, strata=groups % 2, groups=groups)
        assert min(len(part) for part in split[:3]) > 0
        assert len(split.train) >= max(len(split.validation), len(split.test))
        assert not set(groups[split.train]) & set(groups[split.test])


def test_given_parts_stay_and_missing_ones_are_cut_from_training():
    part = np.array(["train"] * 80 + ["test"] * 20)
    rows = split_parts(part, SHARES, 0, strata=np.arange(100) % 2)
    np.testing.assert_array_equal(rows["test"], np.arange(80, 100))
    assert len(rows["train"]) == 70
    assert len(rows["validation"]) == 10
    whole = split_parts(np.full(100, "all"), SHARES, 0, strata=np.arange(100) % 2)
    for name, expected in zip(("train", "validation", "test"), split_rows(100, SHARES, 0, strata=np.arange(100) % 2)):
        np.testing.assert_array_equal(whole[name], expected)
    named = np.array(["train"] * 4 + ["validation"] * 3 + ["test"] * 3)
    assert {name: list(rows) for name, rows in split_parts(named, SHARES, 0).items()} == {
        "train": [0, 1, 2, 3], "validation": [4, 5, 6], "test": [7, 8, 9],
    }  # fmt: skip
    with pytest.raises(UsageError, match="sum to 1"):
        split_parts(np.full(10, "all"), (0.7, 0.7, 0.2), 0)
