"""Columns as people have them: lists, texts, codes, row numbers, identifiers, marks, names, labels, leaks; understood before training."""

import datetime

import numpy as np
import polars as pl
import pytest

from applied_dl.core.errors import DataError, UsageError
from applied_dl.io.identifiers import copy_keys, row_numbers
from applied_dl.io.tables import alike_names, read_table
from applied_dl.tasks.tabular import predict, task
from applied_dl.tasks.tabular.columns import RESERVED, input_name
from applied_dl.tasks.tabular.encoder import encode, read_targets
from applied_dl.tasks.tabular.readers.codes import act_as_categories
from applied_dl.tasks.tabular.readers.read import read_part
from applied_dl.workflows import recipes
from tests.tasks.tabular.tables import learned

RANDOM = np.random.default_rng(1)
N = 600


def prepare(frame, target="y", **data):
    frame = pl.DataFrame(frame)
    recipe = recipes.read_recipe({"task": "tabular", "data": {"target": target, **data}})
    from msgspec.structs import replace

    return task.prepare(replace(recipe, data=replace(recipe.data, source=frame)), None)


def kinds(prepared):
    return {column.name: column.kind for column in prepared.encoder.columns}


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


def test_dates_of_one_year_are_read_so_that_the_next_year_is_like_it():
    start, days = datetime.date(2023, 1, 1), RANDOM.integers(0, 365, N)
    size, dates = RANDOM.uniform(30, 180, N), [start + datetime.timedelta(int(d)) for d in days]
    frame = {"when": [d.isoformat() for d in dates], "size": size, "y": 10 * size + 50 * np.array([d.month for d in dates])}
    prepared = prepare(frame)
    assert {c.name: c.parts for c in prepared.encoder.columns}["when"] == ("month", "day", "weekday")
    fiscal = frame | {"when": [(d + datetime.timedelta(181)).isoformat() for d in dates]}
    assert {c.name: c.parts for c in prepare(fiscal).encoder.columns}["when"] == ("month", "day", "weekday")
    both = {name: np.concatenate([cells, cells]) for name, cells in frame.items()}
    both["when"] = [*frame["when"], *(when.replace("2023", "2021") for when in frame["when"])]
    assert {c.name: c.parts for c in prepare(both).encoder.columns}["when"] == ("days", "year", "month", "day", "weekday")
    one = prepare({"when": ["2023-05-01"] * N, "size": size, "y": size}).encoder
    assert [c.name for c in one.columns] == ["size"]


def test_natural_repeats_are_no_copies_and_copies_stay_together():
    answers = pl.DataFrame({f"q{j}": RANDOM.choice(["yes", "no"], 2000) for j in range(4)})
    _, copies, repeats = copy_keys(answers)
    assert (copies, repeats) == (0, 2000)
    numbers = pl.DataFrame({"a": RANDOM.normal(size=300), "b": RANDOM.choice(["x", "y"], 300)})
    keys, copies, repeats = copy_keys(pl.concat([numbers, numbers[:50]]))
    assert (copies, repeats) == (50, 0)
    assert (keys[:50] == keys[300:]).all()


def test_a_survey_of_few_combinations_is_split():
    x = RANDOM.integers(0, 2, (2000, 3))
    prepared = prepare({**{f"q{j}": np.where(x[:, j], "yes", "no") for j in range(3)}, "y": np.where(x.sum(1) > 1, "yes", "no")})
    assert [len(prepared.train), len(prepared.validation), len(prepared.test)] == [1280, 320, 400]
    assert prepared.facts["natural_repeats"] == 2000


@pytest.mark.parametrize("change", [lambda t: t + ".", str.upper, lambda t: f"{t[:1]} {t[1:]} ".replace("p ", "p"), str.title])
def test_labels_of_the_test_file_are_normalised_and_reported(change, tmp_path):
    for part, n in (("train", 200), ("test", 60)):
        labels = RANDOM.choice(["pass", "fail"], n)
        text = [change(label) if part == "test" else label for label in labels]
        pl.DataFrame({"x": RANDOM.normal(size=n), "y": text}).write_csv(tmp_path / f"{part}.csv")
    data = {part: str(tmp_path / f"{part}.csv") for part in ("train", "test")}
    recipe = recipes.read_recipe({"task": "tabular", "data": {**data, "target": "y"}})
    if "p" in change("pass") and " " in change("fail").strip():
        with pytest.raises(DataError, match="labels? of 'y' that the training part lacks"):
            task.prepare(recipe, None)
        return
    prepared = task.prepare(recipe, None)
    assert prepared.encoder.labels == ("fail", "pass")
    assert "spelled differently" in " ".join(prepared.warnings)


