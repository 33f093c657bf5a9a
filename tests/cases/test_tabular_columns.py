"""Columns as people have them: lists, texts, codes, row numbers, identifiers, marks, names, labels, leaks; understood before training."""

import numpy as np
import polars as pl
import pytest

from applied_dl.core.errors import DataError
from applied_dl.io.identifiers import row_numbers
from applied_dl.io.tables import alike_names, read_table
from applied_dl.tasks.tabular import predict, task
from applied_dl.tasks.tabular.columns import RESERVED, input_name
from applied_dl.tasks.tabular.encoder import encode, read_targets
from applied_dl.tasks.tabular.readers.codes import act_as_categories
from applied_dl.workflows import recipes
from tests.tasks.tabular.tables import kinds, learned, prepare

RANDOM = np.random.default_rng(1)
N = 600


@pytest.mark.parametrize(
    ("left", "separator", "right"),
    [
        ("", "|", ""),
        ("", ", ", ""),
        ("", ";", ""),
        ("", " & ", ""),
        ("", "\n", ""),
        ("['", "', '", "']"),
        ("", " / ", ""),
        ("", "、", ""),
        ("<", "><", ">"),
        ("['", "' '", "']"),
        ("", ";#", ""),
    ],
)
def test_lists_of_values_are_one_input_each(left, separator, right):
    names = ["Action", "Comedy", "Drama", "Horror", "Romance", "SciFi", "Western", "Crime"]
    lists = [[names[i] for i in RANDOM.choice(8, RANDOM.integers(1, 4), replace=False)] for _ in range(N)]
    encoder, notes = learned({"genres": [left + separator.join(parts) + right for parts in lists], "y": RANDOM.normal(size=N)})
    (column,) = encoder.columns
    assert (column.kind, set(column.levels)) == ("tags", set(names))
    new = left + separator.join(["Western", "Crime"]) + right
    found = encode(encoder, read_table({"genres": [new, None, "Silent"]}))
    assert {name for name, on in zip(column.levels, found.inputs["genres"][0]) if on} == {"Western", "Crime"}
    assert not found.inputs["genres"][1:].any()
    assert "1 of 3 cells hold a value never seen" in found.notes[0]


def test_names_with_commas_and_dates_are_no_lists():
    encoder, _ = learned({
        "city": [f"Town {i % 30}, State {i % 7}" for i in range(N)],
        "day": [f"Jan {i % 28 + 1}, {2000 + i % 20}" for i in range(N)],
        "y": RANDOM.normal(size=N),
    })  # fmt: skip
    assert "tags" not in {column.kind for column in encoder.columns if column.name == "day"}


@pytest.mark.parametrize("classes", [0, 2, 4])
def test_texts_become_out_of_fold_scores(classes):
    words = ["good", "bad", "great", "awful", "fine", "slow", "fast", "cheap", "solid", "broken"]
    weight = dict(zip(words, RANDOM.normal(size=10)))
    texts = [" ".join(RANDOM.choice(words, 8)) + f" number{i}" for i in range(N)]
    score = np.array([sum(weight[word] for word in text.split()[:8]) for text in texts])
    y = score.round(3) if not classes else [f"c{c}" for c in np.digitize(score, np.quantile(score, np.linspace(0, 1, classes + 1)[1:-1]))]
    prepared = prepare({"review": texts, "other": RANDOM.normal(size=N), "y": y})
    assert kinds(prepared)["review"] == "text"
    column = next(column for column in prepared.encoder.columns if column.kind == "text")
    width = 1 if classes < 3 else classes
    assert prepared.train.inputs["review"].shape == (len(prepared.train), width + 1)
    if not classes:
        for part in (prepared.train, prepared.test):  # out-of-fold scores of training rows are as good as those of new rows, not better
            assert np.corrcoef(part.inputs["review"][:, 0], part.target)[0, 1] > 0.9
    again = encode(prepared.encoder, read_table({"review": [texts[0], None, "words never seen"], "other": [0.0, 0.0, 0.0]})).inputs[
        "review"
    ]
    assert again.shape == (3, width + 1)
    np.testing.assert_allclose(again[1, :-1], column.scores.bias, rtol=1e-5)
    np.testing.assert_allclose(again[2, :-1], column.scores.bias, rtol=1e-5)


def test_whole_numbers_whose_order_means_nothing_are_categories():
    codes = RANDOM.choice(np.arange(10_000, 99_999), 60, replace=False)
    place = RANDOM.integers(0, 60, 3000)
    y = RANDOM.normal(size=60)[place] + RANDOM.normal(0, 0.3, 3000)
    prepared = prepare({"zip": codes[place], "size": RANDOM.normal(size=3000), "y": y})
    assert kinds(prepared) == {"zip": "category", "size": "number"}
    assert any("act as codes" in note for note in prepared.warnings)
    assert kinds(prepare({"zip": codes[place], "size": RANDOM.normal(size=3000), "y": y}, numeric=["zip"]))["zip"] == "number"


