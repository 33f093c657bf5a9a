"""Augmentation of token ids: what may change, what never does, and how often."""

import numpy as np
import pytest
import tensorflow as tf

from applied_dl.core.errors import UsageError
from applied_dl.tasks.sentences.models.token_augment import mask_tokens, token_augmentation

RANDOM = np.random.default_rng(0)
SIZES = RANDOM.integers(1, 13, 4000)
IDS = np.where(np.arange(12) < SIZES[:, None], RANDOM.permuted(np.tile(np.arange(1, 13), (4000, 1)), axis=1), 0).astype(np.int32)


def changed(names, strength=1.0, seed=(1, 2)):
    return token_augmentation(names, strength)(tf.constant(IDS), tf.constant(seed)).numpy()


def rows_of(ids):
    return [row[row > 0].tolist() for row in ids]


def test_drop_leaves_out_a_tenth_and_never_all():
    found = changed(["drop"])
    assert ((found == IDS) | (found == 0)).all()
    assert (found > 0).any(1).all()
    long = SIZES > 5
    assert (found[long] == 0)[IDS[long] > 0].mean() == pytest.approx(0.1, abs=0.01)
    assert (changed(["drop"], 3.0)[long] == 0)[IDS[long] > 0].mean() == pytest.approx(0.3, abs=0.015)


def test_swap_exchanges_neighbours_alone():
    found = changed(["swap"])
    moved = found != IDS
    for before, after in zip(rows_of(IDS), rows_of(found)):
        assert sorted(before) == sorted(after)
        assert all(abs(before.index(token) - place) <= 1 for place, token in enumerate(after))
    assert ((found > 0) == (IDS > 0)).all()
    assert moved[SIZES == 12].mean() == pytest.approx(0.2, abs=0.04)  # a tenth of the neighbours: two tokens each


def test_reverse_turns_whole_texts_round():
    found = rows_of(changed(["reverse"]))
    turned = [after != before for before, after in zip(rows_of(IDS), found)]
    assert all(after in (before, before[::-1]) for before, after in zip(rows_of(IDS), found))
    assert np.mean([t for t, size in zip(turned, SIZES) if size > 1]) == pytest.approx(0.1, abs=0.02)


def test_span_leaves_out_one_run():
    found = changed(["span"])
    for before, after in zip(IDS[:500], found[:500]):
        gone = np.flatnonzero((before > 0) & (after == 0))
        assert len(gone) <= 0.2 * (before > 0).sum() + 1
        assert len(gone) < 2 or (np.diff(gone) == 1).all()
    assert (found > 0).any(1).all()


def test_seeds_decide_and_no_names_change_nothing():
    np.testing.assert_array_equal(changed(["drop", "swap", "span", "reverse"]), changed(["drop", "swap", "span", "reverse"]))
    assert (changed(["drop"]) != changed(["drop"], seed=(3, 4))).any()
    assert token_augmentation(()) is None
    assert token_augmentation(["drop"], 0.0) is None
    with pytest.raises(UsageError, match="Did you mean 'drop'"):
        token_augmentation(["dropp"])


def test_masks_are_eighty_ten_ten():
    ids = np.where(IDS > 0, IDS + 3, 0).astype(np.int32)
    masked, target = (t.numpy() for t in mask_tokens(tf.constant(ids), tf.constant((5, 6)), 0.15, 2, 1000, 3))
    asked = target >= 0
    assert not asked[ids == 0].any()
    assert asked[ids > 0].mean() == pytest.approx(0.15, abs=0.01)
    np.testing.assert_array_equal(target[asked], ids[asked])
    np.testing.assert_array_equal(masked[~asked], ids[~asked])
    assert (masked[asked] == 2).mean() == pytest.approx(0.8, abs=0.02)
    assert (masked[asked] == ids[asked]).mean() == pytest.approx(0.1, abs=0.02)
    other = masked[asked & (masked != 2) & (masked != ids)]
    assert other.min() >= 3
    assert other.max() < 1000
