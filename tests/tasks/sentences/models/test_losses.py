"""Losses of vectors against loops in plain numpy."""

import keras
import numpy as np
import pytest

from applied_dl.tasks.sentences.models.losses import Contrastive, MaskedTokens, SameSimilarities

RANDOM = np.random.default_rng(0)


def unit(x):
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


def contrastive(sides, keys, temperature):
    """InfoNCE both ways, a text at a time; equal keys are never separated."""
    anchor, positive, total = sides[0], sides[1], 0.0
    n = len(anchor)
    for i in range(n):
        there, back = [anchor[i] @ positive[i]], [anchor[i] @ positive[i]]
        for j in range(n):
            if j == i:
                continue
            if keys[i, 0] != keys[j, 1] and keys[i, 1] != keys[j, 1] and keys[i, 0] != keys[j, 0]:
                there.append(anchor[i] @ positive[j])
            if keys[j, 0] != keys[i, 1] and keys[j, 1] != keys[i, 1] and keys[j, 0] != keys[i, 0]:
                back.append(anchor[j] @ positive[i])
        if len(sides) == 3:
            there += [anchor[i] @ sides[2][j] for j in range(n) if keys[j, 2] not in (keys[i, 0], keys[i, 1])]
        for row in (there, back):
            row = np.array(row) / temperature
            total += (np.log(np.exp(row).sum()) - row[0]) / 2
    return total / n


@pytest.mark.parametrize("parts", [2, 3])
@pytest.mark.parametrize("dimensions", [(), (4, 2)])
def test_contrastive_is_the_mean_over_texts(parts, dimensions):
    sides = [RANDOM.normal(size=(7, 8)) for _ in range(parts)]
    sides = [unit(side) for side in sides]
    keys = np.arange(7 * parts).reshape(7, parts)
    keys[3, 0] = keys[0, 0]  # the same anchor twice
    keys[4, 1] = keys[1, 1]  # the same positive twice
    keys[5, 1] = keys[2, 0]  # an anchor that is another's positive
    if parts == 3:
        keys[6, 2] = keys[0, 1]  # a hard negative that is another's positive
    found = float(Contrastive(parts, 0.1, dimensions)(keys.astype(np.int32), np.concatenate(sides, 1).astype(np.float32)))
    wanted = np.mean([contrastive([unit(side[:, :d]) for side in sides], keys, 0.1) for d in (8, *dimensions)])
    assert found == pytest.approx(wanted, rel=1e-4)


def test_distillation_is_zero_gap_at_the_teacher():
    teacher = unit(RANDOM.normal(size=(6, 5))).astype(np.float32)
    wanted = teacher @ teacher.T
    turned = teacher @ np.linalg.qr(RANDOM.normal(size=(5, 5)))[0].astype(np.float32)  # another basis, the same similarities
    other = 1 - np.eye(6)

    def by_hand(student):
        got, total = student @ student.T, 0.0
        for i in range(6):
            away = [j for j in range(6) if j != i]
            p = np.exp(wanted[i, away] / 0.2)
            q = np.exp(got[i, away] / 0.2)
            total -= np.sum(p / p.sum() * np.log(q / q.sum())) / 6
        return total + np.sum(other * (got - wanted) ** 2) / 30 / 0.2

    loss = SameSimilarities(0.2)
    assert float(loss(teacher, turned)) == pytest.approx(by_hand(turned), rel=1e-4)
    for _ in range(5):
        student = unit(RANDOM.normal(size=(6, 9))).astype(np.float32)
        assert float(loss(teacher, student)) == pytest.approx(by_hand(student), rel=1e-4)
        assert float(loss(teacher, student)) > float(loss(teacher, turned))


def test_masked_tokens_count_where_something_was_asked():
    logits = RANDOM.normal(size=(3, 4, 9)).astype(np.float32)
    truth = np.array([[1, -1, 3, -1], [-1, -1, -1, 8], [-1, -1, -1, -1]])
    each = [np.log(np.exp(logits[i, j]).sum()) - logits[i, j, truth[i, j]] for i, j in zip(*np.nonzero(truth >= 0))]
    assert float(MaskedTokens()(truth, logits)) == pytest.approx(np.mean(each), rel=1e-5)
    assert float(MaskedTokens()(np.full((3, 4), -1), logits)) == 0


@pytest.mark.parametrize("loss", [Contrastive(3, 0.1, (4,)), SameSimilarities(0.2, (4,)), MaskedTokens()])
def test_losses_come_back_from_their_config(loss):
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(loss))
    assert type(again) is type(loss)
    assert again.get_config() == loss.get_config()
