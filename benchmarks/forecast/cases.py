"""People's series: each function trains the default recipe on one kind of file and checks the answer; its docstring says what is right."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np

from benchmarks.command import Outcome, failed, predict, train
from benchmarks.tabular.cases import read, write

AUTO_ETS = {"months36": 19.9, "shift": 34.8}  # mean absolute errors of AutoETS of statsforecast 2.1.1, seasons of 12 and 7


def newest_first(folder: Path) -> Outcome:
    """Sorted and reported; 20-Jun-24 is a date: both files give the same forecast, and it starts the day after the last row."""
    answers = []
    for name in ("iso", "broker"):
        run = train(folder, "forecast", f"data.source={name}.csv", bundle=name)
        if run.code:
            return failed(run)
        answers.append(predict(run.bundle, f"{name}.csv")[0])
    first = {day(answer["times"][0]) for answer in answers}
    same = np.allclose(answers[0]["forecast"], answers[1]["forecast"], rtol=1e-3)
    return Outcome(
        first == {dt.date(2024, 6, 21)} and same, f"first day {sorted(map(str, first))}, forecasts {'equal' if same else 'differ'}"
    )


def decimal_years(folder: Path) -> Outcome:
    """1960.25 is a quarter: the forecast starts in 2000, at most 2 away from the noiseless future."""
    run = train(folder, "forecast", "data.source=quarters.csv")
    if run.code:
        return failed(run)
    answer = predict(run.bundle, "quarters.csv")[0]
    steps = 160 + np.arange(len(answer["forecast"]))
    error = float(np.abs(np.array(answer["forecast"]) - (50 + steps * 0.3 + 6 * np.sin(steps * np.pi / 2))).mean())
    start = str(answer["times"][0])
    return Outcome(start.startswith("2000") and error <= 2, f"starts {start}, mean absolute error {error:.2f}")


def closed_days(folder: Path) -> Outcome:
    """No Sunday is forecast, and a promotion that is known ahead raises the sales of its days by about 60%."""
    plain = train(folder, "forecast", "data.source=shop_train.csv", "data.horizon=24", "data.target=sales")
    known = train(
        folder,
        "forecast",
        "data.source=shop.csv",
        "data.horizon=24",
        "data.target=sales",
        "data.future_covariates=['promo']",
        bundle="promo",
    )
    if plain.code or known.code:
        return failed(plain if plain.code else known)
    sundays = sum(day(time).weekday() == 6 for time in predict(plain.bundle, "shop_train.csv")[0]["times"])
    answer = predict(known.bundle, "shop.csv")[0]
    if "error" in answer:
        return Outcome(False, f"{sundays} Sundays; with the promotion: {answer['error'][:120]}")
    columns = read(folder / "shop.csv")
    promo = {dt.date.fromisoformat(d): p == "1" for d, p in zip(columns["date"], columns["promo"], strict=True)}
    days = [day(time) for time in answer["times"]]
    flat = np.array(answer["forecast"]) / [1.3 if d.weekday() == 5 else 1.0 for d in days]  # Saturdays sell 1.3 times as much
    on = np.array([promo.get(d, False) for d in days])
    ratio = float(flat[on].mean() / flat[~on].mean()) if on.any() and not on.all() else float("nan")
    sundays += sum(d.weekday() == 6 for d in days)
    return Outcome(sundays == 0 and 1.4 <= ratio <= 1.8, f"{sundays} Sundays, {on.sum()} promotion days at {ratio:.2f} × the others")


def epoch_column(folder: Path) -> Outcome:
    """The clock is recognised by its values whatever its name: one series, minute steps, mean absolute error at most 1."""
    run = train(folder, "forecast", "data.source=log.csv", "data.frequency=1min", "data.irregular=resample")
    if run.code:
        return failed(run)
    answers = predict(run.bundle, "log.csv")
    if len(answers) != 1 or "error" in answers[0]:
        return Outcome(False, f"{len(answers)} answers: {str(answers)[:120]}")
    times = [dt.datetime.fromisoformat(str(time)) for time in answers[0]["times"]]
    steps = {(b - a).total_seconds() for a, b in zip(times, times[1:])}
    seconds = np.array([time.replace(tzinfo=dt.UTC).timestamp() + 30 for time in times])
    error = float(np.abs(np.array(answers[0]["forecast"]) - (20 + 5 * np.sin(2 * np.pi * seconds / 3600))).mean())
    return Outcome(
        steps == {60.0} and error <= 1, f"series {answers[0]['series']!r}, steps of {sorted(steps)} s, mean absolute error {error:.2f}"
    )


def large_offset(folder: Path) -> Outcome:
    """The offset of 10⁹ changes nothing: forecasts within 1% of the season of those without the offset."""
    columns = read(folder / "meter.csv")
    write(folder / "small.csv", {**columns, "reading": [f"{float(cell) - 1e9:.3f}" for cell in columns["reading"]]})
    answers = []
    for name in ("meter", "small"):
        run = train(folder, "forecast", f"data.source={name}.csv", bundle=name)
        if run.code:
            return failed(run)
        answers.append(np.array(predict(run.bundle, f"{name}.csv")[0]["forecast"]))
    difference, season = float(np.abs(answers[0] - 1e9 - answers[1]).max()), 0.25 * 244 * 2
    return Outcome(difference <= 0.01 * season, f"largest difference {difference:.2f}, the season swings by {season:.0f}")


def short_and_shifted(folder: Path) -> Outcome:
    """36 months with a horizon of 12, and a level shift 40 days ago, are answered within 1.1 × AutoETS."""
    months = train(folder, "forecast", "data.source=months36.csv", "data.horizon=12", bundle="months")
    shift = train(folder, "forecast", "data.source=shift_train.csv", "data.horizon=30", bundle="shift")
    if months.code or shift.code:
        return failed(months if months.code else shift)
    i = np.arange(36, 48)
    noise = 20 * np.random.default_rng(0).normal(size=(2000, 1))  # the file's own noise, so that luck with twelve values decides nothing
    future = (1000 + 20 * i) * (1 + 0.3 * np.sin(2 * np.pi * i / 12)) + noise
    first = float(np.abs(np.array(predict(months.bundle, "months36.csv")[0]["forecast"]) - future).mean())
    truth = np.array(read(folder / "shift_truth.csv")["y"], float)
    second = float(np.abs(np.array(predict(shift.bundle, "shift_train.csv")[0]["forecast"]) - truth).mean())
    measured = (
        f"36 months: mean absolute error {first:.1f} (AutoETS {AUTO_ETS['months36']}); shift: {second:.1f} (AutoETS {AUTO_ETS['shift']})"
    )
    return Outcome(first <= 1.1 * AUTO_ETS["months36"] and second <= 1.1 * AUTO_ETS["shift"], measured)


def local_time(folder: Path) -> Outcome:
    """Date and time columns joined, clock changes handled, a text holiday used: 24 hourly steps, mean absolute error at most 1,200 MW."""
    lines = (folder / "load.csv").read_text(encoding="utf-8").splitlines()
    cells = [line.split(";") for line in lines[-24:]]
    truth = np.array([float(c[2].replace(".", "").replace(",", ".")) for c in cells])
    (folder / "known.csv").write_text("\n".join(lines[:-24]) + "\n", encoding="utf-8")
    ahead = [";".join([c[0], c[1], "", *c[3:]]) for c in cells]
    (folder / "ahead.csv").write_text("\n".join([*lines[:-24], *ahead]) + "\n", encoding="utf-8")
    run = train(folder, "forecast", "data.source=known.csv", "data.target=Last [MW]", "data.horizon=24",
                "data.future_covariates=['Temperatur', 'Feiertag']")  # fmt: skip
    if run.code:
        return failed(run)
    answer = predict(run.bundle, "ahead.csv")[0]
    if "error" in answer:
        return Outcome(False, answer["error"][:160])
    times = [dt.datetime.fromisoformat(str(time)) for time in answer["times"]]
    steps = {(b - a).total_seconds() for a, b in zip(times, times[1:])}
    error = float(np.abs(np.array(answer["forecast"]) - truth).mean())
    return Outcome(
        len(times) == 24 and steps == {3600.0} and error <= 1200,
        f"{len(times)} steps of {sorted(steps)} s, mean absolute error {error:,.0f} MW",
    )


def day(time: object) -> dt.date:
    """The date of an answer's time."""
    return dt.date.fromisoformat(str(time)[:10])
