"""People's tables: each function trains the default recipe on one kind of file and checks the answer; its docstring says what is right."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import numpy as np

from benchmarks.command import Outcome, failed, predict, train


def units(folder: Path) -> Outcome:
    """R² within 0.01 of the same table without its units."""
    columns = read(folder / "cars.csv")
    plain = {name: [re.sub(r"(Nm@.*| .*)$", "", cell) if name in ("mileage", "engine", "max_power", "torque") else cell for cell in cells]
             for name, cells in columns.items()}  # fmt: skip
    write(folder / "plain.csv", plain)
    runs = [train(folder, "tabular", f"data.source={name}.csv", "data.target=price", bundle=name) for name in ("cars", "plain")]
    if any(run.code for run in runs):
        return failed(next(run for run in runs if run.code))
    ours, reference = (run.metric("r2") for run in runs)
    return Outcome(ours >= reference - 0.01, f"R² {ours:.3f}, without units {reference:.3f}")


def marks(folder: Path) -> Outcome:
    """Missing marks are recognised per column: R² at least 0.85, and every training row is answered by `predict`."""
    run = train(folder, "tabular", "data.source=export.csv", "data.target=yield_kg")
    if run.code:
        return failed(run)
    rows = predict(run.bundle, "export.csv")
    answered = sum("prediction" in row for row in rows)
    return Outcome(run.metric("r2") >= 0.85 and answered == 2500, f"R² {run.metric('r2'):.3f}, {answered} of 2500 rows answered")


def dotted_labels(folder: Path) -> Outcome:
    """Two classes (the trailing dot of the test file is normalised and reported), or a refusal before training."""
    run = train(folder, "tabular", "data.train=train.csv", "data.test=test.csv", "data.target=income")
    if run.code in (1, 3):
        return Outcome("label" in run.message.lower() or "class" in run.message.lower(), f"refused: {run.message[:120]}")
    if run.code:
        return failed(run)
    classes = len(predict(run.bundle, '{"age": 40, "hours": 40}', "--top", "9")[0]["top"])
    accuracy, majority = run.metric("accuracy"), run.baseline("majority class", "accuracy")
    return Outcome(classes == 2 and accuracy > majority, f"{classes} classes, accuracy {accuracy:.3f}, majority class {majority:.3f}")


def zip_codes(folder: Path) -> Outcome:
    """RMSE at most 1.05 × that of the run where the code is named a category."""
    ours = train(folder, "tabular", "data.source=homes.csv", "data.target=price")
    named = train(folder, "tabular", "data.source=homes.csv", "data.target=price", "data.categorical=['zipcode']", bundle="named")
    if ours.code or named.code:
        return failed(ours if ours.code else named)
    a, b = ours.metric("rmse"), named.metric("rmse")
    return Outcome(a <= 1.05 * b, f"RMSE {a:,.0f}, named a category {b:,.0f}")


def heavy_tail(folder: Path) -> Outcome:
    """Median error of new rows at most 35%; lower limits positive; interval widths follow the value."""
    truth = held_out(folder / "startups.csv", 2400)["valuation_usd"]
    run = train(folder, "tabular", "data.source=known.csv", "data.target=valuation_usd")
    if run.code:
        return failed(run)
    rows = predict(run.bundle, "new.csv")
    value, low, high = (np.array([row[key] for row in rows]) for key in ("prediction", "lower", "upper"))
    actual = np.array([float(v) for v in truth])
    error, follows = np.median(np.abs(value / actual - 1)), _rank_correlation(high - low, value)
    inside = np.mean((low <= actual) & (actual <= high))
    measured = f"median error {error:.0%}, least lower limit {low.min():,.0f}, widths follow values {follows:.2f}, {inside:.0%} inside"
    return Outcome(bool(error <= 0.35 and low.min() > 0 and follows >= 0.9 and inside >= 0.85), measured)


def lists_and_durations(folder: Path) -> Outcome:
    """Multi-valued cells and durations are understood: R² at least 0.93."""
    run = train(folder, "tabular", "data.source=films.csv", "data.target=rating")
    return failed(run) if run.code else Outcome(run.metric("r2") >= 0.93, f"R² {run.metric('r2'):.3f}")


def money(folder: Path) -> Outcome:
    """Amounts, percentages and bracketed negatives are numbers: AUC as with plain numbers; no warning about the decimal mark."""
    columns = read(folder / "loans.csv")
    columns["rate"] = [cell.rstrip("%") for cell in columns["rate"]]
    columns["term"] = [cell.split()[0] for cell in columns["term"]]
    columns["income"] = [float(cell[1:-1]) * {"K": 1e3, "M": 1e6}[cell[-1]] for cell in columns["income"]]
    columns["net_cash"] = [float(re.sub(r"[$,()]", "", cell)) * (-1 if cell.startswith("(") else 1) for cell in columns["net_cash"]]
    write(folder / "plain.csv", columns)
    runs = [train(folder, "tabular", f"data.source={name}.csv", "data.target=status", bundle=name) for name in ("loans", "plain")]
    if any(run.code for run in runs):
        return failed(next(run for run in runs if run.code))
    ours, reference = (run.metric("auc") for run in runs)
    decimal = "data.decimal" in runs[0].warnings()
    measured = f"AUC {ours:.3f}, plain numbers {reference:.3f}" + (", a warning names data.decimal" if decimal else "")
    return Outcome(ours >= reference - 0.01 and not decimal, measured)


def text_column(folder: Path) -> Outcome:
    """As good as TF-IDF with the other columns: no more than 0.02 below it in accuracy or R²."""
    from scipy.sparse import csr_matrix, hstack
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression, Ridge

    truth = held_out(folder / "reviews.csv", 2000)["stars"]
    run = train(folder, "tabular", "data.source=known.csv", "data.target=stars")
    if run.code:
        return failed(run)
    known, new = read(folder / "known.csv"), read(folder / "new.csv")
    words = TfidfVectorizer(min_df=2).fit(known["review"])
    x, x_new = (hstack([words.transform(t["review"]), csr_matrix(np.array([t["votes"], t["price"]], float).T / 100)]) for t in (known, new))
    y, actual = np.array(known["stars"], float), np.array(truth, float)
    rows = predict(run.bundle, "new.csv")
    if "label" in rows[0]:
        ours = np.mean([float(row["label"]) == a for row, a in zip(rows, actual, strict=True)])
        reference, metric = LogisticRegression(max_iter=1000, C=10).fit(x, y).score(x_new, actual), "accuracy"
    else:
        ours = 1 - np.mean((np.array([row["prediction"] for row in rows]) - actual) ** 2) / actual.var()
        reference, metric = Ridge(1.0).fit(x, y).score(x_new, actual), "R²"
    return Outcome(bool(ours >= reference - 0.02), f"{metric} {ours:.3f}, TF-IDF with the other columns {reference:.3f}")


def counts(folder: Path) -> Outcome:
    """A count is regressed, about as well as Poisson regression; or a note says how to have it."""
    from sklearn.linear_model import PoissonRegressor

    truth = held_out(folder / "claims.csv", 2400)["n_claims"]
    run = train(folder, "tabular", "data.source=known.csv", "data.target=n_claims")
    if run.code:
        return failed(run)
    rows = predict(run.bundle, "new.csv")
    if "prediction" not in rows[0]:
        return Outcome("data.kind" in run.warnings(), "classes, " + ("with" if "data.kind" in run.warnings() else "without") + " a note")
    known, new = read(folder / "known.csv"), read(folder / "new.csv")
    x, x_new = (np.array([table[f"x{j}"] for j in range(3)], float).T for table in (known, new))
    actual = np.array(truth, float)
    poisson = PoissonRegressor(alpha=1e-3).fit(x, np.array(known["n_claims"], float)).predict(x_new)
    ours, reference = (float(np.sqrt(np.mean((p - actual) ** 2))) for p in (np.array([row["prediction"] for row in rows]), poisson))
    return Outcome(ours <= 1.03 * reference, f"a number, RMSE {ours:.3f}, Poisson regression {reference:.3f}")


def saved_index(folder: Path) -> Outcome:
    """A saved row number is dropped and reported: accuracy as without it, and the row number changes no answer."""
    columns = read(folder / "flowers.csv")
    write(folder / "plain.csv", {name: cells for name, cells in columns.items() if name})
    ours, plain = (train(folder, "tabular", f"data.source={n}.csv", "data.target=species", bundle=n) for n in ("flowers", "plain"))
    if ours.code or plain.code:
        return failed(ours if ours.code else plain)
    table = [["", "m0", "m1", "m2"], *[[i, 0.4, -0.2, 0.1] for i in (0, 90, 179)]]
    (folder / "three.csv").write_text("\n".join(",".join(map(str, row)) for row in table) + "\n", encoding="utf-8")
    answers = {row.get("label", "error") for row in predict(ours.bundle, "three.csv")}
    a, b = ours.metric("accuracy"), plain.metric("accuracy")
    measured = f"accuracy {a:.3f}, without the column {b:.3f}; {len(answers)} answer for three row numbers"
    return Outcome(abs(a - b) <= 0.03 and len(answers) == 1 and "error" not in answers, measured)


def few_combinations(folder: Path) -> Outcome:
    """Trained: natural repeats are not leaks; accuracy within 0.03 of the best possible rule."""
    run = train(folder, "tabular", "data.source=survey.csv", "data.target=bought")
    if run.code:
        return failed(run)
    columns = read(folder / "survey.csv")
    x = np.array([[cell == "yes" for cell in columns[f"q{j}"]] for j in range(3)], float)
    chance = 1 / (1 + np.exp(-(-1.5 + 2 * x[0] + x[1] - 0.5 * x[2])))
    best = float(np.mean(np.maximum(chance, 1 - chance)))
    return Outcome(run.metric("accuracy") >= best - 0.03, f"accuracy {run.metric('accuracy'):.3f}, the best rule {best:.3f}")


def exponent_codes(folder: Path) -> Outcome:
    """Codes such as E01 are categories: R² within 0.02 of one-hot ridge regression."""
    from sklearn.linear_model import Ridge
    from sklearn.preprocessing import OneHotEncoder

    truth = held_out(folder / "trial.csv", 700)["yield"]
    run = train(folder, "tabular", "data.source=known.csv", "data.target=yield")
    if run.code:
        return failed(run)
    known, new = read(folder / "known.csv"), read(folder / "new.csv")
    x, x_new = (np.array([table["env"], table["mark"]]).T for table in (known, new))
    codes = OneHotEncoder(handle_unknown="ignore").fit(x)
    actual = np.array(truth, float)
    reference = Ridge(1.0).fit(codes.transform(x), np.array(known["yield"], float)).score(codes.transform(x_new), actual)
    rows = predict(run.bundle, "new.csv")
    ours = 1 - np.mean((np.array([row.get("prediction", np.nan) for row in rows]) - actual) ** 2) / actual.var()
    return Outcome(bool(ours >= reference - 0.02), f"R² {ours:.3f}, one-hot ridge {reference:.3f}")


def keyword_columns(folder: Path) -> Outcome:
    """Any column name trains, exports and predicts: R² at least 0.9."""
    run = train(folder, "tabular", "data.source=names.csv", "data.target=y")
    if run.code:
        return failed(run)
    columns = read(folder / "names.csv")
    row = predict(run.bundle, json.dumps({name: float(cells[0]) for name, cells in columns.items() if name != "y"}))[0]
    measured = f"R² {run.metric('r2'):.3f}, first row {row.get('prediction', row.get('error'))}"
    return Outcome(run.metric("r2") >= 0.9 and "prediction" in row, measured)


def two_targets(folder: Path) -> Outcome:
    """Both targets are predicted, each with its interval; median error of new rows at most a tenth of the spread."""
    truth = held_out(folder / "energy.csv", 640)
    run = train(folder, "tabular", "data.source=known.csv", "data.target=['heating', 'cooling']")
    if run.code:
        return failed(run)
    rows = predict(run.bundle, "new.csv")
    errors = {}
    for name in ("heating", "cooling"):
        answers = [target_of(row, name) for row in rows]
        if any(answer is None or not answer["lower"] <= answer["prediction"] <= answer["upper"] for answer in answers):
            return Outcome(False, f"no prediction with an interval for {name}: {str(rows[0])[:100]}")
        actual = np.array(truth[name], float)
        errors[name] = float(np.median(np.abs(np.array([a["prediction"] for a in answers]) - actual)) / actual.std())
    return Outcome(max(errors.values()) <= 0.1, "median error " + ", ".join(f"{k} {v:.2f}" for k, v in errors.items()) + " of its spread")


def excel(folder: Path) -> Outcome:
    """An .xlsx file trains and predicts: R² at least 0.99."""
    run = train(folder, "tabular", "data.source=homes.xlsx", "data.target=price")
    if run.code:
        return failed(run)
    answered = sum("prediction" in row for row in predict(run.bundle, "homes.xlsx"))
    return Outcome(run.metric("r2") >= 0.99 and answered == 200, f"R² {run.metric('r2'):.3f}, {answered} of 200 rows answered")


def target_of(row: dict, name: str) -> dict | None:
    """`{"prediction", "lower", "upper"}` of one target of a row of several."""
    if isinstance(inner := row.get(name), dict):
        return inner
    parts = {key: row.get(key) for key in ("prediction", "lower", "upper")}
    return {key: part[name] for key, part in parts.items()} if all(isinstance(p, dict) and name in p for p in parts.values()) else None


def read(path: Path) -> dict[str, list[str]]:
    """The cells of a CSV by column, as texts."""
    with open(path, newline="", encoding="utf-8") as file:
        head, *rows = csv.reader(file)
    return dict(zip(head, map(list, zip(*rows)), strict=True))


def write(path: Path, columns: dict) -> None:
    """Columns of equal length as a CSV."""
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))


def held_out(path: Path, rows: int) -> dict[str, list[str]]:
    """Write the first `rows` rows as known.csv and the others as new.csv; the columns of the others."""
    columns = read(path)
    write(path.with_name("known.csv"), {name: cells[:rows] for name, cells in columns.items()})
    others = {name: cells[rows:] for name, cells in columns.items()}
    write(path.with_name("new.csv"), others)
    return others


def _rank_correlation(a, b) -> float:
    from scipy.stats import spearmanr

    return float(spearmanr(a, b).statistic)
