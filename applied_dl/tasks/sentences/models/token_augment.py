"""Augmentation of token ids in the graph, a batch at a time and stateless: other words, the same meaning.

Of real tokens, and never of all of them: `drop` leaves out a tenth, `swap` exchanges a tenth of the neighbours, `reverse` turns a tenth
of the texts round, `span` leaves out one run of up to a fifth of the text (Wei and Zou, EDA, 2019; Wu et al., CLEAR, 2020).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import tensorflow as tf

from applied_dl.core.errors import known

NAMES = ("drop", "swap", "reverse", "span")
SHARE = {"drop": 0.1, "swap": 0.1, "reverse": 0.1, "span": 0.2}
MOST = 0.9  # of the tokens, whatever the strength


def token_augmentation(names: Iterable[str], strength: float = 1.0, padding: int = 0) -> Callable | None:
    """`change(ids (B, T), seed int32 (2,)) -> ids`, or None for no names. Left-out tokens become padding where they stand."""
    names = tuple(names)
    for name in names:
        known("preprocess.augment", name, NAMES)
    if not names or strength == 0:
        return None
    share = {name: min(SHARE[name] * strength, MOST) for name in names}

    def change(ids, seed):
        seeds = tf.random.experimental.stateless_split(seed, 4)
        if "swap" in share:
            ids = _swap(ids, share["swap"], padding, seeds[0])
        if "reverse" in share:
            ids = _reverse(ids, share["reverse"], padding, seeds[1])
        if "span" in share:
            ids = _without(ids, _in_span(ids, share["span"], padding, seeds[2]), padding)
        if "drop" in share:
            ids = _without(ids, tf.random.stateless_uniform(tf.shape(ids), seeds[3]) < share["drop"], padding)
        return ids

    return change


def mask_tokens(ids, seed, share: float, mask_id: int, vocabulary: int, first: int, padding: int = 0):
    """Masked-language-model inputs and targets (Devlin et al., 2019): of `share` of the tokens 8 in 10 become the mask, 1 a random one of
    `first`..`vocabulary`, 1 stays; the target is −1 where nothing is to be guessed."""
    chosen, how, other = (
        tf.random.stateless_uniform(tf.shape(ids), s) for s in tf.unstack(tf.random.experimental.stateless_split(seed, 3))
    )
    guess = tf.logical_and(chosen < share, ids != padding)
    random = first + tf.cast(other * float(vocabulary - first), ids.dtype)
    changed = tf.where(how < 0.8, tf.cast(mask_id, ids.dtype), tf.where(how < 0.9, random, ids))
    return tf.where(guess, changed, ids), tf.where(guess, ids, -1)


def _without(ids, gone, padding: int):
    """Tokens left out, except in texts that would have none left."""
    less = tf.where(gone, padding, ids)
    return tf.where(tf.reduce_any(less != padding, axis=1, keepdims=True), less, ids)


def _in_span(ids, share: float, padding: int, seed):
    size = tf.reduce_sum(tf.cast(ids != padding, tf.float32), axis=1, keepdims=True)  # (B, 1)
    length, start = tf.unstack(tf.random.stateless_uniform((2, tf.shape(ids)[0], 1), seed))
    length = length * share * size
    start = start * (size - length)
    place = tf.cast(tf.range(tf.shape(ids)[1]), tf.float32)[None]
    return tf.logical_and(place >= start, place < start + length)


def _swap(ids, share: float, padding: int, seed):
    """Exchange disjoint neighbours (2i, 2i+1), or (2i+1, 2i+2), both real."""
    odd, which = tf.unstack(tf.random.experimental.stateless_split(seed, 2))
    shift = tf.cast(tf.random.stateless_uniform((), odd) < 0.5, tf.int32)
    length = tf.shape(ids)[1]
    place = tf.range(length)
    partner = tf.where((place - shift) % 2 == 0, place + 1, place - 1)
    partner = tf.where(tf.logical_and(partner >= 0, partner < length), partner, place)
    pair = tf.minimum(place, partner)  # both ends of a pair ask the same number
    asked = tf.gather(tf.random.stateless_uniform(tf.shape(ids), which) < 2 * share, pair, axis=1)
    other = tf.gather(ids, partner, axis=1)
    return tf.where(asked & (ids != padding) & (other != padding), other, ids)


def _reverse(ids, share: float, padding: int, seed):
    chosen = tf.random.stateless_uniform((tf.shape(ids)[0],), seed) < share
    size = tf.reduce_sum(tf.cast(ids != padding, tf.int32), axis=1)
    return tf.reverse_sequence(ids, tf.where(chosen, size, 0), seq_axis=1, batch_axis=0)
