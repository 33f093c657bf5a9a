"""Folders of images as people have them: wrapper folders, part folders, class folders at some depth, or a table of labels beside."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from pathlib import Path

from msgspec import structs

from applied_dl.core.errors import DataError
from applied_dl.core.plurals import numbered
from applied_dl.io.parts import PARTS, part_of
from applied_dl.tasks.image.readers.labels import named_labels
from applied_dl.tasks.image.readers.listing import Listing, Options
from applied_dl.tasks.image.readers.table import list_table
from applied_dl.vision.folders import Folder, scan
from applied_dl.vision.image_files import CONVERT
from applied_dl.vision.patterns import by_pattern, groups_of
from applied_dl.vision.tables import TABLES

LABEL_TABLES = re.compile(r"^(train|label|metadata|annotation)", re.IGNORECASE)
UNLABELLED = ("unlabeled", "unlabelled", "unlabeled images", "predict", "prediction", "predictions", "pred", "inference", "submission")
NUMBERED = re.compile(r"([^\W\d_]+(?:[ _-][^\W\d_]+)*)[ ._-]*\d+$")
BEFORE_NUMBER = "^(.+?)[ ._-]*[0-9]+$"
UNNAMED = (
    "img",
    "image",
    "dsc",
    "dscn",
    "dscf",
    "photo",
    "pic",
    "picture",
    "pxl",
    "scan",
    "frame",
    "shot",
    "file",
    "bild",
    "foto",
    "sample",
)
LEAST_NAMED = 5  # images of each word before a number, from which the words may be classes


def list_folder(path: Path, options: Options) -> dict[str, Listing]:
    """The listings of a folder by part: `{"all": …}`, or some of train, validation and test.

    Wrapper folders are entered while there is one way to go. Folders named train, val, test, … that hold class folders are parts; a part
    without labels is reported and not used. Class folders are the folders at the first level where there are several, or the level below
    where its names repeat (`camera1/ok`, `camera1/defect`, `camera2/ok`, …).

    Raises:
        DataError: there are no images, no labels, or a class would be lost.
    """
    root = scan(path)
    folder = _entered(root)
    notes = [f"the images were found in the folder {folder.path.relative_to(path).as_posix()!r}"] if folder is not root else []
    tables = [file for file in _beside(root, folder) if file.suffix.lower() in TABLES]
    if not folder.count:
        raise DataError(
            f"The folder {str(path)!r} holds no images{_what_else(folder)}; expected class folders: {path.name}/CLASS/image.jpg."
        )
    if options.label_pattern:
        return _by_pattern(folder, options, notes)
    if parts := _parts(folder):
        return _listed_parts(folder, parts, options, notes)
    if all(part_of(inside.name) for inside in folder.filled):  # also where there are none: images without class folders
        if any(inside.filled for inside in folder.filled):
            names = ", ".join(repr(inside.name) for inside in folder.filled)
            raise DataError(f"The folder {str(folder.path)!r} has the parts {names} and no training part; expected a folder named train.")
        return _from_table(folder, tables, options, notes)
    if len(folder.filled) == 1 and not folder.images and tables:
        return _from_table(folder, tables, options, notes)
    if parts := _parts_beside_classes(folder):
        return _listed_parts(folder, parts, options, notes)
    if inner := _parts_in_classes(folder):
        return {part: _listing(folder, classes, options, notes if part == "train" else []) for part, classes in inner.items()}
    if len(folder.filled) == 1 and not folder.images and not folder.filled[0].filled and _names_before_numbers(folder.all_images()):
        return _from_table(folder.filled[0], [], options, notes)
    return {"all": _listing(folder, _classes(folder), options, notes)}


def _entered(folder: Folder) -> Folder:
    """The first folder on the way down that has images or several folders of images; a single class folder is not entered."""
    while not folder.images and len(folder.filled) == 1 and (folder.filled[0].filled or _has_table(folder.filled[0])):
        if any(_lost(inside) for inside in folder.inside):
            break
        folder = folder.filled[0]
    return folder


def _has_table(folder: Folder) -> bool:
    return any(path.suffix.lower() in TABLES for path in folder.others)


def _parts(folder: Folder) -> dict[str, Folder]:
    """The part folders, where there is a training part that holds class folders."""
    named = [(part_of(inside.name), inside) for inside in folder.filled]
    if not any(part == "train" for part, _ in named):  # as in seg_train, seg_test
        words = [next((p for w in re.split(r"[^a-z]+", inside.name.lower()) if (p := part_of(w))), None) for inside in folder.filled]
        named = list(zip(words, folder.filled)) if words.count("train") == 1 and len(set(words) - {None}) > 1 else named
    found: dict[str, Folder] = {}
    for part, inside in named:
        if part and part in found:
            raise DataError(f"The folders {found[part].name!r} and {inside.name!r} in {str(folder.path)!r} are both the {part} part.")
        if part:
            found[part] = inside
    return found if "train" in found and found["train"].filled else {}


def _listed_parts(folder: Folder, parts: dict[str, Folder], options: Options, notes: list[str]) -> dict[str, Listing]:
    used = [*parts.values(), *parts["train"].inside]
    unused = [inside for inside in folder.filled if inside not in used]
    notes += [f"the folder {inside.name!r} ({numbered(inside.count, 'image', 'images')}) is not a part: not used" for inside in unused]
    train = _entered(parts["train"])
    classes = _classes(train)
    known = {_plain(name) for name in classes}
    found = {}
    for part, inside in parts.items():
        if part == "train":
            continue
        inner = _entered(inside)
        theirs = _classes(inner) if inner.filled else {}
        if not theirs or (len(theirs) == 1 and not known & set(map(_plain, theirs))):
            notes.append(f"the {inside.count} images of {inside.name!r} have no labels and are not used")
        else:
            found[part] = _listing(inner, theirs, options, [])
    return {"train": _listing(train, classes, options, notes), **found}


def _parts_beside_classes(folder: Folder) -> dict[str, Folder]:
    """A test or validation folder, or one without labels, beside the class folders: these are the training part."""
    others = [inside for inside in folder.inside if not _is_unlabelled(inside.name) and part_of(inside.name) not in ("validation", "test")]
    filled = [inside for inside in others if inside.count]
    if len(filled) < 2 or len(filled) == len(folder.filled):
        return {}
    classes = {_plain(inside.name) for inside in filled}
    train = Folder(path=folder.path, images=[], others=[], inside=others, count=sum(inside.count for inside in others))
    found = {"train": train}
    for inside in folder.filled:
        if inside not in others and (part := part_of(inside.name)):
            if inside.filled and not {_plain(deeper.name) for deeper in inside.filled} <= classes:
                return {}  # a class that happens to have such a name
            found[part] = inside
    return found


def _is_unlabelled(name: str) -> bool:
    return _plain(name) in UNLABELLED


def _parts_in_classes(folder: Folder) -> dict[str, dict[str, list[Path]]]:
    """Images by part and class where each class folder holds part folders: cat/train, cat/test, dog/train, …"""
    if len(folder.filled) < 2 or not all(
        inside.filled and not inside.images and all(part_of(deeper.name) for deeper in inside.filled) for inside in folder.filled
    ):
        return {}
    found: dict[str, dict[str, list[Path]]] = defaultdict(dict)
    for inside in folder.filled:
        for deeper in inside.filled:
            found[part_of(deeper.name) or ""].setdefault(inside.name, []).extend(deeper.all_images())
    return dict(found) if "train" in found else {}


def _classes(folder: Folder) -> dict[str, list[Path]]:
    """Images by class. Raises `DataError` where the files of a class are in a format that is not read."""
    if lost := [_lost(inside) for inside in folder.inside if _lost(inside)]:
        raise DataError(lost[0])
    if _repeating(folder):
        found: dict[str, list[Path]] = defaultdict(list)
        for inside in folder.filled:
            for deeper in inside.filled:
                found[deeper.name] += deeper.all_images()
        return dict(sorted(found.items()))
    return {inside.name: inside.all_images() for inside in folder.filled}


def _repeating(folder: Folder) -> bool:
    """Whether the folders one level below are the classes, for each name is there in several folders of this level."""
    if len(folder.filled) < 2 or any(inside.images or len(inside.filled) < 2 for inside in folder.filled):
        return False
    names = Counter(deeper.name for inside in folder.filled for deeper in inside.filled)
    return len(names) > 1 and min(names.values()) > 1


def _lost(folder: Folder) -> str:
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


def _listing(folder: Folder, classes: dict[str, list[Path]], options: Options, notes: list[str]) -> Listing:
    warnings = list(notes)
    if folder.images and folder.filled:
        warnings.append(
            f"{numbered(len(folder.images), 'image', 'images')} beside the class folders of {str(folder.path)!r} without a label: not used"
        )
    for inside in folder.inside:
        if not inside.count:
            warnings.append(f"the folder {inside.name!r} holds no images{_what_else(inside)} and is not a class")
        elif others := inside.all_others():
            warnings.append(f"{_no_images(others)} of {inside.name!r}: not used")
    items = [path for paths in classes.values() for path in paths]
    names = [name for name, paths in classes.items() for _ in paths]
    found = named_labels(names, items, groups_of(options.group, items, folder.path), str(folder.path), options)
    return structs.replace(found, warnings=[*warnings, *found.warnings])


def _no_images(files: list[Path]) -> str:
    named = ", ".join([path.name for path in files[:3]] + ["…"] * (len(files) > 3))
    return f"a file that is no image ({named})" if len(files) == 1 else f"{len(files)} files that are no images ({named})"


def _by_pattern(folder: Folder, options: Options, notes: list[str]) -> dict[str, Listing]:
    named = {part_of(inside.name): inside for inside in folder.filled if part_of(inside.name)}
    parts = named if "train" in named else {"all": folder}
    found = {}
    for part, inside in parts.items():
        items = inside.all_images()
        names = by_pattern("data.label_pattern", options.label_pattern or "", items, folder.path)
        listing = named_labels(names, items, groups_of(options.group, items, folder.path), str(folder.path), options)
        found[part] = structs.replace(listing, warnings=[*(notes if part in ("all", "train") else []), *listing.warnings])
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
    labelled = tables if len(tables) == 1 else [path for path in tables if LABEL_TABLES.match(path.name)]
    if len(labelled) == 1:
        found = list_table(labelled[0], options)
        first = next(iter(found.values()))
        first.warnings.extend([*notes, f"the labels were found in {labelled[0].name!r}"])
        return found
    beside = f" There are the tables {', '.join(repr(p.name) for p in tables)}: name one as data.source." if tables else ""
    if names := _names_before_numbers(folder.all_images()):
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


def _what_else(folder: Folder) -> str:
    kinds = Counter(path.suffix.lower() or "nameless" for path in folder.all_others())
    shown = ", ".join(f"{count} {suffix}" for suffix, count in kinds.most_common(3))
    return f" ({shown} files)" if shown else ""


def _plain(name: str) -> str:
    return re.sub(r"[\s_\-.]+", " ", name).strip().casefold()
