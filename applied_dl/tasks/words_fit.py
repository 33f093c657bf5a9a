"""From a settled recipe to trained vectors."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

from applied_dl import console
from applied_dl.encoders.words import subword_rows
from applied_dl.errors import UsageError
from applied_dl.models.text.word_vectors import word_lookup
from applied_dl.train import Fitted
from applied_dl.train import word_counts as counting
from applied_dl.train.engine import History
from applied_dl.train.word_glove import glove_plan, glove_vectors
from applied_dl.train.word_steps import Bags, Rows, Shape, cbow, eased, skipgram
from applied_dl.train.word_text import SMOOTHING, keep_shares
from applied_dl.train.word_tree import cbow_tree, huffman, skipgram_tree
from applied_dl.train.word_vectors import learn, over_text

RUNS = {  # words a run, runs an update
    ("skipgram", "negative"): (16, 8), ("cbow", "negative"): (16, 16),
    ("skipgram", "hierarchical"): (8, 8), ("cbow", "hierarchical"): (16, 8),
}  # fmt: skip
NOISE = {"skipgram": 0.75, "cbow": 1.0}  # summed weight times step size of a noise word; fewer noise words, each heavier, diverge
MOST_GRAMS = 32  # sub-words of a word that are used; longer words give up some of theirs


def fit_words(recipe, prepared, workspace) -> Fitted:
    """Train by the recipe's method; the lookup graph holds padding, words and sub-words."""
    if workspace.sweep is not None or workspace.examine is not None:
        raise UsageError("Word vectors are trained by their own closed-form steps; the finder and the doctor are for the other tasks.")
    text, encoder, model = prepared.state["text"], prepared.encoder, recipe.model
    if model.name == "svd":
        with console.timed("train", "neighbours counted and factorised"):
            table = counting.ppmi_svd(text, model.dimensions, recipe.learn.window, recipe.train.seed)
        history = History(monitor="loss", rows=[{"epoch": 1}], best_epoch=1)
    else:
        table, history = _learnt(recipe, text, prepared.state["total"], encoder, workspace)
    lookup = word_lookup(encoder.rows, dimensions=model.dimensions, seed=recipe.train.seed)
    padding = np.zeros((1, model.dimensions), np.float32)
    lookup.set_weights([np.concatenate([padding, table, np.zeros((encoder.rows - 1 - len(table), model.dimensions), np.float32)])])
    return Fitted(lookup, history)


def _learnt(recipe, text, total: int, encoder, workspace) -> tuple[np.ndarray, History]:
    """The table of words, and of sub-words where there are any, by updates."""
    size, D, settings, ask = len(encoder.words), recipe.model.dimensions, recipe.train, recipe.learn
    if recipe.model.name == "glove":
        plan = glove_plan(text, D, ask.window, settings.seed, total)
    else:
        first, second = start(recipe, text, size)
        bags = bags_of(encoder) if encoder.ngrams else None
        if bags is not None:
            rng = np.random.default_rng(settings.seed + 1)
            low = (rng.random((encoder.buckets + 1, D), dtype=np.float32) - np.float32(0.5)) / np.float32(D)
            low[-1] = 0  # the row that stands for none
            first = np.concatenate([first, low])
        inputs, outputs = tf.Variable(first), tf.Variable(second)
        shape = shape_of(recipe)
        units = units_of(recipe, text, shape)
        name, ease = recipe.model.name, eased(units[0], settings.learning_rate)
        words = Rows(inputs, ease) if bags is None else Bags(inputs, bags, ease)
        if ask.objective == "hierarchical":
            tree = huffman(text.counts)
            share = np.bincount(tree.nodes.ravel(), (units[2][:, None] * tree.there).ravel(), minlength=size - 1)
            step = {"skipgram": skipgram_tree, "cbow": cbow_tree}[name](
                words, Rows(outputs, eased(share, settings.learning_rate)), shape, tree
            )
        else:
            step = {"skipgram": skipgram, "cbow": cbow}[name](
                words, Rows(outputs, eased(units[1], settings.learning_rate)), shape, ask.negative
            )
        plan = over_text([inputs, outputs], step, shape, text, ask.sample, settings.seed, total)
    history = learn(
        plan, epochs=settings.epochs, rate=settings.learning_rate, threads=settings.threads, seed=settings.seed,
        minutes=settings.checkpoint_minutes, workspace=workspace,
    )  # fmt: skip
    if recipe.model.name == "glove":
        return glove_vectors(plan.tables, size), history
    return (inputs.numpy() if bags is None else composed(inputs.numpy(), bags)), history


