"""A corpus to word ids: split, vocabulary, phrases, and the rows that validate and test."""

from __future__ import annotations

import tempfile
from array import array
from pathlib import Path

import numpy as np
from msgspec import Struct, field

from applied_dl.core.errors import DataError, UsageError
from applied_dl.core.metrics.words import RESTRICT, Quiz
from applied_dl.core.plurals import numbered
from applied_dl.core.records import Part, Prepared
from applied_dl.tasks.words.benchmark_files import read_benchmark
from applied_dl.tasks.words.encoder import WordEncoder, joined, place, rows_of
from applied_dl.text import word_ids as reader
from applied_dl.text.encoded_text import Text, keep_shares
from applied_dl.text.word_tokens import lacks_spaces

TRIPLES = 5000  # held-out neighbours that are scored, at most
THIN = 1e-3  # frequent words are subsampled among the scored neighbours as in training
NEAR = 5  # words to each side
LARGE = 2_000_000  # words of text from which a word must occur five times; three times below
BUCKETS = 100_000  # of sub-words
PHRASE_SCORE = 10.0
NO_SPACES = "The text has no spaces between its words, so whole phrases count as words; segment it first (jieba, MeCab, PyThaiNLP, …)."
NO_TEXT, MANY_NUMBERS = 0.8, 0.3  # shares of words that are numbers
IN_MEMORY = 2**22  # ids that are kept in memory; more are mapped from a file


class WordsState(Struct, frozen=True, kw_only=True):
    """The training text in ids of the vocabulary.

    total: words of the training text, those outside the vocabulary included. min_count: the one that was used. factorised: vectors (V, D)
    of factorised counts by (dimensions, window, seed), since a method, an initialisation and a baseline may need the same.
    """

    text: Text
    total: int
    min_count: int
    factorised: dict[tuple[int, int, int], np.ndarray] = field(default_factory=dict)


def prepare_words(recipe, cache: Path) -> Prepared:
    """Read, split, build the vocabulary on the training part, join phrases; held-out neighbours or human similarity ratings to score on."""
    data = recipe.data
    _check(recipe)
    sources = [data.train, data.validation, data.test] if data.train else [data.source]
    found = [reader.read_ids(s, data.column, recipe.preprocess.lowercase, cache, data.sheet) for s in sources]
    if not lacks_spaces(found[0].words):
        return _prepared(recipe, found, cache, [])
    try:
        return _prepared(recipe, found, cache, [NO_SPACES])
    except DataError as error:
        raise DataError(f"{error} {NO_SPACES}") from error