@pytest.mark.parametrize(
    ("name", "values", "kind"),
    [
        ("n_claims", RANDOM.poisson(0.3, 3000).clip(0, 4), "regression"),
        ("visits", RANDOM.poisson(2.0, 3000).clip(0, 9), "regression"),
        ("digit", RANDOM.integers(0, 10, 3000), "classification"),
        ("stars", RANDOM.integers(1, 6, 3000), "classification"),
        ("grade", RANDOM.choice([0, 1, 2], 3000, p=[0.6, 0.3, 0.1]), "classification"),
        ("bought", RANDOM.integers(0, 2, 3000), "classification"),
    ],
)
def test_counts_are_numbers_and_codes_are_classes(name, values, kind):
    prepared = prepare({"x": RANDOM.normal(size=3000), name: values}, target=name)
    assert bool(prepared.encoder.labels) == (kind == "classification")
    if len(set(values.tolist())) > 3:
        assert "data.kind" in " ".join(prepared.warnings)
    if kind == "regression":
        assert prepared.state.least == 0.0


def test_a_target_of_orders_of_magnitude_is_learned_on_a_logarithmic_scale():
    x = RANDOM.normal(size=(1500, 3))
    heavy = np.exp(10 + 1.5 * x[:, 0] + 0.3 * RANDOM.normal(size=1500))
    columns = {f"x{j}": x[:, j] for j in range(3)}
    assert prepare({**columns, "y": heavy}).state.log
    assert not prepare({**columns, "y": 100 + 20 * x[:, 0]}).state.log
    assert not prepare({**columns, "y": heavy - 1e5}).state.log


@pytest.mark.parametrize(
    ("leak", "words"),
    [
        (lambda y, x: {"price_eur": y * 0.92}, "'price_eur' alone"),
        (lambda y, x: {"rank": np.argsort(np.argsort(y))}, "'rank' alone"),
        (lambda y, x: {"band": [f"{v:.0f}" for v in y], "y_again": y + 0.0}, "'y_again' alone"),
        (lambda y, x: {"casual": x, "registered": y - x}, "sum or difference of 'casual', 'registered'"),
        (lambda y, x: {"units": np.exp(x), "each": y / np.exp(x)}, "product or ratio of 'units', 'each'"),
    ],
)
def test_leaks_are_reported_first(leak, words):
    x = RANDOM.normal(size=800)
    y = 50 + 5 * RANDOM.normal(size=800)
    prepared = prepare({"other": RANDOM.normal(size=800), "noise": RANDOM.normal(size=800), **leak(y, x), "y": y})
    assert prepared.warnings[0].startswith("IMPORTANT: ")
    assert any(words in note for note in prepared.warnings), prepared.warnings


def test_a_label_in_other_words_is_a_leak_and_a_good_feature_is_not():
    y = RANDOM.integers(0, 2, 800)
    x = y + RANDOM.normal(0, 0.5, 800)
    found = prepare({"x": x, "outcome": np.where(y, "won", "lost"), "y": np.where(y, "yes", "no")}).warnings
    assert [note for note in found if "alone predicts" in note and "'outcome'" in note]
    assert not any("'x' alone" in note for note in found)


def test_a_table_of_which_much_is_dropped_says_so_first():
    names = [f"person {i}" for i in range(N)]
    prepared = prepare({"name": names, "code": [f"c{i}" for i in range(N)], "x": RANDOM.normal(size=N), "y": RANDOM.normal(size=N)})
    assert prepared.warnings[0].startswith("IMPORTANT: 2 of 3 columns are not used")
    assert "data.categorical" in prepared.warnings[0]


