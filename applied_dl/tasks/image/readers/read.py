"""A person's pictures → decoded, labelled parts: classes, size and channels chosen, unreadable ones told, duplicates on one side."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
from msgspec import Struct, field

from applied_dl.core.errors import DataError
from applied_dl.core.fingerprint import fingerprint, row_keys
from applied_dl.core.records import Part
from applied_dl.core.splits import split_rows
from applied_dl.tasks.image.encoder import ImageEncoder, check_fit, peek
from applied_dl.tasks.image.readers.cache import decode_all, rows_of
from applied_dl.tasks.image.readers.sources import Listing, list_source

NAMES = ("train", "validation", "test")
SAMPLE = 500  # pictures whose header decides the size and the channels
SMALL = 64  # pixels; pictures up to this are taken as they are
SIZES = {"fast": 64, "default": 96, "best": 128}  # side of larger pictures for a net that learns from nothing
BACKBONE_SIZES = {"fast": 160, "default": 224, "best": 224}  # what pretrained trunks saw


class Images(Struct, frozen=True, kw_only=True):
    """The fitted encoder, the parts by name, and what a person should know."""

    encoder: ImageEncoder
    parts: dict[str, Part]
    fingerprint: str
    facts: dict[str, object] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


def read_images(data, seed: int, cache: Path, *, preset: str = "default", pretrained: bool = False) -> Images:
    """Read, decode, check and split what `data` (a recipe's section) names. Raises `DataError` with one sentence."""
    listings = _listings(data, cache)
    labels, several = _classes(listings)
    items = [item for listing in listings.values() for item in listing.items]
    place = np.repeat(np.arange(len(listings)), [len(listing.items) for listing in listings.values()])
    encoder = _shape(data, items, preset, pretrained)
    done = decode_all(encoder, items, cache)
    kept = np.array([i for i in range(len(items)) if i not in done.errors], np.int64)
    warnings = [text for listing in listings.values() for text in listing.warnings]
    warnings += _unreadable(done.errors, len(items), data.max_unreadable) + _notes(done.notes, items)
    truth = _targets([labels_of for listing in listings.values() for labels_of in listing.labels], labels, several)
    pixels = rows_of(done.pixels, kept, cache) if len(kept) < len(items) else done.pixels
    truth, place = truth[kept], place[kept]
    warnings += _check_classes(truth, labels)
    rows, facts = _split(data, seed, list(listings), place, pixels, truth)
    parts = {}
    for name in NAMES:
        source = [str(items[kept[i]]) if isinstance(items[kept[i]], Path) else "" for i in rows[name]]
        parts[name] = Part(inputs={"image": rows_of(pixels, rows[name], cache)}, target=truth[rows[name]], extra={"path": np.array(source)})
    warnings += _check_training(parts, labels)
    encoder = _fitted(encoder, parts["train"].inputs["image"], labels, several)
    facts |= _facts(encoder, parts, done, items, facts)
    told = fingerprint(*(a for name in NAMES for a in (parts[name].inputs["image"], parts[name].target)), *labels)
    return Images(encoder=encoder, parts=parts, fingerprint=told, facts=facts, warnings=warnings)


def read_labelled(encoder: ImageEncoder, source: str, target: str, cache: Path, max_unreadable: float = 1.0) -> Part:
    """The rows of another source with the truth in the encoder's classes; its test part, where the source has parts of its own.

    Raises `DataError` for a class the encoder does not know, and where more than `max_unreadable` of the pictures cannot be read.
    """
    found = list_source(source, target, cache)
    if "all" not in found and "test" not in found:
        raise DataError(f"{source!r} has the parts {', '.join(found)} and no test part; name the folder of the part to score.")
    listings = [found.get("test") or found["all"]]
    items = listings[0].items
    done = decode_all(encoder, items, cache)
    warnings = [*listings[0].warnings, *_unreadable(done.errors, len(items), max_unreadable)]
    if "all" not in found:
        warnings.append(f"of {source!r} only the test part is scored")
    kept = np.array([i for i in range(len(items)) if i not in done.errors], np.int64)
    named = [labels for listing in listings for labels in listing.labels]
    for name in sorted({label for labels in named for label in labels}):
        if name not in encoder.labels:
            raise DataError(f"{source!r} has the class {name!r}, which the model does not know; it knows: {', '.join(encoder.labels)}.")
    truth = _targets(named, encoder.labels, encoder.multi_label)
    paths = np.array([str(items[i]) if isinstance(items[i], Path) else "" for i in kept])
    return Part(inputs={"image": done.pixels[kept]}, target=truth[kept], extra={"path": paths}, warnings=warnings)


def _listings(data, cache: Path) -> dict[str, Listing]:
    manual = data.manual_dir
    if not (data.train or data.validation or data.test):
        return list_source(data.source, data.target, cache, manual)
    if not data.train:
        raise DataError("data.test or data.validation is given without data.train; name the training part too, or only data.source.")
    found = {}
    for name in NAMES:
        if path := getattr(data, name):
            listings = list_source(path, data.target, cache, manual)
            found[name] = listings.get("all") or listings.get(name) or next(iter(listings.values()))
    return found


def _classes(listings: dict[str, Listing]) -> tuple[tuple[str, ...], bool]:
    """The class names in order (numbers as numbers), of the training part where there is one; refuses fewer than two."""
    several = any(listing.several for listing in listings.values())
    fixed = next((listing.order for listing in listings.values() if listing.order), ())
    learned = listings.get("train") or listings.get("all")
    if learned is None:
        raise DataError(f"The source has the parts {', '.join(listings)} and no training part; expected a part named train.")
    names = {name for labels in learned.labels for name in labels}
    for part, listing in listings.items():
        for name in sorted({n for labels in listing.labels for n in labels} - names):
            raise DataError(f"The {part} part has the class {name!r}, which no training picture has; classes: {', '.join(sorted(names))}.")
    numeric = all(name.lstrip("-").isdigit() for name in names)
    ordered = tuple(name for name in fixed if name in names) or tuple(sorted(names, key=(lambda n: (int(n), n)) if numeric else None))
    if len(ordered) < (1 if several else 2):
        only = f"only the class {ordered[0]!r}" if ordered else "no class"
        raise DataError(f"The data has {only}; expected pictures of at least two classes.")
    return ordered, several


def _shape(data, items: list, preset: str, pretrained: bool) -> ImageEncoder:
    """The size and channels of the model's input, from the recipe or from the pictures."""
    sample = [items[i] for i in np.unique(np.linspace(0, len(items) - 1, min(len(items), SAMPLE)).astype(int))]
    seen = [(i.shape[0], i.shape[1], i.shape[-1] == 1) if isinstance(i, np.ndarray) else peek(i) for i in sample]
    seen = [s for s in seen if s]
    if not seen:
        seen = [(SMALL, SMALL, False)]
    channels = data.channels or (1 if all(grey for _, _, grey in seen) and not pretrained else 3)
    height, width = data.image_size or _size(seen, preset, pretrained)
    if min(height, width) < 4 or max(height, width) > 2048:
        raise DataError(f"data.image_size must lie between 4 and 2048 pixels, received {height} by {width}.")
    return ImageEncoder(height=height, width=width, channels=channels, fit=check_fit(data.resize))


def _size(seen: list[tuple], preset: str, pretrained: bool) -> tuple[int, int]:
    if pretrained:
        return BACKBONE_SIZES[preset], BACKBONE_SIZES[preset]
    if len({s[:2] for s in seen}) == 1 and max(seen[0][:2]) <= SMALL:
        return seen[0][0], seen[0][1]
    side = float(np.median([min(h, w) for h, w, _ in seen]))
    if side <= SIZES.get(preset, SIZES["default"]):
        side = max(8, 8 * round(side / 8))
        return side, side
    side = SIZES.get(preset, SIZES["default"])
    return side, side


def _targets(named: list[tuple[str, ...]], labels: tuple[str, ...], several: bool) -> np.ndarray:
    """(N,) int64 codes, or (N, C) float32 0/1 where a picture may have several labels."""
    code = {name: i for i, name in enumerate(labels)}
    if not several:
        return np.array([code[names[0]] for names in named], np.int64)
    truth = np.zeros((len(named), len(labels)), np.float32)
    for row, names in enumerate(named):
        truth[row, [code[name] for name in names]] = 1
    return truth


def _unreadable(errors: dict[int, str], n: int, allowed: float) -> list[str]:
    if not errors:
        return []
    first = errors[min(errors)]
    share = len(errors) / n
    if share > allowed or len(errors) == n:
        raise DataError(
            f"{len(errors)} of {n} pictures cannot be read ({share:.1%}, data.max_unreadable allows {allowed:.1%}); the first: {first}"
        )
    shown = [errors[i] for i in sorted(errors)[:20]]
    more = [f"and {len(errors) - 20} more that cannot be read"] if len(errors) > 20 else []
    return [f"skipped {len(errors)} of {n} pictures: " + "; ".join(s.rstrip(".") for s in shown + more)]


def _notes(notes: dict[int, str], items: list) -> list[str]:
    if not notes:
        return []
    first = min(notes)
    return [f"{len(notes)} pictures are animated and only their first frame is used (the first: {str(items[first])!r})"]


def _check_classes(truth: np.ndarray, labels: tuple[str, ...]) -> list[str]:
    counts = truth.sum(0).astype(int) if truth.ndim == 2 else np.bincount(truth, minlength=len(labels))
    if (empty := [labels[i] for i in np.flatnonzero(counts == 0)]) and truth.ndim == 1 and len(labels) - len(empty) < 2:
        raise DataError(f"After unreadable pictures were skipped, only one class has any; none is left of: {', '.join(empty)}.")
    few = [f"{labels[i]!r} ({counts[i]})" for i in np.flatnonzero(counts < 3)]
    return [f"classes with fewer than 3 pictures cannot be in every part, so little is known of them: {', '.join(few)}"] if few else []


def _check_training(parts: dict[str, Part], labels: tuple[str, ...]) -> list[str]:
    truth = parts["train"].target
    counts = truth.sum(0) if truth.ndim == 2 else np.bincount(truth, minlength=len(labels))
    if missing := [labels[i] for i in np.flatnonzero(counts == 0)]:
        return [f"no training picture is left of: {', '.join(missing)}"]
    return []


def _split(data, seed, names, place, pixels, truth) -> tuple[dict[str, np.ndarray], dict]:
    """Rows of each part: as the source has them, the missing parts cut from the training part."""
    keys = row_keys(pixels)
    strata = truth if truth.ndim == 1 else np.unique(truth, axis=0, return_inverse=True)[1].reshape(-1)
    given = {name: np.flatnonzero(place == i) for i, name in enumerate(names)}
    if "all" in given:
        split = split_rows(len(truth), data.split, seed, strata=strata, keys=keys)
        return dict(zip(NAMES, split[:3])), {"duplicates": int(split.moved)}
    shares = np.array([1.0 if name == "train" or name not in given else 0.0 for name in NAMES]) * np.asarray(data.split)
    if shares[1:].sum() == 0:
        rows = {name: given[name] for name in NAMES}
    else:
        own = given["train"]
        cut = split_rows(len(own), shares / shares.sum(), seed, strata=strata[own], keys=keys[own])
        rows = {name: given[name] if name in given and name != "train" else own[part] for name, part in zip(NAMES, cut[:3])}
    if empty := [name for name in NAMES if len(rows[name]) == 0]:
        raise DataError(f"The {empty[0]} part is empty; give data.split a share for it, or name data.{empty[0]}.")
    across = len(np.intersect1d(keys[rows["test"]], np.concatenate([keys[rows["train"]], keys[rows["validation"]]])))
    return rows, {"duplicates": int(len(keys) - len(np.unique(keys))), "duplicates_across_given_parts": across}


def _fitted(encoder: ImageEncoder, pixels: np.ndarray, labels: tuple[str, ...], several: bool) -> ImageEncoder:
    sample = pixels[np.unique(np.linspace(0, len(pixels) - 1, min(len(pixels), 5000)).astype(int))]
    sample = sample.reshape(len(sample), -1).astype(np.float32)
    range_of = lambda v: (round(float(v.min()), 2), round(float(v.max()), 2))  # noqa: E731
    return msgspec.structs.replace(
        encoder, labels=labels, multi_label=several, brightness=range_of(sample.mean(1)), contrast=range_of(sample.std(1))
    )


def _facts(encoder, parts, done, items, known) -> dict:
    n = sum(len(part) for part in parts.values())
    kind = "labels, several a picture" if encoder.multi_label else "classes"
    shape = f"{encoder.height} by {encoder.width} {'grey' if encoder.channels == 1 else 'RGB'}"
    twins = f", {known['duplicates']} exact duplicates" if known["duplicates"] else ""
    across = known.get("duplicates_across_given_parts")
    twins += f" ({across} test pictures also in training)" if across else ""
    return {
        "summary": f"{n:,} pictures, {len(encoder.labels)} {kind}, {shape}{twins}",
        "pictures": n,
        "classes": len(encoder.labels),
        "image_size": f"{encoder.height} x {encoder.width} x {encoder.channels}",
        "unreadable": len(done.errors),
        "unreadable_files": [done.errors[i] for i in sorted(done.errors)[:1000]],
    }
