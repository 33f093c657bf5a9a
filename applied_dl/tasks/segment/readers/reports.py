"""What is reported of images and masks, and what is refused: missing masks, unreadable files, absent classes; the facts of the card."""

from __future__ import annotations

import numpy as np

from applied_dl.core.errors import DataError
from applied_dl.core.records import Part
from applied_dl.tasks.segment.encoder import VOID, SegmentEncoder
from applied_dl.tasks.segment.readers.listing import Listing

SHOWN = 10  # unreadable pairs that are named
FEW = 0.001  # share of the training pixels below which a class of a single image is named


def without_masks(listings: dict[str, Listing], allowed: float) -> list[str]:
    """A note on images without a mask. Raises `DataError` where they are more than the share allowed."""
    missing = [path for listing in listings.values() for path in listing.without]
    if not missing:
        return []
    count = len(missing) + sum(len(listing.pairs) for listing in listings.values())
    if len(missing) > allowed * count:
        raise DataError(
            f"{len(missing)} of {count} images have no mask ({len(missing) / count:.1%}, data.max_unreadable allows {allowed:.1%}); "
            f"the first: {str(missing[0])!r}."
        )
    return [f"{len(missing)} of {count} images have no mask and are not used (the first: {str(missing[0])!r})"]


def unreadable(errors: dict[int, str], count: int, allowed: float) -> list[str]:
    """A note on pairs that cannot be read. Raises `DataError` where they are more than the share allowed."""
    if not errors:
        return []
    first = errors[min(errors)]
    if len(errors) > allowed * count:
        raise DataError(
            f"{len(errors)} of {count} images or masks cannot be read ({len(errors) / count:.1%}, data.max_unreadable allows "
            f"{allowed:.1%}); the first: {first}"
        )
    shown = "; ".join(errors[i].rstrip(".") for i in sorted(errors)[:SHOWN])
    more = f"; and {len(errors) - SHOWN} more" if len(errors) > SHOWN else ""
    return [f"skipped {len(errors)} of {count} images: {shown}{more}"]


def sizes(resized: int, count: int) -> list[str]:
    """A note on masks of another size."""
    return [f"{resized} of {count} masks have another size than their image and are resized to it"] if resized else []


def check_classes(encoder: SegmentEncoder, parts: dict[str, Part], counts: np.ndarray) -> list[str]:
    """Notes on missing classes and empty masks. Raises `DataError` where nothing can be learned."""
    notes = []
    if not counts.sum():
        raise DataError("All pixels of the training masks are void; check data.ignore and the values of the masks.")
    if (counts > 0).sum() < 2:
        raise DataError(f"All pixels of the training masks are {encoder.labels[counts.argmax()]!r} or void; there is nothing to learn.")
    if missing := [encoder.labels[i] for i in np.flatnonzero(counts == 0)]:
        notes.append(f"no training pixel is of the class {', '.join(map(repr, missing[:10]))}")
    masks = parts["train"].target.reshape(len(parts["train"]), -1)
    for i in np.flatnonzero((counts > 0) & (counts < FEW * counts.sum())):
        owners = len(np.unique(parts["train"].extra["image"][(masks == i).any(1)]))
        if owners == 1:
            notes.append(
                f"the class {encoder.labels[i]!r} has {counts[i]:,} training pixels, all in one image: if it is a stray value, list it in "
                "data.ignore"
            )
    if blank := int((masks == VOID).all(1).sum()):
        notes.append(f"{blank} of {len(masks)} training masks are void altogether and teach nothing")
    untested = [encoder.labels[i] for i in np.flatnonzero(counts > 0) if not (parts["test"].target == i).any()]
    if untested:
        notes.append(f"no test pixel is of the class {', '.join(map(repr, untested[:10]))}: its score is unknown")
    return notes


def facts_of(encoder: SegmentEncoder, parts: dict[str, Part], errors: dict[int, str], counts: np.ndarray, keys: np.ndarray) -> dict:
    """The facts of the card, by name."""
    images = len(keys)
    shape = f"{encoder.height} by {encoder.width} {'grey' if encoder.channels == 1 else 'RGB'}"
    rows = sum(map(len, parts.values()))
    copies = len(keys) - len(np.unique(keys))
    tiles = f" in {rows:,} tiles" if encoder.tiled else ""
    return {
        "summary": f"{images:,} images{tiles}, {len(encoder.labels)} classes, {shape}" + (f", {copies} exact duplicates" if copies else ""),
        "images": images,
        "classes": len(encoder.labels),
        "image_size": f"{encoder.height} x {encoder.width} x {encoder.channels}",
        "class_shares": {label: round(float(share), 5) for label, share in zip(encoder.labels, counts / counts.sum())},
        "unreadable": len(errors),
        "unreadable_files": [errors[i] for i in sorted(errors)[:1000]],
        "duplicates": copies,
    }
