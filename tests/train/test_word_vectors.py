"""The training of word vectors: what a portion holds, exact repeats, kill and resume, Ctrl-C, loss that is not finite."""

import numpy as np
import pytest
import tensorflow as tf

from applied_dl.errors import DataError, RefusedError
from applied_dl.train import Workspace, word_text
from applied_dl.train.engine import STOPPED
from applied_dl.train.word_counts import cooccurrences, positive_pmi, ppmi_svd
from applied_dl.train.word_steps import Rows, Shape, skipgram
from applied_dl.train.word_text import Text, keep_shares, noise_table, portion, stretches
from applied_dl.train.word_vectors import learn, over_text

SHAPE = Shape(length=8, chunks=2, noise=4, window=3)


@pytest.fixture
def text(monkeypatch):
    """Pieces of uneven length, several portions of them."""
    monkeypatch.setattr(word_text, "PORTION", 300)
    rng = np.random.default_rng(0)
    lengths = rng.integers(1, 60, 40)
    ids = rng.zipf(1.5, lengths.sum()).clip(1, 50).astype(np.int32) - 1
    return Text(ids, np.cumsum(lengths), np.bincount(ids, minlength=50).astype(np.int64) + 1)


def run(text, epochs=2, workspace=None, rate=0.1, stop_after=None, monkeypatch=None):
    rng = np.random.default_rng(1)
    tables = [tf.Variable(rng.normal(size=(50, 6)).astype(np.float32) * 0.1) for _ in range(2)]
    plan = over_text(tables, skipgram(Rows(tables[0]), Rows(tables[1]), SHAPE, 5), SHAPE, text, 1e-2, 0, len(text.ids))
    if stop_after is not None:
        first, error = stop_after
        prepare, count = plan.prepare, iter(range(10**6))

        def failing(*where):
            if next(count) == first:
                raise error
            return prepare(*where)

        plan = plan._replace(prepare=failing)
    history = learn(plan, epochs=epochs, rate=rate, threads=1, seed=0, minutes=0.0, workspace=workspace)
    return tables[0].numpy(), history


def test_a_portion_keeps_windows_within_their_piece(text):
    piece = np.repeat(np.arange(len(text.ends)), np.diff(np.r_[0, text.ends]))
    seen = 0
    for first, last in stretches(text):
        here = portion(text, (first, last), None, noise_table(text.counts), SHAPE, (0, 1))
        low = text.ends[first - 1] if first else 0
        n = int(text.ends[last - 1] - low)
        np.testing.assert_array_equal(here.ids[3 : 3 + n], text.ids[low : low + n])
        at = np.arange(n)
        own = piece[low : low + n]
        assert (own[at - here.left[:n]] == own).all()
        assert (own[at + here.right[:n]] == own).all()
        assert max(here.left.max(), here.right.max()) <= 3
        assert not here.left[n:].any()  # what fills the last step teaches nothing
        assert not here.right[n:].any()
        seen += n
    assert seen == len(text.ids)
    assert len(stretches(text)) > 2


def test_frequent_words_are_thinned_and_noise_follows_the_counts():
    counts = np.array([100_000, 1000, 10])
    keep = keep_shares(counts, 1e-3)
    assert keep[0] < 0.05
    assert keep[2] == 1
    assert keep_shares(counts, 0) is None
    share = np.bincount(noise_table(counts)) / len(noise_table(counts))
    np.testing.assert_allclose(share, counts**0.75 / (counts**0.75).sum(), atol=1e-3)


def test_a_resumed_training_is_the_one_that_was_never_killed(text, tmp_path):
    whole, history = run(text)
    again, _ = run(text)
    np.testing.assert_array_equal(whole, again)
    identity = {"recipe": "a", "data": "b"}
    with pytest.raises(RuntimeError):
        run(text, workspace=Workspace(tmp_path, identity), stop_after=(5, RuntimeError("killed")))
    resumed, history_2 = run(text, workspace=Workspace(tmp_path, identity, resume=True))
    np.testing.assert_array_equal(resumed, whole)
    assert [r["loss"] for r in history_2.rows] == pytest.approx([r["loss"] for r in history.rows])
    with pytest.raises(RefusedError, match="another data"):
        run(text, workspace=Workspace(tmp_path, {**identity, "data": "c"}, resume=True))


def test_ctrl_c_keeps_what_was_learnt(text, tmp_path):
    start, _ = run(text, epochs=1, rate=1e-9)
    found, history = run(text, workspace=Workspace(tmp_path, {}), stop_after=(2, KeyboardInterrupt()))
    assert history.stopped == STOPPED
    assert len(history.rows) == 1
    assert np.abs(found - start).max() > 1e-3
    with pytest.raises(KeyboardInterrupt):
        run(text, stop_after=(0, KeyboardInterrupt()))


def test_a_loss_that_is_not_finite_is_said(text):
    with pytest.raises(DataError, match=r"lower train\.learning_rate"):
        run(text, rate=1e30)


def test_a_dry_run_estimates(text, tmp_path):
    trial = []
    run(text, workspace=Workspace(tmp_path, {}, trial=trial))
    assert trial[0] > 0


def test_counts_and_pmi_as_summed_by_hand():
    ids = np.array([0, 1, 2, 0, 1, 1, 0], np.int32)
    text = Text(ids, np.array([4, 7]), np.bincount(ids))
    wanted = np.zeros((3, 3))
    for piece in (ids[:4], ids[4:]):
        for i in range(len(piece)):
            for d in (1, 2):
                if i + d < len(piece):
                    wanted[piece[i], piece[i + d]] += (3 - d) / 2
                    wanted[piece[i + d], piece[i]] += (3 - d) / 2
    found = cooccurrences(text, 2)
    np.testing.assert_allclose(found.toarray(), wanted, atol=1e-6)
    row, context = wanted.sum(1), wanted.sum(1) ** 0.75
    with np.errstate(divide="ignore"):
        pmi = np.log(wanted / (row[:, None] * (context / context.sum())[None]))
    np.testing.assert_allclose(positive_pmi(found).toarray(), np.maximum(pmi, 0), atol=1e-5)
    vectors = ppmi_svd(text, 5, 2, seed=0)
    assert vectors.shape == (3, 5)
    assert not vectors[:, 3:].any()  # three words have rank three
