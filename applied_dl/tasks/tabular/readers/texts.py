"""Columns of texts and of lists: which they are, and what is learned of them from training rows."""

from __future__ import annotations

import numpy as np
import polars as pl

from applied_dl.io.terms import TermScores, split_tags, terms_and_characters, terms_of

SEPARATORS = (";#", "|", ";", ",", "/", "·", "+", "&", "\n", "、", "，", "；", "><", "' '")
LISTS = 0.2  # share of the cells that hold more than one part
MOST_TAGS, WORDS_OF_TAG, ROWS_OF_TAG = 300, 4, 5  # parts that are kept, most words of one, rows that a part has on average
WORDS = 3.0  # mean number of words from which different cells are texts
MOST_TERMS, FOLDS = 20_000, 5
STRENGTHS = (1.0, 10.0, 100.0)  # inverse regularisation of logistic regression
EXPLAINED = 0.05  # least share of the loss that short texts must explain on rows that their model does not know; else they are names
LEAST_TEXTS = 100  # training rows with such a text; fewer sentences must explain as much as names
SAMPLE = 2000


def tag_separator(filled: pl.Series) -> str | None:
    """The separator of a column whose cells are lists of repeated values, such as `Action|Comedy`; None where it is no such column."""
    texts = filled.unique(maintain_order=True).head(SAMPLE).to_list()
    for separator in SEPARATORS:
        several = filled.str.contains(separator, literal=True).mean()
        if several < LISTS:
            continue
        parts = [split_tags(text, separator) for text in texts]
        flat = [part for cell in parts for part in cell]
        different = set(flat)
        short = sum(len(part.split()) <= WORDS_OF_TAG for part in different) >= 0.9 * len(different)
        if short and len(flat) >= ROWS_OF_TAG * len(different) and len(different) < len(texts) and _are_words(different):
            return separator
    return None


def _are_words(parts: set[str]) -> bool:
    """Whether most parts begin with a letter; those of dates, fractions and measures do not."""
    return sum(part[0].isalpha() for part in parts) >= 0.8 * len(parts)


def learn_tags(filled: pl.Series, separator: str, least: int) -> tuple[str, ...]:
    """The values of the lists that at least `least` cells hold, the commonest first up to `MOST_TAGS`, in alphabetical order."""
    lists = filled.map_elements(lambda text: split_tags(text, separator), return_dtype=pl.List(pl.String)).explode().drop_nulls()
    counted = lists.value_counts(sort=True).rows()
    return tuple(sorted(level for level, count in counted[:MOST_TAGS] if count >= least))


def is_text(filled: pl.Series) -> bool:
    """Whether cells are sentences: several words on average."""
    return float(filled.head(SAMPLE).str.count_matches(r"[\p{L}\p{N}]+|[\p{Han}]").mean() or 0) >= WORDS


def learn_names(cells: pl.Series, y: np.ndarray, classes: int) -> tuple[TermScores, np.ndarray] | None:
    """As `learn_scores`, of different short texts such as names of products: words and groups of letters.

    None where they say nothing about the target of rows that the scores were not fitted to.
    """
    if len(cells) - cells.null_count() < LEAST_TEXTS:
        return None
    found = learn_scores(cells, y, classes, characters=True)
    return found if found is not None and _says_something(found[1], y, classes) else None


def learn_sentences(cells: pl.Series, y: np.ndarray, classes: int) -> tuple[TermScores, np.ndarray] | None:
    """As `learn_scores`; None where a few texts say nothing about the target, as the full names of the rows of a short table do."""
    found = learn_scores(cells, y, classes)
    if found is None or len(cells) - cells.null_count() >= LEAST_TEXTS:
        return found
    return found if _says_something(found[1], y, classes) else None


def _says_something(scores: np.ndarray, y: np.ndarray, classes: int) -> bool:
    """Whether out-of-fold scores explain a share of the loss."""
    shares = np.log(np.bincount(y, minlength=classes) / len(y) + 1e-7) if classes else None
    shares = shares[1:] - shares[:1] if classes == 2 else shares
    known = _loss(np.tile(shares, (len(y), 1)) if classes else np.zeros_like(y), y, classes)
    return _loss(scores, y, classes) < (1 - EXPLAINED) * known


