"""Text → sub-word ids (or raw UTF-8 bytes), the same in training and in prediction: Hugging Face `tokenizers`, no TensorFlow.

`ids` are int32 (N, T): the text's sub-words, cut at `length`, filled with `padding`. Control characters and NUL are dropped by the
normaliser; a text that has nothing else is refused by name.
"""

from __future__ import annotations

import functools
import json
import os
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated
from zipfile import BadZipFile

import msgspec
import numpy as np
from msgspec import Meta, Struct, field

from applied_dl.core.encoder_files import read
from applied_dl.core.errors import DataError, UsageError, nearest

PAD, UNKNOWN, MASK = "[PAD]", "[UNK]", "[MASK]"
KINDS = ("wordpiece", "bpe")
ANYTHING = (1.0, 1e9)  # where nothing is known of the training texts
ODDEST = 99.5  # percentile of the strangeness of the training texts that is still usual
MOST_BYTES = 2**20  # of one text; a longer one is cut before it is tokenised
LONG_TEXT, ENDLESS = 1000, re.compile(r"\S{200,}")
BLOCK = 4096  # texts tokenised at a time
WHOLE_WORD = re.compile(r"[^\W_]{1,64}")
IDEOGRAPHS = ((0x4E00, 0x9FFF), (0x3400, 0x4DBF), (0x20000, 0x2A6DF), (0x2A700, 0x2CEAF), (0xF900, 0xFAFF), (0x2F800, 0x2FA1F))
os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")


class SubwordEncoder(Struct, frozen=True, kw_only=True):
    """`tokenizer` is the text of a tokenizer.json; empty where the model takes bytes (`length` then counts bytes).

    `usual` is the `strangeness` of all but the oddest training texts; texts far beyond it are reported as unlike them.
    `labels` names the classes of a classifier, `multi_label` where a text may have several; `html`: tags and entities are removed from
    texts. `index` is filled once the model is trained: `{"texts": [...], "vectors": (M, D)}`.
    """

    length: int
    tokenizer: str = ""
    padding: int = 0
    special: bool = False
    usual: tuple[float, float] = ANYTHING
    labels: tuple[str, ...] = ()
    multi_label: bool = False
    html: bool = False
    index: dict[str, object] = field(default_factory=dict)

    @property
    def vocabulary(self) -> int:
        """Number of ids."""
        return _tokenizer(self.tokenizer, self.length).get_vocab_size() if self.tokenizer else 256

    @property
    def input(self) -> str:
        """The name of the serving graph's input."""
        return "ids" if self.tokenizer else "bytes"

    def id(self, token: str) -> int | None:
        """The id of a token, or None."""
        return _tokenizer(self.tokenizer, self.length).token_to_id(token)


def pieces(encoder: SubwordEncoder, ids: np.ndarray) -> list[str]:
    """The sub-words of one encoded text (T,); a model that takes bytes has one piece."""
    if not encoder.tokenizer:
        return [bytes(ids[ids > 0].astype(np.uint8)).decode("utf-8", errors="replace")]
    known = _tokenizer(encoder.tokenizer, encoder.length)
    return [known.id_to_token(int(i)) for i in ids if i != encoder.padding]


