"""The classes of a source: label spellings matched with training, their order, and the targets of the images."""

from __future__ import annotations

import re
from collections import Counter

import numpy as np
from msgspec import structs

from applied_dl.core.errors import DataError
from applied_dl.io.labels import known_spellings, label_key
from applied_dl.tasks.image.readers.listing import Listing

FEWEST = 4  # images per class, on average, under which nothing can be learned and measured


def matched(listings: dict[str, Listing]) -> tuple[dict[str, Listing], list[str]]:
    """The listings with the labels of other parts written as in the training part. Raises `DataError` for one that training lacks."""
    learned = listings.get("train") or listings["all"]
    if learned.numbers is not None:
        return listings, []
    known = tuple(dict.fromkeys(name for names in learned.labels for name in names))
    notes, found = _similar(known), {}
    for part, listing in listings.items():
        if listing is learned:
            found[part] = listing
            continue
        found[part], unknown, renamed = renamed_labels(listing, known)
        notes += renamed
        if unknown:
            raise DataError(
                f"The {part} part has the class {unknown[0]!r}, which no training image has; classes: {', '.join(sorted(known))}."
            )
    return found, notes


def renamed_labels(listing: Listing, known: tuple[str, ...]) -> tuple[Listing, list[str], list[str]]:
    """A listing with its labels as in `known`, where they differ only in case, blanks or marks; the unknown ones; and notes."""
    written = known_spellings(known, _plain)
    names = sorted({name for names in listing.labels for name in names} - set(known))
    renamed = {name: written[_plain(name)] for name in names if _plain(name) in written}
    if not renamed:
        return listing, names, []
    labels = [tuple(dict.fromkeys(renamed.get(name, name) for name in names)) for names in listing.labels]
    shown = ", ".join(f"{old!r} as {new!r}" for old, new in list(renamed.items())[:10])
    return structs.replace(listing, labels=labels), [n for n in names if n not in renamed], [f"labels are read as in training: {shown}"]


def _plain(name: str) -> str:
    """The key of a class that names a folder: hyphens and underscores are blanks."""
    return label_key(re.sub(r"[_\-]+", " ", name))


def _similar(labels: tuple[str, ...]) -> list[str]:
    """A note on classes that differ only in case, blanks or marks."""
    alike: dict[str, list[str]] = {}
    for name in labels:
        alike.setdefault(_plain(name), []).append(name)
    pairs = [" and ".join(map(repr, names)) for names in alike.values() if len(names) > 1 and len(names[0]) > 1]
    return [f"classes that differ only in case, spaces or punctuation are treated as different: {', '.join(pairs)}"] if pairs else []


def class_names(listings: dict[str, Listing]) -> tuple[tuple[str, ...], bool]:
    """The class names in order (numbers as numbers), and whether an image may have several. Raises `DataError` for fewer than two."""
    learned = listings.get("train") or listings["all"]
    if learned.numbers is not None:
        return (), False
    several = any(listing.several for listing in listings.values())
    fixed = next((listing.order for listing in listings.values() if listing.order), ())
    counts = Counter(name for names in learned.labels for name in names)
    numeric = all(name.lstrip("-").isdigit() for name in counts)
    key = (lambda n: (int(n), n)) if numeric else None
    ordered = tuple(name for name in fixed if name in counts) or tuple(sorted(counts, key=key))
    if len(ordered) < (1 if several else 2):
        only = f"only the class {ordered[0]!r}" if ordered else "no class"
        raise DataError(
            f"The data has {only}; expected images of at least two classes: a folder for each, a table of paths and labels as data.source, "
            "or data.label_pattern for labels in the file names."
        )
    if not several and len(ordered) > 2 * FEWEST and len(learned.labels) < 1.5 * len(ordered):
        column = f"the column {learned.target!r}" if learned.target else "the labels"
        raise DataError(
            f"The data has {len(ordered)} classes in {len(learned.labels)} images, most with a single image; {column} may be an identifier "
            "(data.target names another) or numbers (data.kind = 'regression')."
        )
    return ordered, several


def target_of(listings: dict[str, Listing], labels: tuple[str, ...], several: bool) -> np.ndarray:
    """(N,) int64 codes, (N, C) float32 0/1 where an image may have several labels, (N,) float64 numbers without labels."""
    if not labels:
        return np.array([value for listing in listings.values() for value in listing.numbers or ()], np.float64)
    named = [names for listing in listings.values() for names in listing.labels]
    code = {name: i for i, name in enumerate(labels)}
    if not several:
        return np.array([code[names[0]] for names in named], np.int64)
    truth = np.zeros((len(named), len(labels)), np.float32)
    for row, names in enumerate(named):
        truth[row, [code[name] for name in names]] = 1
    return truth


def refuse_lost_classes(target: np.ndarray, kept: np.ndarray, labels: tuple[str, ...], errors: dict[int, str]) -> None:
    """Raises `DataError` where no image of a class can be read, while others can."""
    if not labels or not errors or not len(kept):
        return
    before, after = label_counts(target, labels), label_counts(target[kept], labels)
    if lost := [i for i in range(len(labels)) if before[i] and not after[i]]:
        rows = np.flatnonzero(target[:, lost[0]] if target.ndim == 2 else target == lost[0])
        first = errors[int(rows[0])]
        raise DataError(f"None of the {before[lost[0]]} images of the class {labels[lost[0]]!r} can be read; the first: {first}")


def label_counts(target: np.ndarray, labels: tuple[str, ...]) -> np.ndarray:
    """(C,) how many images each label has."""
    return target.sum(0).astype(int) if target.ndim == 2 else np.bincount(target, minlength=len(labels))
