"""A pretrained encoder over many texts: the teacher of a smaller one."""

from __future__ import annotations

import hashlib
from pathlib import Path

import keras
import numpy as np
from keras import ops

from applied_dl.core import console
from applied_dl.core.cache import cache_folder
from applied_dl.layers.backend import JAX, compiled
from applied_dl.tasks.sentences.encoder import SubwordEncoder, encode_texts, read_tokenizer
from applied_dl.text.bert_files import read_facts
from applied_dl.text.models.bert import pretrained

BATCH, LENGTH = 64, 128  # texts at a time, and at most so many tokens of each


def teacher_vectors(folder: str | Path, texts: list[str]) -> np.ndarray:
    """Unit vectors (N, D) float32 of a pretrained encoder; cached by the content of its files, since they take minutes."""
    facts = read_facts(Path(folder))
    length = min(facts["usual_length"], LENGTH)
    path = cache_folder() / f"teacher-{_content(Path(folder), length, texts)}.npy"
    if path.exists():
        return np.load(path, allow_pickle=False).astype(np.float32)
    encoder = SubwordEncoder(length=length, tokenizer=read_tokenizer(folder), padding=facts["padding"], special=True)
    model = pretrained(folder, length=length)
    with console.timed("teacher", f"{len(texts):,} texts encoded by {Path(folder).name}"):
        found = encode_all(encoder_call(model), encoder, texts)
    temporary = path.with_name(f".{path.name}.{id(found)}")
    with temporary.open("wb") as file:
        np.save(file, found.astype(np.float16))
    temporary.replace(path)
    return found.astype(np.float16).astype(np.float32)


def _content(folder: Path, length: int, texts: list[str]) -> str:
    """A digest of everything that the teacher's vectors depend on: its files, the length it reads, and the texts."""
    digest = hashlib.sha256(str(length).encode())
    for path in sorted(p for p in folder.rglob("*") if p.suffix in (".json", ".safetensors")):
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    for text in texts:
        digest.update(text.encode("utf-8", "replace") + b"\0")
    return digest.hexdigest()[:32]


def encoder_call(model: keras.Model):
    """A Keras encoder as one compiled function of ids (B, T) of any size."""
    if JAX:
        return compiled(lambda ids: model({"ids": ids}, training=False))
    import tensorflow as tf

    return tf.function(lambda ids: model({"ids": ids}, training=False), input_signature=[tf.TensorSpec((None, None), tf.int32)])


def encode_all(call, encoder: SubwordEncoder, texts: list[str], batch: int = BATCH) -> np.ndarray:
    """Vectors (N, D) of texts by an `encoder_call`, sorted by length so that little padding is computed."""
    order = np.argsort([len(text) for text in texts], kind="stable")
    found: np.ndarray | None = None
    for start in range(0, len(order), batch):
        rows = order[start : start + batch]
        vectors = np.asarray(call(ops.convert_to_tensor(encode_texts(encoder, [texts[i] for i in rows]))))
        found = np.zeros((len(texts), vectors.shape[1]), np.float32) if found is None else found
        found[rows] = vectors
    return np.zeros((0, 0), np.float32) if found is None else found
