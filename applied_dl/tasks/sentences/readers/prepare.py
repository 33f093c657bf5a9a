"""From a sentence recipe to encoded parts: read, split, tokenise; the tokenizer and all statistics come from the training rows."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import msgspec
import numpy as np
from msgspec import Struct

from applied_dl.core.errors import DataError, UsageError, nearest
from applied_dl.core.fingerprint import fingerprint
from applied_dl.core.records import Part, Prepared
from applied_dl.tasks.sentences.encoder import (
    UNKNOWN,
    SubwordEncoder,
    encode_texts,
    read_tokenizer,
    strangeness,
    text_lengths,
    train_tokenizer,
    usual_of,
    vocabulary_of,
    with_words,
)
from applied_dl.tasks.sentences.readers.labels import match_labels
from applied_dl.tasks.sentences.readers.layouts import scored_pairs
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
from applied_dl.tasks.sentences.readers.sources import part_folders
from applied_dl.text.inputs import WHOLE_FILES
from applied_dl.text.markup import tidy
from applied_dl.text.subwords import english
from applied_dl.text.tables import Table, is_table, read_table
from applied_dl.text.vector_files import read_vectors

VOCABULARY = (1000, 16_000)  # sub-words of a trained tokenizer, at least and at most by default
WORDS_A_SUBWORD = 24  # running words for each sub-word of the vocabulary
LENGTH = (16, 128)  # tokens of a text by default where more of them cost time: the 99th percentile between these
BYTES = (64, 512)  # the same of sentences as raw bytes, and of whole texts:
WHOLE_BYTES = (64, 4096)
MANY = 100_000  # pairs from which on a table of their own, which is wider, is trained
INITS = ("random", "svd", "english")
PIECES, UNKNOWN_SHARE = 0.3, 0.02  # of the tokens of English texts, at most: pieces that continue a word, and unknown ones
WORDS_OF_FILE = 30_000  # first words of a file of vectors that become tokens, beside those of the training texts
WHOLE = 8192  # tokens of a text that a bag of sub-words reads
CELLS = 2**27  # of the ids of the training texts: what they may take in memory decides how much of the longest ones trains
TRAINED = 4096  # tokens of a text that train, at most
RARE = 5  # training texts of a label below which it is reported
LOST = 0.05  # share of cut texts from which on it is reported
SAMPLE, SAMPLE_WHOLE = 20_000, 2000  # texts that decide the length, and that are encoded whole
TOGETHER = 2  # rows of a held-out part that are scored together: the two sides of a pair


class SentencesState(Struct, frozen=True, kw_only=True):
    """Which training texts belong together.

    rows: (N, K) int32 places among the training texts, `ABSENT` where a row has fewer. negatives: (N,) place of each row's hard negative,
    or None. source: (N,) the data source that each row came from. columns: the names of the text and label columns that were read.
    explicit: the parts that the recipe or the folder names, which never train. english: the tokenizer is that of the package's table.
    """

    rows: np.ndarray
    negatives: np.ndarray | None
    source: np.ndarray
    columns: dict[str, tuple[str, ...]] = {}
    explicit: tuple[str, ...] = ()
    english: bool = False


def prepare_sentences(recipe) -> Prepared:
    """Read, remove the test sentences from training, split, tokenise."""
    data = recipe.data
    scored = [read_similarity(path) if path else None for path in (data.similarity_validation, data.similarity)]
    tested = [text for pairs in scored if pairs for text in pairs.a + pairs.b]
    data = _with_part_folders(data)
    explicit = tuple(name for name in ("validation", "test") if getattr(data, name) is not None)
    train, validation, test = _parts(data, tested, recipe.preprocess.html, recipe.train.seed)
    used, codes = _texts_of(train)
    encoder = _encoder(recipe, used, train)
    width = _training_width(encoder, used, recipe.preprocess.length)
    ids = encode_texts(msgspec.structs.replace(encoder, length=width), used, _width(encoder))
    warnings = [*train.warnings, *_cut(encoder, used, ids, width, recipe)]
    parts = {"train": Part(inputs={encoder.input: ids}, target=None, extra={"text": np.array(used, object)})}
    if encoder.labels:
        parts["train"] = msgspec.structs.replace(parts["train"], target=targets_of(train.labels, encoder))
        for name, part in (("validation", validation), ("test", test)):
            parts[name] = _labelled(encoder, part, f"data.{name}" if getattr(data, name) else f"The {name} part", warnings)
        warnings += _few(train, encoder)
    else:
        for name, part, pairs in (("validation", validation, scored[0]), ("test", test, scored[1])):
            parts[name] = _paired(encoder, part, pairs)
    facts = {
        "summary": _summary(train, len(used), encoder), "rows": len(train), "texts": len(used), "kind": train.kind,
        "length": encoder.length, "vocabulary": encoder.vocabulary, "labels": list(encoder.labels),
        **_read_as(train, encoder), **train.facts,
    }  # fmt: skip
    state = SentencesState(
        rows=codes.rows, negatives=codes.negatives, source=codes.source, columns=train.columns, explicit=explicit,
        english=_takes_english(recipe) and encoder.tokenizer == english().tokenizer,
    )  # fmt: skip
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
        settings = msgspec.structs.replace(data, kind="labelled", max_rows=None, group=None)
        groups = read_groups((source,), settings, html=encoder.html, least=1)
        warnings = list(groups.warnings)
        return msgspec.structs.replace(_labelled(encoder, groups, repr(source), warnings), warnings=warnings)
    table = read_table(source) if is_table(source) else None
    if table is not None and len(table.rows[0]) >= 3 and _is_scored(table):
        return _paired(encoder, None, read_similarity(table))
    groups = read_groups((source,), msgspec.structs.replace(data, max_rows=None), html=encoder.html)
    return msgspec.structs.replace(_paired(encoder, distinct_pairs(groups), None), warnings=list(groups.warnings))


def _with_part_folders(data):
    """The [data] with the parts of a folder that holds train and test folders of classes."""
    one = data.train is None and isinstance(data.source, str) and data.kind in (None, "labelled")
    return msgspec.structs.replace(data, **part_folders(data.source)) if one else data


def _parts(data, tested: list[str], html: bool | None, seed: int) -> tuple[Groups, Groups, Groups]:
    if data.train is None:
        sources = (data.source,) if isinstance(data.source, str) else tuple(data.source)
        if not sources:
            raise UsageError("data.source lists no source.")
        if data.test or data.validation:
            raise UsageError("data.validation and data.test are explicit parts and need data.train beside them.")
        groups = read_groups(sources, data, html)
        return split_groups(_without(groups, tested), data.split, seed)
    train = _without(read_groups((data.train,), data, html), tested)
    alike = _columns_of(data, train)
    held = [read_groups((path,), alike, train.html, least=1) if path else None for path in (data.validation, data.test)]
    if None in held:  # what is missing is cut from the training part, as the shares ask
        shares = [0.0 if part else share for part, share in zip(held, data.split[1:])]
        train, *cut = split_groups(train, (1 - sum(shares), *shares), seed)
        held = [given or own for given, own in zip(held, cut)]
    return train, *(part if part.labels is not None else distinct_pairs(part) for part in held)


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


def _encoder(recipe, texts: list[str], train: Groups) -> SubwordEncoder:
    """The fitted encoder of the training texts. Whole texts are read by models that can; other lengths cover 99 % of the texts."""
    pre, model = recipe.preprocess, recipe.model
    labels = tuple(sorted({label for row in train.labels for label in row})) if train.labels is not None else ()
    common = {"labels": labels, "multi_label": train.several, "html": train.html}
    whole = train.kind != "text"
    if model.name == "bytes":
        sizes = [len(text.encode()) for text in texts[:SAMPLE]]
        length = pre.length or (_usual(sizes, WHOLE_BYTES, 100) if whole else _usual(sizes, BYTES))
        encoder = SubwordEncoder(length=length, **common)
        return msgspec.structs.replace(encoder, usual=usual_of(strangeness(encoder, texts[:SAMPLE], encode_texts(encoder, texts[:SAMPLE]))))
    if model.weights:
        from applied_dl.text.bert_files import model_folder, read_facts

        folder = model_folder(model.weights)
        facts = read_facts(folder)
        plain = SubwordEncoder(length=facts["length"], tokenizer=read_tokenizer(folder), padding=facts["padding"], special=True, **common)
        most = facts["usual_length"]
    else:
        text = _tokenizer_of(recipe, texts, bool(labels) or len(train) < MANY or recipe.train.epochs == 0)
        if recipe.learn.init not in (None, *INITS):
            text = with_words(text, _words_of_file(recipe, texts), pre.lowercase)
        plain, most = SubwordEncoder(length=WHOLE, tokenizer=text, **common), LENGTH[1]
        pad = next((i for i in (plain.id("[PAD]"), plain.id("<pad>")) if i is not None), None)
        if pad is None:
            raise DataError(f"The tokenizer {pre.tokenizer!r} has no padding token ([PAD] or <pad>), which the model needs.")
        plain = msgspec.structs.replace(plain, padding=pad)
    if pre.length is not None and model.weights and pre.length > plain.length:
        raise UsageError(f"preprocess.length is {pre.length}, but the pretrained model knows {plain.length} positions.")
    sample = [texts[i] for i in np.linspace(0, len(texts) - 1, min(SAMPLE, len(texts))).astype(int)]
    sizes = (encode_texts(msgspec.structs.replace(plain, length=most), sample) != plain.padding).sum(1)
    usual = _usual(sizes, (LENGTH[0], most))
    bag = model.name in (None, "static") and not model.weights
    encoder = msgspec.structs.replace(plain, length=pre.length or (WHOLE if whole and bag else usual))
    sample = sample[:: max(1, len(sample) // SAMPLE_WHOLE)] if encoder.length > most else sample
    return msgspec.structs.replace(encoder, usual=usual_of(strangeness(encoder, sample, encode_texts(encoder, sample))))


def _tokenizer_of(recipe, texts: list[str], few: bool) -> str:
    """The tokenizer.json that is named, that of the package's table where `few` texts are English, or one trained on the texts."""
    pre, init = recipe.preprocess, recipe.learn.init
    if pre.tokenizer:
        if init == "english":
            raise UsageError("learn.init = 'english' brings its own tokenizer; leave preprocess.tokenizer out.")
        return read_tokenizer(pre.tokenizer)
    if init == "english" or (init is None and few and _takes_english(recipe) and is_english(texts)):
        return english().tokenizer
    return train_tokenizer(texts, _vocabulary(pre, texts), pre.subwords, pre.lowercase)


