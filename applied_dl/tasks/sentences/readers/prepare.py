"""From a sentence recipe to encoded parts: read, split, tokenise; the tokenizer and all statistics come from the training rows."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import msgspec
import numpy as np
from msgspec import Struct

from applied_dl.core.errors import DataError, UsageError
from applied_dl.core.fingerprint import fingerprint
from applied_dl.core.records import Part, Prepared
from applied_dl.core.stored import with_stored
from applied_dl.tasks.sentences.encoder import SubwordEncoder, encode_texts, text_lengths
from applied_dl.tasks.sentences.readers.folders import part_folders
from applied_dl.tasks.sentences.readers.groups import ABSENT, Groups, distinct_pairs, exclude, given_parts, split_groups
from applied_dl.tasks.sentences.readers.large import Sample, large_source, sample
from applied_dl.tasks.sentences.readers.learn import SAMPLE, learn_encoder, takes_english, training_width
from applied_dl.tasks.sentences.readers.parts import labelled_part, paired_part, targets_of, width_of
from applied_dl.tasks.sentences.readers.read import read_groups, read_similarity
from applied_dl.tasks.sentences.readers.stored import Stored, held_out, store
from applied_dl.text.inputs import WHOLE_FILES
from applied_dl.text.subwords import english

RARE = 5  # training texts of a label below which it is reported
LOST = 0.05  # share of cut texts from which on it is reported


class SentencesState(Struct, frozen=True, kw_only=True):
    """Which training texts belong together.

    rows: (N, K) int32 places among the training texts, `ABSENT` where a row has fewer. negatives: (N,) place of each row's hard negative,
    or None. source: (N,) the data source that each row came from. columns: the names of the text and label columns that were read.
    explicit: the parts that the recipe, the folder or a column names, which never train. english: the tokenizer is that of the package's
    table.
    stored: the training texts of a file larger than memory, of which the training part is a sample.
    """

    rows: np.ndarray
    negatives: np.ndarray | None
    source: np.ndarray
    columns: dict[str, tuple[str, ...]] = {}
    explicit: tuple[str, ...] = ()
    english: bool = False
    stored: Stored | None = None


def row_count(prepared: Prepared) -> int:
    """How many rows train: of texts larger than memory, those on disk."""
    return len(prepared.state.rows if prepared.state.stored is None else prepared.state.stored)


def prepare_sentences(recipe, cache: Path) -> Prepared:
    """Read, remove the test sentences from training, split, tokenise; `cache` keeps the tokens of texts larger than memory."""
    data = recipe.data
    scored = [read_similarity(path) if path else None for path in (data.similarity_validation, data.similarity)]
    tested = [text for pairs in scored if pairs for text in pairs.a + pairs.b]
    data = _with_part_folders(data)
    explicit = tuple(name for name in ("validation", "test") if getattr(data, name) is not None)
    path = large_source(recipe, data)
    sampled = None if path is None else sample(path, data, recipe.train.seed)
    if path is not None and sampled is None and data.in_memory is False:
        raise DataError(f"{str(path)!r} holds no labelled texts, which data.in_memory = false reads in batches; remove the key.")
    train, validation, test = _parts(data, tested, recipe.preprocess.html, recipe.train.seed, sampled)
    if data.train is None:  # a column of the table may name the parts
        explicit = tuple(name for name, part in (("validation", validation), ("test", test)) if part.parts and set(part.parts) == {name})
    used, codes = _texts_of(train)
    encoder = learn_encoder(recipe, used, train)
    width = training_width(encoder, len(used), recipe.preprocess.length)
    ids = encode_texts(msgspec.structs.replace(encoder, length=width), used, width_of(encoder))
    warnings = [*train.warnings, *_cut(encoder, used, ids, width, recipe)]
    parts = {"train": Part(inputs={encoder.input: ids}, target=None, extra={"text": np.array(used, object)})}
    if encoder.labels:
        parts["train"] = msgspec.structs.replace(parts["train"], target=targets_of(train.labels, encoder))
        for name, part in (("validation", validation), ("test", test)):
            parts[name] = labelled_part(encoder, part, f"data.{name}" if getattr(data, name) else f"The {name} part", warnings)
        warnings += _few(train, encoder)
    else:
        for name, part, pairs in (("validation", validation, scored[0]), ("test", test, scored[1])):
            parts[name] = paired_part(encoder, part, pairs)
    facts = {
        "summary": _summary(train, len(used), encoder), "rows": len(train), "texts": len(used), "kind": train.kind,
        "length": encoder.length, "vocabulary": encoder.vocabulary, "labels": list(encoder.labels),
        **_read_as(train, encoder), **train.facts,
    }  # fmt: skip
    state = SentencesState(
        rows=codes.rows, negatives=codes.negatives, source=codes.source, columns=train.columns, explicit=explicit,
        english=takes_english(recipe) and encoder.tokenizer == english().tokenizer,
    )  # fmt: skip
    marks = [part.inputs[encoder.input] for part in parts.values()]
    prepared = Prepared(
        encoder=encoder,
        **parts,
        fingerprint=fingerprint(*marks, codes.rows, encoder.tokenizer),
        facts=facts,
        warnings=warnings,
        state=state,
    )
    if path is None or sampled is None:
        return prepared
    held = held_out([part for name, part in (("validation", validation), ("test", test)) if name not in explicit or part.parts])
    long = msgspec.structs.replace(encoder, length=training_width(encoder, 1, recipe.preprocess.length))
    stored, notes = store(path, data, sampled.form, long, held, cache)
    if not len(stored):
        raise DataError("No text is left to train on: all are held out, or of labels that the sample lacks; raise data.sample_rows.")
    return with_stored(prepared, sampled.rows, stored, "tokenizer and labels", data.sample_rows, notes)


def _with_part_folders(data):
    """The [data] with the parts of a folder that holds train and test folders of classes."""
    one = data.train is None and isinstance(data.source, str) and data.kind in (None, "labelled")
    return msgspec.structs.replace(data, **part_folders(data.source)) if one else data


def _parts(data, tested: list[str], html: bool | None, seed: int, sampled: Sample | None) -> tuple[Groups, Groups, Groups]:
    found = None if sampled is None else [sampled.source]
    if data.train is None:
        sources = (data.source,) if isinstance(data.source, str) else tuple(data.source)
        if not sources:
            raise UsageError("data.source lists no source.")
        if data.test or data.validation:
            raise UsageError("data.validation and data.test are explicit parts and need data.train beside them.")
        groups = _checked(read_groups(sources, data, html, found=found), sampled)
        if groups.parts is None:
            return split_groups(_without(groups, tested), data.split, seed)
        given = given_parts(groups)
        return _with_missing(_without(given["train"], tested), [given.get("validation"), given.get("test")], data.split, seed)
    train = _without(_checked(read_groups((data.train,), data, html, found=found), sampled), tested)
    alike = _columns_of(data, train)
    held = [read_groups((path,), alike, train.html, least=1) if path else None for path in (data.validation, data.test)]
    return _with_missing(train, held, data.split, seed)


def _with_missing(train: Groups, held: list[Groups | None], split: tuple[float, float, float], seed: int) -> tuple[Groups, Groups, Groups]:
    """The parts, of which those that are missing are cut from the training part, as the shares ask."""
    if None in held:
        shares = [0.0 if part else share for part, share in zip(held, split[1:])]
        train, *cut = split_groups(train, (1 - sum(shares), *shares), seed)
        held = [given or own for given, own in zip(held, cut)]
    return train, *(part if part.labels is not None else distinct_pairs(part) for part in held)


def _checked(groups: Groups, sampled: Sample | None) -> Groups:
    """Raises `DataError` where each row of a large file names one of the labels of a text, whose rows lie far apart."""
    if sampled is not None and groups.several and not sampled.source.labels.several:
        raise DataError(
            "Texts have rows with different labels, which are several labels of a text; such rows are read in memory alone: set "
            "data.in_memory = true, or write all labels of a text in one row."
        )
    return groups


def _without(groups: Groups, tested: list[str]) -> Groups:
    kept = exclude(groups, tested) if tested else groups
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
    if train.labels is not None:  # one row per text, in the order of the labels
        return [train.texts[i] for i in train.rows[:, 0]], msgspec.structs.replace(
            train, rows=np.arange(len(train), dtype=np.int32)[:, None]
        )
    negatives = None if train.negatives is None else place[train.negatives]
    return [train.texts[i] for i in used], msgspec.structs.replace(train, rows=place[train.rows], negatives=negatives)


def _cut(encoder: SubwordEncoder, texts: list[str], ids: np.ndarray, width: int, recipe) -> list[str]:
    """A warning where much of the training texts is beyond what is read of each."""
    if np.mean((ids != encoder.padding).sum(1) >= width) <= LOST:
        return []
    some = texts[:: max(1, len(texts) // SAMPLE)]
    sizes = text_lengths(encoder, some)
    share, lost = float(np.mean(sizes > width)), float(np.maximum(sizes - width, 0).sum() / max(sizes.sum(), 1))
    if share <= LOST:
        return []
    unit = "tokens" if encoder.tokenizer else "bytes"
    bag = recipe.model.name in (None, "static") and not recipe.model.weights
    more = "preprocess.length" if bag else "preprocess.length; model.name = 'static' reads whole texts"
    return [f"{share:.0%} of the training texts are longer than {width:,} {unit}; {lost:.0%} of all {unit} are not read ({more})."]


def _read_as(train: Groups, encoder: SubwordEncoder) -> dict[str, object]:
    """How the texts were read, for the card."""
    found: dict[str, object] = {f"{use} column": ", ".join(names) for use, names in train.columns.items()}
    if encoder.labels:
        found["labels of a text"] = "several" if encoder.multi_label else "one"
    if encoder.html:
        found["HTML"] = "removed"
    return found


def _few(train: Groups, encoder: SubwordEncoder) -> list[str]:
    """A warning for labels with fewer than five training texts."""
    counts = Counter(label for row in train.labels for label in row)
    rare = sorted((label for label in encoder.labels if counts[label] < RARE), key=lambda label: counts[label])
    if not rare or len(rare) > len(encoder.labels) / 2:
        return []
    shown = ", ".join(f"{label!r} ({counts[label]})" for label in rare[:4])
    return [f"{len(rare)} of {len(encoder.labels)} labels have fewer than {RARE} training texts: {shown}{' …' if len(rare) > 4 else ''}."]


def _columns_of(data, train: Groups):
    """The [data] of held-out files: the columns that were read of the training file."""
    text, labels = train.columns.get("text"), train.columns.get("labels")
    column = data.column if data.column is not None or text is None or text == (WHOLE_FILES,) else text
    target = data.target if data.target is not None or labels is None else labels
    kind = "labelled" if train.labels is not None else data.kind
    return msgspec.structs.replace(data, column=column, target=target, kind=kind, group=None)


def _summary(train: Groups, texts: int, encoder: SubwordEncoder) -> str:
    labels = f"{len(encoder.labels)} labels{', several of which a text may have' if encoder.multi_label else ''}"
    what = {"text": "pairs of adjacent sentences", "labelled": f"texts with {labels}", "mixed": "groups of texts"}
    units = f"{encoder.vocabulary:,} sub-words" if encoder.tokenizer else "raw bytes"
    read = f"{len(train):,} {what.get(train.kind, train.kind)}"
    return f"{read}, {units}" if encoder.labels else f"{read}, {texts:,} texts, {units}"
