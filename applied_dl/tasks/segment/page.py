"""The page of segmentation: drop, paste, choose or photograph images; masks are laid over them."""

from __future__ import annotations

import msgspec

from applied_dl.core.errors import UsageError
from applied_dl.core.page_parts import PageParts
from applied_dl.tasks.segment.encoder import SegmentEncoder
from applied_dl.tasks.segment.predict import examples


def page_parts(encoder: SegmentEncoder) -> PageParts:
    """What its page consists of. Raises `UsageError` where images are cut into tiles."""
    if encoder.tiled:
        raise UsageError(
            "There is no page for a model of tiles (data.resize = 'tile'): images are cut and masks joined by `applied-dl predict`."
        )
    return PageParts(
        modules=("text", "answers", "image", "segment", "view_segment"),
        encoder=msgspec.to_builtins(encoder),
        examples=tuple(examples(encoder)),
        limits=("The page shows masks over images; `applied-dl predict --out` writes them as files.",),
    )
