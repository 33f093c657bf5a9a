"""The training of word vectors: what a portion holds, exact repeats, kill and resume, Ctrl-C, loss that is not finite."""

import numpy as np
import pytest

from applied_dl.core.errors import DataError, RefusedError
from applied_dl.core.records import STOPPED
from applied_dl.tasks.words.fit import skipgram as word_vectors
from applied_dl.tasks.words.fit.glove import learn_pairs
from applied_dl.tasks.words.fit.skipgram import learn, over_text
from applied_dl.text.counts import cooccurrences, positive_pmi, ppmi_svd
from applied_dl.text.encoded_text import Text, keep_shares, noise_table, stretches
from applied_dl.text.kernels import KernelState
from applied_dl.training.checkpoints import Store
from applied_dl.training.trainer import CheckpointingTrainer, Timer


@pytest.fixture
def text(monkeypatch):
    """Pieces of uneven length, several portions of them."""
    monkeypatch.setattr(word_vectors, "PORTION", 300)
    monkeypatch.setattr(word_vectors, "CALL", 60)
    rng = np.random.default_rng(0)
    lengths = rng.integers(1, 60, 40)
    ids = rng.zipf(1.5, lengths.sum()).clip(1, 50).astype(np.int32) - 1
    return Text(ids, np.cumsum(lengths), np.bincount(ids, minlength=50).astype(np.int64) + 1)


def run(text, epochs=2, trainer=None, rate=0.1, stop_after=None, monkeypatch=None):
    rng = np.random.default_rng(1)
    tables = [rng.normal(size=(50, 6)).astype(np.float32) * np.float32(0.1) for _ in range(2)]
    none = np.zeros((50, 0), np.int32)
    keep, noise = keep_shares(text.counts, 1e-2), noise_table(text.counts)
    lesson = KernelState(*tables, text.ids, text.ends, keep, noise, none, none.astype(np.float32), none, False, 3, 5)
    plan = over_text(lesson, text, 0, len(text.ids))
    if stop_after is not None:
        first, error = stop_after
        calls, count = plan.calls, iter(range(10**6))

        def failing(*where):
            if next(count) == first:
                raise error
            return calls(*where)

        plan = plan._replace(calls=failing)
    history = learn(plan, trainer or CheckpointingTrainer(), epochs=epochs, rate=rate, threads=1, seed=0, minutes=0.0)
    return tables[0], history


def test_stretches_are_whole_pieces_one_after_another(text):
    for words in (1, 60, 300, 10**6):
        found = stretches(text.ends, 0, len(text.ends), words)
        assert [first for first, _ in found[1:]] == [last for _, last in found[:-1]]
        assert (found[0][0], found[-1][1]) == (0, len(text.ends))
        sizes = [text.ends[last - 1] - (text.ends[first - 1] if first else 0) for first, last in found]
        assert max(sizes) <= words + 60
    assert stretches(text.ends, 5, 9, 10**6) == [(5, 9)]


def test_frequent_words_are_thinned_and_noise_follows_the_counts():
    counts = np.array([100_000, 1000, 10])
    keep = keep_shares(counts, 1e-3)
    assert keep[0] < 0.05
    assert keep[2] == 1
    assert (keep_shares(counts, 0) == 1).all()
    share = np.bincount(noise_table(counts)) / len(noise_table(counts))
    np.testing.assert_allclose(share, counts**0.75 / (counts**0.75).sum(), atol=1e-3)


def test_a_resumed_training_is_the_one_that_was_never_killed(text, tmp_path):
    whole, history = run(text)
    again, _ = run(text)
    np.testing.assert_array_equal(whole, again)
    identity = {"recipe": "a", "data": "b"}
    with pytest.raises(RuntimeError):
        run(text, trainer=CheckpointingTrainer(Store(tmp_path, identity)), stop_after=(5, RuntimeError("killed")))
    resumed, history_2 = run(text, trainer=CheckpointingTrainer(Store(tmp_path, identity, resume=True)))
    np.testing.assert_array_equal(resumed, whole)
    assert [r["loss"] for r in history_2.rows] == pytest.approx([r["loss"] for r in history.rows])
    with pytest.raises(RefusedError, match="another data"):
        run(text, trainer=CheckpointingTrainer(Store(tmp_path, {**identity, "data": "c"}, resume=True)))


def test_ctrl_c_keeps_what_was_learned(text, tmp_path):
    start, _ = run(text, epochs=1, rate=1e-9)
    found, history = run(text, trainer=CheckpointingTrainer(Store(tmp_path, {})), stop_after=(2, KeyboardInterrupt()))
    assert history.stopped == STOPPED
    assert len(history.rows) == 1
    assert np.abs(found - start).max() > 1e-3
    with pytest.raises(KeyboardInterrupt):
        run(text, stop_after=(0, KeyboardInterrupt()))


def test_a_loss_that_is_not_finite_is_reported(text):
    with pytest.raises(DataError, match=r"lower train\.learning_rate"):
        run(text, rate=1e30)


def test_a_dry_run_estimates(text, tmp_path):
    timer = Timer()
    run(text, trainer=timer)
    assert timer.seconds > 0


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
    np.testing.assert_allclose(positive_pmi(found.copy()).toarray(), np.maximum(pmi, 0), atol=1e-5)
    vectors = ppmi_svd(text, 5, 2, seed=0)
    assert vectors.shape == (3, 5)
    assert not vectors[:, 3:].any()  # three words have rank three


def test_glove_follows_its_loss_by_adagrad():
    rng = np.random.default_rng(1)
    tables = [rng.normal(size=(4, 6)).astype(np.float32) for _ in range(2)]
    squares = [np.ones_like(t) for t in tables]
    wanted, gathered = [t.astype(float) for t in tables], [np.ones((4, 6)) for _ in range(2)]
    rows, columns, counts = np.array([2, 0, 2], np.int32), np.array([3, 1, 1], np.int32), np.array([7.0, 500.0, 20.0], np.float32)
    losses = 0.0
    for a, b, n in zip(rows, columns, counts):
        x, y = wanted[0][a].copy(), wanted[1][b].copy()
        weight, gap = min(1, (n / 100) ** 0.75), x[:-1] @ y[:-1] + x[-1] + y[-1] - np.log(n)
        losses += weight * gap**2
        for table, gathering, i, gradient in ((0, 0, a, np.r_[y[:-1], 1.0]), (1, 1, b, np.r_[x[:-1], 1.0])):
            gathered[gathering][i] += (weight * gap * gradient) ** 2
            wanted[table][i] -= 0.1 * weight * gap * gradient / np.sqrt(gathered[gathering][i])
    found = learn_pairs(*tables, *squares, rows, columns, counts, np.arange(3), 0.1)
    assert found == (pytest.approx(losses, rel=1e-5), 3)
    for table, value in zip(tables, wanted):
        np.testing.assert_allclose(table, value, atol=1e-5)
