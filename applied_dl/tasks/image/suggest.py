"""Recipe keys that suit a source of images, proposed by `applied-dl new`; no image is decoded."""

from __future__ import annotations

import re
from typing import Any

from applied_dl.core.cache import cache_folder
from applied_dl.tasks.image.readers.listing import Options
from applied_dl.tasks.image.readers.sources import list_source


def suggest(source: str) -> dict[str, Any]:
    """The label column of a table, and the column that groups its images, where there is one.

    Raises:
        DataError: what training would refuse.
    """
    listings = list_source(source, Options(), cache_folder())
    learned = listings.get("train") or next(iter(listings.values()))
    proposed: dict[str, Any] = {"data.target": learned.target} if learned.target else {}
    for text in learned.warnings:
        if found := re.search(r"set data\.group = '(.+)'$", text):
            proposed["data.group"] = found[1]
    return proposed
