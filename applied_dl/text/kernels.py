"""The inner loops of word vectors, compiled: skip-gram and CBOW, by noise words or by a tree, of words or of bags of sub-words.

As word2vec goes (Mikolov et al., 2013): window by window down the text, gradients in closed form, added straight to the tables. All words
of a window share its noise words, so that a row is fetched once a window and not once a pair (pWord2Vec, Ji et al., 2016). Several threads
may run over the same tables without locks (Hogwild, Recht et al., 2011); Python's lock is let go.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

DECIDED = 6.0  # scores beyond it, either way, count as certain, as in word2vec's own code
STEPS = 2048  # of the table of sigmoids between −DECIDED and DECIDED; a score just below may be rounded up to the end
SIGMOID = (1 / (1 + np.exp(-(np.arange(STEPS + 1) + 0.5) * (2 * DECIDED / STEPS) + DECIDED))).astype(np.float32)
TOLD = 63  # one window in 64, by chance, is asked for its loss
FREE = {"reassoc", "contract", "nsz", "arcp"}  # sums in any order; what is not a number stays so


def compiled(function):
    """The function compiled at its first call, without Python's lock; kept for the next process where there is a place to write."""
    try:
        return njit(nogil=True, cache=True, fastmath=FREE)(function)
    except RuntimeError:
        return njit(nogil=True, fastmath=FREE)(function)


