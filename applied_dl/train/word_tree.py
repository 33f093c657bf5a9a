"""Hierarchical softmax: a word is a path of yes/no questions down a Huffman tree of the counts (Morin and Bengio, 2005; word2vec)."""

from __future__ import annotations

import heapq
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from applied_dl.train.word_steps import Rows, Shape, distances, spans


class Tree(NamedTuple):
    """nodes (V, H) int32 from the root on, turns (V, H) float32: 1 right, 0 left; there (V, H) float32: 0 beyond the word's own path."""

    nodes: np.ndarray
    turns: np.ndarray
    there: np.ndarray


def huffman(counts: np.ndarray) -> Tree:
    """The code of least mean length: common words have short paths. There are V − 1 inner nodes."""
    size = len(counts)
    heap = [(int(n), i) for i, n in enumerate(counts)]
    heapq.heapify(heap)
    parent, turn = np.zeros(2 * size - 1, np.int64), np.zeros(2 * size - 1, np.float32)
    for made in range(size, 2 * size - 1):
        (a, left), (b, right) = heapq.heappop(heap), heapq.heappop(heap)
        parent[left] = parent[right] = made
        turn[right] = 1
        heapq.heappush(heap, (a + b, made))
    paths = []
    for word in range(size):
        path, at = [], word
        while at != 2 * size - 2:
            path.append((parent[at] - size, turn[at]))
            at = parent[at]
        paths.append(path[::-1])
    deepest = max(map(len, paths))
    tree = Tree(np.zeros((size, deepest), np.int32), np.zeros((size, deepest), np.float32), np.zeros((size, deepest), np.float32))
    for word, path in enumerate(paths):
        tree.nodes[word, : len(path)] = [node for node, _ in path]
        tree.turns[word, : len(path)] = [turned for _, turned in path]
        tree.there[word, : len(path)] = 1
    return tree


def skipgram_tree(inputs: Rows, outputs: Rows, shape: Shape, tree: Tree):
    """As `word_steps.skipgram`; outputs are the inner nodes, and every word answers the questions on the way to each of its neighbours."""
    far, span = tf.constant(distances(shape)), tf.constant(spans(shape))
    nodes, turns, there = (tf.constant(a) for a in tree)
    places, deep = shape.length + 2 * shape.window, tree.nodes.shape[1]

    def step(ids, left, right, noise, rate, with_loss=False):
        words = tf.reshape(ids[shape.window : shape.window + shape.words], [shape.chunks, shape.length])
        around = tf.gather(ids, span)  # (C, M)
        left, right = (tf.reshape(a, [shape.chunks, shape.length, 1]) for a in (left, right))
        true = tf.cast((far >= -left) & (far <= right), tf.float32)  # (C, L, M)
        asked = tf.gather(nodes, around)  # (C, M, H)
        wanted, real = (tf.reshape(tf.gather(a, around), [shape.chunks, 1, places * deep]) for a in (turns, there))
        counted = tf.repeat(true, deep, axis=2) * real  # (C, L, M H)
        flat = tf.reshape(asked, [shape.chunks, places * deep])
        x, z = inputs.look(words), outputs.look(flat)  # (C, L, D), (C, M H, D)
        s = tf.matmul(x, z, transpose_b=True)
        g = (wanted - tf.sigmoid(s)) * (counted * rate)
        inputs.add(words, tf.matmul(g * inputs.ease(words)[:, :, None], z))
        outputs.add(flat, tf.matmul(g * outputs.ease(flat)[:, None], x, transpose_a=True))
        if not with_loss:
            return None
        return tf.reduce_sum(counted * (tf.nn.softplus(s) - wanted * s)) / tf.maximum(tf.reduce_sum(true), 1.0)

    return step


def cbow_tree(inputs: Rows, outputs: Rows, shape: Shape, tree: Tree):
    """As `word_steps.cbow`; the mean of the context answers the questions on the way to the word."""
    far, span = tf.constant(distances(shape)), tf.constant(spans(shape))
    nodes, turns, there = (tf.constant(a) for a in tree)

    def step(ids, left, right, noise, rate, with_loss=False):
        words = tf.reshape(ids[shape.window : shape.window + shape.words], [shape.chunks, shape.length])
        around = tf.gather(ids, span)  # (C, M)
        left, right = (tf.reshape(a, [shape.chunks, shape.length, 1]) for a in (left, right))
        n = tf.cast(left + right, tf.float32)  # (C, L, 1)
        mean = tf.cast((far >= -left) & (far <= right), tf.float32) / tf.maximum(n, 1.0)  # (C, L, M)
        counted = tf.gather(there, words) * tf.minimum(n, 1.0)  # (C, L, H)
        asked, wanted = tf.gather(nodes, words), tf.gather(turns, words)
        h = tf.matmul(mean, inputs.look(around))  # (C, L, D)
        z = outputs.look(asked)  # (C, L, H, D)
        s = tf.squeeze(tf.matmul(z, tf.expand_dims(h, -1)), -1)  # (C, L, H)
        g = (wanted - tf.sigmoid(s)) * (counted * rate)
        dh = tf.squeeze(tf.matmul(tf.expand_dims(g, 2), z), 2)  # (C, L, D)
        inputs.add(around, tf.matmul(mean * inputs.ease(around)[:, None], dh, transpose_a=True))
        outputs.add(asked, tf.expand_dims(g * outputs.ease(asked), -1) * tf.expand_dims(h, 2))
        if not with_loss:
            return None
        loss = tf.reduce_sum(counted * (tf.nn.softplus(s) - wanted * s))
        return loss / tf.maximum(tf.reduce_sum(tf.minimum(n, 1.0)), 1.0)

    return step