def _takes_english(recipe) -> bool:
    """Whether the package's table can be where the model starts: no key asks for another tokenizer or another table."""
    model, pre = recipe.model, recipe.preprocess
    own = pre.tokenizer or pre.vocabulary or pre.subwords != "wordpiece" or not pre.lowercase
    table = model.name in (None, "static") and not (model.weights or model.teacher) and model.pooling in (None, "mean")
    width = model.dimensions in (None, english().vectors.shape[1])
    return recipe.learn.init in (None, "english") and table and width and not own


def is_english(texts: list[str]) -> bool:
    """Whether the words of most texts are sub-words of the package's table: few pieces that continue a word, and few unknown signs."""
    encoder = SubwordEncoder(length=LENGTH[1], tokenizer=english().tokenizer)
    sample = [texts[i] for i in np.linspace(0, len(texts) - 1, min(SAMPLE_WHOLE, len(texts))).astype(int)]
    ids = encode_texts(encoder, sample)
    pieces = np.array([token.startswith("##") for token in vocabulary_of(encoder)])
    used = max((ids != encoder.padding).sum(), 1)
    return pieces[ids].sum() <= PIECES * used and (ids == encoder.id(UNKNOWN)).sum() <= UNKNOWN_SHARE * used


def _words_of_file(recipe, texts: list[str]) -> list[str]:
    """Words of the file of vectors that become tokens: its first ones, and those of the training texts."""
    pre, path = recipe.preprocess, recipe.learn.init
    if pre.subwords != "wordpiece" or pre.tokenizer:
        raise UsageError("learn.init = FILE adds words to a trained WordPiece tokenizer; leave preprocess.tokenizer and subwords out.")
    if not Path(path).exists():
        raise UsageError(f"learn.init = {path!r} is neither a method nor a file of word vectors.{nearest(path, INITS)}")
    words, _ = read_vectors(path)
    used = {word for text in texts for word in re.findall(r"[^\W_]+", text.lower())}
    first = pre.vocabulary or WORDS_OF_FILE
    return [word for i, word in enumerate(words) if i < first or word.lower() in used]


