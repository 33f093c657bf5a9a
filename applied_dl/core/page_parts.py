"""What a task contributes to the page of a bundle (`tasks/<task>/page.py`): its scripts, the state of its encoder, examples."""

from __future__ import annotations

import json
from typing import Any, Literal

from msgspec import Struct


class PageParts(Struct, frozen=True, kw_only=True):
    """The parts of a page that depend on the task.

    Attributes:
        modules: names of its scripts in `applied_dl/page/js`, dependencies first and its view (`view_…`) last; the runtime, the helpers for
            elements and the start are added to them.
        encoder: the encoder's state as JSON.
        rules: which patterns and constants of Python its scripts read (`applied_dl/page/rules.py`).
        form: what the page starts with, such as a typical row.
        examples: raw inputs whose arrays and outputs the page verifies at its start.
        limits: one sentence for each thing that the page does not do as `predict` does.
        blocks: binary parts by name, which the page holds gzipped.
        length, padding: steps of every sequence, and the value that fills shorter ones.
    """

    modules: tuple[str, ...]
    encoder: Any
    rules: Literal["none", "table", "text", "markup"] = "none"
    form: Any = None
    examples: tuple[Any, ...] = ()
    limits: tuple[str, ...] = ()
    blocks: dict[str, bytes] = {}
    length: int = 1
    padding: int = 0


def json_block(value: Any) -> bytes:
    """A JSON value as a block of a page; half of a surrogate pair, which UTF-8 has not, becomes a question mark."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
