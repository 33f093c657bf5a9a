"""Hierarchical softmax: a word is a path of yes/no questions down a Huffman tree of the counts (Morin and Bengio, 2005; word2vec)."""

from __future__ import annotations

import heapq
from typing import NamedTuple

import numpy as np


class Tree(NamedTuple):
    """paths (V, H) int32: inner nodes from the root on, −1 beyond the word's own; turns (V, H) float32: 1 right, 0 left."""

    paths: np.ndarray
    turns: np.ndarray


def huffman(counts: np.ndarray) -> Tree:
    """The Huffman code of the counts: frequent words have short paths. There are V − 1 inner nodes."""
    size = len(counts)
    heap = [(int(n), i) for i, n in enumerate(counts)]
    heapq.heapify(heap)
    parent, turn = np.zeros(2 * size - 1, np.int64), np.zeros(2 * size - 1, np.float32)
    for node in range(size, 2 * size - 1):
        (a, left), (b, right) = heapq.heappop(heap), heapq.heappop(heap)
        parent[left] = parent[right] = node
        turn[right] = 1
        heapq.heappush(heap, (a + b, node))
    ways = []
    for word in range(size):
        way, at = [], word
        while at != 2 * size - 2:
            way.append((parent[at] - size, turn[at]))
            at = parent[at]
        ways.append(way[::-1])
    deepest = max(map(len, ways))
    tree = Tree(np.full((size, deepest), -1, np.int32), np.zeros((size, deepest), np.float32))
    for word, way in enumerate(ways):
        tree.paths[word, : len(way)] = [inner for inner, _ in way]
        tree.turns[word, : len(way)] = [turned for _, turned in way]
    return tree