def _training_width(encoder: SubwordEncoder, texts: list[str], asked: int | None) -> int:
    """Tokens of the longest text that train: all that the model reads, as far as the memory for all texts allows."""
    if not encoder.tokenizer or encoder.length <= LENGTH[1] or asked is not None:
        return encoder.length
    return max(LENGTH[1], min(encoder.length, TRAINED, CELLS // max(len(texts), 1)))


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


def targets_of(labels: list[tuple[str, ...]], encoder: SubwordEncoder) -> np.ndarray:
    """(N,) int64 codes, or (N, C) float32 of 0 and 1 where a text may have several labels."""
    place = {label: code for code, label in enumerate(encoder.labels)}
    if not encoder.multi_label:
        return np.array([place[row[0]] for row in labels], np.int64)
    target = np.zeros((len(labels), len(place)), np.float32)
    for i, row in enumerate(labels):
        target[i, [place[label] for label in row]] = 1
    return target


def _usual(sizes, limits: tuple[int, int], percentile: float = 99) -> int:
    """A percentile of the sizes as a multiple of 8 within the limits."""
    return int(np.clip(-(-np.percentile(sizes, percentile) // 8) * 8, *limits))


def _vocabulary(pre, texts: list[str]) -> int:
    words = sum(text.count(" ") + 1 for text in texts)
    return pre.vocabulary or int(np.clip(words // WORDS_A_SUBWORD, *VOCABULARY))


def _paired(encoder: SubwordEncoder, groups: Groups | None, pairs: Scored | None) -> Part:
    """Interleaved rows (anchor, positive, anchor, …): first scored pairs with their score, then pairs to retrieve with NaN."""
    texts: list[str] = []
    scores: list[float] = []
    if pairs is not None:
        texts += [tidy(text, encoder.html) for pair in zip(pairs.a, pairs.b) for text in pair]
        scores += [float(s) for s in pairs.scores for _ in range(TOGETHER)]
    if groups is not None:
        texts += [groups.texts[i] for pair in groups.rows[:HELD_OUT, :2] for i in pair]
        scores += [float("nan")] * (len(texts) - len(scores))
    if not texts:
        raise DataError("A held-out part has no pairs: give validation and test a share of data.split, or scored pairs (data.similarity).")
    ids = encode_texts(encoder, texts, _width(encoder))
    return Part(
        inputs={encoder.input: ids}, target=np.array(scores, np.float32), extra={"text": np.array(texts, object), "together": TOGETHER}
    )


def _labelled(encoder: SubwordEncoder, groups: Groups, where: str, warnings: list[str]) -> Part:
    """Encoded texts and their targets, labels in the spelling of training. Raises `DataError` for labels that training lacks."""
    if groups.several and not encoder.multi_label:
        raise DataError(f"{where} has texts with several labels, and training has one label per text.")
    if not where.startswith("The "):
        warnings += [warning for warning in groups.warnings if warning not in warnings]
    labels, changed = match_labels(groups.labels, encoder.labels, where)
    warnings += changed
    texts = [groups.texts[i] for i in groups.rows[:, 0]]
    ids = encode_texts(encoder, texts, _width(encoder))
    return Part(inputs={encoder.input: ids}, target=targets_of(labels, encoder), extra={"text": np.array(texts, object)})


def _width(encoder: SubwordEncoder) -> int | None:
    """Columns of the ids: as many as the longest text needs; a graph that takes bytes has a fixed number."""
    return None if encoder.tokenizer else encoder.length


def _summary(train: Groups, texts: int, encoder: SubwordEncoder) -> str:
    labels = f"{len(encoder.labels)} labels{', several of which a text may have' if encoder.multi_label else ''}"
    what = {"text": "pairs of adjacent sentences", "labelled": f"texts with {labels}", "mixed": "groups of texts"}
    units = f"{encoder.vocabulary:,} sub-words" if encoder.tokenizer else "raw bytes"
    read = f"{len(train):,} {what.get(train.kind, train.kind)}"
    return f"{read}, {units}" if encoder.labels else f"{read}, {texts:,} texts, {units}"


def _is_scored(table: Table) -> bool:
    try:
        scored_pairs(table)
    except DataError:
        return False
    return True
