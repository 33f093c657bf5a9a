"""Which texts meet in a batch."""

import numpy as np

from applied_dl.encoders.subwords import SubwordEncoder
from applied_dl.models.text.static import static
from applied_dl.tasks.sentences_fit import same_meaning, times_shown, weigh_rare
from applied_dl.tasks.sentences_teacher import encode_all

ROWS = np.array([[0, 1, -1, -1, -1], [2, 3, 4, 5, 6], [7, 8, 9, -1, -1], [1, 10, -1, -1, -1]], np.int32)


def test_a_set_of_five_comes_twice_an_epoch():
    assert times_shown(ROWS).tolist() == [0, 1, 1, 2, 3]
    assert times_shown(np.array([[0], [1]], np.int32)).tolist() == [0, 1]


def test_texts_of_a_set_are_never_each_others_negatives():
    keys = same_meaning(ROWS, 11)
    assert len(set(keys[2:7])) == 1
    assert len(set(keys[7:10])) == 1
    assert len(set(keys)) == 3 + 2  # 0, 1 and 10 stand for themselves


def test_rare_tokens_start_long():
    model = static(6, dimensions=64, seed=0)
    before = model.get_layer("table").embeddings.numpy()
    ids = np.array([[1, 2, 2], [1, 3, 0], [1, 2, 0], [1, 4, 0]] * 5, np.int32)
    weigh_rare(model, ids, 0)
    after = np.linalg.norm(model.get_layer("table").embeddings.numpy(), axis=1) / np.linalg.norm(before, axis=1)
    wanted = np.log(20 / (1 + np.array([20, 10, 5, 5]))).clip(0.1)  # in how many of the 20 texts; twice in a text counts once
    np.testing.assert_allclose(after[1:5] / after[4], wanted / wanted[3], rtol=1e-4)


def test_texts_of_every_length_keep_their_places():
    texts = ["a" * n for n in (5, 1, 9, 3, 7)]
    call = lambda ids: ids_as_lengths(ids)  # noqa: E731
    found = encode_all(call, SubwordEncoder(length=16), texts, batch=2)
    assert found[:, 0].tolist() == [5, 1, 9, 3, 7]
    assert encode_all(call, SubwordEncoder(length=16), []).shape == (0, 0)


def ids_as_lengths(ids):
    import tensorflow as tf

    return tf.reduce_sum(tf.cast(ids > 0, tf.float32), 1, keepdims=True)
