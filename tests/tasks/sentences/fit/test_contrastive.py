"""The row-wise training of a table: its steps against plain numpy, its batches, its resume."""

import keras
import msgspec
import numpy as np
import pytest
import tensorflow as tf

from applied_dl.core.errors import DataError, UsageError
from applied_dl.tasks.sentences.fit import contrastive
from applied_dl.tasks.sentences.fit.contrastive import fit_table
from applied_dl.tasks.sentences.models.losses import Contrastive
from applied_dl.tasks.sentences.recipe import Fit
from applied_dl.text.models.static import static
from applied_dl.training import checkpoints
from applied_dl.training.checkpoints import Store
from applied_dl.training.source import Source
from applied_dl.training.trainer import CheckpointingTrainer

SETTINGS = Fit(epochs=3, batch_size=6, learning_rate=0.1, schedule="one_cycle", warmup=0.0, patience=0, seed=3, checkpoint_minutes=0)
IDS = np.random.default_rng(0).integers(0, 12, (24, 2, 5)).astype(np.int32)  # 24 pairs of five tokens, some of them padding
IDS[:, :, 0] = np.random.default_rng(1).integers(1, 12, (24, 2))


def source():
    table = tf.constant(IDS)
    return Source(len(IDS), lambda index: ({"a": tf.gather(table[:, 0], index), "b": tf.gather(table[:, 1], index)},
                                           tf.stack([2 * index, 2 * index + 1], 1)))  # fmt: skip


def fitted(model, settings=SETTINGS, store=None, **given):
    given = {"loss": Contrastive(2, 0.1), "sides": ("a", "b"), "augment": lambda inputs, target, seed: (inputs, target), **given}
    return fit_table(model, source(), settings, CheckpointingTrainer(store), **given)


def by_hand(table, epochs, orders, rate, temperature=0.1):
    """The same training, a text and a token at a time, with gradients from finite algebra."""
    table, seen, total, step = table.astype(np.float64), np.full(len(table), 1e-8), epochs * len(orders[0]), 0
    for order in orders:
        for batch in order:
            pooled, counts = [], []
            for side in (0, 1):
                for i in batch:
                    tokens = IDS[i, side][IDS[i, side] > 0]
                    pooled.append(table[tokens].mean(0))
                    counts.append(tokens)
            pooled = np.array(pooled)
            size = np.linalg.norm(pooled, axis=1, keepdims=True)
            unit = pooled / size
            n = len(batch)
            scores = unit[:n] @ unit[n:].T / temperature
            there = np.exp(scores - scores.max(1, keepdims=True))
            back = np.exp(scores - scores.max(0, keepdims=True))
            slope = (there / there.sum(1, keepdims=True) + back / back.sum(0, keepdims=True)) / 2 - np.eye(n)
            slope /= n * temperature
            d_unit = np.concatenate([slope @ unit[n:], slope.T @ unit[:n]])
            d_pooled = (d_unit - unit * (d_unit * unit).sum(1, keepdims=True)) / size
            change = np.zeros_like(table)
            for row, tokens in zip(d_pooled, counts):
                for token in tokens:
                    change[token] += row / len(tokens)
            used = np.unique(np.concatenate(counts))
            seen[used] += (change[used] ** 2).mean(1)
            now = rate * max(1 - step / total, 0.01)
            table[used] -= now * change[used] / np.sqrt(seen[used])[:, None]
            step += 1
    return table


def test_steps_are_row_wise_adagrad():
    model = static(12, dimensions=4, seed=0)
    start = model.get_layer("table").embeddings.numpy()
    history = fitted(model)
    orders = [contrastive._order(np.zeros(24, int), 6, 3, epoch) for epoch in range(3)]
    wanted = by_hand(start, 3, orders, 0.1)
    best = model.get_layer("table").embeddings.numpy()
    assert history.best_epoch == 3  # the training loss falls to the end
    np.testing.assert_allclose(best, wanted, rtol=2e-3, atol=2e-4)
    np.testing.assert_array_equal(best[0], start[0])  # padding is never touched


def test_batches_keep_to_their_stratum_and_cover_everything():
    strata = np.repeat([0, 1, 2], [13, 30, 3])
    order = contrastive._order(strata, 6, 0, 0)
    assert all(len(set(strata[row])) == 1 for row in order)
    assert len(order) == 2 + 5 + 1
    assert set(order[strata[order[:, 0]] == 2].ravel()) == set(range(43, 46))  # fewer than a batch: repeated, not lost
    assert (contrastive._order(strata, 6, 0, 1) != order).any()
    np.testing.assert_array_equal(contrastive._order(strata, 6, 0, 0), order)


def test_a_killed_training_resumes_to_the_same_bits(tmp_path, monkeypatch):
    whole = static(12, dimensions=4, seed=0)
    fitted(whole, store=Store(tmp_path / "whole", {"run": "x"}))
    write = checkpoints.write

    def killed(folder, epoch, *given):
        write(folder, epoch, *given)
        if epoch == 2:
            raise RuntimeError("killed")

    broken = static(12, dimensions=4, seed=0)
    with monkeypatch.context() as patch, pytest.raises(RuntimeError):
        patch.setattr(checkpoints, "write", killed)
        patch.setattr(checkpoints, "WRITTEN_SHARE", 0)  # due after every epoch, however short
        fitted(broken, store=Store(tmp_path / "broken", {"run": "x"}))
    again = static(12, dimensions=4, seed=9)
    history = fitted(again, store=Store(tmp_path / "broken", {"run": "x"}, resume=True))
    np.testing.assert_array_equal(again.get_layer("table").embeddings.numpy(), whole.get_layer("table").embeddings.numpy())
    assert [row["epoch"] for row in history.rows] == [1, 2, 3]


def test_the_best_epoch_stays_and_patience_ends_it():
    scores, tables = iter([0.5, 0.9, 0.7, 0.6, 0.2]), []
    model = static(12, dimensions=4, seed=0)

    def evaluate():
        tables.append(model.get_layer("table").embeddings.numpy())
        return {"val_spearman": next(scores)}

    history = fitted(model, msgspec.structs.replace(SETTINGS, epochs=5, patience=2), evaluate=evaluate, monitor="val_spearman")
    assert (history.best_epoch, len(history.rows)) == (2, 4)
    assert "no better val_spearman for 2 epochs" in history.stopped
    np.testing.assert_array_equal(model.get_layer("table").embeddings.numpy(), tables[1])


def test_what_cannot_be_trained_is_one_sentence(tmp_path):
    model = static(12, dimensions=4, seed=0)
    with pytest.raises(UsageError, match=r"give train\.learning_rate as a number"):
        fitted(model, msgspec.structs.replace(SETTINGS, learning_rate="auto"))
    with pytest.raises(UsageError, match=r"train\.swa has no meaning"):
        fitted(model, msgspec.structs.replace(SETTINGS, swa=0.5))
    with pytest.raises(DataError, match="training loss became nan in epoch 1"):
        fitted(model, loss=lambda truth, predicted: keras.ops.sum(predicted) * float("nan"))
