"""What a sentence recipe reads: groups of texts, cut in three, tokenised by what the training rows taught."""

from __future__ import annotations

import msgspec
import numpy as np
from msgspec import Struct

from applied_dl.core.errors import DataError, UsageError
from applied_dl.core.fingerprint import fingerprint
from applied_dl.core.records import Part, Prepared
from applied_dl.tasks.sentences.encoder import SubwordEncoder, encode_texts, read_tokenizer, strangeness, train_tokenizer, usual_of
from applied_dl.tasks.sentences.readers.read import (
    ABSENT,
    HELD_OUT,
    Groups,
    Scored,
    distinct_pairs,
    exclude,
    read_groups,
    read_similarity,
    split_groups,
)
from applied_dl.tasks.sentences.readers.tables import guess_kind, is_table, read_scored, read_table

VOCABULARY = (1000, 16_000)  # sub-words of a trained tokenizer, at least and at most by default
WORDS_A_SUBWORD = 24  # running words for each sub-word of the vocabulary
LENGTH = (16, 128)  # tokens of a text, where the recipe says nothing: the 99th percentile between these
BYTES = (64, 512)
SAMPLE = 20_000  # texts that decide the length
TOGETHER = 2  # rows of a held-out part that are judged together: the two sides of a pair


class SentencesState(Struct, frozen=True, kw_only=True):
    """Which training texts belong together.

    rows: (N, K) int32 places among the training texts, `ABSENT` where a row has fewer. negatives: (N,) place of each row's hard negative,
    or None. source: (N,) the data source that each row came from.
    """

    rows: np.ndarray
    negatives: np.ndarray | None
    source: np.ndarray


def prepare_sentences(recipe) -> Prepared:
    """Read, leave out what judges, split, tokenise."""
    data = recipe.data
    judges = [read_similarity(path) if path else None for path in (data.similarity_validation, data.similarity)]
    train, validation, test = _parts(data, [text for judge in judges if judge for text in judge.a + judge.b], recipe.train.seed)
    labels = tuple(sorted(set(train.labels))) if train.labels is not None else ()
    used, codes = _texts_of(train)
    encoder = _encoder(recipe, used, labels)
    parts = {
        "train": Part(
            inputs={encoder.input: encode_texts(encoder, used, _width(encoder))}, target=None, extra={"text": np.array(used, object)}
        )
    }
    warnings = list(train.warnings)
    if labels:
        target = np.array([labels.index(label) for label in train.labels], np.int64)
        parts["train"] = msgspec.structs.replace(parts["train"], target=target)
        for name, part in (("validation", validation), ("test", test)):
            parts[name] = _labelled(encoder, part, warnings)
    else:
        for name, part, judge in (("validation", validation, judges[0]), ("test", test, judges[1])):
            parts[name] = _paired(encoder, part, judge)
    cut = float(np.mean((parts["train"].inputs[encoder.input] != encoder.padding).sum(1) >= encoder.length))
    if cut > 0.05:
        warnings.append(
            f"{cut:.0%} of the training texts are longer than {encoder.length} tokens; the rest of each is cut (preprocess.length)."
        )
    facts = {
        "summary": _summary(train, len(used), encoder), "rows": len(train), "texts": len(used), "kind": train.kind,
        "length": encoder.length, "vocabulary": encoder.vocabulary, "labels": list(labels), **train.facts,
    }  # fmt: skip
    state = SentencesState(rows=codes.rows, negatives=codes.negatives, source=codes.source)
    marks = [part.inputs[encoder.input] for part in parts.values()]
    return Prepared(
        encoder=encoder,
        **parts,
        fingerprint=fingerprint(*marks, codes.rows, encoder.tokenizer),
        facts=facts,
        warnings=warnings,
        state=state,
    )


