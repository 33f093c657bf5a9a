"""From a resolved recipe to trained vectors. Keras is imported after training, for the lookup graph only."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from applied_dl.core import console
from applied_dl.core.errors import DataError
from applied_dl.core.records import Fitted, History
from applied_dl.tasks.words.encoder import MOST_GRAMS, spread, subword_rows
from applied_dl.tasks.words.fit.glove import glove_plan, glove_vectors
from applied_dl.tasks.words.fit.huffman import Tree, huffman
from applied_dl.tasks.words.fit.skipgram import learn, over_text
from applied_dl.tasks.words.vectors import WordVectors
from applied_dl.text import counts as counting
from applied_dl.text.encoded_text import keep_shares, noise_table
from applied_dl.text.kernels import KernelState
from applied_dl.training.reproducible import set_up


def fit_words(recipe, prepared, trainer) -> Fitted:
    """Train by the recipe's method; the lookup graph holds padding, words and sub-words."""
    table, history = train_table(recipe, prepared, trainer)
    with console.hushed():
        from applied_dl.text.models.word_vectors import word_lookup

    set_up(recipe.train.seed, recipe.train.deterministic)  # Keras is here now
    rows, D = prepared.encoder.rows, recipe.model.dimensions
    lookup = word_lookup(rows, dimensions=D, seed=recipe.train.seed)
    full = np.zeros((rows, D), np.float32)
    full[1 : 1 + len(table)] = table
    lookup.set_weights([full])
    return Fitted(lookup, history)


def train_table(recipe, prepared, trainer) -> tuple[np.ndarray, History]:
    """The table of words, and of sub-words where there are any (V or V + buckets, D), and its training history."""
    text, encoder, model, settings = prepared.state.text, prepared.encoder, recipe.model, recipe.train
    if model.name == "svd":
        return counted(recipe, prepared), History(monitor="loss", rows=[{"epoch": 1}], best_epoch=1)
    if model.name == "glove":
        plan = glove_plan(text, model.dimensions, recipe.learn.window, settings.seed, prepared.state.total)
    else:
        arrays = kernel_state(recipe, prepared)
        plan = over_text(arrays, text, settings.seed, prepared.state.total)
    history = learn(
        plan, trainer, epochs=settings.epochs, rate=settings.learning_rate, threads=settings.threads, seed=settings.seed,
        minutes=settings.checkpoint_minutes,
    )  # fmt: skip
    if model.name == "glove":
        return glove_vectors(plan.tables, len(encoder.words)), history
    return (composed(arrays.inputs, arrays.bags) if encoder.ngrams else arrays.inputs), history


def kernel_state(recipe, prepared) -> KernelState:
    """The arrays that the kernels read and update, by the recipe."""
    text, encoder, ask = prepared.state.text, prepared.encoder, recipe.learn
    size, D = len(encoder.words), recipe.model.dimensions
    inputs, outputs = initial_tables(recipe, prepared)
    bags = np.zeros((size, 0), np.int32)
    if encoder.ngrams:
        bags = bags_of(encoder)
        inputs = np.concatenate([inputs, small(encoder.buckets, D, recipe.train.seed + 1)])
    tree = Tree(np.zeros((size, 0), np.int32), np.zeros((size, 0), np.float32))
    if ask.objective == "hierarchical":
        tree = huffman(text.counts)
    return KernelState(
        inputs=inputs, outputs=outputs, ids=text.ids.view(np.ndarray), ends=text.ends, keep=keep_shares(text.counts, ask.sample),
        noise=noise_table(text.counts), paths=tree.paths, turns=tree.turns, bags=bags, cbow=recipe.model.name == "cbow",
        window=ask.window, negative=ask.negative or 0,
    )  # fmt: skip


def bags_of(encoder) -> np.ndarray:
    """Rows (V, G) int32 of each word and its sub-words in a table of words and buckets, −1 for none."""
    found = [[i, *(row - 1 for row in spread(subword_rows(encoder, word), MOST_GRAMS - 1))] for i, word in enumerate(encoder.words)]
    bags = np.full((len(found), max(map(len, found))), -1, np.int32)
    for i, bag in enumerate(found):
        bags[i, : len(bag)] = bag
    return bags


def composed(table: np.ndarray, bags: np.ndarray) -> np.ndarray:
    """Words (the mean of their bags) followed by the buckets: the rows of the lookup."""
    words = np.empty((len(bags), table.shape[1]), np.float32)
    for i in range(0, len(bags), 4096):
        here = bags[i : i + 4096]
        there = (here >= 0)[:, :, None]
        words[i : i + 4096] = (table[here] * there).sum(1) / there.sum(1)
    return np.concatenate([words, table[len(bags) :]])


def initial_tables(recipe, prepared) -> tuple[np.ndarray, np.ndarray]:
    """Initial input and output tables (V, D): small random values and zeros, factorised counts in both, or the input vectors of a file."""
    size, D = len(prepared.encoder.words), recipe.model.dimensions
    inputs = small(size, D, recipe.train.seed)
    outputs = np.zeros((size - (recipe.learn.objective == "hierarchical"), D), np.float32)  # a tree of V words has V − 1 inner nodes
    if recipe.learn.init == "svd":
        found = counting.as_embedding_init(counted(recipe, prepared))
        known = found.any(1)
        inputs[known] = outputs[known] = found[known]
    elif recipe.learn.init not in (None, "random"):
        found = vectors_of(prepared.encoder.words, recipe.learn.init)
        known = found.any(1)
        inputs[known] = counting.as_embedding_init(found)[known]
        console.say("vectors", f"{known.sum():,} of {size:,} words start from {Path(recipe.learn.init).name}")
        if not known.any():
            raise DataError(f"{recipe.learn.init!r} holds none of the {size:,} words of the text; is it of another language or case?")
    return inputs, outputs


def counted(recipe, prepared) -> np.ndarray:
    """Vectors (V, D) by `ppmi_svd`, computed once per preparation."""
    key = (recipe.model.dimensions, recipe.learn.window, recipe.train.seed)
    cache = prepared.state.factorised
    if key not in cache:
        with console.timed("counts", "neighbours counted and factorised"):
            cache[key] = counting.ppmi_svd(prepared.state.text, *key)
    return cache[key]


def vectors_of(words: list[str], path: str) -> np.ndarray:
    """(V, D) the vectors that a file has for the words, as they are written or in lower case; zeros for others."""
    table = WordVectors.load(path)
    lower = {word.lower(): row for word, row in reversed(table.places.items())}
    rows = [table.places.get(word, lower.get(word.lower(), -1)) for word in words]
    found = np.zeros((len(words), table.vectors.shape[1]), np.float32)
    known = np.array(rows) >= 0
    found[known] = table.vectors[np.array(rows)[known]]
    return found


def small(rows: int, dimensions: int, seed: int) -> np.ndarray:
    """Random values in ±0.5 / D."""
    found = np.random.default_rng(seed).random((rows, dimensions), dtype=np.float32)
    found -= np.float32(0.5)
    found /= np.float32(dimensions)
    return found


def build_words(recipe, prepared):
    """The lookup graph before training."""
    with console.hushed():
        from applied_dl.text.models.word_vectors import word_lookup

    return word_lookup(prepared.encoder.rows, dimensions=recipe.model.dimensions, seed=recipe.train.seed)
