"""The blocked updates against word2vec's own sums, pair by pair, in numpy."""

import numpy as np
import pytest
import tensorflow as tf

from applied_dl.train.word_glove import glove_step
from applied_dl.train.word_steps import Bags, Rows, Shape, cbow, compiled, skipgram
from applied_dl.train.word_tree import cbow_tree, huffman, skipgram_tree

V, D, RATE, NEGATIVE = 30, 7, 0.3, 5
SHAPE = Shape(length=6, chunks=2, noise=4, window=2)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


@pytest.fixture
def case():
    """A slice of text as a step sees it, reaches that stay inside it, noise, and two tables."""
    rng = np.random.default_rng(0)
    size, w = SHAPE.words, SHAPE.window
    ids = np.pad(rng.integers(0, V, size), w).astype(np.int32)
    at = np.arange(size)
    left = np.minimum(rng.integers(1, w + 1, size), at).astype(np.int32)
    right = np.minimum(rng.integers(1, w + 1, size), size - 1 - at).astype(np.int32)
    right[5] = left[6] = 0  # the edge of a text
    noise = rng.integers(0, V, (SHAPE.chunks, SHAPE.noise)).astype(np.int32)
    tables = [rng.normal(size=(V, D)).astype(np.float32) * 0.3 for _ in range(2)]
    return ids, left, right, noise, tables


def contexts(ids, left, right):
    """(word, its run, its context words) one after the other."""
    w = SHAPE.window
    for t in range(SHAPE.words):
        around = [ids[w + t + d] for d in range(-left[t], right[t] + 1) if d]
        yield int(ids[w + t]), t // SHAPE.length, [int(c) for c in around]


def test_skipgram_is_the_sum_of_its_pairs(case):
    ids, left, right, noise, (first, second) = case
    new_in, new_out = first.astype(float).copy(), second.astype(float).copy()
    losses = []
    for word, run, around in contexts(ids, left, right):
        x = first[word].astype(float)
        share = len(around) * NEGATIVE / SHAPE.noise
        for other, label, weight in [(c, 1, 1.0) for c in around] + [(int(n), 0, share) for n in noise[run]]:
            g = RATE * weight * (label - sigmoid(x @ second[other]))
            new_in[word] += g * second[other]
            new_out[other] += g * x
            losses.append(-weight * np.log(sigmoid((2 * label - 1) * (x @ second[other]))))
    tables = [tf.Variable(t) for t in (first, second)]
    loss = compiled(skipgram(Rows(tables[0]), Rows(tables[1]), SHAPE, NEGATIVE), SHAPE)(
        *(tf.constant(a) for a in (ids, left, right, noise)), tf.constant(0), tf.constant(1), tf.constant(RATE)
    )
    np.testing.assert_allclose(tables[0].numpy(), new_in, atol=1e-5)
    np.testing.assert_allclose(tables[1].numpy(), new_out, atol=1e-5)
    assert float(loss) == pytest.approx(sum(losses) / (left.sum() + right.sum()), rel=1e-5)


def test_cbow_is_the_gradient_of_its_mean(case):
    ids, left, right, noise, (first, second) = case
    new_in, new_out = first.astype(float).copy(), second.astype(float).copy()
    for word, run, around in contexts(ids, left, right):
        if not around:
            continue
        h = first[around].astype(float).mean(0)
        dh = np.zeros(D)
        for other, label, weight in [(word, 1, 1.0)] + [(int(n), 0, NEGATIVE / SHAPE.noise) for n in noise[run]]:
            g = RATE * weight * (label - sigmoid(h @ second[other]))
            dh += g * second[other]
            new_out[other] += g * h
        for c in around:
            new_in[c] += dh / len(around)
    tables = [tf.Variable(t) for t in (first, second)]
    cbow(Rows(tables[0]), Rows(tables[1]), SHAPE, NEGATIVE)(ids, left, right, noise, tf.constant(RATE))
    np.testing.assert_allclose(tables[0].numpy(), new_in, atol=1e-5)
    np.testing.assert_allclose(tables[1].numpy(), new_out, atol=1e-5)


