"""Which columns of a table hold the texts: by the names that people give them, else by their cells."""

from __future__ import annotations

import re
from functools import cache

TITLES = (
    "title", "headline", "heading", "subject", "subject_line", "summary", "titre", "titel", "titulo", "título", "titolo", "заголовок",
    "标题",
)  # fmt: skip
BODIES = (
    "text", "full_text", "body", "content", "message", "review", "comment", "document", "article", "abstract", "description", "tweet",
    "utterance", "post", "selftext", "complaint", "narrative", "transcript", "transcription", "feedback", "sentence", "statement",
    "question", "query", "prompt", "summary", "passage", "paragraph", "dialogue", "lyrics", "plot", "synopsis", "overview", "caption",
    "note", "email", "mail", "sms", "request", "input", "answer", "response", "opinion", "remark", "observation", "title", "headline",
    "phrase", "command", "texto", "texte", "testo", "tekst", "kommentar", "comentario", "comentário", "commentaire", "commento",
    "reseña", "avis", "bewertung", "nachricht", "beschreibung", "descripción", "descrição", "inhalt", "contenido", "contenu",
    "mensaje", "mensagem", "frase", "satz", "recensione", "текст", "отзыв", "сообщение", "комментарий", "описание", "文本", "内容",
    "评论", "句子", "本文", "テキスト", "文", "レビュー", "텍스트", "내용", "نص", "النص", "טקסט",
)  # fmt: skip
SURE_BODIES = frozenset(BODIES[: BODIES.index("abstract")])
META = frozenset((
    "id", "ids", "uid", "uuid", "key", "index", "idx", "no", "num", "number", "count", "counts", "n", "len", "length", "size", "words",
    "chars", "date", "time", "datetime", "timestamp", "day", "month", "year", "hour", "created", "updated", "url", "link", "href",
    "path", "file", "filename", "source", "author", "user", "username", "name", "sender", "from", "recipient", "to", "cc",
    "lang", "language", "country", "city", "location",
    "retweet", "likes", "votes", "helpful", "score", "rating", "stars", "label", "labels", "class", "category", "confidence", "gold",
    "type", "format", "hash", "version",
))  # fmt: skip
WORDY, SURE = 3.0, 2.0  # words of a cell of text on average; and how many times those of the next column
TITLE_WORDS = 1.5  # of a title, on average
SAMPLE = 300  # rows that are examined
SHOWING = 20  # rows from which on cells show that a column holds no texts
FILLED, LABELS = 0.1, 0.1  # least share of cells that are filled, and of those that differ, where they are single words


def normal(name: str) -> str:
    """A column's name in lower case with underscores: `reviewText`, `Review Text` and `review-text` are equal."""
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", str(name).strip())
    return re.sub(r"[\W_]+", "_", name).strip("_").lower()


def place_of(name: str | None, header: list[str]) -> int | None:
    """The place of a column by its name, in any spelling, or by the last part of a dotted name; None where there is none."""
    if name is None or not header:
        return None
    if name in header:
        return header.index(name)
    for form in (str.lower, normal, lambda text: normal(text.rsplit(".", 1)[-1])):
        places = [i for i, own in enumerate(header) if form(own) == form(name)]
        if len(places) == 1:
            return places[0]
    return None