def read_part(encoder: SubwordEncoder, data, source: str) -> Part:
    """Another labelled source through the fitted encoder: labelled texts, scored pairs, or pairs to retrieve."""
    if encoder.labels:
        groups = read_groups((source,), msgspec.structs.replace(data, kind="labelled", max_rows=None))
        warnings = list(groups.warnings)
        return msgspec.structs.replace(_labelled(encoder, groups, warnings), warnings=warnings)
    if is_table(source):
        table = read_table(source)
        if len(table.rows[0]) >= 3 and guess_kind(table, data.target, data.column) in ("triplets", "text", "pairs") and _scored(source):
            return _paired(encoder, None, read_similarity(source))
    groups = read_groups((source,), msgspec.structs.replace(data, max_rows=None))
    return msgspec.structs.replace(_paired(encoder, distinct_pairs(groups), None), warnings=list(groups.warnings))


def _parts(data, judged: list[str], seed: int) -> tuple[Groups, Groups, Groups]:
    if data.train is None:
        sources = (data.source,) if isinstance(data.source, str) else tuple(data.source)
        if not sources:
            raise UsageError("data.source lists no source.")
        if data.test or data.validation:
            raise UsageError("data.validation and data.test are explicit parts and need data.train beside them.")
        groups = read_groups(sources, data)
        return split_groups(_without(groups, judged), data.split, seed)
    train = _without(read_groups((data.train,), data), judged)
    held = [read_groups((path,), data) if path else None for path in (data.validation, data.test)]
    if None in held:  # what is missing is cut from the training part, as the shares ask
        shares = [0.0 if part else share for part, share in zip(held, data.split[1:])]
        train, *cut = split_groups(train, (1 - sum(shares), *shares), seed)
        held = [given or own for given, own in zip(held, cut)]
    return train, *(part if part.labels is not None else distinct_pairs(part) for part in held)


def _without(groups: Groups, judged: list[str]) -> Groups:
    kept = exclude(groups, judged) if judged else groups
    if not len(kept):
        raise DataError("Every training row holds a sentence of data.similarity; nothing is left to train on.")
    return kept


def _texts_of(train: Groups) -> tuple[list[str], Groups]:
    """The texts that the rows use, and the rows by their places in them."""
    everything = [train.rows.ravel()] + ([] if train.negatives is None else [train.negatives])
    used = np.unique(np.concatenate(everything))
    used = used[used != ABSENT]
    place = np.full(len(train.texts) + 1, ABSENT, np.int32)
    place[used] = np.arange(len(used))
    if train.labels is not None:  # one row a text, in the order of the labels
        return [train.texts[i] for i in train.rows[:, 0]], msgspec.structs.replace(
            train, rows=np.arange(len(train), dtype=np.int32)[:, None]
        )
    negatives = None if train.negatives is None else place[train.negatives]
    return [train.texts[i] for i in used], msgspec.structs.replace(train, rows=place[train.rows], negatives=negatives)


def _encoder(recipe, texts: list[str], labels: tuple[str, ...]) -> SubwordEncoder:
    pre, model = recipe.preprocess, recipe.model
    if model.name == "bytes":
        made = SubwordEncoder(length=pre.length or _usual([len(t.encode()) for t in texts[:SAMPLE]], BYTES), labels=labels)
        return msgspec.structs.replace(made, usual=usual_of(strangeness(made, texts[:SAMPLE], encode_texts(made, texts[:SAMPLE]))))
    if model.weights:
        from pathlib import Path

        from applied_dl.text.bert_files import read_facts

        facts = read_facts(Path(model.weights))
        plain = SubwordEncoder(
            length=facts["length"], tokenizer=read_tokenizer(model.weights), padding=facts["padding"], special=True, labels=labels
        )
        most = facts["usual_length"]
    else:
        text = (
            read_tokenizer(pre.tokenizer) if pre.tokenizer else train_tokenizer(texts, _vocabulary(pre, texts), pre.subwords, pre.lowercase)
        )
        plain, most = SubwordEncoder(length=8192, tokenizer=text, labels=labels), LENGTH[1]
        pad = next((i for i in (plain.id("[PAD]"), plain.id("<pad>")) if i is not None), None)
        if pad is None:
            raise DataError(f"The tokenizer {pre.tokenizer!r} has no padding token ([PAD] or <pad>), which the model needs.")
        plain = msgspec.structs.replace(plain, padding=pad)
    if pre.length is not None and model.weights and pre.length > plain.length:
        raise UsageError(f"preprocess.length is {pre.length}, but the pretrained model knows {plain.length} positions.")
    sample = [texts[i] for i in np.linspace(0, len(texts) - 1, min(SAMPLE, len(texts))).astype(int)]
    sizes = (encode_texts(msgspec.structs.replace(plain, length=most), sample) != plain.padding).sum(1)
    made = msgspec.structs.replace(plain, length=pre.length or _usual(sizes, (LENGTH[0], most)))
    return msgspec.structs.replace(made, usual=usual_of(strangeness(made, sample, encode_texts(made, sample))))