def test_several_targets_are_numbers_side_by_side():
    frame = {"x": RANDOM.normal(size=N), "heat": RANDOM.normal(size=N), "cool": RANDOM.normal(size=N), "kind": RANDOM.choice(["a", "b"], N)}
    prepared = prepare(frame, target=["heat", "cool"])
    assert prepared.train.target.shape == (len(prepared.train), 2)
    with pytest.raises(UsageError, match="must be numbers"):
        prepare(frame, target=["heat", "kind"])
    with pytest.raises(UsageError, match="no column 'hot'"):
        prepare(frame, target=["heat", "hot"])


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


def test_numbers_under_a_name_of_times_are_moments():
    days = np.arange(43_000, 43_000 + 600, 5)[RANDOM.permutation(120)]
    seconds = (days - 25_569) * 86_400
    frame = {
        "sale_date": days,
        "timestamp": seconds,
        "updated_time": seconds * 1000,
        "amount": days,
        "lifetime": days,
        "runtime": days,
        "y": RANDOM.normal(size=120),
    }
    encoder, notes = learned(frame)
    assert {c.name: c.kind for c in encoder.columns} == {
        "sale_date": "moment", "timestamp": "moment", "updated_time": "moment", "amount": "number", "lifetime": "number",
        "runtime": "number",
    }  # fmt: skip
    found = encode(
        encoder,
        read_table(
            {
                "sale_date": [43_831],
                "timestamp": ["1577836800"],
                "updated_time": [1577836800000],
                **dict.fromkeys(("amount", "lifetime", "runtime"), [1]),
            }
        ),
    )
    for name in ("sale_date", "timestamp", "updated_time"):  # 1 January 2020
        assert [found.inputs[f"{name}_{part}"][0] for part in ("year", "month", "day")] == [2020, 1, 1]
    assert "date of a spreadsheet" in " ".join(notes)


def test_words_for_booleans_and_dates_of_many_kinds():
    n = 120
    day = [datetime.date(2020, 1, 1) + datetime.timedelta(days=i) for i in range(n)]
    words = [("oui", "non"), ("ja", "nein"), ("Y", "N"), ("T", "F"), ("sí", "no"), ("TRUE", "FALSE"), ("да", "нет"), ("on", "off")]
    frame = {f"b{i}": [pair[j % 3 == 0] for j in range(n)] for i, pair in enumerate(words)}
    frame["b0"][5] = "n/a"
    forms = ("%Y-%m-%d", "%d.%m.%Y", "%d %B %Y", "%B %d, %Y", "%m/%d/%Y", "%Y%m%d")
    frame |= {f"d{i}": [d.strftime(form) for d in day] for i, form in enumerate(forms)}
    encoder, _ = learned({**frame, "y": RANDOM.normal(size=n)})
    found = {column.name: column.kind for column in encoder.columns}
    assert {kind for name, kind in found.items() if name.startswith("b")} == {"boolean"}
    assert {kind for name, kind in found.items() if name.startswith("d")} == {"moment"}


def test_check_marks_are_booleans_and_stars_are_no_missing_marks():
    encoder, _ = learned({
        "paid": ["✓" if i % 3 else "✗" for i in range(N)],
        "stars": ["★" * (i % 5 + 1) + "☆" * (4 - i % 5) for i in range(N)],
        "y": RANDOM.normal(size=N),
    })  # fmt: skip
    assert {column.name: column.kind for column in encoder.columns} == {"paid": "boolean", "stars": "category"}
    assert encode(encoder, read_table({"paid": ["✓", "✗"], "stars": ["★★★★★"] * 2})).inputs["paid"].tolist() == [1.0, 0.0]


