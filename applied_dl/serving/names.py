"""The names under which bundles are served."""

from __future__ import annotations

import os
from pathlib import Path

from applied_dl.core.bundle import read_manifest
from applied_dl.core.errors import UsageError


def named_folders(arguments: list[str]) -> dict[str, Path]:
    """Bundles of a command line, FOLDER or NAME=FOLDER, by the name of their models.

    Raises:
        UsageError: two models of one name, or a name that no address can hold.
        DataError: a folder is no bundle.
    """
    found: dict[str, Path] = {}
    for text in arguments:
        given, equals, path = text.partition("=")
        folder = Path(path if equals and not os.path.exists(text) else text)
        if folder.is_file():
            raise UsageError(f"{str(folder)!r} is a file; serve takes the folder of a bundle (an archive: `applied-dl unpack` it first).")
        name = given if equals and not os.path.exists(text) else read_manifest(folder).name
        if not name or any(character in name for character in "/?#%\\") or not name.isprintable():
            raise UsageError(f"The name {name!r} cannot be part of an address; give another one: serve NAME={folder}.")
        if name in found:
            raise UsageError(f"Two bundles have the name {name!r}; give one of them another: serve OTHER={folder}.")
        read_manifest(folder)
        found[name] = folder.absolute()
    return found