def test_numbers_whose_order_matters_stay_numbers():
    alarms = 0
    for seed in range(60):
        random = np.random.default_rng(seed)
        values = random.integers(0, random.integers(10, 200), 2000)
        shape = [lambda v: v, lambda v: np.sin(v / 12), lambda v: (v > 30) * 2.0, lambda v: np.log1p(v), lambda v: 0 * v][seed % 5]
        y = shape(values.astype(float))
        alarms += act_as_categories(values, (y / (y.std() or 1) + random.normal(0, random.choice([0.1, 1, 5]), 2000))[:, None])
    assert alarms == 0


@pytest.mark.parametrize("name", ["", "Unnamed: 0", "rownames", "id", "index", "row", "X", "record_no"])
def test_saved_row_numbers_are_dropped_and_reported(name, tmp_path):
    frame = pl.DataFrame({"size": RANDOM.normal(size=N).round(3), "y": np.repeat(["a", "b", "c"], N // 3)})
    lines = frame.write_csv().splitlines()
    text = "\n".join(f"{name if i == 0 else i - 1},{line}" for i, line in enumerate(lines))
    (tmp_path / "t.csv").write_text(text + "\n")
    prepared = task.prepare(recipes.read_recipe({"task": "tabular", "data": {"source": str(tmp_path / "t.csv"), "target": "y"}}), None)
    assert kinds(prepared) == {"size": "number"}
    assert "counts the rows" in " ".join(prepared.warnings)


def test_shuffled_identifiers_are_dropped_and_years_are_not():
    order = RANDOM.permutation(N)
    table = read_table({"PassengerId": order + 1, "year": np.arange(1400, 1400 + N), "amount": order * 3 + 1, "x": RANDOM.normal(size=N)})
    assert set(row_numbers(table)) == {"PassengerId"}


def test_numbers_of_rows_with_a_prefix_or_a_full_stop_and_in_other_languages_are_dropped():
    order = RANDOM.permutation(N)
    table = read_table({
        "sample": [f"S{i:04d}" for i in range(N)], "lfd": [f"{i}." for i in range(1, N + 1)], "Kundennummer": order * 7 + 1000,
        "id_cliente": [f"C-{i}" for i in order], "batch": [f"S{i // 2}" for i in range(N)], "code": [f"{'AB'[i % 2]}{i}" for i in range(N)],
    })  # fmt: skip
    assert set(row_numbers(table)) == {"sample", "lfd", "Kundennummer", "id_cliente"}
    names = ["Número de habitantes", "numero_empleados", "numero de cliente", "Numéro de série", "numéro"]
    assert list(row_numbers(read_table(dict.fromkeys(names, order * 7 + 1000)))) == names[2:]


def test_columns_are_found_by_names_that_differ_by_capitals_blanks_and_marks():
    frame = {"Preis": RANDOM.normal(size=N), "Fläche m2": RANDOM.normal(size=N), "y": RANDOM.normal(size=N)}
    encoder = prepare({name: cells.tolist() for name, cells in frame.items()}).encoder
    other = {"PREIS": [1.0], "fläche_m2": [2.0], "Y": [3.0]}
    found = encode(encoder, read_table(other))
    assert [found.inputs[column.inputs[0]][0] for column in encoder.columns] == [1.0, 2.0]
    assert any("column 'PREIS' is read as 'Preis'" in note for note in found.notes)
    for given, name in (("price $", "price €"), ("growth", "growth %"), ("t+1", "t-1"), ("age>5", "age<5")):
        assert not alike_names([given], [name])
    assert alike_names(["PRICE €", "b - _c"], ["Price (€)", "b_c"]) == {"PRICE €": "Price (€)", "b - _c": "b_c"}
    assert alike_names(["x_12", "x 1.2"], ["x_1_2"]) == {"x 1.2": "x_1_2"}
    assert read_targets(encoder, read_table(other)).tolist() == [3.0]
    rows = predict.encode(encoder, [{"preis": 1.0, "FLÄCHE M2": 2.0}, {"preis": 3.0, "Fläche m2": 2.0}])
    assert rows.inputs["Preis"].tolist() == [1.0, 3.0]
    assert rows.warnings == ["column 'preis' is read as 'Preis'", "column 'FLÄCHE M2' is read as 'Fläche m2'"]
    with pytest.raises(DataError, match="lacks the column 'Preis'"):  # which of the two?
        encode(encoder, read_table({"PREIS": [1.0], "preis": [1.0], "Fläche m2": [2.0]}))


@pytest.mark.parametrize(
    "name", ["class", "from", "1st", "größe", "名前", "a.b", "x-y", "", "numbers", "Codes", "self", "_", "None", "prediction"]
)
def test_any_name_becomes_a_name_of_the_graph(name):
    taken: set[str] = set()
    first, second = input_name(name, taken), input_name(name.upper(), taken)
    assert first.isidentifier()
    assert first.isascii()
    assert first.lower() not in RESERVED
    assert first.lower() != second.lower()
