"""Folders of texts as people have them: classes beside other files, tables of parts, a file per class."""

import polars as pl
import pytest

from applied_dl.tasks.sentences.readers.folders import class_folders, part_folders
from applied_dl.tasks.sentences.readers.prepare import prepare_sentences
from applied_dl.tasks.sentences.readers.read import read_groups
from applied_dl.tasks.sentences.recipe import Data
from applied_dl.workflows.recipes import read_recipe

GOOD = [
    f"a {word} film that {verb} everybody number {i}"
    for i, word in enumerate(("fine", "warm", "bright") * 5)
    for verb in ("moves", "helps")
]
BAD = [
    f"a {word} plot that {verb} everybody number {i}" for i, word in enumerate(("dull", "cold", "grey") * 5) for verb in ("bores", "tires")
]


def write(root, files):
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content)


def test_class_folders_beside_other_files_and_texts_without_labels(tmp_path):
    parts = {"train": 0, "test": 15}
    write(tmp_path, {"reviews/README": "about", "reviews/ratings.txt": "0.1\n"})
    for part, first in parts.items():
        for label, texts in (("pos", GOOD), ("neg", BAD), ("unsup", [f"no label {text}" for text in GOOD])):
            write(tmp_path, {f"reviews/{part}/{label}/{i}_7.txt": texts[first + i] for i in range(15)})
        write(tmp_path, {f"reviews/{part}/urls_pos.txt": "http://a.b/1\n"})
    assert {*part_folders(str(tmp_path / "reviews"))} == {"train", "test"}
    prepared = prepare_sentences(read_recipe({"task": "sentences", "data": {"source": str(tmp_path / "reviews")}}), tmp_path)
    assert prepared.encoder.labels == ("neg", "pos")
    assert len(prepared.test) == 30
    assert any("'unsup' holds texts without labels and is left out" in warning for warning in prepared.warnings)


def test_parts_are_found_within_names_and_are_no_classes(tmp_path):
    for part in ("20news-bydate-train", "20news-bydate-test"):
        write(tmp_path, {f"a/{part}/{label}/{i}": GOOD[i] for label in ("sci", "rec") for i in range(5)})
    assert {*part_folders(str(tmp_path / "a"))} == {"train", "test"}
    write(tmp_path, {f"b/{part}/{i}.txt": GOOD[i] for part in ("train", "test") for i in range(5)})
    assert class_folders(tmp_path / "b") == {}


def table(texts, label, header="id,text,label"):
    return header + "\n" + "".join(f"{i},{text},{label}\n" for i, text in enumerate(texts))


def test_tables_of_parts_are_one_table_with_parts(tmp_path):
    write(tmp_path, {
        "train.csv": table(GOOD[:20], "pos") + table(BAD[:20], "neg").split("\n", 1)[1], "test.csv": table(GOOD[20:], "pos"),
        "dev.csv": table(BAD[20:], "neg"), "README.md": "about",
    })  # fmt: skip
    prepared = prepare_sentences(read_recipe({"task": "sentences", "data": {"source": str(tmp_path)}}), tmp_path)
    assert {name: len(getattr(prepared, name)) for name in ("train", "validation", "test")} == {"train": 40, "validation": 10, "test": 10}


@pytest.mark.parametrize("shards", [1, 3])
def test_shards_in_a_folder_below(tmp_path, shards):
    (tmp_path / "data").mkdir()
    frame = pl.DataFrame({"text": [*GOOD, *BAD], "label": [0] * 30 + [1] * 30})
    for i in range(shards):
        frame[i::shards].write_parquet(tmp_path / "data" / f"train-{i:05d}-of-{shards:05d}.parquet")
    write(tmp_path, {"dataset_infos.json": "{}", ".gitattributes": "x"})
    groups = read_groups((str(tmp_path),), Data())
    assert (len(groups), groups.kind, groups.parts) == (60, "labelled", None)
    assert any("not read, for want of the same columns: dataset_infos.json" in warning for warning in groups.warnings)


@pytest.mark.parametrize("times", [1, 300])  # most tables of competitions have more rows to predict than to learn from
def test_a_test_table_without_labels_is_not_read(tmp_path, times):
    both = table(GOOD, "pos") + table(BAD, "neg").split("\n", 1)[1]
    test, submission = "id,text\n" + "1,a\n" * times, "id,label\n" + "1,0\n" * times
    write(tmp_path, {"classes.txt": "pos\nneg\n", "train.csv": both, "test.csv": test, "sample_submission.csv": submission})
    groups = read_groups((str(tmp_path),), Data())
    assert len(groups) == 60
    assert any("sample_submission.csv, test.csv" in warning for warning in groups.warnings)


@pytest.mark.parametrize("names", [("good.txt", "bad.txt"), ("reviews.good", "reviews.bad")])
def test_a_file_per_class_where_the_recipe_says_so(tmp_path, names):
    write(tmp_path, dict(zip(names, ("\n".join(GOOD), "\n".join(BAD)))))
    groups = read_groups((str(tmp_path),), Data(kind="labelled"))
    assert len(groups) == 60
    assert len(set(groups.labels)) == 2
    assert any("each file was read as a class" in warning for warning in groups.warnings)


def test_text_files_alone_are_running_text_and_the_key_is_named(tmp_path):
    prose = " ".join(f"{text.capitalize()}." for text in GOOD)
    write(tmp_path, {"a.txt": prose, "b.txt": prose.replace("film", "book")})
    groups = read_groups((str(tmp_path),), Data())
    assert groups.labels is None
    assert any("set data.kind = 'labelled'" in warning for warning in groups.warnings)


def test_tables_of_texts_alone_are_running_text_and_the_way_to_classes_is_named(tmp_path):
    for name, texts in (("pos", GOOD), ("neg", BAD)):
        write(tmp_path, {f"{name}.csv": "review\n" + "\n".join(f"{a.capitalize()}. {b.capitalize()}." for a, b in zip(texts, texts[1:]))})
    groups = read_groups((str(tmp_path),), Data())
    assert groups.labels is None
    assert any("join them as one table with a column named label" in warning for warning in groups.warnings)
