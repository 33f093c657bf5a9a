"""The table of English sub-word vectors that travels in the package: how similar words and short texts are, known before any training.

It was distilled from all-MiniLM-L6-v2 by `python -m benchmarks.sentences.distil`: the mean of a text's rows, of unit length, is near the
sentence encoder's vector. The norm of a row is small for the words of every text. No TensorFlow, no pickle, no network.
"""

from __future__ import annotations

import hashlib
import io
import json
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from applied_dl.core.errors import DataError

FILE = Path(__file__).parents[1] / "datasets" / "subwords.npz"
SHA256 = "5597172807b15402625e54adc7e369acd7a5e6a26c94cbfd86651b5e5c8ae732"  # of FILE
SPECIAL = ("[PAD]", "[UNK]", "[MASK]")  # rows 0, 1 and 2, as in a tokenizer that is trained
LONGEST = 100  # characters of a word that is split; a longer one is unknown, as in BERT


class Subwords(NamedTuple):
    """The table.

    Args:
        tokenizer: the text of its tokenizer.json: WordPiece in lower case without accents.
        vectors: (V, D) float32; row 0 is padding.
        frequencies: (V,) float32 share of each sub-word among those of English Wikipedia.
    """

    tokenizer: str
    vectors: np.ndarray
    frequencies: np.ndarray


@cache
def english() -> Subwords:
    """The table, read once.

    Raises:
        DataError: where the file of the package is missing or damaged.
    """
    try:
        raw = FILE.read_bytes()
    except OSError as error:
        raise DataError(f"The table of sub-words {str(FILE)!r} cannot be read ({error.strerror}); install applied_dl again.") from error
    if hashlib.sha256(raw).hexdigest() != SHA256:
        raise DataError(f"The table of sub-words {str(FILE)!r} is damaged: its sha256 is another one; install applied_dl again.")
    with np.load(io.BytesIO(raw), allow_pickle=False) as file:
        words = bytes(file["words"]).decode("utf-8").split("\n")
        vectors = file["vectors"].astype(np.float32) * file["scales"].astype(np.float32)[:, None]
        counts = file["counts"].astype(np.float32)
    return Subwords(tokenizer_json(words), vectors, counts / counts.sum())


def arrays(words: list[str], vectors: np.ndarray, counts: np.ndarray) -> dict[str, np.ndarray]:
    """What the file holds: 8 bits for each number and a scale for each row (V,)."""
    scales = (np.maximum(np.abs(vectors).max(1), 1e-3) / 127).astype(np.float16)
    return {
        "words": np.frombuffer("\n".join(words).encode(), np.uint8),
        "vectors": np.rint(vectors / scales.astype(np.float32)[:, None]).clip(-127, 127).astype(np.int8),
        "scales": scales,
        "counts": counts.astype(np.uint32),
    }


def tokenizer_json(words: list[str]) -> str:
    """The tokenizer.json of a WordPiece vocabulary in lower case whose first entries are SPECIAL."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

    vocabulary = {word: i for i, word in enumerate(words)}
    made = Tokenizer(models.WordPiece(vocabulary, unk_token=SPECIAL[1], max_input_chars_per_word=LONGEST))
    made.normalizer = normalizers.BertNormalizer(lowercase=True)
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.add_special_tokens(list(SPECIAL))
    return json.dumps(json.loads(made.to_str()), ensure_ascii=False)
