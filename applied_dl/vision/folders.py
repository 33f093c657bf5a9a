"""Folders of images as trees, and what their names and their other files say."""

from __future__ import annotations

import os
import re
from collections import Counter, defaultdict
from pathlib import Path

from msgspec import Struct

from applied_dl.core.errors import DataError
from applied_dl.core.plurals import numbered
from applied_dl.vision.image_files import CONVERT, peek
from applied_dl.vision.paths import is_image, is_skipped

PIECES = {"image", "images", "img", "imgs", "photo", "photos", "part", "parts", "batch", "chunk", "shard", "piece", "folder", "dir"}


class Folder(Struct, frozen=True, kw_only=True):
    """A folder: its own images and other files, and the folders inside; `count` images in all."""

    path: Path
    images: list[Path]
    others: list[Path]
    inside: list[Folder]
    count: int

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def filled(self) -> list[Folder]:
        """The folders inside that hold images at any depth."""
        return [folder for folder in self.inside if folder.count]

    def all_images(self) -> list[Path]:
        return self.images + [path for folder in self.inside for path in folder.all_images()]

    def all_others(self) -> list[Path]:
        return self.others + [path for folder in self.inside for path in folder.all_others()]


def scan(path: Path, seen: set[str] | None = None) -> Folder:
    """The tree of a folder without files of the operating system; links are followed, each folder once."""
    seen = set() if seen is None else seen
    seen.add(os.path.realpath(path))
    images, others, inside = [], defaultdict(list), []
    try:
        with os.scandir(path) as found:
            entries = sorted((entry.name, entry.is_dir()) for entry in found if not is_skipped(entry.name))
    except OSError as error:
        raise DataError(f"The folder {str(path)!r} cannot be read: {error.strerror}.") from error
    for name, is_folder in entries:
        if is_folder:
            if os.path.realpath(path / name) not in seen:
                inside.append(scan(path / name, seen))
        elif is_image(name):
            images.append(path / name)
        else:
            others[os.path.splitext(name)[1].lower()].append(path / name)
    for suffix, files in list(others.items()):
        if suffix not in CONVERT and peek(files[0]) is not None:  # images under another extension, or under none
            images += others.pop(suffix)
    count = len(images) + sum(folder.count for folder in inside)
    return Folder(path=path, images=sorted(images), others=[p for files in others.values() for p in files], inside=inside, count=count)


def lost(folder: Folder) -> str:
    """Why a class folder would be lost: it has files of images, but none that can be read."""
    if folder.count:
        return ""
    kinds = Counter(path.suffix.lower() for path in folder.all_others())
    if suffix := next((suffix for suffix, _ in kinds.most_common() if suffix in CONVERT), None):
        return (
            f"The folder {str(folder.path)!r} holds {kinds[suffix]} {suffix} files and no image that can be read; {CONVERT[suffix]}, or "
            "remove the folder."
        )
    return ""


def what_else(folder: Folder) -> str:
    """The kinds of other files in a folder, for messages."""
    kinds = Counter(path.suffix.lower() or "nameless" for path in folder.all_others())
    shown = ", ".join(f"{count} {suffix}" for suffix, count in kinds.most_common(3))
    return f" ({shown} files)" if shown else ""


def is_numbered(folder: Folder) -> bool:
    """Whether the folders of images differ only in a number, as the pieces of a large collection do: images_001, images_002, …"""
    names = [re.sub(r"\d+", "#", inside.name) for inside in folder.filled]
    return len(names) > 1 and len(set(names)) == 1 and "#" in names[0]


def are_pieces(folder: Folder) -> bool:
    """Whether numbered folders are called pieces of a collection: images_001, part2; rather than grade1 or 7, which may be classes."""
    return is_numbered(folder) and bool(PIECES & {*re.findall(r"[^\W\d_]+", folder.filled[0].name.lower())})


def left_over(folder: Folder) -> list[str]:
    """Notes on images and files that are of no class."""
    notes = []
    if folder.images and folder.filled:
        notes.append(
            f"{numbered(len(folder.images), 'image', 'images')} beside the class folders of {str(folder.path)!r} without a label: not used"
        )
    for inside in folder.inside:
        if not inside.count:
            notes.append(f"the folder {inside.name!r} holds no images{what_else(inside)} and is not a class")
        elif others := inside.all_others():
            notes.append(f"{_no_images(others)} of {inside.name!r}: not used")
    return notes


def few(names: list[str], repr_=repr) -> str:
    """The first names of a list, for messages."""
    shown = list(dict.fromkeys(names))
    return ", ".join([*map(repr_, shown[:3]), *["…"] * (len(shown) > 3)])


def _no_images(files: list[Path]) -> str:
    named = few([path.name for path in files], repr_=str)
    return f"a file that is no image ({named})" if len(files) == 1 else f"{len(files)} files that are no images ({named})"
