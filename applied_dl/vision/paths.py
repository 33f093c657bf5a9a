"""Cells that name images → files: folder and extension completed, paths of another machine resolved by their last parts."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from pathlib import Path, PurePosixPath

from applied_dl.core.errors import DataError
from applied_dl.vision.image_files import EXTENSIONS

SKIPPED = ("__macosx", "thumbs.db", "desktop.ini", "@eadir", "$recycle.bin", "lost+found", "__pycache__", "system volume information")
MOST_FILES = 2_000_000
ADDRESS = re.compile(r"^([a-z]+://[^?#]*)[?#].*", re.IGNORECASE)  # of the web, up to what follows the path


def is_skipped(name: str) -> bool:
    """Whether a file or folder is the operating system's, not the user's."""
    return name.startswith(".") or name.lower() in SKIPPED


def is_image(name: str) -> bool:
    """Whether a name has the extension of an image format."""
    return os.path.splitext(name)[1].lower() in EXTENSIONS


class ImageIndex:
    """The image files under a folder, found by what a cell of a table calls them.

    Args:
        folder: the folder of the table; relative paths start there.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        self.ambiguous: dict[str, list[Path]] = {}
        self._by_name: dict[str, list[Path]] | None = None

    def find(self, cell: str) -> Path | None:
        """The file of a cell, or None; `ambiguous` collects cells that fit several files."""
        text = ADDRESS.sub(r"\1", cell.strip()).replace("\\", "/")
        if not text:
            return None
        direct = self.folder / text
        if is_image(text) and os.path.isfile(direct):
            return direct
        name = PurePosixPath(text).name.lower()
        index = self._names()
        near = index.get(name) or index.get(_without_zeros(name)) or (index.get(os.path.splitext(name)[0]) if is_image(name) else None)
        if not near:
            return direct if os.path.isfile(direct) else None
        return self._nearest(text, near)

    def _nearest(self, text: str, near: list[Path]) -> Path | None:
        """Of files with the same name, the one whose folders agree with the cell in most of the last parts."""
        if len(near) == 1:
            return near[0]
        wanted = [part.lower() for part in PurePosixPath(text).parts[:-1]][::-1]

        def agreeing(path: Path) -> int:
            folders = [part.lower() for part in path.parent.parts][::-1]
            return next((i for i, (a, b) in enumerate(zip(wanted, folders)) if a != b), min(len(wanted), len(folders)))

        best = max(map(agreeing, near))
        nearest = [path for path in near if agreeing(path) == best]
        if len(nearest) > 1:
            self.ambiguous[text] = nearest
            return None
        return nearest[0]

    def _names(self) -> dict[str, list[Path]]:
        """Files by lower-case name, with and without extension, and by number without leading zeros."""
        if self._by_name is None:
            found: dict[str, list[Path]] = defaultdict(list)
            for count, path in enumerate(walk(self.folder)):
                if count >= MOST_FILES:
                    raise DataError(
                        f"The folder {str(self.folder)!r} holds more than {MOST_FILES:,} images; put the table into the images' folder."
                    )
                name = path.name.lower()
                for key in {name, os.path.splitext(name)[0], _without_zeros(os.path.splitext(name)[0])}:
                    found[key].append(path)
            self._by_name = found
        return self._by_name


def walk(folder: Path):
    """Image files under a folder in order, without those of the operating system; links are followed, each folder once."""
    seen: set[str] = set()
    for root, folders, files in os.walk(folder, followlinks=True):
        real = os.path.realpath(root)
        if real in seen:
            folders[:] = []
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if not is_skipped(name))
        for name in sorted(files):
            if is_image(name) and not is_skipped(name):
                yield Path(root, name)


def _without_zeros(name: str) -> str:
    return re.sub(r"^0+(?=\d+$)", "", name)
