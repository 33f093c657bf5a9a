"""Text files whose lines hold a label: fastText's `__label__` lines, tables under another suffix, a label before or after a mark."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from applied_dl.io.delimited import delimited_rows
from applied_dl.tasks.sentences.readers.label_columns import FEW, are_labels
from applied_dl.tasks.sentences.readers.layouts import named_columns
from applied_dl.text.columns import TITLE_WORDS, are_worded, words_of
from applied_dl.text.corpus import first_of
from applied_dl.text.decoding import Reading, decoded
from applied_dl.text.heads import HEAD, has_header
from applied_dl.text.tables import ROWS, Table, with_header

PREFIX = "__label__"  # of fastText's files
TAGGED = ("labels", "text")  # the columns of `__label__` lines
SOME = 1000  # lines that show how a file is written
SEPARATORS = ("\t", ";", "|", ",")
PROSE = (";", ",")  # separators that sentences have too, before a blank
EVEN = 0.95  # share of the lines that must have equally many cells
MARKS = ("|", ";", "@", ",", " ")  # between a label and a text that may hold them too
MOST_LABELS = 50  # different ones that such a mark may part from the texts
RISING = 0.9  # share of the labels that are one more than the label before, from which they are numbers of lines
CODE = re.compile(r"[+-]?\d+|[A-Z]+:\w+")  # a label that a blank parts from its text: "1 a fine film", "NUM:date When did …"


def line_batches(path: Path, data, reading: Reading) -> Iterator[Table]:
    """The rows of such a file in batches, in constant memory: of `__label__` lines the labels and the text; none of running text."""
    some = [line for line in first_of(decoded(path, Reading(), cut=True), SOME) if line.strip()]
    lines = (line for line in decoded(path, reading, cut=False) if line.strip())
    if len(some) > 1 and some[0].startswith(PREFIX) and sum(line.startswith(PREFIX) for line in some) >= EVEN * len(some):
        while part := list(itertools.islice(lines, ROWS)):
            yield Table(path=str(path), header=list(TAGGED), rows=[list(_tagged(line)) for line in part])
        return
    if len(some) < 2 * FEW:
        return
    mark, count = next(((mark, count) for mark in SEPARATORS if not _punctuates(some, mark) and (count := _even(some, mark))), ("", 0))
    cut = None if mark else _label_cut(some)
    if mark == "\t":
        rows = (row for line in lines if len(row := line.split("\t")) == count + 1)
    elif mark:
        rows = (row for row in delimited_rows(path, lines, mark, reading) if row)
    elif cut is not None:
        rows = ([*cells] for line in lines if (cells := _cut(line, *cut)))
    else:
        return
    yield from with_header(path, rows, named_columns(data))


def is_tagged(table: Table) -> bool:
    """Whether a table is one of `__label__` lines."""
    return table.header == list(TAGGED) and isinstance(table.rows[0][0], tuple)


def _tagged(line: str) -> tuple[tuple[str, ...], str]:
    """The labels that a line begins with, and its text."""
    match = re.match(rf"(?:{PREFIX}\S+\s*)+", line)
    if match is None:
        return (), line
    return tuple(dict.fromkeys(word.removeprefix(PREFIX) for word in match[0].replace(",", " ").split())), line[match.end() :]


def _even(lines: list[str], mark: str) -> int:
    """How often a mark is in most lines, outside quotes; 0 where they do not agree."""
    counts = Counter("".join(line.split('"')[::2]).count(mark) if mark != "\t" else line.count(mark) for line in lines)
    count, agree = counts.most_common(1)[0]
    return count if agree >= EVEN * len(lines) else 0


def _punctuates(lines: list[str], mark: str) -> bool:
    """Whether a mark is one of sentences: a blank follows it nearly everywhere, and the first line does not name columns."""
    followed = [line[match.end() : match.end() + 1] for line in lines for match in re.finditer(re.escape(mark), line)]
    prose = mark in PROSE and sum(map(str.isspace, followed)) >= EVEN * len(followed)
    return prose and not has_header([[cell.strip() for cell in line.split(mark)] for line in lines[:HEAD]])


def _label_cut(lines: list[str]) -> tuple[str, bool] | None:
    """The mark that parts a label from the text of each line, and whether the label comes last; None for running text."""
    for mark, last in itertools.product(MARKS, (True, False)):
        cells = [cells for line in lines if (cells := _cut(line, mark, last))]
        labels, texts = [row[last] for row in cells], [row[not last] for row in cells]
        if (
            len(cells) >= EVEN * len(lines)
            and are_labels(labels)
            and len({*labels}) <= MOST_LABELS
            and not _are_numbered(labels)
            and words_of(texts) >= TITLE_WORDS
            and are_worded(texts)
            and not are_labels(texts)
            and (mark != " " or all(map(CODE.fullmatch, labels)))
        ):
            return mark, last
    return None


def _are_numbered(labels: list[str]) -> bool:
    """Whether most numbers follow the one before, as those of verses, lists and pages do."""
    numbers = [int(label) if label.isdigit() else None for label in labels]
    rising = sum(first is not None and second == first + 1 for first, second in itertools.pairwise(numbers))
    return rising > RISING * len(labels)


def _cut(line: str, mark: str, last: bool) -> tuple[str, str] | None:
    """The two parts of a line at its last mark, or at its first; None where one is empty."""
    first, _, second = map(str.strip, line.rpartition(mark) if last else line.partition(mark))
    return (first, second) if first and second else None
