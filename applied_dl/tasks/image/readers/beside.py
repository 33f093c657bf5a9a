"""Tables that lie beside images, or inside each part: which of them hold the labels."""

from __future__ import annotations

import re
from pathlib import Path

from msgspec import structs

from applied_dl.core.errors import AppliedError, DataError
from applied_dl.core.plurals import numbered
from applied_dl.io.cells import as_levels
from applied_dl.io.parts import part_of
from applied_dl.tasks.image.readers.listing import Listing, Options, as_learned
from applied_dl.tasks.image.readers.table import list_table
from applied_dl.vision.folders import Folder
from applied_dl.vision.tables import TABLES, find_paths, read_frame

NO_LABELS = re.compile(r"^(read.?me|licen[sc]e|requirements|changelog|citation)\b|submission", re.IGNORECASE)
NAMED = 0.5  # share of a table's rows whose image must be there
Listings = dict[str, Listing]


def labels_beside(folder: Folder, tables: list[Path], options: Options, notes: list[str]) -> Listings:
    """The listings of the table that names the folder's images with labels, or of such tables named train, validation and test.

    Args:
        folder: the images.
        tables: files beside them.
        options: how labels are found.
        notes: of the folder, for the training part.

    Returns:
        Empty where no table, or several that are no parts, hold labels.

    Raises:
        DataError: the only table that there is cannot be understood.
    """
    tables = [table for table in tables if not NO_LABELS.search(table.stem)]
    found = {table: listings for table in tables if (listings := _labels_of(table, options, len(tables) == 1))}
    if len(found) > 1:
        if parts := _by_names(found, options, notes):
            return parts
        found = {table: listings for table, listings in found.items() if _rows(listings) >= NAMED * folder.count}
    if len(found) != 1:
        return {}
    table, listings = next(iter(found.items()))
    first = "train" if "train" in listings else next(iter(listings))
    named = {str(item) for listing in listings.values() for item in listing.items}
    left = folder.count - sum(str(path) in named for path in folder.all_images())
    reported = [*notes, f"the labels were found in {table.name!r}"]
    reported += [f"{numbered(left, 'image has', 'images have')} no label in {table.name!r}: not used"] if left else []
    return {**listings, first: structs.replace(listings[first], warnings=[*listings[first].warnings, *reported])}


def labels_in_parts(folder: Folder, options: Options, notes: list[str]) -> Listings:
    """The listings of part folders that each hold their images and a table of labels: train/_classes.csv, test/metadata.jsonl, …

    Empty where the training part has no such table.
    """
    parts = {part: inside for inside in folder.filled if (part := part_of(inside.name))}
    train = parts.get("train")
    if train is None or len(train.filled) > 1 or not (own := _tables(train)):
        return {}
    learned = labels_beside(train, own, options, notes)
    if not learned:
        return {}
    found = {"train": learned.get("train") or next(iter(learned.values()))}
    options = as_learned(options, found["train"])
    for part, inside in parts.items():
        if part == "train":
            continue
        listings = labels_beside(inside, _tables(inside), options, [])
        if listings:
            found[part] = structs.replace(listings.get(part) or next(iter(listings.values())), warnings=[])
        else:
            found["train"].warnings.append(f"the {inside.count} images of {inside.name!r} have no labels and are not used")
    return found


def labels_of_part(folder: Folder, tables: list[Path], known: set[str]) -> Listing | None:
    """The listing of a part without class folders by a table with a column of known classes; None where there is none.

    Args:
        folder: of the part.
        tables: files beside it and inside.
        known: the classes of the training part.
    """
    own = {str(path) for path in folder.all_images()}
    for table in (file for file in tables if file.suffix.lower() in TABLES and not NO_LABELS.search(file.stem)):
        try:
            frame = read_frame(table)
            column, items = find_paths(frame, table)
        except AppliedError:
            continue
        rows = [row for row, item in enumerate(items) if str(item) in own]
        for name in (name for name in frame.columns if name != column and len(rows) >= NAMED * len(own)):
            cells = [str(cell or "").strip() for cell in as_levels(frame[name][rows]).to_list()]
            if set(cells) <= known:
                note = [f"the labels of {folder.name!r} are the column {name!r} of {table.name!r}"]
                return Listing(items=[items[row] for row in rows], labels=[(cell,) for cell in cells], target=name, warnings=note)
    return None


def list_packed(folder: Folder, options: Options) -> Listings:
    """The listings of Parquet files that hold images, `train-00000-of-00002.parquet`, by the part that each name begins with."""
    files = [file for file in folder.all_others() if file.suffix.lower() == ".parquet"]
    parts = {file: part_of(re.split(r"[-.]", file.stem)[0]) or "all" for file in files}
    found: Listings = {}
    for file in sorted(files, key=lambda file: parts[file] != "train"):
        part = parts[file]
        for listing in list_table(file, options).values():
            options = as_learned(options, listing) if part == "train" else options
            before = found.get(part)
            found[part] = (
                listing
                if before is None
                else structs.replace(
                    before,
                    items=before.items + listing.items,
                    labels=before.labels + listing.labels,
                    numbers=None if before.numbers is None else before.numbers + (listing.numbers or []),
                )
            )
    return found


def _tables(folder: Folder) -> list[Path]:
    return [path for path in folder.others if path.suffix.lower() in TABLES]


def _labels_of(table: Path, options: Options, only: bool) -> Listings:
    """The listings of a table whose images are there, else none; of the only one, what is wrong with it is raised."""
    try:
        found = list_table(table, options)
    except AppliedError:
        if only:
            raise
        return {}
    items = [item for listing in found.values() for item in listing.items]
    if not only and sum(Path(item).is_file() for item in items) < NAMED * len(items):
        return {}
    return found


def _rows(listings: Listings) -> int:
    return sum(len(listing.items) for listing in listings.values())


def _by_names(found: dict[Path, Listings], options: Options, notes: list[str]) -> Listings:
    """The parts of tables that are named after them: train.csv, val_labels.csv, test.csv; empty where one is not, or two are one part."""
    words = {table: [p for word in re.split(r"[\W_]+", table.stem) if (p := part_of(word))] for table in found}
    parts = {named[0]: table for table, named in words.items() if len(set(named)) == 1}
    if "train" not in parts or len(parts) < len(found):
        return {}
    reported = [*notes, f"the labels were found in {', '.join(repr(table.name) for table in parts.values())}"]
    train = next(iter(found[parts["train"]].values()))
    listings = {"train": structs.replace(train, warnings=[*train.warnings, *reported])}
    options = as_learned(options, train)
    for part, table in parts.items():
        if part != "train":
            read = list_table(table, options)
            if len(read) > 1:
                raise DataError(f"{str(table)!r} is the {part} part by its name and has a column of parts; name one table as data.source.")
            listings[part] = structs.replace(next(iter(read.values())), warnings=[])
    return listings
