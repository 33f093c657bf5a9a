"""People's images: each function trains the default recipe on one kind of data and checks the answer; its docstring says what is right."""

from __future__ import annotations

from pathlib import Path

from benchmarks.command import Outcome, Trained, failed, predict, train


def mirrored(folder: Path) -> Outcome:
    """Classes that are mirror images of each other: no mirroring in training, accuracy at least 0.98."""
    run = train(folder, "image", "data.source=.")
    return failed(run) if run.code else Outcome(run.metric("accuracy") >= 0.98, f"accuracy {run.metric('accuracy'):.3f}")


def image_tables(folder: Path) -> Outcome:
    """Five tables of labels: ids without extension, one-hot columns, numbers, tags separated by commas or by blanks."""
    shot = "img/shot_0.jpg"
    ids = train(folder, "image", "data.source=id_label.csv", "data.target=breed", bundle="ids")
    hot = train(folder, "image", "data.source=one_hot.csv", bundle="hot")
    number = train(folder, "image", "data.source=regression.csv", "data.target=brightness", bundle="number")
    comma = train(folder, "image", "data.source=tags_comma.csv", "data.target=tags", bundle="comma")
    blank = train(folder, "image", "data.source=tags_space.csv", "data.target=tags", bundle="blank")
    runs = {"ids": ids, "one-hot": hot, "number": number, "commas": comma, "blanks": blank}
    if refused := {name: run.message for name, run in runs.items() if run.code}:
        return Outcome(False, f"refused: {'; '.join(f'{name} ({message[:60]})' for name, message in refused.items())}")
    right = {name: run.metric("accuracy") >= 0.95 and classes(run, shot) == 3 for name, run in (("ids", ids), ("one-hot", hot))}
    right["number"] = number.metric("r2") >= 0.9 and {"prediction", "lower", "upper"} <= set(predict(number.bundle, shot)[0])
    right |= {name: classes(run, shot) == 5 for name, run in (("commas", comma), ("blanks", blank))}
    shown = f"ids {ids.metric('accuracy'):.3f}, one-hot {hot.metric('accuracy'):.3f}, number R² {number.metric('r2'):.3f}"
    shown += f", tags {classes(comma, shot)} and {classes(blank, shot)} labels"
    return Outcome(all(right.values()), shown)


def folders_as_found(folder: Path) -> Outcome:
    """Wrapper folders, a flat test folder, .avif and .jfif, white icons on transparency: three classes each, accuracy at least 0.9."""
    shown, right = [], True
    for name in ("kaggle/data", "wrapped/dataset", "phone", "icons"):
        run = train(folder, "image", f"data.source={name}", bundle=f"bundle_{name.split('/')[0]}")
        if run.code:
            shown.append(f"{name}: exit {run.code}, {run.message[:80]}")
            right = False
            continue
        found = classes(run, next(str(path) for path in sorted((folder / name).rglob("*.*")) if path.suffix in (".jpg", ".JPG", ".png")))
        right &= found == 3 and run.metric("accuracy") >= 0.9
        shown.append(f"{name}: {found} classes, {run.metric('accuracy'):.3f}")
    return Outcome(right, "; ".join(shown))


def patients(folder: Path) -> Outcome:
    """With data.group no patient is in two parts: the labels are random, so accuracy stays near one half (below 0.8)."""
    run = train(folder, "image", "data.source=labels.csv", "data.group=patient")
    if run.code not in (0, 1) or not run.report:  # exit 1: the labels cannot be learned, and the run may say so
        return failed(run)
    return Outcome(run.metric("accuracy") < 0.8, f"accuracy {run.metric('accuracy'):.3f}")


def classes(run: Trained, image: str) -> int:
    """How many labels the exported model distinguishes."""
    answer = predict(run.bundle, image, "--top", "99")
    return len(answer[0].get("top", ())) if answer else 0
