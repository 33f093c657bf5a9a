"""What the page of each task consists of: its scripts, the state of its encoder, examples, and what it cannot do as Python does."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
from msgspec import Struct

from applied_dl.core.errors import UsageError
from applied_dl.page.litert import packed
from applied_dl.page.rules import table_rules, text_rules
from applied_dl.predictor import Predictor

MOST_VECTORS = 20_000  # of the words or texts among which neighbours are searched
NORMALIZERS = ("Sequence", "BertNormalizer", "Lowercase", "StripAccents", "Replace", "NFC", "NFD", "NFKC", "NFKD")
WIDEST = 256  # tokens or words of a text that a page reads; every input has this width


class PageParts(Struct, frozen=True, kw_only=True):
    """The parts of a page that depend on the task.

    Attributes:
        modules: names of its scripts, dependencies first.
        encoder: the encoder's state as JSON.
        rules: patterns and constants of `rules.py`.
        form: what the page starts with, such as a typical row.
        examples: raw inputs whose arrays and outputs the page verifies at its start.
        limits: one sentence for each thing that the page does not do as `predict` does.
        blocks: packed binary parts by name.
        length, padding: steps of every sequence, and the value that fills shorter ones.
    """

    modules: tuple[str, ...]
    encoder: Any
    rules: dict[str, Any]
    form: Any = None
    examples: tuple[Any, ...] = ()
    limits: tuple[str, ...] = ()
    blocks: dict[str, str] = {}
    length: int = 1
    padding: int = 0

    def as_json(self, raw: Any) -> Any:
        """An example as JSON: the bytes of a file in base64."""
        return {"base64": base64.b64encode(raw).decode()} if isinstance(raw, bytes) else raw


COMMON = ("runtime", "dom")


def page_parts(predictor: Predictor) -> PageParts:
    """The parts of a bundle's page. Raises `UsageError` where its task or its encoder cannot run in a page."""
    made = {"tabular": _table, "image": _image, "words": _words, "sentences": _sentences, "forecast": _series}.get(predictor.task)
    if made is None:
        raise UsageError(f"There is no page for the task {predictor.task!r}; use `applied-dl predict` or the exported file.")
    return made(predictor)


def _table(predictor: Predictor) -> PageParts:
    from applied_dl.tasks.tabular.examples import typical_row

    encoder = predictor.encoder
    return PageParts(
        modules=("text", "cells", "quantities", "dates", "answers", "table", "rows", *COMMON, "view_table", "start"),
        encoder=msgspec.to_builtins(encoder),
        rules=table_rules(),
        form=typical_row(encoder),
        examples=tuple(predictor.task_module.examples(encoder)),
        limits=("Rows are read as texts. Files of Excel or Parquet, and rows of totals below a table, are for `applied-dl predict`.",),
    )


def _image(predictor: Predictor) -> PageParts:
    encoder = predictor.encoder
    examples = tuple(predictor.task_module.examples(encoder))
    limits = ["Images of more than 8 bits per channel are reduced to 8 bits by the browser, which may differ from `predict` by one level."]
    if encoder.reduce_jpeg:
        examples = examples[1:]
        limits.append("Large JPEGs may differ: this bundle was trained on JPEGs that were reduced while they were decoded. Train it again.")
    return PageParts(
        modules=("text", "answers", "image", *COMMON, "view_image", "start"),
        encoder=msgspec.to_builtins(encoder),
        rules={"patterns": {}},
        examples=examples,
        limits=tuple(limits),
    )


def _words(predictor: Predictor) -> PageParts:
    encoder = predictor.encoder
    vectors = encoder.arrays["vectors"][:MOST_VECTORS]
    few = f"the {MOST_VECTORS:,} most frequent words, with vectors " if len(vectors) < len(encoder.words) else "vectors "
    state = {"words": encoder.words, "lowercase": encoder.lowercase, "ngrams": encoder.ngrams, "buckets": encoder.buckets}
    return PageParts(
        modules=("text", "words", "subwords", "answers", *COMMON, "view_text", "start"),
        encoder={},
        rules=text_rules(markup_too=False),
        form={"vectors": vectors.shape, "padding": encoder.padding, "similarity": True, "text": encoder.words[0]},
        examples=tuple(predictor.task_module.examples(encoder)),
        limits=(f"Neighbours are searched among {few}of half precision.", f"Of a text, {WIDEST} words and sub-words are read."),
        blocks={"state": _json(state), "vectors": packed(vectors.astype("<f2").tobytes())},
        length=WIDEST,
        padding=encoder.padding,
    )


def _sentences(predictor: Predictor) -> PageParts:
    encoder = predictor.encoder
    tokenizer = json.loads(encoder.tokenizer) if encoder.tokenizer else None
    if tokenizer is not None and (reason := _unknown_tokenizer(tokenizer)):
        raise UsageError(f"There is no page for this bundle: {reason}, which is not ported to JavaScript; use `applied-dl predict`.")
    index = encoder.index
    vectors = np.asarray(index["vectors"])[:MOST_VECTORS] if index else None
    shown = {name: getattr(encoder, name) for name in ("length", "padding", "special", "usual", "labels", "multi_label", "html")}
    length = min(WIDEST, encoder.length)
    cut = f"The page reads {length} tokens of a text; `predict` reads {encoder.length}."
    return PageParts(
        modules=("text", "words", "subwords", "answers", *COMMON, "view_text", "start"),
        encoder=shown,
        rules=text_rules(markup_too=encoder.html),
        form={
            "vectors": None if vectors is None else vectors.shape, "padding": encoder.padding, "similarity": not encoder.labels,
            "text": "A man is playing a guitar." if index is None or not index else index["texts"][0],
        },
        examples=tuple(predictor.task_module.examples(encoder)),
        limits=(*((cut,) if length < encoder.length else ()),),
        blocks={
            "state": _json({"tokenizer": tokenizer, "texts": list(index.get("texts", ()))[:MOST_VECTORS]}),
            **({} if vectors is None else {"vectors": packed(vectors.astype("<f2").tobytes())}),
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


def _json(value: Any) -> str:
    return packed(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace"))


def _series(predictor: Predictor) -> PageParts:
    encoder = predictor.encoder
    if reason := _unknown_history(encoder):
        raise UsageError(f"There is no page for this bundle: {reason}, which is not ported to JavaScript; use `applied-dl predict`.")
    found = tuple(predictor.task_module.examples(encoder))
    return PageParts(
        modules=("text", "cells", "dates", "clock", "series", "rows", *COMMON, "view_series", "start"),
        encoder=msgspec.to_builtins(encoder),
        rules=table_rules(),
        form=_csv(found[0]),
        examples=found,
        limits=("A history has the columns of the training file, its times written as there; other forms are for `applied-dl predict`.",),
    )


def _unknown_history(encoder: Any) -> str:
    """What of a history the page does not have; empty where it has all."""
    columns = encoder.columns
    if columns.past or columns.future or columns.static:
        return "it reads covariates"
    if columns.layout == "rows" or columns.time_parts or columns.series_parts:
        return "its file has a row for each series, or times or names in several columns"
    return "its clock moves to business days" if encoder.clock.business else ""


def _csv(table: dict[str, list[Any]]) -> str:
    """Columns as the text of a CSV file, which the page starts with."""
    cell: Callable[[Any], str] = lambda value: "" if value is None else f'"{value}"' if "," in str(value) else str(value)  # noqa: E731
    return "\n".join(",".join(map(cell, row)) for row in (table.keys(), *zip(*table.values())))
