"""The inner loops of word vectors, compiled: skip-gram and CBOW, by noise words or by a tree, of words or of bags of sub-words.

As in word2vec (Mikolov et al., 2013): window by window through the text, closed-form gradients added straight to the tables. All words of a
window share its noise words, so that a row is fetched once per window and not once per pair (pWord2Vec, Ji et al., 2016). Several threads
may update the same tables without locks (Hogwild, Recht et al., 2011); the global interpreter lock is released.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from applied_dl.training.compiled import compiled_freely

DECIDED = 6.0  # scores beyond it, either way, count as certain, as in word2vec's own code
STEPS = 2048  # of the table of sigmoids between −DECIDED and DECIDED; a score just below may be rounded up to the end
SIGMOID = (1 / (1 + np.exp(-(np.arange(STEPS + 1) + 0.5) * (2 * DECIDED / STEPS) + DECIDED))).astype(np.float32)
MEASURED = 63  # the loss is measured on one window in 64, chosen at random


class KernelState(NamedTuple):
    """The arrays that a kernel reads and updates.

    inputs (R, D), outputs (S, D) float32: the tables. ids (N,) int32, ends (P,) int64: the text, piece after piece. keep (V,) float32: the
    probability that a word is kept. noise (M,) int32: the table that noise words are drawn from. paths (V, H) int32, turns (V, H) float32:
    output rows on a word's path down the tree and their targets, −1 beyond its end; H = 0 for negative sampling. bags (V, G) int32: input
    rows whose mean is the word, −1 for none; G = 0 where a word is its own row.
    """

    inputs: np.ndarray
    outputs: np.ndarray
    ids: np.ndarray
    ends: np.ndarray
    keep: np.ndarray
    noise: np.ndarray
    paths: np.ndarray
    turns: np.ndarray
    bags: np.ndarray
    cbow: bool
    window: int
    negative: int


@compiled_freely
def next_state(state):
    """The next state of a 64-bit linear congruential generator (Knuth's multiplier); use its upper bits."""
    return state * np.uint64(6364136223846793005) + np.uint64(1442695040888963407)


@compiled_freely
def random_below(state, size):
    """An integer in [0, size) from a generator state."""
    return np.int64((state >> np.uint64(33)) % np.uint64(size))


@compiled_freely
def add_mean(table, bag, x):
    """x += the mean of the bag's rows."""
    size = 0
    while size < len(bag) and bag[size] >= 0:
        size += 1
    share = np.float32(1) / np.float32(size)
    for k in range(size):
        r = bag[k]
        for d in range(len(x)):
            x[d] += table[r, d] * share


@compiled_freely
def add_to_bag(table, bag, change):
    """Add the whole change to every row of a bag, so that its mean moves by it (fastText; Bojanowski et al., 2017)."""
    for k in range(len(bag)):
        r = bag[k]
        if r < 0:
            return
        for d in range(len(change)):
            table[r, d] += change[d]


@compiled_freely
def targets_of(arrays, word, state, rows, targets):
    """Fill `rows` with the output rows that a word is trained on and `targets` with their 0/1 targets; (how many, next state)."""
    if arrays.paths.shape[1]:
        n = 0
        while n < arrays.paths.shape[1] and arrays.paths[word, n] >= 0:
            rows[n], targets[n] = arrays.paths[word, n], arrays.turns[word, n]
            n += 1
        return n, state
    rows[0], targets[0], n = word, 1.0, 1
    for _ in range(arrays.negative):
        state = next_state(state)
        other = arrays.noise[random_below(state, len(arrays.noise))]
        if other != word:
            rows[n], targets[n] = other, 0.0
            n += 1
    return n, state


@compiled_freely
def accumulate_gradients(outputs, rows, targets, n, x, rate, change, changes):
    """Add the gradients of an input x (D,) to `change` (D,) and those of the output rows to `changes` (n, D)."""
    half, scale = np.float32(DECIDED), np.float32(STEPS / (2 * DECIDED))
    for k in range(n):
        r, s = rows[k], np.float32(0)
        for d in range(len(x)):
            s += x[d] * outputs[r, d]
        if s > -half and s < half:
            p = SIGMOID[int((s + half) * scale)]
        elif s >= half:
            p = np.float32(1)
        else:
            p = np.float32(0) if s <= -half else s  # NaN stays NaN and shows in the loss
        g = (targets[k] - p) * rate
        for d in range(len(x)):
            change[d] += g * outputs[r, d]
            changes[k, d] += g * x[d]


@compiled_freely
def clear_rows(changes, n):
    """Set the first n rows to zero."""
    for k in range(n):
        for d in range(changes.shape[1]):
            changes[k, d] = 0


@compiled_freely
def add_rows(outputs, rows, n, changes):
    """Add its change to each of the n rows."""
    for k in range(n):
        r = rows[k]
        for d in range(changes.shape[1]):
            outputs[r, d] += changes[k, d]


@compiled_freely
def loss_of(outputs, rows, targets, n, x):
    """Negative log likelihood of all targets of x."""
    total = 0.0
    for k in range(n):
        r, s = rows[k], np.float32(0)
        for d in range(len(x)):
            s += x[d] * outputs[r, d]
        total += max(s, 0.0) - s * targets[k] + np.log1p(np.exp(-abs(s)))
    return total


@compiled_freely
def subsample(arrays, piece, words, state):
    """Copy the words of a piece that survive subsampling into `words`; (how many, next state)."""
    n = 0
    for i in range(arrays.ends[piece - 1] if piece else 0, arrays.ends[piece]):
        state = next_state(state)
        word = arrays.ids[i]
        if np.float32(state >> np.uint64(40)) < arrays.keep[word] * np.float32(2**24):
            words[n] = word
            n += 1
    return n, state


@compiled_freely
def longest_piece(ends, first, last):
    """Number of words of the longest piece from `first` to before `last`."""
    most = 0
    for piece in range(first, last):
        most = max(most, ends[piece] - (ends[piece - 1] if piece else 0))
    return most


@compiled_freely
def train_pieces(arrays, first, last, seed, rate):
    """Train on the pieces from `first` to before `last`; (sum of losses, how many inputs it covers), measured on some of the windows."""
    state, step = next_state(np.uint64(seed)), np.float32(rate)
    D, most = arrays.inputs.shape[1], max(arrays.negative + 1, arrays.paths.shape[1])
    words = np.empty(longest_piece(arrays.ends, first, last), np.int32)
    rows, targets = np.empty(most, np.int32), np.empty(most, np.float32)
    x, change, changes = np.empty(D, np.float32), np.empty(D, np.float32), np.empty((most, D), np.float32)
    inputs, outputs, bags, bagged = arrays.inputs, arrays.outputs, arrays.bags, arrays.bags.shape[1] > 0
    total, count = 0.0, 0
    for piece in range(first, last):
        length, state = subsample(arrays, piece, words, state)
        for i in range(length):
            state = next_state(state)
            reach, measured = 1 + random_below(state, arrays.window), count == 0 or (state >> np.uint64(27)) & np.uint64(MEASURED) == 0
            low, high = max(0, i - reach), min(length, i + reach + 1)
            if high - low < 2:
                continue
            if bagged and not arrays.cbow:  # composing a word is expensive: once per window, and the word predicts its neighbours
                for d in range(D):
                    x[d] = change[d] = 0
                add_mean(inputs, bags[words[i]], x)
                for j in range(low, high):
                    if j != i:
                        n, state = targets_of(arrays, words[j], state, rows, targets)
                        clear_rows(changes, n)
                        accumulate_gradients(outputs, rows, targets, n, x, step, change, changes)
                        if measured:
                            total, count = total + loss_of(outputs, rows, targets, n, x), count + 1
                        add_rows(outputs, rows, n, changes)
                add_to_bag(inputs, bags[words[i]], change)
                continue
            n, state = targets_of(arrays, words[i], state, rows, targets)
            clear_rows(changes, n)
            if arrays.cbow:
                share = np.float32(1) / np.float32(high - low - 1)
                kept = np.sqrt(share)  # the gradient of a mean has 1/n (İrsoy et al., 2021), word2vec's code omits it; a value in between
                for d in range(D):
                    x[d] = change[d] = 0
                for j in range(low, high):
                    if j != i:
                        r = words[j]
                        if bagged:
                            add_mean(inputs, bags[r], x)
                        else:
                            for d in range(D):
                                x[d] += inputs[r, d]
                for d in range(D):
                    x[d] *= share
                accumulate_gradients(outputs, rows, targets, n, x, step, change, changes)
                for d in range(D):
                    change[d] *= kept
                for j in range(low, high):
                    if j != i:
                        r = words[j]
                        if bagged:
                            add_to_bag(inputs, bags[r], change)
                        else:
                            for d in range(D):
                                inputs[r, d] += change[d]
                if measured:
                    total, count = total + loss_of(outputs, rows, targets, n, x), count + 1
            else:
                for j in range(low, high):
                    if j != i:
                        r = words[j]
                        for d in range(D):
                            x[d] = inputs[r, d]
                            change[d] = 0
                        accumulate_gradients(outputs, rows, targets, n, x, step, change, changes)
                        for d in range(D):
                            inputs[r, d] += change[d]
                        if measured:
                            total, count = total + loss_of(outputs, rows, targets, n, x), count + 1
            add_rows(outputs, rows, n, changes)
    return total, count