def _prepared(recipe, found: list, cache: Path, warnings: list[str]) -> Prepared:
    data, settings = recipe.data, recipe.preprocess
    pieces = _three(found, data.split, recipe.train.seed)
    counts = reader.counts_of(*pieces[0])
    warnings = [*warnings, *_numbers(pieces[0][0].words, counts, data.train or data.source)]
    min_count = settings.min_count or (5 if counts.sum() >= LARGE else 3)
    words, text, total = _vocabulary(pieces[0], counts, min_count, settings, cache)
    encoder = WordEncoder(
        words=words, lowercase=settings.lowercase, ngrams=settings.ngrams, buckets=(settings.buckets or BUCKETS) if settings.ngrams else 0,
        arrays={"counts": text.counts},
    )  # fmt: skip
    warnings = [*warnings, *(w for f in found for w in f.warnings)]
    held = [Text(*as_ids(encoder, *part), text.counts) for part in pieces[1:]]
    validation, test = neighbours_part(encoder, held[0]), neighbours_part(encoder, held[1])
    facts: dict[str, object] = {
        "summary": f"{total:,} words of text, {len(words):,} different ones at least {min_count} times",
        "words": total, "vocabulary": len(words), "min_count": min_count,
        "covered": round(float(text.counts.sum() / total), 4), "held_out": [len(h.ids) for h in held],
    }  # fmt: skip
    if data.similarity:
        test = read_part(encoder, data.similarity)
        facts["similarity_pairs"] = [len(test) // 2, int(test.extra["asked"])]
    if data.analogies:
        questions = read_benchmark(data.analogies, "analogies").questions(lambda word: place(encoder, word))
        facts["analogies"] = len(questions)
        if len(questions):
            test.extra["quiz"] = Quiz(questions)
    train = Part(inputs={"ids": np.arange(1, len(words) + 1, dtype=np.int32)[:, None]}, extra={"kind": "words"})
    fingerprint = "".join(reader.fingerprint(f) for f in found)[:64]
    return Prepared(
        encoder=encoder, train=train, validation=validation, test=test, fingerprint=fingerprint, facts=facts, warnings=warnings,
        state=WordsState(text=text, total=total, min_count=min_count),
    )  # fmt: skip


def _check(recipe) -> None:
    data, settings = recipe.data, recipe.preprocess
    explicit = [data.train, data.validation, data.test]
    if any(explicit) and not all(explicit):
        raise UsageError("data.train, data.validation and data.test go together: name all three, or data.source alone.")
    if min(data.split) <= 0 or abs(sum(data.split) - 1) > 1e-6:
        raise UsageError(f"data.split must be three positive shares that sum to 1, received {list(data.split)}.")
    if settings.phrase_score is not None and not settings.phrases:
        raise UsageError("preprocess.phrase_score has no meaning without preprocess.phrases, the passes that join words.")
    if settings.buckets is not None and not settings.ngrams:
        raise UsageError("preprocess.buckets has no meaning without preprocess.ngrams, the lengths of the sub-words.")
    if settings.ngrams and not 1 <= settings.ngrams[0] <= settings.ngrams[1] <= 20:
        raise UsageError(f"preprocess.ngrams must be two lengths such as [3, 6], received {list(settings.ngrams)}.")


def _numbers(words: list[str], counts: np.ndarray, source: str) -> list[str]:
    """A warning where many words are numbers. Raises `DataError` where nearly all are: the source is no text."""
    share = counts[[word.isdigit() for word in words]].sum() / max(counts.sum(), 1)
    if share > NO_TEXT:
        raise DataError(
            f"{share:.0%} of the words of {str(source)!r} are numbers; expected text. A file of word vectors needs no "
            "training: it answers as a bundle does (applied-dl predict FILE WORD)."
        )
    return [f"{share:.0%} of the words are numbers: tables and logs teach little about words."] if share > MANY_NUMBERS else []


def _three(found: list, shares, seed: int) -> list[tuple]:
    """(ids, which pieces) of train, validation and test."""
    if len(found) == 3:
        return [(f, np.ones(len(f.ends), bool)) for f in found]
    parts = reader.split_pieces(found[0], shares, seed)
    return [(found[0], parts == i) for i in range(3)]


def _vocabulary(train, counts: np.ndarray, min_count: int, settings, cache: Path) -> tuple[list[str], Text, int]:
    """Words by falling count, the training text as their ids, and how many words it had."""
    found, kept = train
    total = int(counts.sum())
    limit = settings.vocabulary
    order = np.argsort(-counts, kind="stable")
    chosen = order[counts[order] >= min_count]
    chosen = chosen if settings.phrases else chosen[:limit]
    if len(chosen) < 2:
        raise DataError(
            f"The training text has {numbered(len(chosen), 'word', 'words')} seen at least {min_count} times, of {total:,} words in all; "
            "expected at least 2: give more text or lower preprocess.min_count."
        )
    renamed = np.full(len(counts), -1, np.int32)
    renamed[chosen] = np.arange(len(chosen))
    words = [found.words[i] for i in chosen]
    path = Path(tempfile.mkstemp(suffix=".i32", dir=cache)[1]) if total > IN_MEMORY else None
    ids, ends = reader.final_ids(found, kept, renamed, path)
    if path is not None:
        path.unlink()  # the mapping stays valid while it is used, and no file is left behind
    for _ in range(settings.phrases):
        ids, ends, words = reader.join_phrases(ids, ends, words, min_count, settings.phrase_score or PHRASE_SCORE)
    if settings.phrases:
        counts = reader.tally(ids, len(words))
        order = np.argsort(-counts, kind="stable")
        words = [words[i] for i in order[counts[order] >= min_count][:limit]]
        ids, ends = as_ids(WordEncoder(words=words), found, kept)  # the passes find the phrases; in a text the encoder joins them
        counts = reader.tally(ids, len(words))
        order = np.argsort(-counts, kind="stable")
        order = order[counts[order] > 0]
        renamed = np.zeros(len(words), np.int32)
        renamed[order] = np.arange(len(order))
        ids, words = renamed[ids], [words[i] for i in order]
    return words, Text(ids, ends, reader.tally(ids, len(words))), total


def as_ids(encoder: WordEncoder, found, kept: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The kept pieces of a text as ids of the vocabulary, phrases joined as the encoder joins them, and where each piece ends."""
    if not encoder.phrases:
        return reader.final_ids(found, kept, np.array([encoder.places.get(word, -1) for word in found.words], np.int32))
    starts, ids, ends = np.r_[0, found.ends[:-1]], array("i"), array("q")
    for p in np.flatnonzero(kept):
        words = joined(encoder, [found.words[i] for i in found.ids[starts[p] : found.ends[p]].tolist()])
        ids.extend(encoder.places[word] for word in words if word in encoder.places)
        ends.append(len(ids))
    return np.array(ids, np.int32), np.array(ends, np.int64)


def neighbours_part(encoder: WordEncoder, text: Text) -> Part:
    """Rows (word, neighbour, the neighbour of another word): see `metrics.words.score_neighbours`."""
    rng = np.random.default_rng(len(text.ids))
    ids = np.array(text.ids)
    piece = np.repeat(np.arange(len(text.ends)), np.diff(np.r_[0, text.ends]))
    keep = keep_shares(encoder.arrays["counts"], THIN)
    kept = rng.random(len(ids)) < keep[ids] if len(ids) else np.zeros(0, bool)
    ids, piece = ids[kept], piece[kept]
    at = np.arange(len(ids))
    other = at + rng.integers(1, NEAR + 1, len(ids))
    good = other < len(ids)
    at, other = at[good], other[good]
    good = (piece[at] == piece[other]) & (ids[at] != ids[other])
    a, b = ids[at[good]], ids[other[good]]
    order = rng.permutation(len(a))[:TRIPLES]
    a, b = a[order], b[order]
    n = np.roll(b, 1)
    fair = (n != b) & (n != a)
    if not fair.any():
        raise DataError(
            f"The held-out text has {len(ids):,} words of the vocabulary and no two neighbours to score; give more text, on more lines, "
            "or a larger share of it in data.split."
        )
    rows = np.stack([a, b, n], 1)[fair].astype(np.int32) + 1
    return Part(inputs={"ids": rows.reshape(-1, 1)}, target=np.zeros(rows.size, np.float32), extra={"kind": "neighbours", "together": 3})


def read_part(encoder: WordEncoder, source: str) -> Part:
    """A file of word, word, score through the encoder; pairs with a word that has no vector are dropped and reported."""
    benchmark = read_benchmark(source, "similarity")
    rows, scores = [], []
    for a, b, score in benchmark.pairs:
        pair = rows_of(encoder, a), rows_of(encoder, b)
        if all(pair):
            rows += pair
            scores += [score, score]
    if len(rows) < 6:
        raise DataError(
            f"Of the {len(benchmark.pairs):,} pairs of {source!r}, {len(rows) // 2} have two words with a vector; expected at least 3."
        )
    ids = np.zeros((len(rows), max(map(len, rows))), np.int32)
    for i, row in enumerate(rows):
        ids[i, : len(row)] = row
    left_out = len(benchmark.pairs) - len(rows) // 2
    warnings = (
        [f"{left_out} of {len(benchmark.pairs)} pairs of {Path(source).name} have a word without a vector and were dropped"]
        if left_out
        else []
    )
    extra = {"kind": "similarity", "together": 2, "asked": len(benchmark.pairs)}
    return Part(inputs={"ids": ids}, target=np.array(scores, np.float32), extra=extra, warnings=warnings)


def questions_part(encoder: WordEncoder, source: str) -> Part:
    """The words among which analogies are solved, one row each, and the questions of a file that use only these."""
    benchmark = read_benchmark(source, "analogies")
    size = min(RESTRICT, len(encoder.words))
    questions = benchmark.questions(lambda word: place(encoder, word))
    questions = questions[(questions < size).all(1)]
    if not len(questions):
        raise DataError(f"Of the {len(benchmark.fours):,} questions of {source!r} none is of the {size:,} most frequent words alone.")
    left_out = len(benchmark.fours) - len(questions)
    dropped = f"{left_out:,} of {len(benchmark.fours):,} questions of {Path(source).name} have a word beyond the {size:,} most frequent"
    return Part(
        inputs={"ids": np.arange(1, size + 1, dtype=np.int32)[:, None]}, target=np.zeros(size, np.float32),
        extra={"kind": "analogies", "analogies": questions, "together": size}, warnings=[dropped] if left_out else [],
    )  # fmt: skip
