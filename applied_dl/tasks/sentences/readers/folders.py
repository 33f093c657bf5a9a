"""Folders of texts: a folder or a file per class, train and test folders, several tables of the same columns."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from applied_dl.core.plurals import numbered
from applied_dl.io.parts import COLUMNS, part_in
from applied_dl.text import corpus
from applied_dl.text.columns import normal
from applied_dl.text.decoding import suffix_of
from applied_dl.text.tables import TABLES, Table, read_table

PLAIN = (".txt", ".text", ".md", ".htm", ".html", ".eml", "")  # files that are one text each in a folder per class
ABOUT = ("readme", "license", "licence")  # files that describe the others
UNLABELLED = ("unsup", "unsupervised", "unlabeled", "unlabelled")  # folders of texts without labels, beside those of classes
FEWEST_FILES = 3  # of a class folder, on average
LARGEST = 2**17  # bytes of such a file, at the median: larger ones are books, whose folders are a corpus
STRAY = 0.1  # share of files beside class folders, and of the bytes of texts beside tables, that do not matter
MOST_FILES = 50  # of a folder with a file per class
SHOWN = 6  # names of a note


def class_folders(path: Path, kind: str | None = "labelled") -> dict[str, list[Path]]:
    """The files of each class of a folder per class, by name; {} for another folder.

    A folder of text files alone inside is a class; a folder around all classes is entered. kind None: only where it is not rather a
    corpus of books.
    """
    inside = _inside(path)
    folders = [p for p in inside if p.is_dir()]
    stray = [p for p in inside if p.is_file() and suffix_of(p) in corpus.TEXTS and p.stem.lower() not in ABOUT]
    if len(folders) == 1 and not stray:
        return class_folders(folders[0], kind)
    files = {
        p.name: sorted(f for f in p.rglob("*") if f.is_file() and not f.name.startswith(".") and suffix_of(f) in PLAIN) for p in folders
    }
    files = {name: found for name, found in files.items() if found}
    if len(files) < 2 or len(stray) > STRAY * sum(map(len, files.values())) or all(part_in(name) for name in files):
        return {}
    sizes = sorted(f.stat().st_size for found in files.values() for f in found)
    if kind is None and (len(sizes) < FEWEST_FILES * len(files) or sizes[len(sizes) // 2] > LARGEST):
        return {}
    return files


def part_folders(source: str) -> dict[str, str]:
    """The parts of a folder that holds `train` and `test` folders of classes, by name; {} for another source."""
    path = Path(source)
    if not path.is_dir():
        return {}
    folders = [p for p in _inside(path) if p.is_dir()]
    if len(folders) == 1 and not any(p.is_file() and suffix_of(p) in corpus.TEXTS for p in path.iterdir()):
        return part_folders(str(folders[0]))
    parts = {part: str(folder) for folder in folders if (part := part_in(folder.name)) and class_folders(folder, None)}
    return parts if {"train", "test"} <= parts.keys() else {}


def class_files(path: Path) -> dict[str, Path]:
    """The text files of a folder with nothing else in it, by the names that tell them apart; {} for another folder."""
    files = [p for p in _inside(path) if p.stem.lower() not in ABOUT]
    if not 2 <= len(files) <= MOST_FILES or any(p.is_dir() or suffix_of(p) in TABLES for p in files):
        return {}
    stems = {p.stem: p for p in files}
    return stems if len(stems) == len(files) else {p.name: p for p in files}


def folder_table(path: Path, known: tuple[str, ...] = ()) -> Table | None:
    """The tables of a folder as one: those of its largest kind with the columns of the training part, or else those that most rows have.

    None for another folder.

    Where the names of the files are those of parts (`train-00000.parquet`, `reviews_test.csv`), a column "split" says which part a row
    belongs to.

    known: names of columns that the recipe asks for.
    """
    if not path.is_dir():
        return None
    files = [p for p in sorted(path.rglob("*")) if p.is_file() and not any(part.startswith(".") for part in p.relative_to(path).parts)]
    files = [p for p in files if p.stem.lower() not in ABOUT and suffix_of(p) in corpus.TEXTS]
    beside = [p for p in files if suffix_of(p) not in TABLES]
    if len(beside) == len(files) or sum(p.stat().st_size for p in beside) > STRAY * sum(p.stat().st_size for p in files):
        return None
    bytes_of: Counter[str] = Counter()
    for file in (file for file in files if file not in beside):
        bytes_of[suffix_of(file)] += file.stat().st_size
    kind = max(bytes_of, key=lambda suffix: bytes_of[suffix])
    tables = {file: read_table(file, known) for file in files if suffix_of(file) == kind}
    parts = {file: part_in(file.stem) or (part_in(file.parent.name) if file.parent != path else None) for file in tables}
    rows: Counter[tuple] = Counter()
    for file, table in tables.items():
        if parts[file] == "train" or "train" not in parts.values():  # tests without labels may be longer
            rows[_columns(table)] += len(table.rows)
    columns = max(rows, key=lambda names: rows[names])
    read = {file: table for file, table in tables.items() if _columns(table) == columns}
    first = next(iter(read.values()))
    split = bool(first.header) and {"train"} < {parts[file] for file in read} and not {*map(normal, first.header)} & {*COLUMNS}
    whole = Table(path=str(path), header=[*first.header, "split"] if split else first.header, sets=first.sets)
    for file, table in read.items():
        same = [normal(name) for name in table.header]
        places = [*range(len(same))] if table.header == first.header else [same.index(normal(name)) for name in first.header]
        for row in table.rows:
            cells = [row[i] if i < len(row) else None for i in places] if places else row
            whole.rows.append([*cells, parts[file]] if split else cells)
        whole.warnings += [warning for warning in table.warnings if warning not in whole.warnings]
    whole.warnings.insert(0, _note(path, [*read], [file for file in files if file not in read]))
    return whole


def shown_classes(names: list[str]) -> str:
    """The names of classes for a note."""
    return ", ".join(map(repr, names[:SHOWN])) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")


def _note(path: Path, read: list[Path], left_out: list[Path]) -> str:
    """Which files of a folder were read."""
    other = f"; not read, for want of the same columns: {_named(left_out)}" if left_out else ""
    return f"{path}: read as one table: {_named(read)}{other}."


def _named(files: list[Path]) -> str:
    more = f" and {numbered(len(files) - SHOWN, 'other file', 'other files')}" if len(files) > SHOWN else ""
    return ", ".join(file.name for file in files[:SHOWN]) + more


def _columns(table: Table) -> tuple:
    """What tables of the same columns agree in."""
    return tuple(sorted(map(normal, table.header))) if table.header else (len(table.rows[0]), table.sets)


def _inside(path: Path) -> list[Path]:
    return [p for p in sorted(path.iterdir()) if not p.name.startswith(".")]
