"""Lists of images in `ImageSets/Segmentation/`, as Pascal VOC has them: which images have masks, and the part of each."""

from __future__ import annotations

from applied_dl.io.parts import part_of
from applied_dl.vision.folders import Folder

FOLDER = "imagesets"


def image_sets(tree: Folder) -> dict[str, str]:
    """The part of each image by the name of its file without the ending, "all" of lists that name no part; empty without such lists."""
    lists = [
        file
        for file in tree.all_others()
        if file.suffix.lower() == ".txt" and file.parent.name.lower() == "segmentation" and file.parent.parent.name.lower() == FOLDER
    ]
    parts = {file: part_of(file.stem) for file in lists}
    used = [file for file in lists if parts[file]] if "train" in parts.values() else lists
    found: dict[str, str] = {}
    for file in used:
        for line in file.read_text(encoding="utf-8", errors="replace").split("\n"):
            if name := line.strip().rsplit("/", 1)[-1].lower():
                found.setdefault(name, (parts[file] or "all") if "train" in parts.values() else "all")
    return found