def test_a_column_of_several_forms_of_dates_is_one_of_moments():
    days = [datetime.date(2020, 1, 1) + datetime.timedelta(i) for i in range(N)]
    forms = ("%Y-%m-%d", "%d.%m.%Y", "%b %d, %Y")
    mixed = {"when": [day.strftime(forms[i % 3]) for i, day in enumerate(days)], "y": RANDOM.normal(size=N)}
    encoder, _ = learned(mixed)
    assert encoder.columns[0].kind == "moment"
    same = read_table({"when": ["2020-03-05", "05.03.2020", "Mar 5, 2020"]})
    for values in encode(encoder, same).inputs.values():
        assert len(set(values.tolist())) == 1
    mixed["when"] = [day.strftime(("%d/%m/%Y", "%m/%d/%Y")[i % 2]) for i, day in enumerate(days)]
    assert learned(mixed)[0].columns[0].kind != "moment"  # 01/02/2020 would be two days


def test_a_row_of_totals_and_a_row_of_units_are_left_out(tmp_path):
    rows = [f"{i % 17 + 0.5},{'abc'[i % 3]},{i * 7 % 50}" for i in range(60)]
    plain, both = tmp_path / "plain.csv", tmp_path / "both.csv"
    plain.write_text("\n".join(["x,c,y", *rows]))
    both.write_text("\n".join(["x,c,y", "[m],[-],[EUR]", *rows, "Total,,1470"]))
    found = [task.prepare(recipes.read_recipe({"task": "tabular", "data": {"source": str(path)}}), None) for path in (plain, both)]
    assert found[0].fingerprint == found[1].fingerprint
    assert "row of totals" in found[1].warnings[0]
    assert any("units of the columns" in note for note in found[1].warnings)


def test_totals_and_units_of_each_file_are_left_out(tmp_path):
    rows = [f"{i % 17 + 0.5},{'abc'[i % 3]},{i * 7 % 50}" for i in range(60)]
    for name in ("train", "test"):
        (tmp_path / f"{name}.csv").write_text("\n".join(["x,c,y", "[m],[-],[EUR]", *rows, ",Summe,1470"]))
    data = {"target": "y", "train": str(tmp_path / "train.csv"), "test": str(tmp_path / "test.csv")}
    prepared = task.prepare(recipes.read_recipe({"task": "tabular", "data": data}), None)
    assert len(prepared.train.target) + len(prepared.validation.target) == len(prepared.test.target) == 60
    assert sum("row of totals" in note for note in prepared.warnings) == 2


def test_rows_of_totals_and_units_are_not_scored_and_answered_by_an_error(tmp_path):
    rows = [f"{i % 17 + 0.5},{'abc'[i % 3]},{i * 7 % 50}" for i in range(60)]
    path = tmp_path / "new.csv"
    path.write_text("\n".join(["x,c,y", "[m],[-],[EUR]", *rows, ",Total,1470"]))
    recipe = recipes.read_recipe({"task": "tabular", "data": {"source": str(path)}})
    encoder = task.prepare(recipe, None).encoder
    scored = read_part(encoder, str(path), recipe.data)
    assert len(scored.target) == 60
    assert any("row of totals" in note for note in scored.warnings)
    found = predict.encode(encoder, [str(path)])
    assert found.kept == list(range(1, 61))
    assert "row of totals" in found.errors[61]
    assert "units" in found.errors[0]


