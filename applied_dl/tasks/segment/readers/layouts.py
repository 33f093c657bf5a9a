"""Folders of images and masks as people have them → pairs by part."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from pathlib import Path

from applied_dl.core.errors import DataError
from applied_dl.core.plurals import numbered
from applied_dl.io.parts import part_of
from applied_dl.tasks.segment.readers.annotated import list_json, list_yolo
from applied_dl.tasks.segment.readers.classes import class_table
from applied_dl.tasks.segment.readers.image_sets import image_sets
from applied_dl.tasks.segment.readers.listing import Listing, Pair
from applied_dl.tasks.segment.readers.names import MASK_END, NUMBER, OBJECTS, path_key, plain, same_names
from applied_dl.vision.folders import Folder, scan, what_else


def list_folder(path: Path, classes) -> dict[str, Listing]:
    """The pairs of a folder by part: `{"all": …}`, or some of train, validation and test.

    Args:
        path: the folder.
        classes: `data.classes` of the recipe.

    Raises:
        DataError: there are no images, no masks, or an image has two masks.
    """
    tree = scan(path)
    if found := list_json(path, tree):
        return found
    sets = image_sets(tree)
    every = [file for file in tree.all_images() if plain(file.parent.name) not in OBJECTS]
    shown = [file for file in every if not sets or file.stem.lower() in sets]
    unlisted = len(every) - len(shown)
    notes = [f"{numbered(unlisted, 'file is', 'files are')} in no list of ImageSets/Segmentation: not used"] if unlisted else []
    paths = [file.relative_to(path) for file in shown]
    same = same_names(paths)
    files = {file: path_key(inner, same) for file, inner in zip(shown, paths)}
    if sets and all(part == "all" for part, _, _ in files.values()):
        files = {file: (sets[file.stem.lower()], key, is_mask) for file, (_, key, is_mask) in files.items()}
    if not any(is_mask for _, _, is_mask in files.values()):
        table = class_table(classes, _with_classes(path, tree))
        if found := list_yolo(path, tree, table.names if table else ()):
            return found
    images, masks = _sorted(path, files)
    if not set(images) & set(masks):  # other words in the names of folders, or a mask for each object
        images, masks = _loosely(path, files, same) or (images, _by_object(images, masks))
    return _paired(path, tree, classes, images, masks, notes)


Images, Masks = dict[tuple, Path], dict[tuple, list[Path]]


def _sorted(path: Path, files: dict[Path, tuple[str, tuple[str, ...], bool]]) -> tuple[Images, Masks]:
    """Images and masks by part and key. Raises `DataError` for two images of one key."""
    images: Images = {}
    masks: Masks = defaultdict(list)
    for file, (part, key, is_mask) in files.items():
        if is_mask:
            masks[part, key].append(file)
        elif (part, key) in images and images[part, key].stem != file.stem:
            images[part, (*key, file.name)] = file
        elif (part, key) in images:
            raise DataError(
                f"The images {str(images[part, key])!r} and {str(file)!r} would share one mask; expected different names, or masks in a "
                "folder named masks."
            )
        else:
            images[part, key] = file
    return images, masks


def _loosely(path: Path, files: dict, same: set[str]) -> tuple[Images, Masks] | None:
    """Images and masks where a word among others names their folders: `label_images_semantic`, `ISIC_Training_GroundTruth`."""
    try:
        images, masks = _sorted(path, {file: path_key(file.relative_to(path), same, loose=True) for file in files})
    except DataError:
        return None
    return (images, masks) if set(images) & set(masks) else None


def _by_object(images: Images, masks: Masks) -> Masks:
    """The masks of the only image in a folder of its own, where each object has one: `7/images/7.png`, `7/masks/a.png`, `7/masks/b.png`."""
    owner, several = {}, set()
    for part, key in images:
        group = part, key[:-1]
        several |= {group} if group in owner else set()
        owner[group] = part, key
    found: Masks = defaultdict(list)
    for (part, key), some in masks.items():
        group = part, key[:-1]
        found[owner[group] if len(key) > 1 and group in owner and group not in several else (part, key)] += some
    return found


def _paired(path: Path, tree: Folder, classes, images: Images, masks: Masks, notes: list[str]) -> dict[str, Listing]:
    if not images and not masks:
        raise DataError(f"The folder {str(path)!r} holds no images; expected {path.name}/images/NAME.jpg and {path.name}/masks/NAME.png.")
    if not masks:
        raise DataError(
            f"The folder {str(path)!r} holds {len(images)} images and no masks{what_else(tree)}; expected them in a folder named masks, "
            "with the names of their images, or beside them as NAME_mask.png."
        )
    if not images:
        raise DataError(f"The folder {str(path)!r} holds {len(masks)} masks and no images; expected them in a folder named images.")
    twice = [(images[at], files) for at, files in masks.items() if len(files) > 1 and at in images and not _are_objects(files)]
    if twice:
        image, files = twice[0]
        raise DataError(
            f"The image {str(image)!r} has {len(files)} masks ({files[0].name!r}, {files[1].name!r}, …); expected one mask per image "
            "with the class of each pixel."
        )
    several = [files for at, files in masks.items() if len(files) > 1 and at in images]
    if len(names := _names_of_classes(several)) > 1:
        raise DataError(
            f"The masks of an image in {str(path)!r} are named {', '.join(map(repr, names[:5]))}, as classes are; expected one mask per "
            "image with the class of each pixel."
        )
    joined = numbered(len(several), "image has", "images have")
    notes = [*notes, f"{joined} several masks, which are read as objects of one class"] if several else notes
    table = class_table(classes, _with_classes(path, tree))
    stray = [files[0] for at, files in masks.items() if at not in images]
    parts: dict[str, list] = defaultdict(list)
    for at, image in images.items():
        own = masks.get(at, [])
        parts[at[0]].append((image, tuple(sorted(own)) if len(own) > 1 else own[0] if own else None))
    if len(parts) > 1 and "all" in parts:
        extra = parts.pop("all")
        parts_note = [f"{numbered(len(extra), 'image lies', 'images lie')} outside the folders train, validation and test: not used"]
    else:
        parts_note = []
    for part in [part for part, found in parts.items() if not any(mask for _, mask in found) and len(parts) > 1]:
        gone = len(parts.pop(part))
        parts_note.append(f"the {numbered(gone, 'image', 'images')} of the {part} part have no masks and are not used")
    notes = (
        notes
        + parts_note
        + ([f"{numbered(len(stray), 'mask has', 'masks have')} no image (the first: {str(stray[0])!r})"] if stray else [])
    )
    listings = {
        part: Listing(
            pairs=[Pair(image, mask) for image, mask in found if mask is not None],
            without=[image for image, mask in found if mask is None],
            table=table,
            folder=path,
            warnings=notes if place == 0 else [],
        )
        for place, (part, found) in enumerate(sorted(parts.items()))
    }
    if len([mask for at, mask in masks.items() if at in images]) == 0:
        image, mask = next(iter(images.values())), next(iter(masks.values()))[0]
        raise DataError(
            f"No image of {str(path)!r} has a mask of its name: there are {image.name!r} and {mask.name!r}; expected the same name "
            "before the ending, or NAME_mask."
        )
    return listings


def _are_objects(files: list[Path]) -> bool:
    """Whether several masks of one image show an object each: in a folder of its own, or numbered `NAME_mask_1.png`."""
    names = {NUMBER.sub("", file.stem.lower()) for file in files}
    return len({file.parent for file in files}) == 1 and (len(names) == 1 or not any(MASK_END.search(file.stem) for file in files))


def _names_of_classes(several: list[list[Path]]) -> list[str]:
    """Names without numbers that masks of more than one image have: `7/masks/lung.png`, `8/masks/lung.png`."""
    counts = Counter(stem for files in several for stem in {file.stem.lower() for file in files} if not re.search(r"\d", stem))
    return sorted(name for name, count in counts.items() if count > 1)


def _with_classes(path: Path, tree: Folder) -> Path:
    """The folder where a file of classes may lie: this one, or the one on the way to the training images that has such a file."""
    folder = tree
    while class_table(None, folder.path) is None and not folder.images and folder.filled:
        train = [inside for inside in folder.filled if part_of(inside.name) == "train"]
        if len(folder.filled) > 1 and len(train) != 1:
            break
        folder = train[0] if train else folder.filled[0]
    return folder.path if class_table(None, folder.path) is not None else path
