"""The page of images: drop, paste, choose or photograph them."""

from __future__ import annotations

import msgspec

from applied_dl.core.page_parts import PageParts
from applied_dl.tasks.image.encoder import ImageEncoder
from applied_dl.tasks.image.predict import examples


def page_parts(encoder: ImageEncoder) -> PageParts:
    """What its page consists of."""
    found = tuple(examples(encoder))
    limits = ["Images of more than 8 bits per channel are reduced to 8 bits by the browser, which may differ from `predict` by one level."]
    if encoder.reduce_jpeg:
        found = found[1:]
        limits.append("Large JPEGs may differ: this bundle was trained on JPEGs that were reduced while they were decoded. Train it again.")
    return PageParts(
        modules=("text", "answers", "image", "view_image"), encoder=msgspec.to_builtins(encoder), examples=found, limits=tuple(limits)
    )
