"""Tables of labels as people have them: paths in any form, one-hot columns, lists of labels, numbers, groups and parts."""

import json

import numpy as np
import polars as pl
import pytest
from PIL import Image

from applied_dl.core.errors import AppliedError, DataError
from applied_dl.tasks.image.predict import expand_inputs
from applied_dl.tasks.image.readers.labels import LabelCells, is_measure
from applied_dl.tasks.image.readers.read import read_labeled
from applied_dl.workflows import recipes
from tests.cases.image_files import SHAPES, fill, read, rows, shape

N = 36


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """`img/shot_0.jpg` … of shapes that alternate."""
    path = tmp_path_factory.mktemp("tables")
    (path / "img").mkdir()
    random = np.random.default_rng(0)
    for i in range(N):
        shape(SHAPES[i % 3], random).convert("RGB").save(path / "img" / f"shot_{i}.jpg")
    return path


def table(folder, name="t.csv", **columns):
    """Write columns as CSV; its path."""
    pl.DataFrame(columns).write_csv(folder / name)
    return folder / name


KINDS = [SHAPES[i % 3] for i in range(N)]


@pytest.mark.parametrize(
    "cell",
    ["img/shot_{}.jpg", "img\\shot_{}.jpg", "shot_{}.jpg", "shot_{}", "img/shot_{}", "SHOT_{}.JPG", "shot_{}.png", "./img/shot_{}.jpg",
     "/kaggle/input/zoo/img/shot_{}.jpg", "C:\\data\\img\\shot_{}.jpg"],
)  # fmt: skip
@pytest.mark.parametrize("column", ["path", "id", "Bild"])
def test_paths_are_completed(folder, tmp_path, column, cell):
    source = table(folder, **{column: [cell.format(i) for i in range(N)], "breed": KINDS})
    data = read(tmp_path, source=source)
    assert data.encoder.labels == SHAPES
    assert sum(rows(data).values()) == N
    assert len(expand_inputs([str(source)])) == N


def test_numbers_without_zeros_name_files_with_them(tmp_path):
    for i in range(N):
        Image.fromarray(np.random.default_rng(i).integers(0, 255, (16, 16, 3), dtype=np.uint8)).save(tmp_path / f"{i:05d}.png")
    data = read(tmp_path, source=table(tmp_path, image_id=list(range(N)), label=KINDS))
    assert sum(rows(data).values()) == N


def test_two_files_of_a_name_need_their_folder(tmp_path):
    fill(tmp_path / "a", classes=("circle",), count=N)
    fill(tmp_path / "b", classes=("circle",), count=N, seed=1)
    with pytest.raises(DataError, match="may be 'a/circle/0.png' and 'b/circle/0.png'"):
        read(tmp_path, source=table(tmp_path, path=[f"{i}.png" for i in range(N)], label=KINDS))
    data = read(tmp_path, source=table(tmp_path, path=[f"/other/b/circle/{i}.png" for i in range(N)], label=KINDS))
    assert all("/b/" in path for path in data.parts["train"].extra["path"])


def test_the_path_column_can_be_named(folder, tmp_path):
    source = table(folder, first=[f"shot_{i}" for i in range(N)], second=[f"shot_{N - 1 - i}" for i in range(N)], label=KINDS)
    for column, name in (("first", "shot_0.jpg"), ("second", f"shot_{N - 1}.jpg")):
        data = read(tmp_path, source=source, path=column, split=[0.5, 0.2, 0.3])
        first = min(path for part in data.parts.values() for path, y in zip(part.extra["path"], part.target) if path.endswith(name))
        assert first
    with pytest.raises(DataError, match="Did you mean 'first'"):
        read(tmp_path, source=source, path="frist")


@pytest.mark.parametrize("separator", [",", ";", "\t", " "])
def test_a_list_without_a_header(folder, tmp_path, separator):
    lines = [f"img/shot_{i}.jpg{separator}{kind}" for i, kind in enumerate(KINDS)]
    (folder / "list.txt").write_text("\n".join(lines) + "\n")
    assert read(tmp_path, source=folder / "list.txt").encoder.labels == SHAPES
    (folder / "list.jsonl").write_text("\n".join(f'{{"file_name": "img/shot_{i}.jpg", "label": "{k}"}}' for i, k in enumerate(KINDS)))
    assert read(tmp_path, source=folder / "list.jsonl").encoder.labels == SHAPES