class Lesson(NamedTuple):
    """What a kernel reads and changes.

    inputs (R, D), outputs (S, D) float32: the tables. ids (N,) int32, ends (P,) int64: the text, piece after piece. keep (V,) float32: the
    chance of a word to be read. noise (M,) int32: words that noise is drawn from. paths (V, H) int32, turns (V, H) float32: output rows
    of a word's way down a tree and the answers wanted there, −1 beyond its end; H = 0 for negative sampling. bags (V, G) int32: input rows
    whose mean is the word, −1 for none; G = 0 where a word is its own row.
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


@compiled
def drawn(state):
    """The next state of a generator of 64 bits (Knuth's multiplier); its upper bits are the random ones."""
    return state * np.uint64(6364136223846793005) + np.uint64(1442695040888963407)


@compiled
def below(state, size):
    """A whole number in [0, size) from a state."""
    return np.int64((state >> np.uint64(33)) % np.uint64(size))


@compiled
def mean_of(table, bag, x):
    """x += the mean of the bag's rows."""
    size = 0
    while size < len(bag) and bag[size] >= 0:
        size += 1
    share = np.float32(1) / np.float32(size)
    for k in range(size):
        r = bag[k]
        for d in range(len(x)):
            x[d] += table[r, d] * share


@compiled
def move(table, bag, change):
    """Every row of a bag gets the whole of a change, so that its mean moves by it (fastText; Bojanowski et al., 2017)."""
    for k in range(len(bag)):
        r = bag[k]
        if r < 0:
            return
        for d in range(len(change)):
            table[r, d] += change[d]


@compiled
def asked(lesson, word, state, rows, wanted):
    """Fill the output rows that a word is learnt by and the answers wanted of them; (how many, next state)."""
    if lesson.paths.shape[1]:
        n = 0
        while n < lesson.paths.shape[1] and lesson.paths[word, n] >= 0:
            rows[n], wanted[n] = lesson.paths[word, n], lesson.turns[word, n]
            n += 1
        return n, state
    rows[0], wanted[0], n = word, 1.0, 1
    for _ in range(lesson.negative):
        state = drawn(state)
        other = lesson.noise[below(state, len(lesson.noise))]
        if other != word:
            rows[n], wanted[n] = other, 0.0
            n += 1
    return n, state


@compiled
def answered(outputs, rows, wanted, n, x, rate, change, changes):
    """Gradients of an input x (D,): added to `change` (D,) and, for the output rows, to `changes` (n, D)."""
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
            p = np.float32(0) if s <= -half else s  # what is not a number stays so, and is found in the loss
        g = (wanted[k] - p) * rate
        for d in range(len(x)):
            change[d] += g * outputs[r, d]
            changes[k, d] += g * x[d]


@compiled
def clear(changes, n):
    """The first n rows to zero."""
    for k in range(n):
        for d in range(changes.shape[1]):
            changes[k, d] = 0


@compiled
def add(outputs, rows, n, changes):
    """Each of the n rows moves by its change."""
    for k in range(n):
        r = rows[k]
        for d in range(changes.shape[1]):
            outputs[r, d] += changes[k, d]


@compiled
def loss_of(outputs, rows, wanted, n, x):
    """−log of the chance of all answers wanted of x."""
    total = 0.0
    for k in range(n):
        r, s = rows[k], np.float32(0)
        for d in range(len(x)):
            s += x[d] * outputs[r, d]
        total += max(s, 0.0) - s * wanted[k] + np.log1p(np.exp(-abs(s)))
    return total


@compiled
def thinned(lesson, piece, words, state):
    """The words of a piece that are read this time, into `words`; (how many, next state)."""
    n = 0
    for i in range(lesson.ends[piece - 1] if piece else 0, lesson.ends[piece]):
        state = drawn(state)
        word = lesson.ids[i]
        if np.float32(state >> np.uint64(40)) < lesson.keep[word] * np.float32(2**24):
            words[n] = word
            n += 1
    return n, state


@compiled
def longest(ends, first, last):
    """Words of the longest of some pieces."""
    most = 0
    for piece in range(first, last):
        most = max(most, ends[piece] - (ends[piece - 1] if piece else 0))
    return most


@compiled
def learn_pieces(lesson, first, last, seed, rate):
    """Learn the pieces from `first` to before `last`; (sum of losses, inputs it is of), measured on some of the windows."""
    state, step = drawn(np.uint64(seed)), np.float32(rate)
    D, most = lesson.inputs.shape[1], max(lesson.negative + 1, lesson.paths.shape[1])
    words = np.empty(longest(lesson.ends, first, last), np.int32)
    rows, wanted = np.empty(most, np.int32), np.empty(most, np.float32)
    x, change, changes = np.empty(D, np.float32), np.empty(D, np.float32), np.empty((most, D), np.float32)
    inputs, outputs, bags, bagged = lesson.inputs, lesson.outputs, lesson.bags, lesson.bags.shape[1] > 0
    total, count = 0.0, 0
    for piece in range(first, last):
        length, state = thinned(lesson, piece, words, state)
        for i in range(length):
            state = drawn(state)
            reach, told = 1 + below(state, lesson.window), count == 0 or (state >> np.uint64(27)) & np.uint64(TOLD) == 0
            low, high = max(0, i - reach), min(length, i + reach + 1)
            if high - low < 2:
                continue
            if bagged and not lesson.cbow:  # composing a word is dear: it is done once a window, and the word predicts its neighbours
                for d in range(D):
                    x[d] = change[d] = 0
                mean_of(inputs, bags[words[i]], x)
                for j in range(low, high):
                    if j != i:
                        n, state = asked(lesson, words[j], state, rows, wanted)
                        clear(changes, n)
                        answered(outputs, rows, wanted, n, x, step, change, changes)
                        if told:
                            total, count = total + loss_of(outputs, rows, wanted, n, x), count + 1
                        add(outputs, rows, n, changes)
                move(inputs, bags[words[i]], change)
                continue
            n, state = asked(lesson, words[i], state, rows, wanted)
            clear(changes, n)
            if lesson.cbow:
                share = np.float32(1) / np.float32(high - low - 1)
                kept = np.sqrt(share)  # the gradient of a mean has 1/n (İrsoy et al., 2021), word2vec's code leaves it out; between them
                for d in range(D):
                    x[d] = change[d] = 0
                for j in range(low, high):
                    if j != i:
                        r = words[j]
                        if bagged:
                            mean_of(inputs, bags[r], x)
                        else:
                            for d in range(D):
                                x[d] += inputs[r, d]
                for d in range(D):
                    x[d] *= share
                answered(outputs, rows, wanted, n, x, step, change, changes)
                for d in range(D):
                    change[d] *= kept
                for j in range(low, high):
                    if j != i:
                        r = words[j]
                        if bagged:
                            move(inputs, bags[r], change)
                        else:
                            for d in range(D):
                                inputs[r, d] += change[d]
                if told:
                    total, count = total + loss_of(outputs, rows, wanted, n, x), count + 1
            else:
                for j in range(low, high):
                    if j != i:
                        r = words[j]
                        for d in range(D):
                            x[d] = inputs[r, d]
                            change[d] = 0
                        answered(outputs, rows, wanted, n, x, step, change, changes)
                        for d in range(D):
                            inputs[r, d] += change[d]
                        if told:
                            total, count = total + loss_of(outputs, rows, wanted, n, x), count + 1
            add(outputs, rows, n, changes)
    return total, count
