"""Which column of a table holds the labels: by its name, its cells, or the recipe."""

from __future__ import annotations

import re
from collections import Counter
from statistics import mode

from applied_dl.core.errors import DataError, nearest
from applied_dl.tasks.sentences.readers.labels import Labels, read_labels
from applied_dl.text.columns import META, normal, place_of
from applied_dl.text.tables import Table

LABELS = (
    "label", "labels", "label_text", "label_name", "category", "categories", "class", "classes", "class_name", "target", "targets",
    "tag", "tags", "topic", "topics", "sentiment", "intent", "intents", "emotion", "emotions", "genre", "genres", "polarity", "stance",
    "y", "category_name", "coarse_label", "rating", "ratings", "stars", "star", "score", "department", "type", "spam", "is_spam",
    "toxic", "hate", "sarcasm", "verdict", "priority", "severity", "status", "outcome", "section", "theme", "domain", "kind",
    "group_name", "language", "lang", "subject", "code", "kategorie", "klasse", "thema", "stimmung", "categoría",
    "categoria", "clase", "classe", "etiqueta", "etiquetas", "tema", "sentimiento", "sentimento", "catégorie", "étiquette", "sujet",
    "emozione", "категория", "класс", "метка", "тема", "тональность", "类别", "标签", "分类", "情感", "カテゴリ", "ラベル", "分類",
    "레이블", "라벨", "카테고리",
)  # fmt: skip
CORE = frozenset(LABELS[: LABELS.index("department")]) - {"score", "y"}  # words of longer names, such as airline_sentiment
CLEAR = frozenset(("label", "class", "category", "target"))  # also with "id" or "index" beside them
OTHER_USES = META - {"type", "class", "category", "label", "labels", "score", "rating", "stars", "language", "lang"}
WEAK = LABELS.index("y") + 1  # names from here on are labels only where no better name is there
NO_LABEL = frozenset((
    "id", "ids", "count", "counts", "num", "number", "confidence", "url", "link", "date", "time", "index", "variance", "reason",
))  # fmt: skip
TWICE = 0.01  # share of rows that may name a label twice in tag_1, tag_2, …; where annotators agree, far more do
FEW = 5  # rows for each value of a column from which on it looks like labels
MOST_CLASSES = 200
FAR_MORE, FEW_CLASSES = 5, 20  # a column with more values than these is whom a text is from, where another has fewer
SHORT_WORDS, SHORT = 4, 40  # words and characters of a label on average, at most


def cells_of(table: Table, place: int) -> list:
    """The cells of a column; None where a row is too short."""
    return [row[place] if place < len(row) else None for row in table.rows]


def named_labels(table: Table, data) -> tuple[int, ...]:
    names = (data.target,) if isinstance(data.target, str) else tuple(data.target)
    places = [place_of(name, column_names(table)) for name in names]
    if None in places:
        wanted = names[places.index(None)]
        raise DataError(
            f"{table.path!r}: labelled texts need a text column (data.column) and the label column {wanted!r}; found: "
            f"{', '.join(table.header) or 'no header'}.{nearest(wanted, table.header) if table.header else ''}"
        )
    return tuple(places)


def label_by_name(table: Table, leave_out) -> int | None:
    """The column whose name says most clearly that it holds labels, where its cells do not contradict; of vague names one that varies."""
    ranked = []
    for i, name in enumerate(table.header):
        rank = label_rank(name)
        if rank is None or i in leave_out:
            continue
        cells = cells_of(table, i)
        if rank >= 2 * len(LABELS) and not are_labels(cells, few=2):
            continue
        if _long(cells):  # a "subject" or "topic" written in sentences
            continue
        constant = rank >= WEAK and len({str(cell) for cell in cells}) < 2  # the product_category of books alone
        ranked.append((constant, rank, i))
    return min(ranked)[-1] if ranked else None


def label_candidates(table: Table, leave_out) -> list[int]:
    """Columns whose cells look like labels and whose name speaks of nothing else; without those of far more values than another has."""
    found = {}
    for i in range(column_count(table)):
        if i in leave_out or OTHER_USES & {*normal(column_name(table, i)).split("_")}:
            continue
        cells = cells_of(table, i)
        if are_labels(cells) or are_labels(cells := _parts(cells)):
            found[i] = len({str(cell) for cell in cells})
    fewest = min(found.values(), default=0)
    return [i for i, count in found.items() if count <= max(FAR_MORE * fewest, FEW_CLASSES)]