def learn_scores(cells: pl.Series, y: np.ndarray, classes: int, characters: bool = False) -> tuple[TermScores, np.ndarray] | None:
    """A linear model from TF-IDF features to the target, and its scores (N, K) of the training rows, each from a model without that row.

    Out-of-fold scores keep the net from trusting them more than it may on new rows. None where no term occurs twice.

    Args:
        cells: texts of training rows, null where empty.
        y: (N, T) standardised numbers, or (N,) class codes of `classes` classes.
        classes: 0 for a regression.
        characters: groups of letters are terms too.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.model_selection import KFold, StratifiedKFold

    texts = [text or "" for text in cells.to_list()]
    least = 2 if len(texts) >= 50 else 1
    try:
        vectorizer = TfidfVectorizer(
            analyzer=terms_and_characters if characters else terms_of, min_df=least, max_features=MOST_TERMS, sublinear_tf=True
        )
        x = vectorizer.fit_transform(texts)
    except ValueError:  # no term is left
        return None
    width = (classes if classes > 2 else 1) if classes else y.shape[1]
    folds = min(FOLDS, int(np.bincount(y).min())) if classes else FOLDS
    split = StratifiedKFold(folds, shuffle=True, random_state=0) if classes and folds > 1 else KFold(FOLDS, shuffle=True, random_state=0)
    strength = _strength(x, y, classes, split)
    scores = np.zeros((len(texts), width), np.float32)
    for train, held in split.split(x, y if classes else None):
        weights, bias = _linear(x[train], y[train], classes, strength)
        scores[held] = x[held] @ weights.T + bias
    weights, bias = _linear(x, y, classes, strength)
    order = vectorizer.get_feature_names_out()
    model = TermScores(
        terms=tuple(map(str, order)),
        idf=tuple(round(float(v), 6) for v in vectorizer.idf_),
        weights=tuple(tuple(float(f"{v:.5g}") for v in row) for row in weights),
        bias=tuple(round(float(v), 6) for v in bias),
        characters=characters,
    )
    return model, scores


def _strength(x, y: np.ndarray, classes: int, split) -> float:
    """The regularisation with the lowest error on one fold."""
    train, held = next(split.split(x, y if classes else None))
    if classes and len(np.unique(y[train])) < 2:
        return 1.0
    losses = []
    for strength in STRENGTHS if classes else (0.1, 1.0, 10.0):
        weights, bias = _linear(x[train], y[train], classes, strength)
        score = x[held] @ weights.T + bias
        losses.append(_loss(score, y[held], classes))
    return (STRENGTHS if classes else (0.1, 1.0, 10.0))[int(np.argmin(losses))]


def _loss(score: np.ndarray, y: np.ndarray, classes: int) -> float:
    if not classes:
        return float(np.mean((score - y) ** 2))
    logits = np.concatenate([-score / 2, score / 2], axis=1) if score.shape[1] == 1 else score
    logits = logits - logits.max(1, keepdims=True)
    return float(np.mean(np.log(np.exp(logits).sum(1)) - logits[np.arange(len(y)), y]))


def _linear(x, y: np.ndarray, classes: int, strength: float) -> tuple[np.ndarray, np.ndarray]:
    """Weights (K, terms) and bias (K,) of ridge or logistic regression."""
    from sklearn.linear_model import LogisticRegression, Ridge

    if not classes:
        model = Ridge(strength, solver="sparse_cg", tol=1e-4).fit(x, y)
        return np.atleast_2d(model.coef_), np.atleast_1d(model.intercept_)
    present = np.unique(y)
    width = classes if classes > 2 else 1
    weights, bias = np.zeros((width, x.shape[1])), np.full(width, -10.0 if width > 1 else 0.0)
    if len(present) < 2:
        return weights, np.zeros(width)
    model = LogisticRegression(C=strength, max_iter=300).fit(x, y)
    if width == 1:
        return model.coef_, model.intercept_
    if len(present) == 2:
        weights[present], bias[present] = np.concatenate([-model.coef_, model.coef_]) / 2, np.r_[-model.intercept_, model.intercept_] / 2
    else:
        weights[present], bias[present] = model.coef_, model.intercept_
    return weights, bias
