"""Class folders as people have them: wrapper folders, part folders in either order, classes at some depth; the rest is reported."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from pathlib import Path

from msgspec import Struct, structs

from applied_dl.core.errors import DataError
from applied_dl.core.plurals import numbered
from applied_dl.io.parts import part_of
from applied_dl.vision.folders import Folder, few, is_numbered, left_over, lost

UNLABELLED = ("unlabeled", "unlabelled", "unlabeled images", "predict", "prediction", "predictions", "pred", "inference", "submission")
MASK = re.compile(r"^(.+?)[ ._-]+(?:masks?|segmentation|seg|gt|groundtruth)(?:[ ._-]?\d+)?$", re.IGNORECASE)
LEAST_INNER = 4  # images of a folder inside a class folder, on average, from which it may be a class itself
SAME_NAMES = 0.5  # share of images with a namesake in a joined folder from which these are taken for other forms of one image
SAME_FILES = 0.5  # share of a folder's images that lie beside it too, of the same name and size, from which it is a copy

Classes = dict[str, list[Path]]


class ClassFolders(Struct, frozen=True, kw_only=True):
    """Class folders as they were understood.

    Attributes:
        parts: images by part and class, `{"all": …}` where the source has no parts of its own.
        notes: what is not used.
        unlabelled: part folders without class folders.
        choices: what may be meant otherwise, with the keys of the image task for that.
    """

    parts: dict[str, Classes]
    notes: list[str]
    unlabelled: dict[str, Folder] = {}
    choices: list[str] = []

    @property
    def missing(self) -> list[str]:
        """Notes on the parts without labels."""
        return [f"the {inside.count} images of {inside.name!r} have no labels and are not used" for inside in self.unlabelled.values()]


def entered(folder: Folder, goes_on=lambda inside: bool(inside.filled)) -> Folder:
    """The first folder on the way down that has images or several folders of images; a single class folder is not entered.

    Args:
        folder: where the way begins.
        goes_on: whether a single folder is entered.
    """
    while not folder.images and len(folder.filled) == 1 and goes_on(folder.filled[0]):
        if any(lost(inside) for inside in folder.inside):
            break
        folder = folder.filled[0]
    return folder


def class_folders(folder: Folder) -> ClassFolders | None:
    """The class folders of an entered folder; None where it has none: images, or parts of images without classes.

    Folders named train, val, test, … that hold class folders are parts; a part without labels is reported and not used. Class folders are
    those at the first level where there are several, or the level below where its names repeat (`camera1/ok`, `camera1/defect`,
    `camera2/ok`, …).

    Raises:
        DataError: there is no training part, two folders are one part, or a class would be lost.
    """
    if parts := _parts(folder):
        return _of_parts(folder, parts)
    if copies := _copies(folder):
        found = class_folders(structs.replace(folder, inside=[inside for inside in folder.inside if inside not in copies]))
        again = [f"the folder {inside.name!r} holds the class folders beside it once more: not used" for inside in copies]
        return found and structs.replace(found, notes=[*again, *found.notes])
    if all(part_of(inside.name) for inside in folder.filled):
        if any(inside.filled for inside in folder.filled):
            names = ", ".join(repr(inside.name) for inside in folder.filled)
            raise DataError(f"The folder {str(folder.path)!r} has the parts {names} and no training part; expected a folder named train.")
        return None
    if parts := _parts_beside_classes(folder):
        return _of_parts(folder, parts)
    if inner := _parts_in_classes(folder):
        return _without_masks(ClassFolders(parts=inner, notes=left_over(folder)))
    classes, notes = _classes(folder)
    return _without_masks(ClassFolders(parts={"all": classes}, notes=left_over(folder), choices=notes))


def _parts(folder: Folder) -> dict[str, Folder]:
    """The part folders, where there is a training part that holds class folders."""
    named = [(part_of(inside.name), inside) for inside in folder.filled]
    if not any(part == "train" for part, _ in named):  # as in seg_train, seg_test
        words = [next((p for w in re.split(r"[^a-z]+", inside.name.lower()) if (p := part_of(w))), None) for inside in folder.filled]
        named = list(zip(words, folder.filled)) if words.count("train") == 1 and len(set(words) - {None}) > 1 else named
    found: dict[str, Folder] = {}
    for part, inside in named:
        if part and part in found:
            raise DataError(
                f"The folders {found[part].name!r} and {inside.name!r} in {str(folder.path)!r} are both the {part} part; join them, or "
                "name the parts: data.train, data.validation, data.test."
            )
        if part:
            found[part] = inside
    return found if "train" in found and found["train"].filled else {}


def _of_parts(folder: Folder, parts: dict[str, Folder]) -> ClassFolders:
    used = [*parts.values(), *parts["train"].inside]
    unused = [inside for inside in folder.filled if inside not in used]
    notes = [f"the folder {inside.name!r} ({numbered(inside.count, 'image', 'images')}) is not a part: not used" for inside in unused]
    train = entered(parts["train"])
    classes, joined = _classes(train)
    known = {_plain(name) for name in classes}
    found, unlabelled = {"train": classes}, {}
    for part, inside in parts.items():
        if part == "train":
            continue
        theirs, _ = _classes(entered(inside)) if inside.filled else ({}, [])
        if not theirs or (len(theirs) == 1 and not known & set(map(_plain, theirs))):
            unlabelled[part] = inside
        else:
            found[part] = theirs
    return _without_masks(ClassFolders(parts=found, notes=[*notes, *left_over(train)], unlabelled=unlabelled, choices=joined))


def _copies(folder: Folder) -> list[Folder]:
    """Folders that hold images of the class folders beside them once more, as archives do that were packed with their own copy."""
    names = {inside.name for inside in folder.filled}
    alike = [
        inside
        for inside in folder.filled
        if not part_of(inside.name) and len(inside.filled) > 1 and {deeper.name for deeper in inside.filled} <= names
    ]
    beside = _files(folder) if alike else set()
    copies = [inside for inside in alike if len((own := _files(inside)) & beside) >= SAME_FILES * len(own)]
    return copies if len(folder.filled) - len(copies) > 1 else []


def _files(folder: Folder) -> set[tuple[str, str, int]]:
    """Class folder, name and size of the images in the folders inside."""
    return {(inside.name, path.name, path.stat().st_size) for inside in folder.filled for path in inside.all_images()}


def _parts_beside_classes(folder: Folder) -> dict[str, Folder]:
    """A test or validation folder, or one without labels, beside the class folders: these are the training part."""
    others = [
        inside for inside in folder.inside if _plain(inside.name) not in UNLABELLED and part_of(inside.name) not in ("validation", "test")
    ]
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


def _parts_in_classes(folder: Folder) -> dict[str, Classes]:
    """Images by part and class where each class folder holds part folders: cat/train, cat/test, dog/train, …"""
    if len(folder.filled) < 2 or not all(
        inside.filled and not inside.images and all(part_of(deeper.name) for deeper in inside.filled) for inside in folder.filled
    ):
        return {}
    found: dict[str, Classes] = defaultdict(dict)
    for inside in folder.filled:
        for deeper in inside.filled:
            found[part_of(deeper.name) or ""].setdefault(inside.name, []).extend(deeper.all_images())
    return dict(found) if "train" in found else {}


def _classes(folder: Folder) -> tuple[Classes, list[str]]:
    """Images by class, and notes on the level that was taken. Raises `DataError` where a class is in a format that is not read."""
    if reasons := [reason for inside in folder.inside if (reason := lost(inside))]:
        raise DataError(reasons[0])
    if _repeating(folder):
        found: Classes = defaultdict(list)
        for inside in folder.filled:
            for deeper in inside.filled:
                found[deeper.name] += deeper.all_images()
        return dict(sorted(found.items())), _joined(folder, found)
    inner = [deeper.name for inside in folder.filled for deeper in inside.filled]
    several = len(folder.filled) > 1 and len(set(inner)) > 1 and folder.count >= LEAST_INNER * len(inner)
    notes = [
        f"the class folders hold folders ({few(inner)}), whose images are of the class of the outer folder: data.label_pattern = "
        "'([^/]+)/[^/]+$' makes the inner folders classes"
    ]
    return {inside.name: inside.all_images() for inside in folder.filled}, notes if several else []


def _joined(folder: Folder, classes: Classes) -> list[str]:
    """A note that the class folders of several folders are joined, and on images that these have in several forms."""
    note = f"the class folders in {few([inside.name for inside in folder.filled])} are joined"
    counts = Counter((name, path.stem.lower()) for name, paths in classes.items() for path in paths)
    twice = sum(count for count in counts.values() if count > 1)
    if twice < SAME_NAMES * sum(counts.values()):
        return [note]
    return [
        f"{note}, and images of these have the same names: where they are forms of one image, the test score is too good unless they stay "
        "in one part: set data.group = '^(.+)$', or name one of the folders as data.source"
    ]


def _repeating(folder: Folder) -> bool:
    """Whether the folders one level below are the classes, for each name is there in several folders of this level.

    Names of a word and a number are those of pieces, as in `walk/video1`, `run/video1`, unless this level is numbered too.
    """
    if len(folder.filled) < 2 or any(inside.images or len(inside.filled) < 2 for inside in folder.filled):
        return False
    names = Counter(deeper.name for inside in folder.filled for deeper in inside.filled)
    pieces = len({re.sub(r"\d+", "#", name) for name in names} | {"#"}) == 2 and not any(name.isdigit() for name in names)
    return len(names) > 1 and min(names.values()) > 1 and (not pieces or is_numbered(folder))


def _without_masks(found: ClassFolders) -> ClassFolders:
    """The images without those that are masks of others by their names: `1.png` and `1_mask.png` of one folder."""
    every = {path.with_suffix("") for classes in found.parts.values() for paths in classes.values() for path in paths}

    def is_mask(path: Path) -> bool:
        match = MASK.match(path.stem)
        return bool(match) and path.with_name(match[1]) in every

    masks = [path for classes in found.parts.values() for paths in classes.values() for path in paths if is_mask(path)]
    if not masks:
        return found
    left = set(masks)
    parts = {
        part: {name: kept for name, paths in classes.items() if (kept := [path for path in paths if path not in left])}
        for part, classes in found.parts.items()
    }
    what = numbered(len(masks), "image is a mask of another", "images are masks of others")
    return structs.replace(found, parts=parts, notes=[*found.notes, f"{what} by the name ({masks[0].name!r}): not used"])


def _plain(name: str) -> str:
    return re.sub(r"[\s_\-.]+", " ", name).strip().casefold()