def numbered_labels(table: Table, place: int) -> tuple[int, ...]:
    """The label columns that go with one of them, as tag_2 and tag_3 go with tag_1: of the same labels, none twice in a row."""
    stem = _stem(column_name(table, place))
    alike = [i for i in range(len(table.header)) if stem and _stem(table.header[i]) == stem]
    rows = [[str(cell) for i in alike if (cell := row[i] if i < len(row) else None) not in (None, "")] for row in table.rows]
    apart = sum(len({*row}) < len(row) for row in rows) <= TWICE * len(rows) and any(len(row) < len(alike) for row in rows)
    values = [{str(cell) for cell in cells_of(table, i) if cell not in (None, "")} for i in alike]
    same = len(alike) > 1 and all(2 * len(some & values[0]) >= len(some) for some in values)
    return tuple(alike) if same and apart else (place,)


def names_of(table: Table, place: int, leave_out) -> int:
    """The column with the names of labels that are numbers: one name for each number, and no other; the column itself where none has."""
    codes = [str(cell).strip() for cell in cells_of(table, place)]
    if not all(code.removesuffix(".0").isdigit() for code in codes if code not in ("", "None")):
        return place
    for i in range(len(table.header)):
        if i == place or i in leave_out or OTHER_USES & {*normal(table.header[i]).split("_")} - {"name"}:
            continue
        names = cells_of(table, i)
        if not all(isinstance(name, str) and re.search(r"[^\W\d_]", name) for name in names[:FEW]):
            continue
        pairs = {*zip(codes, names)}
        if 1 < len(pairs) == len({*codes}) == len({*map(str, names)}) <= len(codes) / FEW:
            return i
    return place


def _stem(name: str) -> str:
    """A name without its number; "" for one that has none."""
    match = re.fullmatch(r"(.*[^\W\d_])_?\d+", normal(name))
    return match[1] if match else ""


def _parts(cells: list) -> list[str]:
    """The labels of cells that are lists of them, one after another; none of other cells."""
    found = Labels(rows=[], several=False) if _long(cells) else read_labels(cells, None, "")
    return [label for row in found.rows if row for label in row] if found.several else []


def label_rank(name: str) -> int | None:
    """How clearly a name says that a column holds labels, 0 the clearest; from `WEAK` on only together with its cells."""
    whole = normal(name.rsplit(".", 1)[-1])
    if whole in LABELS[:WEAK]:
        return LABELS.index(whole)
    if whole in LABELS:
        return 2 * len(LABELS) + LABELS.index(whole)
    parts = whole.split("_")
    if len(parts) == 1 or (NO_LABEL & {*parts} and not CLEAR & {*parts}):
        return None
    ranks = [LABELS.index(part) for part in parts if part in CORE]
    return WEAK + min(ranks) if ranks else None


def are_labels(cells: list, few: int = FEW) -> bool:
    """Whether cells look like labels: short, at least two different ones, each coming again and again."""
    texts = ["" if cell is None else str(cell).strip() for cell in cells]
    texts = [text for text in texts if text]
    counts = Counter(texts)
    if not 2 <= len(counts) <= min(MOST_CLASSES, len(texts) / few) or _long(texts):
        return False
    fractions = sum(bool(re.fullmatch(r"[+-]?\d+\.\d*[1-9]\d*", text)) for text in counts)
    return fractions < 0.5 * len(counts)


def _long(cells: list) -> bool:
    texts = [str(cell) for cell in cells if cell is not None and str(cell).strip()]
    size = max(len(texts), 1)
    listed = sum(text.lstrip()[:1] in ("[", "{") or "|" in text or ";" in text or "," in text for text in texts) > 0.3 * size
    return not listed and (sum(len(t.split()) for t in texts) > SHORT_WORDS * size or sum(map(len, texts)) > SHORT * size)


def column_name(table: Table, place: int) -> str:
    return table.header[place] if place < len(table.header) else f"column_{place + 1}"


def column_names(table: Table) -> list[str]:
    """The header, or column_1, column_2, … where the table has none."""
    return table.header or [column_name(table, i) for i in range(column_count(table))]


def column_count(table: Table) -> int:
    """How many cells most rows have."""
    return mode(map(len, table.rows))
