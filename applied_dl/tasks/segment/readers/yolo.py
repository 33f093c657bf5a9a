"""Label files of YOLO for segmentation: a line for each object, its class and the corners of its polygon as shares of the image's sides."""

from __future__ import annotations

import re
from pathlib import Path

from applied_dl.core.errors import DataError
from applied_dl.tasks.segment.readers.shapes import Drawn
from applied_dl.vision.folders import Folder
from applied_dl.vision.image_files import peek

LINE = re.compile(r"\d+(\s+-?[\d.]+(e-?\d+)?){4,}", re.IGNORECASE)
BOX = 5  # numbers of a line that is a box


def yolo(tree: Folder, names: tuple[str, ...]) -> dict[Path, Drawn]:
    """The shapes of each image that has a label file: beside it, or in `labels/` where the image is in `images/`.

    Args:
        tree: a folder.
        names: the classes in order; those of `data.yaml` where they are empty, else their numbers.

    Returns:
        By image; empty where the folder has no label files.

    Raises:
        DataError: a file holds boxes, or names a class that is not listed.
    """
    files = {file for file in tree.all_others() if file.suffix.lower() == ".txt"}
    own = {image: file for image in tree.all_images() for file in _places(image) if file in files}
    lines = {
        image: [line.strip() for line in file.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
        for image, file in own.items()
    }
    if not any(lines.values()) or not all(LINE.fullmatch(line) for some in lines.values() for line in some):
        return {}
    listed = names or next((found for file in tree.all_others() if (found := _yaml_names(file))), ())
    return {image: _drawn(image, own[image], some, listed) for image, some in lines.items()}


def _places(image: Path) -> list[Path]:
    """Where the label file of an image may lie."""
    parts = list(image.parts)
    inside = [i for i, part in enumerate(parts[:-1]) if part.lower() == "images"]
    moved = [Path(*parts[:i], "labels", *parts[i + 1 :]).with_suffix(".txt") for i in inside[-1:]]
    return [*moved, image.with_suffix(".txt")]


def _drawn(image: Path, file: Path, lines: list[str], names: tuple[str, ...]) -> Drawn:
    header = peek(image)
    height, width = (header.height, header.width) if header else (1, 1)  # an image that cannot be read is reported when it is decoded
    shapes = []
    for line in lines:
        code, *numbers = line.split()
        if len(numbers) == BOX - 1:
            raise DataError(f"The label file {str(file)!r} holds boxes, which give no mask; expected a class and a polygon in each line.")
        if names and int(code) >= len(names):
            raise DataError(f"The label file {str(file)!r} has the class {code}; the list of classes has {len(names)}.")
        corners = [float(number) * (width, height)[i % 2] for i, number in enumerate(numbers)]
        shapes.append((names[int(code)] if names else code, [corners]))
    return Drawn(height=height, width=width, shapes=tuple(shapes), source=str(file))


def _yaml_names(file: Path) -> tuple[str, ...]:
    """The entry `names` of a YAML file, as a list, a list of lines, or a mapping of numbers; empty where there is none."""
    if file.suffix.lower() not in (".yaml", ".yml"):
        return ()
    found = re.search(r"^names:[ \t]*(.*(?:\n[ \t]+.*|\n-.*)*)", file.read_text(encoding="utf-8", errors="replace"), re.MULTILINE)
    if not found:
        return ()
    text = found[1].strip()
    items = re.split(r",|\n", text.strip("[]{}\n ")) if text[:1] in "[{" else text.splitlines()
    names = (re.sub(r"^\s*(?:-|\d+\s*:)\s*", "", item).split(" #")[0].strip().strip("'\"") for item in items)
    return tuple(name for name in names if name)