@pytest.mark.parametrize("values", [(0, 1), (-1, 1), ("False", "True"), ("no", "yes"), (0.0, 1.0)])
def test_one_hot_columns(folder, tmp_path, values):
    hot = {name: [values[kind == name] for kind in KINDS] for name in SHAPES}
    data = read(tmp_path, source=table(folder, image=[f"shot_{i}" for i in range(N)], **hot))
    assert data.encoder.labels == SHAPES
    assert not data.encoder.multi_label
    several = {**hot, "odd": [values[i % 2] for i in range(N)]}
    data = read(tmp_path, source=table(folder, image=[f"shot_{i}" for i in range(N)], **several))
    assert data.encoder.labels == (*SHAPES, "odd")
    assert data.encoder.multi_label
    data = read(tmp_path, source=table(folder, image=[f"shot_{i}" for i in range(N)], note=["x"] * N, **hot), target=list(SHAPES))
    assert data.encoder.labels == SHAPES


@pytest.mark.parametrize("joined", ["{}|{}", "{};{}", "{}, {}", "{},{}", "{} {}", "['{}', '{}']"])
def test_lists_of_labels_by_any_usual_separator(folder, tmp_path, joined):
    tags = [joined.format(kind, "odd" if i % 2 else "even") for i, kind in enumerate(KINDS)]
    source = table(folder, image=[f"shot_{i}" for i in range(N)], tags=tags)
    data = read(tmp_path, source=source)
    assert data.encoder.multi_label
    assert data.encoder.labels == ("circle", "cross", "even", "odd", "triangle")
    one = read(tmp_path, source=source, kind="classification")
    assert len(one.encoder.labels) == 6
    part = read_labeled(data.encoder, str(source), recipes.read_recipe({"task": "image"}).data, tmp_path / "cache")
    assert part.target.shape == (N, 5)


@pytest.mark.parametrize(
    "labels",
    [("golden retriever", "labrador retriever", "german shepherd"), ("Paris, France", "Lyon, France", "Berlin, Germany"),
     ("turn left", "turn right", "stop"), ("a-b", "b-c", "a-c"), ("class 1", "class 2", "class 3")],
)  # fmt: skip
def test_names_of_several_words_are_one_label(folder, tmp_path, labels):
    data = read(tmp_path, source=table(folder, image=[f"shot_{i}" for i in range(N)], label=[labels[i % 3] for i in range(N)]))
    assert data.encoder.labels == tuple(sorted(labels))


def test_a_named_separator(folder, tmp_path):
    tags = ["/".join([kind, "odd" if i % 2 else "even"]) for i, kind in enumerate(KINDS)]
    source = table(folder, image=[f"shot_{i}" for i in range(N)], label=tags)
    assert len(read(tmp_path, source=source).encoder.labels) == 6
    assert len(read(tmp_path, source=source, label_separator="/").encoder.labels) == 5


def test_numbers_are_regression(folder, tmp_path):
    numbers = [round(3.5 * i + 0.25, 2) for i in range(N)]
    data = read(tmp_path, source=table(folder, path=[f"shot_{i}" for i in range(N)], price=numbers))
    assert data.encoder.kind == "regression"
    assert data.encoder.target == "price"
    assert sorted(np.concatenate([part.target for part in data.parts.values()])) == numbers
    assert any("predicted as a number" in text for text in data.warnings)
    german = [str(v).replace(".", ",") for v in numbers]
    again = read(tmp_path, source=table(folder, path=[f"shot_{i}" for i in range(N)], price=german))
    assert again.fingerprint == data.fingerprint
    with pytest.raises(DataError, match="'broken'"):
        read(
            tmp_path,
            source=table(folder, path=[f"shot_{i}" for i in range(N)], price=[*map(str, numbers[:-1]), "broken"]),
            kind="regression",
        )
    one = read(tmp_path, source=table(folder, path=[f"shot_{i}" for i in range(N)], price=[*map(str, numbers[:-1]), ""]))
    assert sum(rows(one).values()) == N - 1


@pytest.mark.parametrize(
    ("values", "measure"),
    [
        (["0", "1"] * 50, False),
        ([str(i % 10) for i in range(100)], False),
        ([str(i % 100 + 1) for i in range(1000)], False),  # 100 class numbers, equally frequent
        ([str(v) for v in (5, 10, 20, 50, 100, 200) * 20], False),  # banknotes
        ([f"{i % 30:03d}" for i in range(90)], False),  # codes
        ([str(v) for v in np.random.default_rng(0).poisson(35, 300)], True),  # ages
        ([str(v / 7) for v in range(100)], True),
        ([str(v) for v in range(100)], True),
        (["1.5", "2.5"] * 20, False),
        (["a", "b"] * 20, False),
    ],
)
def test_numbers_that_are_classes_and_those_that_are_measured(values, measure):
    numbers = np.array([float(v) if v.replace(".", "").isdigit() else np.nan for v in values])
    assert is_measure(LabelCells(target="y", texts=values, numbers=numbers)) == measure


