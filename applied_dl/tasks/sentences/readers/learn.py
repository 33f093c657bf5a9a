"""Training texts → the encoder: the tokenizer that fits them, the size of its vocabulary, and how many tokens of a text are read."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import numpy as np

from applied_dl.core.errors import DataError, UsageError, nearest
from applied_dl.tasks.sentences.encoder import (
    UNKNOWN,
    SubwordEncoder,
    encode_texts,
    read_tokenizer,
    strangeness,
    train_tokenizer,
    usual_of,
    vocabulary_of,
    with_words,
)
from applied_dl.tasks.sentences.readers.groups import Groups
from applied_dl.text.subwords import english
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
SAMPLE, SAMPLE_WHOLE = 20_000, 2000  # texts that decide the length, and that are encoded whole


def learn_encoder(recipe, texts: list[str], train: Groups) -> SubwordEncoder:
    """The fitted encoder of the training texts. Whole texts are read by models that can; other lengths cover 99% of the texts."""
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
    if init == "english" or (init is None and few and takes_english(recipe) and is_english(texts)):
        return english().tokenizer
    return train_tokenizer(texts, _vocabulary(pre, texts), pre.subwords, pre.lowercase)


def takes_english(recipe) -> bool:
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


def training_width(encoder: SubwordEncoder, texts: int, asked: int | None) -> int:
    """Tokens of the longest text that train: all that the model reads, as far as the memory for so many texts allows."""
    if not encoder.tokenizer or encoder.length <= LENGTH[1] or asked is not None:
        return encoder.length
    return max(LENGTH[1], min(encoder.length, TRAINED, CELLS // max(texts, 1)))


def _usual(sizes, limits: tuple[int, int], percentile: float = 99) -> int:
    """A percentile of the sizes as a multiple of 8 within the limits."""
    return int(np.clip(-(-np.percentile(sizes, percentile) // 8) * 8, *limits))


def _vocabulary(pre, texts: list[str]) -> int:
    words = sum(text.count(" ") + 1 for text in texts)
    return pre.vocabulary or int(np.clip(words // WORDS_A_SUBWORD, *VOCABULARY))
