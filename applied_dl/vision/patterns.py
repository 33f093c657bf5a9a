"""Labels and groups taken from the paths of images by a regular expression."""

from __future__ import annotations

import re
from pathlib import Path

from applied_dl.core.errors import DataError, UsageError

FOLDER = "folder"


def by_pattern(key: str, pattern: str, items: list, root: Path) -> list[str]:
    """What the first group of `pattern` matches in each path.

    It is searched in the file's name without and with its extension, then in the path relative to `root`.

    Args:
        key: the recipe key, for messages.
        pattern: a regular expression with one group.
        items: paths.
        root: folder of the source.

    Raises:
        UsageError: the pattern is not a regular expression with a group.
        DataError: it does not match an image.
    """
    try:
        expression = re.compile(pattern)
    except re.error as error:
        raise UsageError(f"{key} = {pattern!r} is not a regular expression: {error}.") from error
    if not expression.groups:
        raise UsageError(f"{key} = {pattern!r} has no group; put what names it in brackets, such as '^([a-z]+)_[0-9]+'.")
    found = []
    for item in items:
        if not isinstance(item, Path):
            raise UsageError(f"{key} = {pattern!r} needs images with paths; this source holds arrays.")
        relative = item.relative_to(root).as_posix() if item.is_relative_to(root) else item.as_posix()
        match = expression.search(item.stem) or expression.search(item.name) or expression.search(relative)
        if match is None:
            raise DataError(f"{key} = {pattern!r} does not match the image {relative!r}; every image must match.")
        found.append(next((group for group in match.groups() if group), match[0]))
    return found


def groups_of(group: str | None, items: list, root: Path) -> list[str] | None:
    """The group of each image by `data.group`: its folder for "folder", else what the regular expression matches; None for None."""
    if group is None:
        return None
    if group == FOLDER:
        if not all(isinstance(item, Path) for item in items):
            raise UsageError('data.group = "folder" needs images with paths; this source holds arrays.')
        return [item.parent.as_posix() for item in items]
    if "(" not in group:
        raise UsageError(
            f'data.group = {group!r} is not a column of a table here; give "folder" (each folder is a group) or a regular expression '
            "with a group on the file names, such as '^(p[0-9]+)_'."
        )
    return by_pattern("data.group", group, items, root)
