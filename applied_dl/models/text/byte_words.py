"""Words from raw bytes inside the graph, so that a phone needs no tokenizer at all: TFLite builtins only, 32-bit integers only.

A word is a run of letters, digits and bytes above 127 (any other script). Its id is a polynomial hash found by a segmented scan in
log2(T) doubling steps. ASCII is folded to lower case; there is no Unicode normalisation.
"""

from __future__ import annotations

import keras
import numpy as np
from keras import layers, ops

BASE, PRIME = 263, 46_337  # the largest prime whose square, with a carry, stays below 2^31
MIX = 31

LOWER = np.arange(256, dtype=np.int32)
LOWER[65:91] += 32
WORD = np.array([c >= 128 or chr(c).isalnum() for c in range(256)], np.int32)


@keras.saving.register_keras_serializable(package="applied_dl")
class ByteWords(layers.Layer):
    """Bytes (B, T) int32, zero-padded → ids (B, T) in 1..buckets−1 at the last byte of each word, 0 elsewhere."""

    def __init__(self, buckets: int, **base):
        super().__init__(**{"trainable": False, **base})
        self.buckets = buckets

    def call(self, raw):
        length = raw.shape[1]
        code = ops.take(ops.convert_to_tensor(LOWER), raw, axis=0) + 1
        word = ops.take(ops.convert_to_tensor(WORD), raw, axis=0)
        start = word * (1 - _right(word, 1))
        end = word * (1 - ops.pad(word[:, 1:], [[0, 0], [0, 1]]))
        inside = word * (1 - start)
        factor, rest, size, reach, step = BASE * inside, code * word, word, inside, 1  # h → factor·h + rest, restarted at each word
        while step < length:
            before = [_right(t, step) for t in (factor, rest, size, reach)]
            rest = ops.mod(factor * before[1] + rest, PRIME)
            factor = ops.mod(factor * before[0], PRIME)
            size, reach, step = size + reach * before[2], reach * before[3], step * 2
        return (ops.mod(rest * MIX + size, self.buckets - 1) + 1) * end

    def compute_output_spec(self, raw):
        return keras.KerasTensor(raw.shape, "int32")

    def get_config(self):
        return {**super().get_config(), "buckets": self.buckets}


def word_ids(text: str, buckets: int) -> list[int]:
    """The same ids in plain Python, word by word: the reference that the layer is tested against."""
    ids, word = [], []
    for byte in [*text.encode(), 0]:
        if WORD[byte]:
            word.append(int(LOWER[byte]))
        elif word:
            value = 0
            for code in word:
                value = (value * BASE + code + 1) % PRIME
            ids.append((value * MIX + len(word)) % (buckets - 1) + 1)
            word = []
    return ids


def _right(x, step: int):
    """(B, T) moved to the right, zeros coming in."""
    return ops.pad(x[:, :-step], [[0, 0], [step, 0]])