def _usual(sizes, limits: tuple[int, int]) -> int:
    """The 99th percentile, a multiple of 8, within the limits."""
    return int(np.clip(-(-np.percentile(sizes, 99) // 8) * 8, *limits))


def _vocabulary(pre, texts: list[str]) -> int:
    words = sum(text.count(" ") + 1 for text in texts)
    return pre.vocabulary or int(np.clip(words // WORDS_A_SUBWORD, *VOCABULARY))


def _paired(encoder: SubwordEncoder, groups: Groups | None, judge: Scored | None) -> Part:
    """Interleaved rows (anchor, positive, anchor, …): first scored pairs with their score, then pairs to retrieve with NaN."""
    texts: list[str] = []
    scores: list[float] = []
    if judge is not None:
        texts += [text for pair in zip(judge.a, judge.b) for text in pair]
        scores += [float(s) for s in judge.scores for _ in range(TOGETHER)]
    if groups is not None:
        texts += [groups.texts[i] for pair in groups.rows[:HELD_OUT, :2] for i in pair]
        scores += [float("nan")] * (len(texts) - len(scores))
    if not texts:
        raise DataError(
            "A held-out part has no pairs: give validation and test a share of data.split, or name what judges (data.similarity)."
        )
    ids = encode_texts(encoder, texts, _width(encoder))
    return Part(
        inputs={encoder.input: ids}, target=np.array(scores, np.float32), extra={"text": np.array(texts, object), "together": TOGETHER}
    )


def _labelled(encoder: SubwordEncoder, groups: Groups, warnings: list[str]) -> Part:
    known = {label: code for code, label in enumerate(encoder.labels)}
    rows = [i for i, label in enumerate(groups.labels) if label in known]
    if len(rows) < len(groups.labels):
        strange = sorted(set(groups.labels) - set(known))
        warnings.append(f"{len(groups.labels) - len(rows):,} held-out rows were left out: training has no text labelled {strange[0]!r}.")
    if not rows:
        raise DataError(f"No row has a label that training knows ({', '.join(encoder.labels[:8])}).")
    texts = [groups.texts[groups.rows[i, 0]] for i in rows]
    target = np.array([known[groups.labels[i]] for i in rows], np.int64)
    return Part(
        inputs={encoder.input: encode_texts(encoder, texts, _width(encoder))}, target=target, extra={"text": np.array(texts, object)}
    )


def _width(encoder: SubwordEncoder) -> int | None:
    """Columns of the ids: as many as the longest text needs; a graph that eats bytes has a fixed number."""
    return None if encoder.tokenizer else encoder.length


def _summary(train: Groups, texts: int, encoder: SubwordEncoder) -> str:
    what = {"text": "pairs of adjacent sentences", "labelled": f"texts with {len(encoder.labels)} labels", "mixed": "groups of texts"}
    units = f"{encoder.vocabulary:,} sub-words" if encoder.tokenizer else "raw bytes"
    return f"{len(train):,} {what.get(train.kind, train.kind)}, {texts:,} texts, {units}"


def _scored(source: str) -> bool:
    try:
        read_scored(source)
    except DataError:
        return False
    return True