@pytest.mark.parametrize("method", ["skipgram", "cbow"])
def test_a_tree_learns_the_questions_on_its_paths(case, method):
    ids, left, right, noise, (first, second) = case
    tree = huffman(np.arange(1, V + 1)[::-1] ** 2)
    new_in, new_out = first.astype(float).copy(), second[: V - 1].astype(float).copy()
    for word, _, around in contexts(ids, left, right):
        pairs = [([word], c, [1.0]) for c in around] if method == "skipgram" else [(around, word, [1 / len(around)] * len(around))]
        for sources, target, shares in pairs if around else []:
            h = sum(s * first[i].astype(float) for i, s in zip(sources, shares))
            for node, turn, there in zip(tree.nodes[target], tree.turns[target], tree.there[target]):
                g = RATE * there * (turn - sigmoid(h @ second[node]))
                new_out[node] += g * h
                for i, s in zip(sources, shares):
                    new_in[i] += g * s * second[node]
    tables = [tf.Variable(first), tf.Variable(second[: V - 1])]
    step = {"skipgram": skipgram_tree, "cbow": cbow_tree}[method]
    step(Rows(tables[0]), Rows(tables[1]), SHAPE, tree)(ids, left, right, noise, tf.constant(RATE))
    np.testing.assert_allclose(tables[0].numpy(), new_in, atol=1e-5)
    np.testing.assert_allclose(tables[1].numpy(), new_out, atol=1e-5)


def test_huffman_is_a_prefix_code_of_least_length():
    counts = np.array([50, 20, 10, 10, 5, 5])
    tree = huffman(counts)
    lengths = tree.there.sum(1)
    assert float((0.5**lengths).sum()) == pytest.approx(1)  # Kraft's sum: complete, and no word's path starts another's
    assert float(counts @ lengths) == 50 + 2 * 20 + 4 * (10 + 10 + 5 + 5)
    assert huffman(np.array([3, 1])).nodes.shape == (2, 1)


def test_a_bag_is_the_mean_of_its_rows_and_moves_by_the_update():
    table = np.random.default_rng(0).normal(size=(6, D)).astype(np.float32)
    table[-1] = 0
    bags = np.array([[0, 2, 3], [1, 3, 5]], np.int32)  # row 5 stands for none
    rows = Bags(tf.Variable(table), bags)
    np.testing.assert_allclose(rows.look(tf.constant([0, 1])), [table[[0, 2, 3]].mean(0), table[[1, 3]].mean(0)], atol=1e-6)
    rows.add(tf.constant([1]), tf.ones((1, D)))
    np.testing.assert_allclose(rows.table.numpy() - table, np.array([0, 1, 0, 1, 0, 0], np.float32)[:, None] * np.ones(D), atol=1e-6)


def test_glove_follows_its_loss_by_adagrad():
    rng = np.random.default_rng(1)
    values = [rng.normal(size=(5, d)).astype(np.float32) for d in (D, D, 1, 1)]
    tables = [tf.Variable(v) for v in values] + [tf.Variable(np.ones_like(v)) for v in values]
    i, j, target, weight = 2, 3, 1.5, 0.7
    with tf.GradientTape() as tape:
        gap = tf.tensordot(tables[0][i], tables[1][j], 1) + tables[2][i, 0] + tables[3][j, 0] - target
        loss = 0.5 * weight * gap**2
    wanted = [tf.convert_to_tensor(g).numpy() for g in tape.gradient(loss, tables[:4])]
    glove_step(tables)(tf.constant([i]), tf.constant([j]), tf.constant([target]), tf.constant([weight]), tf.constant(0.1))
    for value, table, gradient in zip(values, tables, wanted):
        np.testing.assert_allclose(table.numpy(), value - 0.1 * gradient / np.sqrt(1 + gradient**2), atol=1e-5)
