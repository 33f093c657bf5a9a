"""Augmentation of token ids in the graph, a batch at a time and stateless: other words, the same meaning.

Of real tokens, and never of all of them: `drop` leaves out a tenth, `swap` exchanges a tenth of the neighbours, `reverse` turns a tenth
of the texts round, `span` leaves out one run of up to a fifth of the text (Wei and Zou, EDA, 2019; Wu et al., CLEAR, 2020).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from keras import ops

from applied_dl.core.errors import known
from applied_dl.layers import draws
from applied_dl.layers.backend import batch_size

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
        seeds = draws.split(seed, 4)
        if "swap" in share:
            ids = _swap(ids, share["swap"], padding, seeds[0])
        if "reverse" in share:
            ids = _reverse(ids, share["reverse"], padding, seeds[1])
        if "span" in share:
            ids = _without(ids, _in_span(ids, share["span"], padding, seeds[2]), padding)
        if "drop" in share:
            ids = _without(ids, draws.uniform(ops.shape(ids), seeds[3]) < share["drop"], padding)
        return ids

    return change


def mask_tokens(ids, seed, share: float, mask_id: int, vocabulary: int, first: int, padding: int = 0):
    """Masked-language-model inputs and targets (Devlin et al., 2019): of `share` of the tokens 8 in 10 become the mask, 1 a random one of
    `first`..`vocabulary`, 1 stays; the target is −1 where nothing is to be guessed."""
    chosen, how, other = (draws.uniform(ops.shape(ids), s) for s in draws.split(seed, 3))
    guess = ops.logical_and(chosen < share, ids != padding)
    random = first + ops.cast(other * float(vocabulary - first), ids.dtype)
    changed = ops.where(how < 0.8, ops.cast(mask_id, ids.dtype), ops.where(how < 0.9, random, ids))
    return ops.where(guess, changed, ids), ops.where(guess, ids, -1)


def _without(ids, gone, padding: int):
    """Tokens left out, except in texts that would have none left."""
    less = ops.where(gone, padding, ids)
    return ops.where(ops.any(less != padding, axis=1, keepdims=True), less, ids)


def _in_span(ids, share: float, padding: int, seed):
    size = ops.sum(ops.cast(ids != padding, "float32"), axis=1, keepdims=True)  # (B, 1)
    length, start = ops.unstack(draws.uniform((2, batch_size(ids), 1), seed), 2)
    length = length * share * size
    start = start * (size - length)
    place = ops.cast(ops.arange(ops.shape(ids)[1]), "float32")[None]
    return ops.logical_and(place >= start, place < start + length)


def _swap(ids, share: float, padding: int, seed):
    """Exchange disjoint neighbours (2i, 2i+1), or (2i+1, 2i+2), both real."""
    odd, which = draws.split(seed, 2)
    shift = ops.cast(draws.uniform((), odd) < 0.5, "int32")
    length = ops.shape(ids)[1]
    place = ops.arange(length)
    partner = ops.where((place - shift) % 2 == 0, place + 1, place - 1)
    partner = ops.where(ops.logical_and(partner >= 0, partner < length), partner, place)
    pair = ops.minimum(place, partner)  # both ends of a pair ask the same number
    asked = ops.take(draws.uniform(ops.shape(ids), which) < 2 * share, pair, axis=1)
    other = ops.take(ids, partner, axis=1)
    return ops.where(asked & (ids != padding) & (other != padding), other, ids)


def _reverse(ids, share: float, padding: int, seed):
    """The real tokens of the drawn texts, which come first, in reverse order."""
    chosen = draws.uniform((batch_size(ids),), seed) < share
    size = ops.where(chosen, ops.sum(ops.cast(ids != padding, "int32"), axis=1), 0)[:, None]  # (B, 1)
    place = ops.arange(ops.shape(ids)[1])[None]
    return ops.take_along_axis(ids, ops.where(place < size, size - 1 - place, place), axis=1)
