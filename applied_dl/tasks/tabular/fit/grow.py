"""The growth of one oblivious tree, compiled: of each level, the cut of all columns with the best score."""

from __future__ import annotations

import numpy as np

from applied_dl.training.compiled import compiled


@compiled
def grow(codes, edges, gradient, weight, depth, penalty, noise):
    """The cuts of a tree, and the leaf of each row.

    Args:
        codes: (K, N) uint8, the bin of each row in each column that the tree may use.
        edges: (K,) number of cuts of each column; a cut b separates the bins up to b from those above.
        gradient: (N, O) what the tree is to predict, times the weights.
        weight: (N,) of the rows.
        depth: number of levels.
        penalty: rows of value 0 that are added to each side of a cut.
        noise: (depth, K, BINS − 1) is added to the scores.

    Returns:
        (depth, 2) the column and the cut of each level, and the leaf (N,) of each row; the first level is the lowest bit.
    """
    columns, rows = codes.shape
    outputs, bins = gradient.shape[1], noise.shape[2] + 1
    leaf, cuts = np.zeros(rows, np.int64), np.zeros((depth, 2), np.int64)
    for level in range(depth):
        size = 1 << level
        best = -np.inf
        for k in range(columns):
            count = np.zeros((size, bins))
            total = np.zeros((outputs, size, bins))
            for i in range(rows):
                count[leaf[i], codes[k, i]] += weight[i]
                for o in range(outputs):
                    total[o, leaf[i], codes[k, i]] += gradient[i, o]
            for s in range(size):
                for b in range(1, bins):
                    count[s, b] += count[s, b - 1]
                    for o in range(outputs):
                        total[o, s, b] += total[o, s, b - 1]
            for b in range(edges[k]):
                gain, norm = 0.0, 1e-12
                for o in range(outputs):
                    gained, length = 0.0, 0.0
                    for s in range(size):
                        below, above = count[s, b] + penalty, count[s, bins - 1] - count[s, b] + penalty
                        left, right = total[o, s, b], total[o, s, bins - 1] - total[o, s, b]
                        low, high = left / below, right / above
                        gained += left * low + right * high
                        length += low * low * below + high * high * above
                    gain += gained
                    norm += length
                score = gain / np.sqrt(norm) + noise[level, k, b]  # the cosine of the step and the gradient
                if score > best:
                    best = score
                    cuts[level, 0], cuts[level, 1] = k, b
        k, b = cuts[level]
        for i in range(rows):
            leaf[i] += (codes[k, i] > b) << level
    return cuts, leaf
