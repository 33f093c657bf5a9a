"""The parts of labeled texts and of pairs: those that a column of the table names are taken as they are."""

import numpy as np
import polars as pl
import pytest

from applied_dl.core.errors import DataError
from applied_dl.tasks.sentences.readers.prepare import prepare_sentences
from applied_dl.workflows.recipes import read_recipe

TOPICS = {"billing": ["refund", "invoice", "charged"], "login": ["password", "locked", "sign in"]}
COUNT = 200


def labelled(count: int = COUNT, **columns) -> pl.DataFrame:
    """Texts of two topics, each with its number."""
    random = np.random.default_rng(0)
    labels = [list(TOPICS)[i % 2] for i in range(count)]
    texts = [f"case {i} is about {random.choice(TOPICS[label])} please help" for i, label in enumerate(labels)]
    return pl.DataFrame({"text": texts, "label": labels, **columns})


def parts_of(frame, path, **data) -> tuple[dict[str, list[str]], object]:
    """The texts of each part, and what was prepared."""
    frame.write_csv(path)
    prepared = prepare_sentences(read_recipe({"task": "sentences", "data": {"source": str(path), **data}}), path.parent)
    return {name: getattr(prepared, name).extra["text"].tolist() for name in ("train", "validation", "test")}, prepared


@pytest.mark.parametrize("name", ["split", "Subset", "data_split"])
@pytest.mark.parametrize("data", [{}, {"target": "label", "column": "text"}, {"kind": "labelled"}])
def test_a_column_names_the_parts_of_labelled_texts(tmp_path, name, data):
    cells = [("train", "Train", "training", "dev", "TEST")[i % 5] for i in range(COUNT)]
    frame = labelled(**{name: cells})
    found, prepared = parts_of(frame, tmp_path / "a.csv", **data)
    texts = frame["text"].to_list()
    assert found == {"train": [t for i, t in enumerate(texts) if i % 5 < 3], "validation": texts[3::5], "test": texts[4::5]}
    assert prepared.state.explicit == ("validation", "test")
    assert prepared.encoder.labels == ("billing", "login")
    assert f"The column {name!r} says which part each row belongs to." in prepared.warnings


def test_a_part_that_the_column_lacks_is_cut_from_training_and_open_rows_are_left_out(tmp_path):
    cells = [None if i < 10 else "test" if i % 4 == 0 else "train" for i in range(COUNT)]
    frame = labelled(split=cells)
    found, prepared = parts_of(frame, tmp_path / "a.csv")
    assert found["test"] == [text for text, cell in zip(frame["text"], cells) if cell == "test"]
    assert len(found["validation"]) > 5
    assert sorted(found["train"] + found["validation"]) == sorted(text for text, cell in zip(frame["text"], cells) if cell == "train")
    assert prepared.state.explicit == ("test",)
    assert any("10 rows that name none left out" in note for note in prepared.warnings)


@pytest.mark.parametrize("cells", [["train", "test", "bus", "car"], ["test", "dev"], ["train"], ["a", "b"]])
def test_other_columns_of_such_a_name_name_no_parts(tmp_path, cells):
    frame = labelled(split=[cells[i % len(cells)] for i in range(COUNT)])
    found, prepared = parts_of(frame, tmp_path / "a.csv", target="label", column="text")
    assert prepared.state.explicit == ()
    assert sum(map(len, found.values())) == COUNT


def test_the_column_that_is_learned_names_no_parts(tmp_path):
    frame = labelled(split=[("train", "test")[i % 2] for i in range(COUNT)])
    _, prepared = parts_of(frame, tmp_path / "a.csv", target="split", column="text")
    assert prepared.encoder.labels == ("test", "train")


def test_texts_larger_than_memory_keep_the_parts_of_the_column(tmp_path):
    cells = [("train", "train", "train", "validation", "test")[i % 5] for i in range(5000)]
    frame = labelled(5000, split=cells)
    found, prepared = parts_of(frame, tmp_path / "a.csv", in_memory=False, sample_rows=1000)
    assert set(found["test"]) < set(frame["text"].to_list()[4::5])  # of the sample alone
    assert len(prepared.state.stored) == cells.count("train")
    assert any("held out by the column that names the parts" in note for note in prepared.warnings)


def test_pairs_too(tmp_path):
    cells = [("train", "train", "train", "valid", "test")[i % 5] for i in range(COUNT)]
    sides = {f"sentence{side}": [f"the {side} way to say number {i}" for i in range(COUNT)] for side in (1, 2)}
    pl.DataFrame({"split": cells, **sides}).write_csv(tmp_path / "a.csv")
    prepared = prepare_sentences(read_recipe({"task": "sentences", "data": {"source": str(tmp_path / "a.csv")}}), tmp_path)
    assert len(prepared.state.rows) == 120
    assert (len(prepared.validation), len(prepared.test)) == (80, 80)  # both sides of 40 pairs
    assert prepared.state.explicit == ("validation", "test")


def test_a_column_whose_training_rows_lack_texts_is_refused(tmp_path):
    cells = ["train" if i < 5 else "test" for i in range(COUNT)]
    frame = labelled(split=cells).with_columns(text=pl.when(pl.col("split") == "train").then(pl.lit(None)).otherwise("text"))
    with pytest.raises(DataError, match="No usable row is of the training part, which the column 'split' names"):
        parts_of(frame, tmp_path / "a.csv", target="label", column="text")