@pytest.mark.parametrize(
    ("y", "says"),
    [
        (np.sort(RANDOM.normal(size=N)), True),
        (-np.sort(RANDOM.integers(0, 40, N)), True),
        (np.repeat(["b", "a", "c"], N // 3), True),
        (RANDOM.normal(size=N), False),
        (np.tile(["a", "b"], N // 2), False),
    ],
)
def test_rows_sorted_by_the_target_are_reported(y, says):
    notes = prepare({"x": RANDOM.normal(size=N), "z": RANDOM.normal(size=N), "y": y}).warnings
    assert any("sorted by the target 'y'" in note for note in notes) == says


def test_a_class_among_several_targets_is_reported():
    frame = {"x": RANDOM.normal(size=N), "a": RANDOM.normal(size=N), "b": RANDOM.integers(0, 2, N)}
    notes = prepare(frame, target=("a", "b")).warnings
    assert any(note.startswith("IMPORTANT: target 'b' looks like 2 classes") for note in notes)
    assert not any("'a' looks like" in note for note in notes)
    with pytest.raises(UsageError, match="must be numbers, and 'b' is not"):
        prepare(frame | {"b": RANDOM.permutation(["yes", "no"] * (N // 2))}, target=("a", "b"))


@pytest.mark.parametrize(("name", "count"), [("year", 4), ("Date", 12), ("time", 365), ("date", 52)])
def test_years_with_decimals_are_moments(name, count):
    steps = RANDOM.permutation(np.arange(N)) % (count * 8)
    years = 1990 + steps / count
    encoder, notes = learned({name: years.round(4), "x": RANDOM.normal(size=N), "y": RANDOM.normal(size=N)})
    column = encoder.columns[0]
    assert column.kind == "moment"
    assert any("a year with decimals" in note for note in notes)
    inputs = encode(encoder, read_table({name: [1995.0, 1995.5, None, -1.0], "x": [0.0] * 4})).inputs
    assert inputs[column.inputs[column.parts.index("year")]][:2].tolist() == [1995, 1995]
    month = inputs[column.inputs[column.parts.index("month")]]
    assert month[0] in (1, 12) if count == 52 else month[0] == 1
    assert month[1] in (6, 7)
    assert np.isnan(month[2:]).all()
    assert learned({name: years, "y": RANDOM.normal(size=N)}, numeric=(name,))[0].columns[0].kind == "number"


@pytest.mark.parametrize(
    "years",
    [RANDOM.integers(1950, 2020, N), 1950 + 70 * RANDOM.random(N), RANDOM.integers(3900, 4040, N) / 2],
    ids=["whole", "any", "halves"],
)
def test_other_years_are_numbers(years):
    assert learned({"year_built": years, "y": RANDOM.normal(size=N)})[0].columns[0].kind == "number"


def test_dates_as_a_target_are_reported():
    days = [f"2024-0{i % 6 + 1}-15" for i in range(N)]
    found = prepare({"x": RANDOM.normal(size=N), "y": days})
    assert any(note.startswith("IMPORTANT") and "dates or times" in note for note in found.warnings)


def test_a_test_file_without_a_target_is_refused(tmp_path):
    a = np.arange(60.0) % 7
    pl.DataFrame({"a": a, "y": a**2 + np.arange(60)}).write_csv(tmp_path / "train.csv")
    pl.DataFrame({"a": a[:9], "y": [None] * 9}).write_csv(tmp_path / "test.csv")
    data = {part: str(tmp_path / f"{part}.csv") for part in ("train", "test")}
    with pytest.raises(DataError, match="The test file has no row with a target"):
        task.prepare(recipes.read_recipe({"task": "tabular", "data": {**data, "target": "y"}}), None)


def test_dates_of_zeros_are_missing():
    days = ["0000-00-00" if i % 11 == 0 else f"2020-0{i % 9 + 1}-1{i % 7}" for i in range(N)]
    encoder, _ = learned({"day": days, "y": RANDOM.normal(size=N)})
    assert encoder.columns[0].kind == "moment"
    found = encode(encoder, read_table({"day": ["0000-00-00", "0000-00-00 00:00:00", "2020-01-11"]}))
    assert not found.errors
    assert np.isnan(found.inputs["day_month"]).tolist() == [True, True, False]


@pytest.mark.parametrize(
    ("cells", "classes"),
    [
        (["20-29", "30-39", "40-49", "50+"], 4),
        (["<18.5", "18.5-24.9", "25-30", ">30"], 4),
        (["<0.1", "0.5", "0.7", "1.5", "2.5"], 0),
        ([f"{i}-{i + 4}" for i in range(0, 90, 5)], 0),
        (["10-20", "15", "20-30", "7"], 0),
    ],
)
def test_a_target_of_few_ranges_has_classes(cells, classes):
    prepared = prepare({"x": RANDOM.normal(size=N), "y": [cells[i % len(cells)] for i in range(N)]})
    assert len(prepared.encoder.labels) == classes
    assert any("data.kind" in note for note in prepared.warnings) == bool(classes)


def test_a_target_of_one_value_says_what_empty_cells_are():
    with pytest.raises(DataError, match="one value, 'x', in the rows where it is not empty.*write a word such as 'no'"):
        prepare({"x": RANDOM.normal(size=N), "y": ["x" if i % 2 else "" for i in range(N)]})
