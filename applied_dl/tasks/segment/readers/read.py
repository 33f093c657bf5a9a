"""A user's images and masks → encoded parts: classes learned, sizes chosen, unreadable pairs reported, duplicates in one part."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
from msgspec import Struct, field, structs

from applied_dl.core.errors import DataError
from applied_dl.core.fingerprint import fingerprint, row_keys
from applied_dl.core.records import Part
from applied_dl.core.splits import split_parts
from applied_dl.tasks.segment.encoder import VOID, MaskCode, SegmentEncoder, encode_image, fit_mask, tiles_of, with_labels
from applied_dl.tasks.segment.readers.classes import default_palette
from applied_dl.tasks.segment.readers.code import learn_code
from applied_dl.tasks.segment.readers.listing import NAMES, Listing, Pair
from applied_dl.tasks.segment.readers.masks import class_mask
from applied_dl.tasks.segment.readers.reports import check_classes, facts_of, sizes, unreadable, without_masks
from applied_dl.tasks.segment.readers.shape import fit_input
from applied_dl.tasks.segment.readers.sources import list_source
from applied_dl.vision.image_files import open_image
from applied_dl.vision.patterns import groups_of
from applied_dl.vision.ranges import with_light

FEWEST = 4  # images
FITTED = 2000  # images whose brightness is measured
PROPORTION = 0.02  # by which the shapes of an image and its mask may differ, where their sizes do
ORIENTATION = 0x0112  # EXIF
TURNS = {3: 2, 6: 3, 8: 1}  # quarter turns to the left of an image by its EXIF orientation


class Scenes(Struct, frozen=True, kw_only=True):
    """The fitted encoder, the parts by name, and what the user should know.

    Attributes:
        pretrained: an encoder of pretrained weights suits the images.
        counts: (C,) training pixels of each class.
    """

    encoder: SegmentEncoder
    parts: dict[str, Part]
    fingerprint: str
    pretrained: bool
    counts: np.ndarray
    facts: dict[str, object] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


class Rows(NamedTuple):
    """Encoded pairs: images (N, H, W, C), masks (N, H, W), the pair of each row, and why others cannot be read."""

    images: np.ndarray
    masks: np.ndarray
    owner: np.ndarray
    errors: dict[int, str]
    resized: int = 0


def read_scenes(data, seed: int, cache: Path, *, preset: str = "default", weights: str | None = None) -> Scenes:
    """Read, decode, check and split the images of a recipe.

    Args:
        data: the recipe's `[data]` section.
        seed: of the split.
        cache: folder for unpacked archives.
        preset: the recipe's preset, which decides the size of large images.
        weights: of the encoder; "none" for none, None where the images decide.

    Raises:
        DataError: the images cannot be trained on; one sentence says why and what to do.
    """
    listings = _listings(data, cache)
    learned = listings.get("train") or listings["all"]
    warnings = [text for listing in listings.values() for text in listing.warnings]
    warnings += without_masks(listings, data.max_unreadable)
    pairs = [pair for listing in listings.values() for pair in listing.pairs]
    part = np.repeat(list(listings), [len(listing.pairs) for listing in listings.values()])
    if len(pairs) < FEWEST:
        raise DataError(
            f"{len(pairs)} images with masks are too few to train, to choose and to test on; expected at least {FEWEST}, better 50."
        )
    form, pretrained, notes = fit_input(data, [pair.image for pair in learned.pairs], preset, weights)
    warnings += notes
    if learned.labels:
        labels, palette, code = learned.labels, default_palette(len(learned.labels)), MaskCode(kind="shapes")
    else:
        labels, palette, code = learn_code([pair.mask for pair in learned.pairs], learned.table, data.ignore, warnings)
    encoder = with_labels(form, tuple(labels), palette, code)
    rows = encode_pairs(encoder, pairs)
    warnings += unreadable(rows.errors, len(pairs), data.max_unreadable) + sizes(rows.resized, len(pairs))
    kept, first = np.unique(rows.owner, return_index=True)
    keys = _keys(rows, first)
    groups = None if data.group is None else groups_of(data.group, [pair.image for pair in pairs], learned.folder)
    split = _split(data, seed, part[kept], rows, kept, keys, None if groups is None else np.array(groups)[kept], len(labels))
    parts = {name: _part(rows, pairs, kept[split[name]]) for name in NAMES}
    counts = np.bincount(parts["train"].target.ravel(), minlength=256)[: len(labels)]
    warnings += check_classes(encoder, parts, counts)
    encoder = with_light(encoder, parts["train"].inputs["image"], FITTED)
    digest = fingerprint(*(a for name in NAMES for a in (parts[name].inputs["image"], parts[name].target)), *labels)
    facts = facts_of(encoder, parts, rows.errors, counts, keys)
    return Scenes(
        encoder=encoder, parts=parts, fingerprint=digest, pretrained=pretrained, counts=counts, facts=facts, warnings=warnings
    )  # fmt: skip


def read_labeled(encoder: SegmentEncoder, source: str, data, cache: Path) -> Part:
    """The images of another source with their masks in the encoder's classes; its test part, where the source has parts of its own.

    Raises:
        DataError: a mask holds an unknown class, or nothing can be read.
    """
    found = list_source(source, data, cache)
    if "all" not in found and "test" not in found:
        raise DataError(f"{source!r} has the parts {', '.join(found)} and no test part; name the folder of the part to score.")
    listing = found.get("test") or found["all"]
    warnings = [*listing.warnings, *without_masks({"test": listing}, 1.0)]
    if "all" not in found:
        warnings.append(f"of {source!r} only the test part is scored")
    if (encoder.code.kind == "shapes") != bool(listing.labels):
        kinds = ("shapes of an annotation file", "mask files")
        raise DataError(f"{source!r} has {kinds[not listing.labels]}; this model was trained on {kinds[bool(listing.labels)]}.")
    rows = encode_pairs(encoder, listing.pairs)
    if not len(rows.images):
        raise DataError(f"None of the {len(listing.pairs)} images of {source!r} can be read; the first: {rows.errors[0]}")
    warnings += unreadable(rows.errors, len(listing.pairs), data.max_unreadable)
    return structs.replace(_part(rows, listing.pairs, np.unique(rows.owner)), warnings=warnings)


def _listings(data, cache: Path) -> dict[str, Listing]:
    """The listings of the source, or of the parts that the recipe names."""
    if not (data.train or data.validation or data.test):
        found = list_source(data.source, data, cache)
        if "train" not in found and "all" not in found:
            raise DataError(f"The source has the parts {', '.join(found)} and no training part; expected a part named train.")
        return {"train": found["train"], **found} if "train" in found else found
    if not data.train:
        raise DataError("data.test or data.validation is given without data.train; name the training part too, or only data.source.")
    found = {}
    for name in NAMES:
        if path := getattr(data, name):
            listings = list_source(path, data, cache)
            found[name] = listings.get("all") or listings.get(name) or next(iter(listings.values()))
    return found


def encode_pairs(encoder: SegmentEncoder, pairs: list[Pair]) -> Rows:
    """Images and masks in the form of the model; a pair that cannot be read does not stop the others."""

    def encoded(pair: Pair):
        try:
            return _encode_pair(encoder, pair), ""
        except DataError as error:
            return None, str(error)

    images, masks, owner, errors, resized = [], [], [], {}, 0
    with ThreadPoolExecutor(4) as pool:
        for place, (found, error) in enumerate(pool.map(encoded, pairs)):
            if found is None:
                errors[place] = error
                continue
            image, mask, other = found
            images.append(image)
            masks.append(mask)
            owner += [place] * len(image)
            resized += other
    shape = (0, encoder.height, encoder.width)
    return Rows(
        np.concatenate(images) if images else np.zeros((*shape, encoder.channels), np.uint8),
        np.concatenate(masks) if masks else np.zeros(shape, np.uint8),
        np.array(owner, np.int64),
        errors,
        resized,
    )


def _encode_pair(encoder: SegmentEncoder, pair: Pair) -> tuple[np.ndarray, np.ndarray, bool]:
    """Rows of the image and of its mask, and whether the mask had another size."""
    image, view = encode_image(encoder, pair.image)
    mask = class_mask(encoder.code, encoder.labels, pair.mask)
    mask, other = _same_shape(mask, view.height, view.width, pair)
    if not view.places:
        return image, fit_mask(encoder, mask)[None], other
    rows = tiles_of(mask, view.places, (encoder.height, encoder.width), VOID)
    return image, _each_once(rows, view.places, mask.shape), other


def _each_once(rows: np.ndarray, places: Iterable[tuple[int, int]], shape: tuple[int, ...]) -> np.ndarray:
    """Tiles in which every pixel of an image counts once: where tiles overlap, it is void in the later ones."""
    seen, out = np.zeros(shape, bool), rows.copy()
    for row, (top, left) in zip(out, places):
        part = seen[top : top + row.shape[0], left : left + row.shape[1]]
        row[: part.shape[0], : part.shape[1]][part] = VOID
        part[:] = True
    return out


def _same_shape(mask: np.ndarray, height: int, width: int, pair: Pair) -> tuple[np.ndarray, bool]:
    """The mask in the size of its image, turned where it was drawn on the image before its EXIF orientation was applied."""
    from PIL import Image

    if mask.shape != (height, width) and not _alike(mask.shape, (height, width)) and (turns := _turns(pair.image)):
        mask = np.ascontiguousarray(np.rot90(mask, turns))
    if mask.shape == (height, width):
        return mask, False
    if not _alike(mask.shape, (height, width)):
        raise DataError(
            f"The mask {_named(pair.mask)} has {mask.shape[1]} by {mask.shape[0]} pixels and its image {_named(pair.image)} {width} by "
            f"{height}; expected the same size, or the same proportions."
        )
    return np.asarray(Image.fromarray(mask).resize((width, height), Image.Resampling.NEAREST)), True


def _alike(one: tuple[int, ...], other: tuple[int, int]) -> bool:
    """Whether two shapes have the same proportions."""
    return abs(one[1] / one[0] * other[0] / other[1] - 1) < PROPORTION


def _turns(image) -> int:
    """Quarter turns to the left that EXIF asks for; 0 where it asks for none."""
    if not isinstance(image, str | Path):
        return 0
    with open_image(image) as opened:
        return TURNS.get(opened.getexif().get(ORIENTATION, 1), 0)


def _named(item) -> str:
    item = item[0] if isinstance(item, tuple) else item
    return repr(str(item)) if isinstance(item, str | Path) else f"of {item.source!r}" if hasattr(item, "source") else "in an array"


def _split(data, seed: int, part, rows: Rows, kept, keys, groups, classes: int) -> dict[str, np.ndarray]:
    """The pairs of each part, as positions in `kept`: as the source has them, missing parts cut from the training part.

    Parts share rare classes: an image counts as one of its rarest class.
    """
    present = np.zeros((len(kept), classes), bool)
    place = np.searchsorted(kept, rows.owner)
    for at, mask in zip(place, rows.masks):
        present[at, [code for code in np.unique(mask) if code < classes]] = True
    rarity = np.where(present, present.sum(0), len(kept) + 1)
    split = split_parts(part, data.split, seed, strata=rarity.argmin(1), groups=groups, keys=keys)
    if empty := [name for name in NAMES if not len(split[name])]:
        raise DataError(f"The {empty[0]} part is empty; give data.split a share for it, or name data.{empty[0]}.")
    return split


def _keys(rows: Rows, first: np.ndarray) -> np.ndarray:
    """A hash of the content of each image, whose rows begin at `first`."""
    keys = row_keys(rows.images)
    return keys if len(first) == len(keys) else np.array([fingerprint(some) for some in np.split(keys, first[1:])])


def _part(rows: Rows, pairs: list[Pair], own: np.ndarray) -> Part:
    """The rows of some pairs."""
    at = np.flatnonzero(np.isin(rows.owner, own))
    paths = [str(pairs[i].image) if isinstance(pairs[i].image, Path) else "" for i in rows.owner[at]]
    return Part(
        inputs={"image": np.ascontiguousarray(rows.images[at])},
        target=np.ascontiguousarray(rows.masks[at]),
        extra={"path": np.array(paths), "image": rows.owner[at]},
    )
