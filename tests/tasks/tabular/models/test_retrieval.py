"""Retrieval against neighbourhood components analysis written out row by row."""

import keras
import numpy as np
import pytest

from applied_dl.tasks.tabular.models import plain_features, retrieval
from applied_dl.tasks.tabular.models.retrieval import Memory, among_themselves, distances, remember

random = np.random.default_rng(0)


def array(x):
    return keras.ops.convert_to_numpy(x)


def neighbours(asked, known, answers, sharpness=1.0, own=False):
    """The weighted mean of `answers`, one row at a time."""
    found = []
    for i, z in enumerate(asked):
        weight = np.array([0.0 if own and i == j else np.exp(-sharpness * np.linalg.norm(z - c)) for j, c in enumerate(known)])
        found.append(weight @ answers / weight.sum())
    return np.array(found)


def test_distances_are_euclids():
    a, b = random.normal(size=(5, 3)), random.normal(size=(7, 3))
    wanted = np.linalg.norm(a[:, None] - b[None], axis=-1)
    np.testing.assert_allclose(array(distances(a.astype(np.float32), b.astype(np.float32))), wanted, rtol=1e-4)


@pytest.mark.parametrize("classes", [False, True])
def test_a_batch_answers_itself_without_looking_at_its_own_targets(classes):
    places = random.normal(size=(9, 4)).astype(np.float32)
    y = np.eye(3, dtype=np.float32)[random.integers(0, 3, 9)] if classes else random.normal(size=(9, 1)).astype(np.float32)
    seen = {}
    among_themselves(lambda truth, mixed: seen.update(truth=truth, mixed=mixed), classes)(y[:, None], places[:, None])
    wanted = neighbours(places, places, y, own=True)
    np.testing.assert_allclose(array(seen["mixed"])[:, 0], np.log(wanted + 1e-7) if classes else wanted, rtol=1e-3, atol=1e-4)
    y[0] = y[0] * 0 + 5  # a row's own truth moves the answers of the others, never its own
    before = array(seen["mixed"])
    among_themselves(lambda truth, mixed: seen.update(mixed=mixed), classes)(y[:, None], places[:, None])
    after = array(seen["mixed"])
    np.testing.assert_array_equal(after[0], before[0])
    assert (np.abs(after[1:] - before[1:]).reshape(8, -1).max(1) > 0).all()


def test_a_single_row_in_a_batch_does_not_break_it():
    got = among_themselves(lambda truth, mixed: mixed, False)(np.ones((1, 1, 1), np.float32), np.ones((1, 1, 4), np.float32))
    assert np.isfinite(array(got)).all()


@pytest.mark.parametrize("classes", [False, True])
def test_what_is_remembered_answers(classes, tmp_path):
    keras.utils.set_random_seed(0)
    encoder = retrieval(plain_features(3), width=8)
    x = {"numbers": random.normal(size=(40, 3)).astype(np.float32)}
    y = np.eye(2)[random.integers(0, 2, 40)] if classes else random.normal(size=(40, 1))
    model = remember(encoder, x, y, classes, sharpness=1.7)
    asked = {"numbers": random.normal(size=(6, 3)).astype(np.float32)}
    places, known = (encoder.predict(rows, verbose=0)[:, 0] for rows in (asked, x))
    wanted = neighbours(places, known, y, 1.7)
    got = array(model(asked))[:, 0]
    np.testing.assert_allclose(np.exp(got) if classes else got, wanted, rtol=5e-3, atol=5e-3)  # the memory is of half precision
    model.save(tmp_path / "m.keras")
    np.testing.assert_array_equal(array(keras.saving.load_model(tmp_path / "m.keras")(asked))[:, 0], got)


def test_one_remembered_row_is_the_only_answer():
    memory = Memory(1, 2, 1)
    memory.build((None, 1, 2))
    memory.set_weights([np.zeros(2), np.ones((2, 1)), np.full(1, 2.0), np.full((1, 1), 7.5)])
    np.testing.assert_allclose(array(memory(random.normal(size=(4, 1, 2)).astype(np.float32))), 7.5, rtol=1e-5)
