"""Texts about topics, as files of any form, and what is read of them."""

import csv
import io

import numpy as np

from applied_dl.tasks.sentences.readers.read import read_groups
from applied_dl.tasks.sentences.recipe import Data

TOPICS = {
    "billing": ["refund", "invoice", "charged twice", "card declined"],
    "login": ["password", "locked out", "sign in", "two factor"],
    "shipping": ["parcel", "courier", "tracking", "delivery late"],
}


FILLER = ["Hello team", "please help", "since yesterday", "on my phone", "this is urgent", "thank you", "as discussed"]


def texts_of(count: int, seed: int = 0, several: bool = False) -> list[tuple[str, list[str]]]:
    """Texts with filler around the words of their topics, and the topics."""
    random = np.random.default_rng(seed)
    found = []
    for number in range(count):
        topics = [str(t) for t in random.choice(list(TOPICS), random.integers(1, 3) if several else 1, replace=False)]
        words = [str(random.choice(FILLER)), *(str(random.choice(TOPICS[t])) for t in topics), str(random.choice(FILLER)), f"case {number}"]
        found.append((". ".join(words), topics))
    return found


def csv_of(header: list[str] | None, rows: list[list], delimiter: str = ",") -> str:
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter=delimiter, lineterminator="\n")
    writer.writerows([header, *rows] if header else rows)
    return stream.getvalue()


def read(tmp_path, content, name="a.csv", **data):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_groups((str(path),), Data(**data))


def rows_of(groups) -> set[tuple[str, tuple[str, ...]]]:
    return {(groups.texts[place], tuple(sorted(labels))) for place, labels in zip(groups.rows[:, 0], groups.labels)}


PLAIN = texts_of(60)


WANTED = {(text, tuple(topics)) for text, topics in PLAIN}


SEVERAL = texts_of(90, several=True)


def sentence(random, words: int) -> str:
    return (
        " ".join(
            random.choice(["the", "movie", "was", "really", "great", "and", "food", "staff", "place", "i", "loved", "every", "part"], words)
        )
        + f" {random.integers(10**6)}"
    )
