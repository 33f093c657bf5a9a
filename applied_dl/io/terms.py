"""Texts as scores: TF-IDF of words and pairs of words, weighted by a linear model that training fitted."""

from __future__ import annotations

import math
import re
from collections import Counter

import numpy as np
import polars as pl
from msgspec import Struct

WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|[^\W_]+(?:['’][^\W_]+)*")
LONGEST = 2000  # words of a text that are read
GROUPS = (3, 4)  # letters of a group


class TermScores(Struct, frozen=True, kw_only=True):
    """A linear model over TF-IDF features: score = Σ weight · tf-idf + bias, of each row of `weights` (K, terms).

    `characters`: groups of letters within words are terms too, for names and other short texts.
    """

    terms: tuple[str, ...]
    idf: tuple[float, ...]
    weights: tuple[tuple[float, ...], ...]
    bias: tuple[float, ...]
    characters: bool = False


def terms_of(text: str) -> list[str]:
    """Words in lower case and pairs of neighbours; a character of Chinese, Japanese or Korean counts as a word."""
    words = [word.lower() for word in WORD.findall(text)[:LONGEST]]
    return words + [f"{a} {b}" for a, b in zip(words, words[1:])]


def terms_and_characters(text: str) -> list[str]:
    """The terms of a text, and the groups of three and of four letters of its words, whose ends are marked."""
    words = [f"_{word.lower()}_" for word in WORD.findall(text)[:LONGEST]]
    return terms_of(text) + [f"…{word[i : i + n]}" for word in words for n in GROUPS for i in range(len(word) - n + 1)]


def score_texts(cells: pl.Series, model: TermScores) -> np.ndarray:
    """(N, K + 1) float32: the K scores and log(1 + number of terms); the bias alone where a cell is empty."""
    place = {term: i for i, term in enumerate(model.terms)}
    idf, weights, bias = np.array(model.idf), np.array(model.weights).T, np.array(model.bias)
    found = np.empty((len(cells), len(bias) + 1), np.float32)
    split = terms_and_characters if model.characters else terms_of
    for row, text in enumerate(cells.to_list()):
        terms = split(text) if text else []
        counts = Counter(place[term] for term in terms if term in place)
        found[row, :-1], found[row, -1] = bias, math.log1p(len(terms))
        if counts:
            at = np.fromiter(counts.keys(), np.int64, len(counts))
            value = (1 + np.log(np.fromiter(counts.values(), np.float64, len(counts)))) * idf[at]
            found[row, :-1] += (value / np.linalg.norm(value)) @ weights[at]
    return found


def split_tags(text: str, separator: str) -> list[str]:
    """The parts of a cell that holds a list: without brackets, quotes and blanks, each once."""
    bare = text.strip().strip("[](){}<>")
    parts = (part.strip().strip("'\"").strip() for part in bare.split(separator))
    return list(dict.fromkeys(part for part in parts if part))


def mark_tags(cells: pl.Series, separator: str, levels: tuple[str, ...]) -> tuple[np.ndarray, int]:
    """(N, levels) float32 of 0 and 1, and how many cells hold a part that is no level."""
    place = {level: i for i, level in enumerate(levels)}
    found, unseen = np.zeros((len(cells), len(levels)), np.float32), 0
    cache: dict[str | None, tuple[list[int], bool]] = {None: ([], False)}
    for row, text in enumerate(cells.to_list()):
        if text not in cache:
            parts = split_tags(text, separator)
            cache[text] = [place[part] for part in parts if part in place], any(part not in place for part in parts)
        at, other = cache[text]
        found[row, at] = 1.0
        unseen += other
    return found, unseen
