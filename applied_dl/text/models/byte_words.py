"""Word ids from raw bytes inside the graph, so that a phone needs no tokenizer: TFLite builtins and 32-bit integers only.

UTF-8 is decoded to characters, which are folded to lower case. A word is a run of letters, digits, marks and emoji of any script; other
punctuation and white space separate words. Its id is a polynomial hash found by a segmented scan in log2(T) doubling steps. There is no
Unicode normalisation: the encoder gives composed text (NFC), as keyboards do.
"""

from __future__ import annotations

from functools import cache

import keras
import numpy as np
from keras import layers, ops

from applied_dl.text.word_tokens import in_word

BASE, PRIME = 263, 46_337  # the largest prime whose square, with a carry, stays below 2^31
MIX = 31
PLANE = 2**16  # characters that are looked up; those beyond (most emoji) are part of a word as they are

BYTE = np.arange(256, dtype=np.int32)
LOWER = BYTE + 32 * ((BYTE >= 65) & (BYTE <= 90)).astype(np.int32)
WORD = np.array([c >= 128 or chr(c).isalnum() for c in range(256)], np.int32)
FOLLOWS = ((BYTE >= 128) & (BYTE < 192)).astype(np.int32)  # a character's second to fourth byte
FOUR = (BYTE >= 240).astype(np.int32)  # the first of four bytes
LEAD = np.select([BYTE < 128, BYTE < 192, BYTE < 224, BYTE < 240], [BYTE, 0 * BYTE, BYTE % 32 * 64, BYTE % 16 * 4096], BYTE % 8 * 2**18)
SECOND, THIRD, FOURTH = (np.select([BYTE < 192, BYTE < 224, BYTE < 240], [0 * BYTE, 0 * BYTE + a, 0 * BYTE + b], c).astype(np.int32)
                         for a, b, c in ((1, 64, 4096), (0, 1, 64), (0, 0, 1)))  # fmt: skip


@cache
def characters() -> np.ndarray:
    """(PLANE,) int32: one more than the lower-case character, 0 for what separates words."""
    found = np.zeros(PLANE, np.int32)
    for code in range(1, PLANE):
        if in_word(chr(code)):
            lower = chr(code).lower()
            found[code] = 1 + (ord(lower) if len(lower) == 1 and ord(lower) < PLANE else code)
    return found


@keras.saving.register_keras_serializable(package="applied_dl")
class ByteWords(layers.Layer):
    """Bytes (B, T) int32, zero-padded → ids (B, T) in 1..buckets−1 at the last byte of each word, 0 elsewhere.

    decoded: hash characters; older saved models hash bytes, fold the case of ASCII only and count every byte above 127 as part of a word.
    """

    def __init__(self, buckets: int, decoded: bool = False, **base):
        super().__init__(**{"trainable": False, **base})
        self.buckets, self.decoded = buckets, decoded

    def call(self, raw):
        length = raw.shape[1]
        if self.decoded:
            code, word, first = _decoded(raw)
        else:
            word = first = _look(WORD, raw)
            code = (_look(LOWER, raw) + 1) * word
        start = word * (1 - _right(word, 1))
        end = word * (1 - _left(word, 1))
        inside = word * (1 - start)
        factor = inside * (BASE * first + 1 - first)  # a character's later bytes change nothing
        rest, size, reach, step = code, first, inside, 1  # h → factor·h + rest, restarted at each word
        while step < length:
            before = [_right(t, step) for t in (factor, rest, size, reach)]
            rest = ops.mod(factor * before[1] + rest, PRIME)
            factor = ops.mod(factor * before[0], PRIME)
            size, reach, step = size + reach * before[2], reach * before[3], step * 2
        return (ops.mod(rest * MIX + size, self.buckets - 1) + 1) * end

    def compute_output_spec(self, raw):
        return keras.KerasTensor(raw.shape, "int32")

    def get_config(self):
        return {**super().get_config(), "buckets": self.buckets, "decoded": self.decoded}


def _decoded(raw):
    """Codes at each character's first byte, whether a byte is of a word, and whether it is the first of a word's character; (B, T) each."""
    tail = [ops.mod(_left(raw, step), 64) for step in (1, 2, 3)]
    point = _look(LEAD, raw) + sum(_look(table, raw) * t for table, t in zip((SECOND, THIRD, FOURTH), tail))
    four, follows = _look(FOUR, raw), _look(FOLLOWS, raw)
    code = _look(characters(), point * (1 - four)) + four * (ops.mod(point, PRIME) + 1)
    first = ops.minimum(code, 1)
    second = follows * _right(first, 1)
    third = follows * _right(second, 1)
    return code, first + second + third + follows * _right(third, 1), first


def _look(table: np.ndarray, places):
    return ops.take(ops.convert_to_tensor(table.astype(np.int32)), places, axis=0)


def _right(x, step: int):
    """(B, T) shifted to the right, filled with zeros."""
    return ops.pad(x[:, :-step], [[0, 0], [step, 0]])


def _left(x, step: int):
    """(B, T) shifted to the left, filled with zeros."""
    return ops.pad(x[:, step:], [[0, 0], [0, step]])
