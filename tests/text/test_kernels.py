"""The compiled loops against word2vec's own sums, window by window, in plain Python with the same random numbers."""

import numpy as np
import pytest

from applied_dl.tasks.words.fit.huffman import Tree, huffman
from applied_dl.text.kernels import KernelState, train_pieces

V, D, RATE, NEGATIVE, WINDOW = 20, 5, 0.3, 4, 3


class Dice:
    """Knuth's generator of 64 bits, in Python's own numbers."""

    def __init__(self, seed):
        self.state = seed
        self.next()

    def next(self):
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) % 2**64
        return self.state

    def below(self, size):
        return (self.next() >> 33) % size


def sigmoid(x):
    return 1 / (1 + np.exp(-x)) if abs(x) < 6 else float(x > 0)


def lesson(cbow=False, tree=False, bags=False, seed=0):
    rng = np.random.default_rng(seed)
    ids = rng.integers(0, V, 40).astype(np.int32)
    ways = huffman(np.arange(V, 0, -1) ** 2) if tree else Tree(np.zeros((V, 0), np.int32), np.zeros((V, 0), np.float32))
    rows = np.stack([np.arange(V), rng.integers(V, V + 6, V), np.where(np.arange(V) % 2, V + 6, -1)], 1).astype(np.int32)
    inputs, outputs = (rng.normal(size=(V + 7, D)).astype(np.float32) for _ in range(2))
    keep = np.where(np.arange(V) < 3, 0.5, 1).astype(np.float32)
    noise = rng.integers(0, V, 50).astype(np.int32)
    ends = np.array([11, 12, 40])
    return KernelState(
        inputs,
        outputs,
        ids,
        ends,
        keep,
        noise,
        ways.paths,
        ways.turns,
        rows if bags else rows[:, :0],
        cbow,
        WINDOW,
        0 if tree else NEGATIVE,
    )


def questions(given, word, dice):
    """Output rows that a word is trained by, and the answers wanted."""
    if given.paths.shape[1]:
        return [(int(p), float(t)) for p, t in zip(given.paths[word], given.turns[word]) if p >= 0]
    noise = [int(given.noise[dice.below(len(given.noise))]) for _ in range(NEGATIVE)]
    return [(word, 1.0)] + [(other, 0.0) for other in noise if other != word]


def gradients(x, asked, outputs, rate, change):
    """Of each output row; that of x is added to `change`."""
    changes = np.zeros((len(asked), D))
    for k, (row, wanted) in enumerate(asked):
        g = rate * (wanted - sigmoid(x @ outputs[row]))
        change += g * outputs[row]
        changes[k] += g * x
    return changes


def slowly(given, first, last, rate, seed):
    """New tables, and the losses of the windows that are asked for theirs, in float64."""
    inputs, outputs, dice = given.inputs.astype(float), given.outputs.astype(float), Dice(seed)
    losses = []
    bag = [[r for r in given.bags[w] if r >= 0] if given.bags.shape[1] else [w] for w in range(V)]
    for piece in range(first, last):
        words = []
        for word in given.ids[given.ends[piece - 1] if piece else 0 : given.ends[piece]]:
            if (dice.next() >> 40) / 2**24 < given.keep[word]:
                words.append(int(word))
        for i, word in enumerate(words):
            reach = 1 + dice.below(WINDOW)
            measured = not losses or (dice.state >> 27) % 64 == 0
            around = [words[j] for j in range(max(0, i - reach), min(len(words), i + reach + 1)) if j != i]
            if not around:
                continue
            if given.bags.shape[1] and not given.cbow:  # the word predicts each neighbour
                x, change = inputs[bag[word]].mean(0), np.zeros(D)
                for c in around:
                    ask = questions(given, c, dice)
                    if measured:
                        losses.append(sum(np.log1p(np.exp(x @ outputs[r])) - w * (x @ outputs[r]) for r, w in ask))
                    changes = gradients(x, ask, outputs, rate, change)
                    for k, (row, _) in enumerate(ask):
                        outputs[row] += changes[k]
                for r in bag[word]:
                    inputs[r] += change
                continue
            ask = questions(given, word, dice)
            changes = np.zeros((len(ask), D))
            for group in [around] if given.cbow else [[c] for c in around]:
                x, change = np.mean([inputs[bag[c]].mean(0) for c in group], 0), np.zeros(D)
                if measured:
                    losses.append(sum(np.log1p(np.exp(x @ outputs[r])) - w * (x @ outputs[r]) for r, w in ask))
                changes += gradients(x, ask, outputs, rate, change)
                for c in group:
                    for r in bag[c]:
                        inputs[r] += change / np.sqrt(len(group))
            for k, (row, _) in enumerate(ask):
                outputs[row] += changes[k]
    return inputs, outputs, losses


@pytest.mark.parametrize("bags", [False, True])
@pytest.mark.parametrize("tree", [False, True])
@pytest.mark.parametrize("cbow", [False, True])
def test_every_way_is_the_sum_of_its_gradients(cbow, tree, bags):
    given = lesson(cbow, tree, bags)
    inputs, outputs, losses = slowly(given, 0, 3, RATE, 7)
    total, count = train_pieces(given, 0, 3, 7, RATE)
    np.testing.assert_allclose(given.inputs, inputs, atol=5e-3)  # the sigmoid is read from a table, to 7e-4
    np.testing.assert_allclose(given.outputs, outputs, atol=5e-3)
    assert np.abs(inputs - lesson(cbow, tree, bags).inputs).max() > 0.5
    assert count == len(losses)
    assert total == pytest.approx(sum(losses), rel=1e-2)


def test_a_small_step_follows_the_gradient_closely():
    given = lesson(seed=1)
    before = given.inputs.copy()
    inputs, _, losses = slowly(given, 0, 1, 1e-3, 5)
    total, count = train_pieces(given, 0, 1, 5, 1e-3)
    np.testing.assert_allclose(given.inputs - before, inputs - before, atol=1e-5)
    assert (total, count) == (pytest.approx(sum(losses), rel=1e-4), len(losses))


def test_scores_at_the_edge_of_the_table_and_beyond():
    for size in (5.999999, 6.0, 40.0, -5.999999, -6.0, -40.0):
        given = lesson(seed=2)
        given.inputs[:], given.outputs[:] = 0, 0
        given.inputs[:, 0], given.outputs[:, 0] = 1, np.float32(size)
        train_pieces(given, 0, 3, 3, 1e-4)
        assert np.isfinite(given.inputs).all()
        assert np.abs(given.inputs[:, 0] - 1).max() < 1


def test_what_is_not_a_number_shows_in_the_loss():
    given = lesson(seed=3)
    given.inputs[:] = np.nan
    assert np.isnan(train_pieces(given, 0, 3, 3, RATE)[0])


def test_a_text_of_single_words_teaches_nothing():
    given = lesson()._replace(ends=np.arange(1, 41))
    before = given.inputs.copy()
    assert train_pieces(given, 0, 40, 3, RATE) == (0.0, 0)
    np.testing.assert_array_equal(given.inputs, before)


def test_huffman_is_a_prefix_code_of_least_length():
    counts = np.array([50, 20, 10, 10, 5, 5])
    tree = huffman(counts)
    lengths = (tree.paths >= 0).sum(1)
    assert float((0.5**lengths).sum()) == pytest.approx(1)  # Kraft's sum: complete, and no word's path starts another's
    assert float(counts @ lengths) == 50 + 2 * 20 + 4 * (10 + 10 + 5 + 5)
    assert huffman(np.array([3, 1])).paths.shape == (2, 1)