def test_groups_by_column_pattern_and_folder(folder, tmp_path):
    patients = [f"P{i // 4}" for i in range(N)]
    source = table(folder, path=[f"shot_{i}" for i in range(N)], patient=patients, label=KINDS)
    data = read(tmp_path, source=source, group="patient")
    where = [{patients[int(path.split("_")[-1][:-4])] for path in part.extra["path"]} for part in data.parts.values()]
    assert not where[0] & where[1]
    assert not where[0] & where[2]
    assert any("data.group = 'patient'" in text for text in read(tmp_path, source=source).warnings)
    with pytest.raises(AppliedError, match="Did you mean 'patient'"):
        read(tmp_path, source=source, group="patiend")
    tens = read(tmp_path, source=source, group=r"shot_(\d)\d?\.jpg")
    digits = [{path.split("_")[-1][0] for path in part.extra["path"]} for part in tens.parts.values()]
    assert not digits[0] & digits[2]
    deep = tmp_path / "deep"
    for patient in range(8):
        fill(deep / SHAPES[patient % 2], classes=(f"circle{patient}",), count=5, seed=patient)
    data = read(tmp_path, source=deep, group="folder")
    assert not {p.split("/")[-2] for p in data.parts["train"].extra["path"]} & {p.split("/")[-2] for p in data.parts["test"].extra["path"]}


def test_file_names_that_share_a_prefix_are_reported_where_their_images_are_alike(tmp_path):
    random = np.random.default_rng(0)
    for patient in range(12):
        base = random.uniform(60, 200, (4, 4, 3))
        for i in range(6):
            (tmp_path / "zoo" / "ab"[patient % 2]).mkdir(parents=True, exist_ok=True)
            pixels = np.kron(base, np.ones((4, 4, 1))) + random.normal(0, 6, (16, 16, 3))
            Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(tmp_path / "zoo" / "ab"[patient % 2] / f"p{patient:02d}_{i}.png")
    data = read(tmp_path, source=tmp_path / "zoo")
    assert any("share a prefix look alike" in text for text in data.warnings)
    pattern = next(text for text in data.warnings if "share a prefix" in text).split("data.group = '")[1].rstrip("'")
    grouped = read(tmp_path, source=tmp_path / "zoo", group=pattern)
    assert "12 groups" in grouped.facts["summary"]


def test_a_column_that_says_the_part(folder, tmp_path):
    parts = ["train" if i % 6 < 4 else "val" if i % 6 == 4 else "TEST" for i in range(N)]
    data = read(tmp_path, source=table(folder, path=[f"shot_{i}" for i in range(N)], label=KINDS, split=parts))
    assert rows(data) == {"train": 24, "validation": 6, "test": 6}


def test_rows_without_a_label_are_left_out_and_reported(folder, tmp_path):
    labels = [None if i < 4 else kind for i, kind in enumerate(KINDS)]
    data = read(tmp_path, source=table(folder, path=[f"shot_{i}" for i in range(N)], label=labels))
    assert sum(rows(data).values()) == N - 4
    assert any("4 of 36 images have no 'label'" in text for text in data.warnings)
    with pytest.raises(DataError, match="30 of 36 images have no 'label'"):
        read(tmp_path, source=table(folder, path=[f"shot_{i}" for i in range(N)], label=[None] * 30 + KINDS[30:]))


def test_an_identifier_as_label_is_refused_with_the_cause(folder, tmp_path):
    with pytest.raises(DataError, match=r"identifier.*data\.kind = 'regression'"):
        read(tmp_path, source=table(folder, path=[f"shot_{i}" for i in range(N)], label=[f"item {i}" for i in range(N)]))
    with pytest.raises(DataError, match=r"set data\.target to one of 'height', 'width'"):
        read(tmp_path, source=table(folder, path=[f"shot_{i}" for i in range(N)], height=[1.5, 2.0] * 18, width=[1.25, 7.5] * 18))


def test_new_proposes_the_label_and_the_group_column(folder):
    from applied_dl.tasks.image.suggest import suggest

    source = table(folder, path=[f"shot_{i}" for i in range(N)], subject_id=[f"S{i // 4}" for i in range(N)], label=KINDS)
    assert suggest(str(source)) == {"data.target": "label", "data.group": "subject_id"}
    with pytest.raises(DataError, match=r"set data\.target"):
        suggest(str(table(folder, path=[f"shot_{i}" for i in range(N)], u=[1.5, 2.0] * 18, v=[1.25, 7.5] * 18)))


