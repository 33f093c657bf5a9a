"""Folders of images as people have them: class folders, or a table of labels beside the images or in each part."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from msgspec import structs

from applied_dl.core.errors import DataError
from applied_dl.io.parts import PARTS, part_of
from applied_dl.tasks.image.readers.arrays import list_idx
from applied_dl.tasks.image.readers.beside import labels_beside, labels_in_parts, labels_of_part, list_packed
from applied_dl.tasks.image.readers.labels import named_labels
from applied_dl.tasks.image.readers.listing import Listing, Options
from applied_dl.tasks.image.readers.table import is_label_name
from applied_dl.vision.archives import is_archive
from applied_dl.vision.class_folders import class_folders, entered
from applied_dl.vision.folders import Folder, are_pieces, is_numbered, scan, what_else
from applied_dl.vision.image_files import CONVERT
from applied_dl.vision.patterns import by_pattern, groups_of
from applied_dl.vision.tables import TABLES

NUMBERED = re.compile(r"([^\W\d_]+(?:[ _-][^\W\d_]+)*)[ ._-]*\d+$")
BEFORE_NUMBER = "^(.+?)[ ._-]*[0-9]+$"
UNNAMED = (  # words before a number that say nothing of the image
    "img", "image", "dsc", "dscn", "dscf", "photo", "pic", "picture", "pxl", "scan", "frame", "shot", "file", "bild", "foto", "sample",
)  # fmt: skip
LEAST_NAMED = 5  # images of each word before a number, from which the words may be classes


def list_folder(path: Path, options: Options) -> dict[str, Listing]:
    """The listings of a folder by part: `{"all": …}`, or some of train, validation and test.

    Wrapper folders are entered while there is one way to go. Class folders are found by `class_folders`. Where there are none, or only
    numbered pieces of a collection, the labels are in a table beside the images, or in one inside each part.

    Raises:
        DataError: there are no images, no labels, or a class would be lost.
    """
    root = scan(path)
    folder = entered(root, lambda inside: bool(inside.filled) or _has_table(inside))
    notes = [f"the images were found in the folder {folder.path.relative_to(path).as_posix()!r}"] if folder is not root else []
    tables = [file for file in _beside(root, folder) if file.suffix.lower() in TABLES]
    if not folder.count:
        if found := list_idx(folder.all_others()) or list_packed(folder, options):
            return found
        kind = next((file.suffix.lower() for file in folder.all_others() if file.suffix.lower() in CONVERT), None)
        cure = f"; {CONVERT[kind]}" if kind else "; unpack the archives" if any(map(is_archive, folder.all_others())) else ""
        raise DataError(
            f"The folder {str(path)!r} holds no images{what_else(folder)}{cure}; expected class folders: {path.name}/CLASS/image.jpg."
        )
    if options.label_pattern:
        return _by_pattern(folder, options, notes)
    if found := labels_in_parts(folder, options, notes):
        return found
    single = len(folder.filled) == 1 and not folder.images
    if single and (tables or not folder.filled[0].filled and _names_before_numbers(folder.all_images())):
        return _from_table(folder.filled[0], tables, options, notes)
    found = class_folders(folder)
    if found is None:
        return _from_table(folder, tables, options, notes)
    if tables and (is_numbered(folder) or _only_one(found.parts)):
        labelled = labels_beside(folder, tables, options, notes)
        sure = _only_one(found.parts) or are_pieces(folder) or options.target
        if labelled and (sure or all(is_label_name(listing.target) for listing in labelled.values())):
            return labelled
    unused = [table.name for table in tables if table.suffix.lower() != ".txt"]
    beside = [f"the table {unused[0]!r} beside the class folders is not used: it can be named as data.source"] if unused else []
    labelled = {
        part: listing
        for part, inside in found.unlabelled.items()
        if (listing := labels_of_part(inside, [*tables, *inside.others], set(found.parts["train"])))
    }
    left = {part: inside for part, inside in found.unlabelled.items() if part not in labelled}
    notes = [*notes, *structs.replace(found, unlabelled=left).missing, *found.notes, *found.choices, *([] if labelled else beside)]
    return labelled | {
        part: _listing(folder, classes, options, notes if part in ("train", "all") else []) for part, classes in found.parts.items()
    }


def _only_one(parts: dict[str, dict[str, list[Path]]]) -> bool:
    return len(parts.get("train") or parts["all"]) == 1


def _has_table(folder: Folder) -> bool:
    return any(path.suffix.lower() in TABLES for path in folder.others)


def _listing(folder: Folder, classes: dict[str, list[Path]], options: Options, notes: list[str]) -> Listing:
    items = [path for paths in classes.values() for path in paths]
    names = [name for name, paths in classes.items() for _ in paths]
    found = named_labels(names, items, groups_of(options.group, items, folder.path), str(folder.path), options)
    return structs.replace(found, warnings=[*notes, *found.warnings])


def _by_pattern(folder: Folder, options: Options, notes: list[str]) -> dict[str, Listing]:
    """The listings by `data.label_pattern`; a validation or test part whose names match nowhere has no labels and is reported."""
    named = {part_of(inside.name): inside for inside in folder.filled if part_of(inside.name)}
    parts = named if "train" in named else {"all": folder}
    found = {}
    for part, inside in parts.items():
        items = inside.all_images()
        try:
            names = by_pattern("data.label_pattern", options.label_pattern or "", items, folder.path)
        except DataError:
            if part in ("train", "all"):
                raise
            notes = [*notes, f"data.label_pattern does not match the images of {inside.name!r}: not used"]
            continue
        listing = named_labels(names, items, groups_of(options.group, items, folder.path), str(folder.path), options)
        found[part] = listing
    first = "train" if "train" in found else "all"
    found[first] = structs.replace(found[first], warnings=[*notes, *found[first].warnings])
    return found


def _beside(root: Folder, folder: Folder) -> list[Path]:
    """The other files of the folders from `root` down to `folder`."""
    found = list(root.others)
    while root is not folder:
        root = root.filled[0]
        found += root.others
    return found


def _from_table(folder: Folder, tables: list[Path], options: Options, notes: list[str]) -> dict[str, Listing]:
    """Images without class folders: the labels are in a table beside them. Raises `DataError` where there is none, or are several."""
    if found := labels_beside(folder, tables, options, notes):
        return found
    beside = f" There are the tables {', '.join(repr(p.name) for p in tables)}: name one as data.source." if tables else ""
    train = next((inside for inside in folder.filled if part_of(inside.name) == "train"), folder)
    if names := _names_before_numbers(train.all_images()):
        shown = ", ".join(map(repr, sorted(set(names))[:5]))
        beside += f" The file names begin with {shown}: data.label_pattern = {BEFORE_NUMBER!r} takes these words as labels."
    raise DataError(
        f"The folder {str(folder.path)!r} holds images, but no class folders around them; expected {folder.name}/CLASS/image.jpg, a table "
        f"of paths and labels as data.source, or data.label_pattern for labels in the file names.{beside}"
    )


def _names_before_numbers(images: list[Path]) -> list[str] | None:
    """The words before the numbers of files such as `cat.0.jpg` or `Maine_Coon_12.jpg`, where they repeat and are no words of cameras or
    parts; else None."""
    found = [NUMBERED.match(path.stem) for path in images]
    if not all(found):
        return None
    names = [match[1] for match in found if match]
    counts = Counter(names)
    usual = len(counts) < 2 or min(counts.values()) < LEAST_NAMED or any(name.lower() in (*UNNAMED, *PARTS) for name in counts)
    return None if usual else names