def text_places(header: list[str], rows: list[list], leave_out=()) -> list[int]:
    """The places of the columns that make a text, in order: one, or a title and a body; [] where the table does not show them.

    rows: some of the table's. leave_out: places of columns that are something else.
    """
    rows = rows[:: max(1, len(rows) // SAMPLE)][:SAMPLE]
    columns = {i: [text for row in rows if i < len(row) and (text := cell_text(row[i]))] for i in range(len(header))}
    open_ = [i for i in columns if i not in leave_out and are_worded(columns[i]) and _are_texts(columns[i], len(rows))]
    ranked = sorted((rank, i) for i in open_ if (rank := _rank(header[i], BODIES)) is not None)
    if ranked:
        others = [i for i in open_ if not META & {*normal(header[i]).split("_")}]
        body = _fullest(list(dict.fromkeys([*(i for _, i in ranked), *others])), header, columns)
        heads = sorted((rank, i) for i in open_ if i != body and (rank := _rank(header[i], TITLES)) is not None and _titles(columns[i]))
        return [heads[0][1], body] if heads and normal(header[body]) not in TITLES[:2] else [body]
    wordy = sorted(((words_of(columns[i]), i) for i in open_), reverse=True)
    if wordy and wordy[0][0] >= WORDY and (len(wordy) == 1 or wordy[0][0] >= SURE * wordy[1][0]):
        return [wordy[0][1]]
    return []


def _fullest(places: list[int], header: list[str], columns: dict[int, list[str]]) -> int:
    """The best-named column, or where its name may mean a short form (title, description) another with far longer texts."""
    best = places[0]
    if normal(header[best].rsplit(".", 1)[-1]) in SURE_BODIES:
        return best
    longest = max(places, key=lambda i: words_of(columns[i]))
    far = words_of(columns[longest]) > SURE * words_of(columns[best]) and len({*columns[longest]}) > 0.5 * len(columns[longest])
    return longest if far else best


def joined(cells: list) -> str:
    """Several cells as one text, those that are empty left out."""
    return " ".join(text for cell in cells if (text := cell_text(cell)))


def cell_text(cell: object) -> str:
    """A cell as text: "" for none; of a list the texts in it, as chats write a message with links, and "" for objects alone.

    Example:
        >>> cell_text(["see ", {"type": "link", "text": "example.org"}])
        'see example.org'
    """
    if isinstance(cell, dict):
        return ""
    if isinstance(cell, list | tuple):
        if not any(isinstance(part, str) for part in cell):
            return ""
        parts = [part.get("text") if isinstance(part, dict) else part for part in cell]
        return " ".join(text for part in parts if part is not None and (text := str(part).strip()))
    return "" if cell is None else str(cell).strip()


def _rank(name: str, names: tuple[str, ...]) -> int | None:
    """How good a name is, 0 the best; None for one of another kind."""
    whole = normal(str(name).rsplit(".", 1)[-1])
    order = _order(names)
    if whole in order:
        return order[whole]
    parts = whole.split("_")
    if META & {*parts}:
        return None
    found = [order[part] for word in parts for part in (word, word.removesuffix("s")) if part in order]
    return len(names) + min(found) if found else None


@cache
def _order(names: tuple[str, ...]) -> dict[str, int]:
    found: dict[str, int] = {}
    for i, name in enumerate(names):
        found.setdefault(name, i)
        found.setdefault(f"{name}s", i)
        found.setdefault(f"{name.removesuffix('y')}ies", i)
    return found


def are_worded(cells: list[str]) -> bool:
    """Whether most cells hold letters, rather than numbers, dates, codes or addresses."""

    def lettered(cell: str) -> bool:
        letters = len(re.findall(r"[^\W\d_]", cell))
        return letters > len(re.findall(r"\d", cell)) and not re.match(r"https?://\S+$", cell)

    return bool(cells) and 2 * sum(map(lettered, cells)) > len(cells)


def _are_texts(cells: list[str], rows: int) -> bool:
    """Whether the cells of these rows may be texts: not nearly all empty, not all the same, no numbered names, no few words again and
    again."""
    if rows < SHOWING:
        return True
    words = words_of(cells)
    numbered = words < WORDY and len({re.sub(r"\d+", "", cell) for cell in cells}) == 1
    repeated = words < TITLE_WORDS and len({*cells}) < LABELS * len(cells)
    return len(cells) >= FILLED * rows and len({*cells}) > 1 and not numbered and not repeated


def _titles(cells: list[str]) -> bool:
    """Whether cells look like titles: mostly different, more than a word."""
    return len({*cells}) > 0.5 * len(cells) and words_of(cells) >= TITLE_WORDS


def words_of(cells: list[str]) -> float:
    """Words of a cell on average; three characters of a script without blanks count as one."""
    return sum(max(len(cell.split()), len(re.findall(r"[\u3040-\u9fff\u0e00-\u0eff]", cell)) / 3) for cell in cells) / max(len(cells), 1)
