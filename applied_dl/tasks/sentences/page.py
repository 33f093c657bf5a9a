"""The page of sentences: labels, or neighbours and the similarity of two texts."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from applied_dl.core.errors import UsageError
from applied_dl.core.page_parts import PageParts, json_block
from applied_dl.tasks.sentences.encoder import SubwordEncoder
from applied_dl.tasks.sentences.predict import examples
from applied_dl.text.page_blocks import MOST_VECTORS, WIDEST, vectors_block

NORMALIZERS = ("Sequence", "BertNormalizer", "Lowercase", "StripAccents", "Replace", "NFC", "NFD", "NFKC", "NFKD")


def page_parts(encoder: SubwordEncoder) -> PageParts:
    """What its page consists of. Raises `UsageError` where its tokenizer is not ported."""
    tokenizer = json.loads(encoder.tokenizer) if encoder.tokenizer else None
    if tokenizer is not None and (reason := _unknown_tokenizer(tokenizer)):
        raise UsageError(f"There is no page for this bundle: {reason}, which is not ported to JavaScript; use `applied-dl predict`.")
    index = encoder.index
    vectors = np.asarray(index["vectors"])[:MOST_VECTORS] if index else None
    shown = {name: getattr(encoder, name) for name in ("length", "padding", "special", "usual", "labels", "multi_label", "html")}
    length = min(WIDEST, encoder.length)
    cut = f"The page reads {length} tokens of a text; `predict` reads {encoder.length}."
    return PageParts(
        modules=("text", "words", "subwords", "answers", "view_text"),
        encoder=shown,
        rules="markup" if encoder.html else "text",
        form={
            "vectors": None if vectors is None else vectors.shape, "padding": encoder.padding, "similarity": not encoder.labels,
            "text": "A man is playing a guitar." if index is None or not index else index["texts"][0],
        },
        examples=tuple(examples(encoder)),
        limits=(cut,) if length < encoder.length else (),
        blocks={
            "state": json_block({"tokenizer": tokenizer, "texts": list(index.get("texts", ()))[:MOST_VECTORS]}),
            **({} if vectors is None else {"vectors": vectors_block(vectors)}),
        },
        length=length,
        padding=encoder.padding,
    )  # fmt: skip


def _unknown_tokenizer(plain: dict[str, Any]) -> str:
    """What of a tokenizer.json the page does not have; empty where it has all."""
    model, normalizer, before, after = (plain.get(part) or {} for part in ("model", "normalizer", "pre_tokenizer", "post_processor"))
    every = [normalizer, *normalizer.get("normalizers", ())]
    kinds = [one["type"] for one in every if one and one["type"] not in NORMALIZERS]
    if model.get("type") not in ("WordPiece", "BPE") or model.get("byte_fallback") or model.get("ignore_merges"):
        return f"its tokenizer is a {model.get('type', 'nameless')} model"
    if kinds:
        return f"its tokenizer normalises texts by {kinds[0]}"
    if before.get("type") not in ("BertPreTokenizer", "ByteLevel"):
        return f"its tokenizer splits texts by {before.get('type', 'nothing')}"
    if after and after["type"] not in ("TemplateProcessing", "BertProcessing", "ByteLevel"):
        return f"its tokenizer ends with {after['type']}"
    if any(
        token.get("lstrip") or token.get("rstrip") or token.get("single_word") or token.get("normalized") for token in plain["added_tokens"]
    ):
        return "its tokenizer has added tokens with rules of their own"
    return ""
