"""A user's images → decoded, labelled parts: classes, size and channels chosen, unreadable images reported, duplicates in one part."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from msgspec import Struct, field, structs

from applied_dl.core.errors import DataError
from applied_dl.core.fingerprint import fingerprint, row_keys
from applied_dl.core.plurals import numbered
from applied_dl.core.records import Part
from applied_dl.core.splits import split_parts
from applied_dl.tasks.image.encoder import ImageEncoder
from applied_dl.tasks.image.readers.classes import (
    FEWEST,
    class_names,
    label_counts,
    matched,
    refuse_lost_classes,
    renamed_labels,
    target_of,
)
from applied_dl.tasks.image.readers.content import check_content, contradictions
from applied_dl.tasks.image.readers.hints import group_hint
from applied_dl.tasks.image.readers.listing import NAMES, Listing, Options, as_learned, options_of
from applied_dl.tasks.image.readers.shape import fit_input
from applied_dl.tasks.image.readers.sources import list_source
from applied_dl.vision.cache import decode_all, rows_of
from applied_dl.vision.ranges import with_light

SHOWN = 20  # unreadable images that are named


class Images(Struct, frozen=True, kw_only=True):
    """The fitted encoder, the parts by name, and what the user should know."""

    encoder: ImageEncoder
    parts: dict[str, Part]
    fingerprint: str
    facts: dict[str, object] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


def read_images(data, seed: int, cache: Path, *, preset: str = "default", weights: str | None = "none") -> Images:
    """Read, decode, check and split the images of a recipe.

    Args:
        data: the recipe's `[data]` section.
        seed: of the split.
        cache: folder for decoded images.
        preset: the recipe's preset, which decides the size of large images.
        weights: pretrained weights, "none", or None where that is still open.

    Raises:
        DataError: the images cannot be trained on; one sentence says why and what to do.
    """
    options = options_of(data)
    listings, warnings = matched(_listings(data, options, cache))
    learned = listings.get("train") or listings["all"]
    labels, several = class_names(listings)
    items = [item for listing in listings.values() for item in listing.items]
    part = np.repeat(list(listings), [len(listing.items) for listing in listings.values()])
    encoder, notes = fit_input(data, learned.items, preset, weights)
    done = decode_all(encoder, items, cache)
    kept = np.array([i for i in range(len(items)) if i not in done.errors], np.int64)
    target = target_of(listings, labels, several)
    warnings += [text for listing in listings.values() for text in listing.warnings] + notes
    refuse_lost_classes(target, kept, labels, done.errors)
    warnings += _unreadable(done.errors, len(items), data.max_unreadable) + _animated(done.notes, items)
    pixels = rows_of(done.pixels, kept, cache) if len(kept) < len(items) else done.pixels
    target, part, items = target[kept], part[kept], [items[i] for i in kept]
    keys = row_keys(pixels)
    warnings += check_content(pixels, keys, target, labels) + contradictions(keys, target, items, labels)
    groups = _groups(listings, kept)
    rows, notes = _split(data, seed, part, target, labels, keys, groups)
    warnings += notes
    parts = {name: _part(pixels, target, items, rows[name], cache) for name in NAMES}
    if groups is None and not any("data.group" in text for text in warnings):
        hint = group_hint([items[i] for i in rows["train"]], parts["train"].inputs["image"], parts["train"].target)
        warnings += [hint] if hint else []
    encoder = structs.replace(encoder, labels=labels, multi_label=several, target=learned.target, separator=learned.separator)
    encoder = with_light(encoder, parts["train"].inputs["image"])
    facts = _facts(encoder, parts, done.errors, _duplicates(rows, keys, part), groups)
    digest = fingerprint(*(a for name in NAMES for a in (parts[name].inputs["image"], parts[name].target)), *labels)
    return Images(encoder=encoder, parts=parts, fingerprint=digest, facts=facts, warnings=warnings)


def read_labeled(encoder: ImageEncoder, source: str, data, cache: Path, max_unreadable: float = 1.0) -> Part:
    """The images of another source with their labels in the encoder's classes; its test part, where the source has parts of its own.

    Raises:
        DataError: the encoder does not know a class, or more than `max_unreadable` of the images cannot be read.
    """
    kind = "multi_label" if encoder.multi_label else "classification" if encoder.labels else "regression"
    target = data.target if data.target is not None else encoder.target or None
    options = structs.replace(
        options_of(data), kind=kind, target=target, label_separator=encoder.separator or data.label_separator, group=None
    )
    if kind == "classification":
        options = structs.replace(options, label_separator=None)
    found = list_source(source, options, cache)
    if "all" not in found and "test" not in found:
        raise DataError(f"{source!r} has the parts {', '.join(found)} and no test part; name the folder of the part to score.")
    listing = found.get("test") or found["all"]
    done = decode_all(encoder, listing.items, cache)
    warnings = [*listing.warnings, *_unreadable(done.errors, len(listing.items), max_unreadable)]
    if "all" not in found:
        warnings.append(f"of {source!r} only the test part is scored")
    if encoder.labels:
        listing, unknown, notes = renamed_labels(listing, encoder.labels)
        warnings += notes
        if unknown:
            raise DataError(
                f"{source!r} has the class {unknown[0]!r}, which the model does not know; it knows: {', '.join(encoder.labels)}."
            )
    kept = np.array([i for i in range(len(listing.items)) if i not in done.errors], np.int64)
    truth = target_of({"test": listing}, encoder.labels, encoder.multi_label)
    paths = np.array([str(listing.items[i]) if isinstance(listing.items[i], Path) else "" for i in kept])
    return Part(inputs={"image": done.pixels[kept]}, target=truth[kept], extra={"path": paths}, warnings=warnings)


def _listings(data, options: Options, cache: Path) -> dict[str, Listing]:
    """The listings of the source, or of the parts that the recipe names; the training part decides how labels are read."""
    if not (data.train or data.validation or data.test):
        found = list_source(data.source, options, cache)
        if "train" not in found and "all" not in found:
            raise DataError(f"The source has the parts {', '.join(found)} and no training part; expected a part named train.")
        return {"train": found["train"], **found} if "train" in found else found
    if not data.train:
        raise DataError("data.test or data.validation is given without data.train; name the training part too, or only data.source.")
    found = {}
    for name in NAMES:
        if path := getattr(data, name):
            listings = list_source(path, options, cache)
            found[name] = listings.get("all") or listings.get(name) or next(iter(listings.values()))
            options = as_learned(options, found["train"])
    return found


def _unreadable(errors: dict[int, str], n: int, allowed: float) -> list[str]:
    if not errors:
        return []
    share, first = len(errors) / n, errors[min(errors)]
    if share > allowed:
        raise DataError(
            f"{len(errors)} of {n} images cannot be read ({share:.1%}, data.max_unreadable allows {allowed:.1%}); the first: {first}"
        )
    shown = [errors[i] for i in sorted(errors)[:SHOWN]]
    more = [f"and {len(errors) - SHOWN} more that cannot be read"] if len(errors) > SHOWN else []
    return [f"skipped {len(errors)} of {n} images: " + "; ".join(s.rstrip(".") for s in shown + more)]


def _animated(notes: dict[int, str], items: list) -> list[str]:
    if not notes:
        return []
    what = numbered(len(notes), "image is animated and only its", "images are animated and only their")
    return [f"{what} first frame is used (the first: {str(items[min(notes)])!r})"]


def _groups(listings: dict[str, Listing], kept: np.ndarray) -> np.ndarray | None:
    if not any(listing.groups for listing in listings.values()):
        return None
    found = [group for listing in listings.values() for group in listing.groups or [f"image {i}" for i in range(len(listing.items))]]
    return np.array(found)[kept]


def _split(data, seed: int, part, target, labels, keys, groups) -> tuple[dict[str, np.ndarray], list[str]]:
    """The rows of each part: as the source has them, missing parts cut from the training part. Every class keeps training images."""
    if labels and (images := len(target) / len(labels)) < FEWEST:
        raise DataError(
            f"{len(target)} images of {len(labels)} classes ({images:.3g} per class) are too few to train, to choose and to test on; "
            f"expected at least {FEWEST} per class, better 20."
        )
    strata = None if not labels else target if target.ndim == 1 else np.unique(target, axis=0, return_inverse=True)[1].reshape(-1)
    notes: list[str] = []
    rows = split_parts(part, data.split, seed, strata=strata, groups=groups, keys=keys)
    if empty := [name for name in NAMES if not len(rows[name])]:
        raise DataError(f"The {empty[0]} part is empty; give data.split a share for it, or name data.{empty[0]}.")
    if labels:
        counts = label_counts(target[rows["train"]], labels)
        if missing := [labels[i] for i in np.flatnonzero((counts == 0) & (label_counts(target, labels) > 0))]:
            cause = (
                "all of its images are in groups of other parts (data.group)" if groups is not None else "it has too few different images"
            )
            raise DataError(f"No training image is left of the class {missing[0]!r}: {cause}; add images of it, or change data.split.")
    if groups is not None:
        across = set(groups[rows["train"]]) & set(groups[rows["test"]])
        notes += [f"{len(across)} groups are in the training and the test part that were given"] if across else []
    return rows, notes


def _part(pixels: np.ndarray, target: np.ndarray, items: list, rows: np.ndarray, cache: Path) -> Part:
    source = [str(items[i]) if isinstance(items[i], Path) else "" for i in rows]
    return Part(inputs={"image": rows_of(pixels, rows, cache)}, target=target[rows], extra={"path": np.array(source)})


def _duplicates(rows: dict[str, np.ndarray], keys: np.ndarray, part: np.ndarray) -> dict[str, int]:
    found = {"duplicates": int(len(keys) - len(np.unique(keys)))}
    if "all" not in part:
        others = np.concatenate([keys[rows["train"]], keys[rows["validation"]]])
        found["duplicates_across_given_parts"] = len(np.intersect1d(keys[rows["test"]], others))
    return found


def _facts(encoder: ImageEncoder, parts: dict[str, Part], errors: dict[int, str], duplicates: dict[str, int], groups) -> dict:
    n = sum(len(part) for part in parts.values())
    kind = f"{len(encoder.labels)} {'labels, several per image' if encoder.multi_label else 'classes'}"
    what = kind if encoder.labels else f"{encoder.target!r} as a number" if encoder.target else "a number per image"
    shape = f"{encoder.height} by {encoder.width} {'grey' if encoder.channels == 1 else 'RGB'}"
    copies = f", {duplicates['duplicates']} exact duplicates" if duplicates["duplicates"] else ""
    across = duplicates.get("duplicates_across_given_parts")
    copies += f" ({across} test images also in training)" if across else ""
    copies += f", {len(np.unique(groups))} groups" if groups is not None else ""
    return {
        "summary": f"{n:,} images, {what}, {shape}{copies}",
        "images": n,
        **({"classes": len(encoder.labels)} if encoder.labels else {"target": encoder.target}),
        "image_size": f"{encoder.height} x {encoder.width} x {encoder.channels}",
        "unreadable": len(errors),
        "unreadable_files": [errors[i] for i in sorted(errors)[:1000]],
        **duplicates,
    }
