"""Which texts meet in a batch."""

import numpy as np

from applied_dl.tasks.sentences.encoder import SubwordEncoder
from applied_dl.tasks.sentences.fit.pairs import same_meaning, times_shown
from applied_dl.tasks.sentences.fit.teacher import encode_all

ROWS = np.array([[0, 1, -1, -1, -1], [2, 3, 4, 5, 6], [7, 8, 9, -1, -1], [1, 10, -1, -1, -1]], np.int32)


def test_a_set_of_five_comes_twice_an_epoch():
    assert times_shown(ROWS).tolist() == [0, 1, 1, 2, 3]
    assert times_shown(np.array([[0], [1]], np.int32)).tolist() == [0, 1]


def test_texts_of_a_set_are_never_each_others_negatives():
    keys = same_meaning(ROWS, 11)
    assert len(set(keys[2:7])) == 1
    assert len(set(keys[7:10])) == 1
    assert len(set(keys)) == 3 + 2  # 0, 1 and 10 stand for themselves


def test_texts_of_every_length_keep_their_places():
    texts = ["a" * n for n in (5, 1, 9, 3, 7)]
    call = lambda ids: ids_as_lengths(ids)  # noqa: E731
    found = encode_all(call, SubwordEncoder(length=16), texts, batch=2)
    assert found[:, 0].tolist() == [5, 1, 9, 3, 7]
    assert encode_all(call, SubwordEncoder(length=16), []).shape == (0, 0)


def ids_as_lengths(ids):
    import tensorflow as tf

    return tf.reduce_sum(tf.cast(ids > 0, tf.float32), 1, keepdims=True)