def train_tokenizer(texts: Iterable[str], size: int, kind: str = "wordpiece", lowercase: bool = True) -> str:
    """A tokenizer.json learned from texts: at most `size` sub-words, of which 0 is padding, 1 the unknown and 2 the mask."""
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers

    if kind not in KINDS:
        raise UsageError(f"Unknown preprocess.subwords {kind!r}.{nearest(kind, KINDS)}")
    texts = [_trainable(text) for text in texts]
    special = {"vocab_size": size, "show_progress": False}
    if kind == "wordpiece":
        made = Tokenizer(models.WordPiece(unk_token=UNKNOWN, max_input_chars_per_word=64))
        made.normalizer = normalizers.BertNormalizer(lowercase=lowercase, strip_accents=False)
        made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        letters = _letters(texts, made.normalizer.normalize_str, max(size // 4, 16))
        inside = [f"##{letter}" for letter in letters if not _alone(letter)]  # listed first, since the trainer numbers them in random order
        trainer = trainers.WordPieceTrainer(
            special_tokens=[PAD, UNKNOWN, MASK, *inside], initial_alphabet=letters, limit_alphabet=len(letters), **special
        )
    else:
        made = Tokenizer(models.BPE(unk_token=UNKNOWN, byte_fallback=False))
        clean = [normalizers.Replace(Regex(r"[\p{Cc}\p{Cs}]+"), " "), normalizers.NFC()]
        made.normalizer = normalizers.Sequence([*clean, normalizers.Lowercase()] if lowercase else clean)
        made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
        trainer = trainers.BpeTrainer(special_tokens=[PAD, UNKNOWN, MASK], **special, initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    made.train_from_iterator(texts, trainer)
    plain = json.loads(made.to_str())
    plain["added_tokens"] = [token for token in plain["added_tokens"] if token["content"] in (PAD, UNKNOWN, MASK)]
    return json.dumps(plain, ensure_ascii=False)


def with_words(tokenizer: str, words: Iterable[str], lowercase: bool) -> str:
    """A WordPiece tokenizer.json that knows further words as one piece each; names and marks that it would split are left out."""
    plain = json.loads(tokenizer)
    vocabulary = plain["model"]["vocab"]
    for word in words:
        word = word.lower() if lowercase else word
        if WHOLE_WORD.fullmatch(word) and word not in vocabulary:
            vocabulary[word] = len(vocabulary)
    return json.dumps(plain, ensure_ascii=False)


def vocabulary_of(encoder: SubwordEncoder) -> list[str]:
    """The tokens by their ids."""
    places = _tokenizer(encoder.tokenizer, encoder.length).get_vocab()
    return sorted(places, key=places.__getitem__)


def _letters(texts: list[str], normal, most: int) -> list[str]:
    """The commonest characters of the texts once normalised, sorted; ties by their code, so that the same texts give the same ones."""
    raw: Counter[str] = Counter()
    for text in texts:
        raw.update(text)
    found: Counter[str] = Counter()
    for letter, count in raw.items():
        for made in normal(letter).split():
            for each in made:
                found[each] += count
    return sorted(sorted(found, key=lambda letter: (-found[letter], letter))[:most])


def _alone(letter: str) -> bool:
    """Whether BERT's rules make a word of the character by itself: punctuation and ideographs never continue a word."""
    code = ord(letter)
    ideograph = any(low <= code <= high for low, high in IDEOGRAPHS)
    return ideograph or unicodedata.category(letter).startswith("P") or (code < 128 and not letter.isalnum())


def _trainable(text: str) -> str:
    """A text without endless words: merging the pairs of a run of thousands of characters takes hours."""
    return text if len(text) < LONG_TEXT else ENDLESS.sub(" ", text[:MOST_BYTES])


def read_tokenizer(path: str | Path) -> str:
    """The text of a `tokenizer.json`, or of one inside a directory. Raises `DataError` where it is none."""
    from tokenizers import Tokenizer

    path = Path(path)
    path = path / "tokenizer.json" if path.is_dir() else path
    try:
        text = path.read_text(encoding="utf-8")
        Tokenizer.from_str(text)
    except OSError as error:
        raise DataError(f"There is no tokenizer at {str(path)!r} ({error.strerror}); expected a tokenizer.json.") from error
    except Exception as error:  # the Rust library raises a bare Exception
        raise DataError(f"{str(path)!r} is not a tokenizer.json that `tokenizers` can read: {error}.") from error
    return text


def encode_texts(encoder: SubwordEncoder, texts: list[str], length: int | None = None) -> np.ndarray:
    """Texts → int32 (N, T); T is `length`, or the longest text's (at least 1)."""
    if not encoder.tokenizer:
        return _bytes(texts, encoder.length, length)
    tokens, sizes = token_stream(encoder, texts)
    return padded(tokens, sizes, length or max(1, int(sizes.max(initial=1))), encoder.padding)


def token_stream(encoder: SubwordEncoder, texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """The sub-words of all texts one after the other, int32, and how many (N,) each text has."""
    made = _tokenizer(encoder.tokenizer, encoder.length)
    rows: list[np.ndarray] = [np.empty(0, np.int32)]
    for start in range(0, len(texts), BLOCK):
        block = [text[:MOST_BYTES] for text in texts[start : start + BLOCK]]
        rows += [np.array(found.ids, np.int32) for found in made.encode_batch_fast(block, add_special_tokens=encoder.special)]
    return np.concatenate(rows), np.array([len(row) for row in rows[1:]], np.int64)


def padded(tokens: np.ndarray, sizes: np.ndarray, width: int, padding: int) -> np.ndarray:
    """A stream of sub-words of which each text has `sizes` (N,) → int32 (N, width)."""
    ids = np.full((len(sizes), width), padding, np.int32)
    ids[np.arange(width) < sizes[:, None]] = tokens
    return ids


def text_lengths(encoder: SubwordEncoder, texts: list[str]) -> np.ndarray:
    """(N,) tokens, or bytes, of each whole text."""
    if not encoder.tokenizer:
        return np.array([len(text.encode("utf-8", "replace")) for text in texts], np.int64)
    tokenizer = _tokenizer(encoder.tokenizer, MOST_BYTES)
    found = tokenizer.encode_batch_fast([text[:MOST_BYTES] for text in texts], add_special_tokens=encoder.special)
    return np.array([len(one.ids) for one in found], np.int64)


def strangeness(encoder: SubwordEncoder, texts: list[str], ids: np.ndarray) -> np.ndarray:
    """(N, 2) of texts and their ids: the share of tokens that are unknown, and tokens a character.

    A text of another language or kind has more of either than the texts that made the tokenizer. Of raw bytes: the share that is not ASCII.
    """
    used = np.maximum((ids != encoder.padding).sum(1), 1)
    if not encoder.tokenizer:
        return np.stack([(ids >= 128).sum(1) / used, np.ones(len(ids))], axis=1)
    unknown = next((i for i in map(encoder.id, (UNKNOWN, "<unk>")) if i is not None), -1)
    characters = np.array([max(len("".join(text[:MOST_BYTES].split())), 1) for text in texts])
    return np.stack([(ids == unknown).sum(1) / used, used / characters], axis=1)  # of a text that is cut: at the least


def usual_of(found: np.ndarray) -> tuple[float, float]:
    """The strangeness (N, 2) of all but the oddest training texts."""
    if not len(found):
        return ANYTHING
    unknown, pieces = np.percentile(found, ODDEST, axis=0)
    return float(unknown), float(pieces)


def save(encoder: SubwordEncoder, folder: Path) -> None:
    """Write `encoder.json`, `tokenizer.json` and, where there is an index, `encoder.npz`."""
    plain = {
        "length": encoder.length, "padding": encoder.padding, "special": encoder.special, "usual": encoder.usual,
        "labels": list(encoder.labels), "multi_label": encoder.multi_label, "html": encoder.html,
    }  # fmt: skip
    texts = list(encoder.index.get("texts", ()))
    (Path(folder) / "encoder.json").write_bytes(msgspec.json.format(msgspec.json.encode({**plain, "index": texts})))
    if encoder.tokenizer:
        (Path(folder) / "tokenizer.json").write_text(encoder.tokenizer, encoding="utf-8")
    if texts:
        np.savez(Path(folder) / "encoder.npz", index=np.asarray(encoder.index["vectors"], np.float16))


class _Stored(Struct, frozen=True, kw_only=True):
    """What `encoder.json` holds."""

    length: Annotated[int, Meta(ge=1)]
    padding: Annotated[int, Meta(ge=0)]
    special: bool
    labels: tuple[str, ...]
    index: list[str]
    usual: tuple[float, float] = ANYTHING
    multi_label: bool = False
    html: bool = False


def load(folder: Path) -> SubwordEncoder:
    """Read what `save` wrote. Raises `DataError` where it is damaged."""
    folder = Path(folder)
    plain = read(_Stored, folder)
    try:
        tokenizer = folder / "tokenizer.json"
        index = {}
        if plain.index:
            with np.load(folder / "encoder.npz", allow_pickle=False) as file:
                index = {"texts": plain.index, "vectors": file["index"].astype(np.float32)}
            if index["vectors"].ndim != 2 or len(index["vectors"]) != len(plain.index):
                raise ValueError(f"{len(plain.index)} texts do not fit vectors of shape {index['vectors'].shape}")
        return SubwordEncoder(
            length=plain.length, padding=plain.padding, special=plain.special, labels=plain.labels, index=index, usual=plain.usual,
            multi_label=plain.multi_label, html=plain.html,
            tokenizer=read_tokenizer(tokenizer) if tokenizer.exists() else "",
        )  # fmt: skip
    except (OSError, EOFError, KeyError, TypeError, ValueError, BadZipFile) as error:
        raise DataError(f"The sentence encoder in {str(folder)!r} cannot be read: {error}.") from error


def _bytes(texts: list[str], most: int, length: int | None) -> np.ndarray:
    """UTF-8 bytes as int32 (N, T), zero-padded; NUL counts as a space and a cut never leaves half a character."""
    width = length or most
    out = np.zeros((len(texts), width), np.int32)
    for i, text in enumerate(texts):
        raw = unicodedata.normalize("NFC", text[:most]).encode("utf-8", errors="replace")[:most]
        raw = raw.decode("utf-8", errors="ignore").encode().replace(b"\0", b" ")[:width]
        out[i, : len(raw)] = np.frombuffer(raw, np.uint8)
    return out


@functools.lru_cache(maxsize=8)
def _tokenizer(text: str, length: int):
    from tokenizers import Tokenizer

    made = Tokenizer.from_str(text)
    made.no_padding()
    made.enable_truncation(length)
    return made