def shape_of(recipe) -> Shape:
    """How words are grouped in an update: enough noise words that none is too heavy."""
    name, ask = recipe.model.name, recipe.learn
    length, chunks = RUNS[name, ask.objective]
    if ask.objective == "hierarchical":
        return Shape(length, chunks, 1, ask.window)
    pairs = ask.window + 1 if name == "skipgram" else 1
    heavy = length * pairs * ask.negative * recipe.train.learning_rate / NOISE[name]
    return Shape(length, chunks, int(min(512, max(8, 8 * np.ceil(heavy / 8 - 1e-6)))), ask.window)


def units_of(recipe, text, shape: Shape) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Gradients that an update sums up in the row of each word (V,): as input, as output, and as the target of a path in a tree."""
    keep = keep_shares(text.counts, recipe.learn.sample)
    seen = text.counts * (1.0 if keep is None else keep)
    seen = seen / seen.sum() * shape.words
    noise = text.counts**SMOOTHING
    noise = noise / noise.sum() * shape.words
    pairs = recipe.learn.window + 1 if recipe.model.name == "skipgram" else 1
    negative = recipe.learn.negative or 1
    return pairs * (1 + negative) * seen, pairs * (seen + negative * noise), pairs * seen


def bags_of(encoder) -> np.ndarray:
    """Rows (V, G) int32 of each word and its sub-words in a table of words, buckets and a last row for none."""
    none = len(encoder.words) + encoder.buckets
    found = [[i, *(row - 1 for row in subword_rows(encoder, word))] for i, word in enumerate(encoder.words)]
    found = [bag if len(bag) <= MOST_GRAMS else [bag[0], *(bag[k] for k in spread(len(bag), MOST_GRAMS))] for bag in found]
    bags = np.full((len(found), max(map(len, found))), none, np.int32)
    for i, bag in enumerate(found):
        bags[i, : len(bag)] = bag
    return bags


def spread(count: int, most: int) -> list[int]:
    """`most − 1` places from 1 to count − 1, evenly."""
    return np.unique(np.linspace(1, count - 1, most - 1).astype(int)).tolist()


def composed(table: np.ndarray, bags: np.ndarray) -> np.ndarray:
    """Words (the mean of their bags) and after them the buckets: what the lookup holds."""
    there = bags < len(table) - 1
    words = np.concatenate([
        (table[bags[i : i + 4096]] * there[i : i + 4096, :, None]).sum(1) / there[i : i + 4096].sum(1, keepdims=True)
        for i in range(0, len(bags), 4096)
    ])  # fmt: skip
    return np.concatenate([words, table[len(bags) : -1]])


def start(recipe, text, size: int) -> tuple[np.ndarray, np.ndarray]:
    """First values of both tables (V, D): small random and zero, or a factorisation of the counts in both."""
    D, rng = recipe.model.dimensions, np.random.default_rng(recipe.train.seed)
    random = (rng.random((size, D), dtype=np.float32) - np.float32(0.5)) / np.float32(D)
    zero = np.zeros((size - (recipe.learn.objective == "hierarchical"), D), np.float32)  # a tree of V words has V − 1 inner nodes
    if recipe.learn.start == "svd":
        with console.timed("start", "neighbours counted and factorised"):
            found = counting.as_start(counting.ppmi_svd(text, D, recipe.learn.window, recipe.train.seed))
        known = found.any(1, keepdims=True)
        return np.where(known, found, random), np.where(known, found, zero)
    return random, zero


def build_words(recipe, prepared) -> keras.Model:
    """The lookup graph before training."""
    return word_lookup(prepared.encoder.rows, dimensions=recipe.model.dimensions, seed=recipe.train.seed)