@pytest.mark.parametrize(("name", "separator"), [("t.csv", ","), ("t.tsv", "\t"), ("t.txt", " ")])
def test_no_image_is_lost_as_a_header(folder, tmp_path, name, separator):
    (folder / name).write_text("\n".join(f"img/shot_{i}.jpg{separator}{kind}" for i, kind in enumerate(KINDS)))
    assert sum(rows(read(tmp_path, source=folder / name)).values()) == N


def test_a_mapping_of_files_to_labels_is_a_table(folder, tmp_path):
    (folder / "t.json").write_text(json.dumps({f"shot_{i}.jpg": kind for i, kind in enumerate(KINDS)}))
    assert sum(rows(read(tmp_path, source=folder / "t.json")).values()) == N


def test_numbers_with_a_unit_are_regression(folder, tmp_path):
    path = table(folder, image=[f"shot_{i}.jpg" for i in range(N)], age=[f"{20 + 1.5 * i} yrs" for i in range(N)])
    assert read(tmp_path, source=path, target="age").encoder.labels == ()


@pytest.mark.parametrize(
    ("column", "label"),
    [("Klasse", "Klasse"), ("Finding Labels", "Finding Labels"), ("imageClass", "imageClass"), ("dx", "dx"), ("Art", "Art")],
)
def test_the_label_column_beside_others(folder, tmp_path, column, label):
    rest = {"Patient ID": [i // 4 for i in range(N)], "Datum": ["2024-01-01"] * N}
    data = read(tmp_path, source=table(folder, Dateiname=[f"shot_{i}.JPG" for i in range(N)], **rest, **{column: KINDS}))
    assert (data.encoder.labels, data.encoder.target) == (SHAPES, label)
    age = {"age": [20 + i % 30 for i in range(N)], "sex": ["f" if i % 2 else "m" for i in range(N)]}
    with pytest.raises(DataError, match=r"set data\.target to one of 'age', 'sex'"):
        read(tmp_path, source=table(folder, image=[f"shot_{i}" for i in range(N)], **age))


def test_addresses_of_the_web_name_files(folder, tmp_path):
    source = table(folder, url=[f"https://example.org/img/shot_{i}.jpg?size=large#top" for i in range(N)], label=KINDS)
    assert sum(rows(read(tmp_path, source=source)).values()) == N


def test_lists_of_json_are_labels_although_none_stands_alone(folder, tmp_path):
    for form in (json.dumps, str):
        tags = [form([kind, "big"] if kind != "circle" else [kind]) for kind in KINDS]
        data = read(tmp_path, source=table(folder, image=[f"shot_{i}" for i in range(N)], tags=tags))
        assert data.encoder.labels == ("big", *SHAPES)


def test_workbooks_are_tables(folder, tmp_path):
    pytest.importorskip("xlsxwriter")
    pytest.importorskip("fastexcel")
    pl.DataFrame({"Foto": [f"shot_{i}" for i in range(N)], "label": KINDS}).write_excel(folder / "t.xlsx")
    assert read(tmp_path, source=folder / "t.xlsx").encoder.labels == SHAPES
    pl.DataFrame({"Foto": [f"shot_{i}" for i in range(N)], "Note": [1.5 + i for i in range(N)]}).write_excel(folder / "t.xlsx")
    assert read(tmp_path, source=folder / "t.xlsx").encoder.kind == "regression"


@pytest.mark.parametrize("column", ["data set", "Data_Split", "SUBSET"])
def test_the_column_of_parts_in_any_spelling(folder, tmp_path, column):
    parts = ["train" if i % 6 < 4 else "valid" if i % 6 == 4 else "test" for i in range(N)]
    data = read(tmp_path, source=table(folder, filepaths=[f"shot_{i}" for i in range(N)], labels=KINDS, **{column: parts}))
    assert rows(data) == {"train": 24, "validation": 6, "test": 6}


def test_a_column_that_determines_the_label_is_reported_as_a_group(folder, tmp_path):
    def hinted(**columns):
        found = read(tmp_path, source=table(folder, path=[f"shot_{i}" for i in range(N)], label=["a"] * 18 + ["b"] * 18, **columns))
        return [text.split("data.group = ")[1] for text in found.warnings if "data.group" in text]

    assert hinted(StudyInstanceUID=[f"1.2.{i // 3}" for i in range(N)]) == ["'StudyInstanceUID'"]
    assert hinted(site=[f"s{i % 12}" for i in range(N)]) == ["'site'"]  # by its name
    assert hinted(weather=[f"w{i % 12}" for i in range(N)], colour=["red" if i < 18 else "blue" for i in range(N)]) == []
