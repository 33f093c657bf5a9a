"""python -m benchmarks.answers.ood [NAMES]: other data separated from test rows by the distance in the file; what it and the sets cost

Trains a model of each task with its default recipe and few epochs, and runs the exported files on its own test rows and on the rows of
another data set that has the same form; with names, of these data alone. AUROC: the chance that a foreign row is farther than an own one.
"""

from __future__ import annotations

import gzip
import sys
import tempfile
from pathlib import Path

from benchmarks.runner import SHARED, Row, read, write

TABULAR, TEXT = SHARED / "tabular" / "wine_quality", SHARED / "text"
LIMIT = 1000  # rows of each kind
VARIANTS = ("fp32", "dynamic", "int8")


def digits():
    """8 × 8 digits against 8 × 8 Fashion-MNIST, and against the digits turned upside down."""
    import numpy as np
    from PIL import Image

    packed = (SHARED / "images" / "fashion_mnist" / "t10k-images-idx3-ubyte.gz").read_bytes()
    clothes = np.frombuffer(gzip.decompress(packed), np.uint8, offset=16).reshape(-1, 28, 28)[:LIMIT]
    small = [np.asarray(Image.fromarray(one).resize((8, 8), Image.Resampling.BOX)) for one in clothes]
    return {"task": "image", "train": {"epochs": 20}}, lambda own: {"Fashion-MNIST": small, "upside down": [one[::-1] for one in own]}


def wine():
    """Red wines against white ones, and against red ones whose columns were drawn from different rows."""
    import numpy as np
    import polars as pl

    file = pl.read_csv(TABULAR / "winequality-white.csv", has_header=False)[:LIMIT]
    white = file.rename({name: f"column_{i + 1}" for i, name in enumerate(file.columns)})[:, :-1].to_dicts()

    def others(own):
        random = np.random.default_rng(0)
        shuffled = pl.DataFrame(own).select([pl.Series(n, random.permutation(pl.DataFrame(own)[n].to_list())) for n in own[0]])
        return {"white wines": white, "columns of different rows": shuffled.to_dicts()}

    recipe = {
        "task": "tabular",
        "data": {"source": str(TABULAR / "winequality-red.csv"), "kind": "classification"},
        "model": {"name": "mlp"},
    }
    return {**recipe, "train": {"epochs": 20}}, others


def questions(folder: Path):
    """Questions in six classes against news and against film reviews."""
    import polars as pl

    lines = (TEXT / "trec" / "TREC.train.txt").read_text(encoding="latin-1").splitlines()
    rows = [line.split(" ", 1) for line in lines if " " in line]
    pl.DataFrame({"text": [text for _, text in rows], "label": [label.split(":")[0] for label, _ in rows]}).write_csv(folder / "trec.csv")
    news = pl.read_csv(gzip.decompress((TEXT / "ag_news" / "test.csv.gz").read_bytes()), has_header=False)
    reviews = gzip.decompress((TEXT / "sst2" / "dev.tsv.gz").read_bytes()).decode().splitlines()[1:]
    titles = news[news.columns[1]].to_list()[:LIMIT]
    films = [max(line.split("\t"), key=len) for line in reviews][:LIMIT]
    return {"task": "sentences", "data": {"source": str(folder / "trec.csv")}}, lambda own: {"news titles": titles, "film reviews": films}


def raw_rows(task: str, prepared) -> list:
    """The test rows as `predict` takes them."""
    part = prepared.test.take(slice(0, LIMIT))
    if task == "image":
        return list(part.inputs["image"][..., 0])
    if task == "sentences":
        return [str(text) for text in part.extra["text"]]
    return [{name: float(part.inputs[column.inputs[0]][i]) for name, column in _columns(prepared)} for i in range(len(part))]


def _columns(prepared):
    return [(column.name, column) for column in prepared.encoder.columns]


def measure(name: str, recipe: dict, others, folder: Path) -> dict:
    """Train, and measure every file."""
    import numpy as np
    from sklearn.metrics import roc_auc_score

    import applied_dl
    from applied_dl.core.cache import cache_folder
    from applied_dl.tasks import load_task
    from applied_dl.workflows import recipes

    run = applied_dl.train({**recipe, "export": {"formats": ["tflite"], "variants": list(VARIANTS)}}, out=folder / name)
    task = load_task(recipe["task"])
    prepared = task.prepare(recipes.resolve(run.manifest.recipe, name), cache_folder())
    own = raw_rows(recipe["task"], prepared)
    foreign, found = others(own), {}
    for item in run.manifest.exports:
        if item.refused:
            continue
        predictor = applied_dl.load(folder / name, item.variant)
        usual = np.array([one["distance"] for one in predictor.predict(own)])
        far = {kind: np.array([one["distance"] for one in predictor.predict(rows) if "distance" in one]) for kind, rows in foreign.items()}
        found[item.variant] = {"false_alarms": float(np.mean(usual > 1)), "others": {
            kind: {
                "rows": len(values), "flagged": float(np.mean(values > 1)),
                "auroc": float(roc_auc_score([0] * len(usual) + [1] * len(values), [*usual, *values])),
            }
            for kind, values in far.items()
        }}  # fmt: skip
    test = run.manifest.metrics["test"]
    sets = {key: test[key] for key in ("set_coverage", "set_size", "accuracy") if key in test}
    intervals = {key: list(run.manifest.intervals["test"][key]) for key in sets if key in run.manifest.intervals["test"]}
    asked = run.manifest.recipe["calibration"]["false_alarms"]
    return {"asked": asked, "files": found, "sets": sets, "intervals": intervals, "cost": cost(folder / name, prepared)}


def cost(bundle: Path, prepared) -> dict:
    """Bytes and milliseconds of the dynamic file with its further outputs and without them."""
    import keras

    from applied_dl.exporting.precisions import convert_variants
    from applied_dl.exporting.serving import Serving
    from applied_dl.runtime.interpreter import Runtime
    from applied_dl.runtime.measure import call_seconds
    from applied_dl.workflows.load_keras import load_keras

    model, found = load_keras(bundle), {}
    plain = {name: tensor for name, tensor in model.output.items() if name not in ("set", "distance")}
    row = prepared.test.take(slice(0, 1)).inputs
    for kind, outputs in (("with", model.output), ("without", plain)):
        with tempfile.TemporaryDirectory() as work:
            files, _ = convert_variants(Serving(keras.Model(model.input, outputs)), ("fp32", "dynamic"), Path(work))
            content = {variant: path.read_bytes() for variant, path in files.items()}
        found[kind] = {
            variant: {"bytes": len(data), "ms": 1e3 * min(call_seconds(Runtime(data, threads=1), row))} for variant, data in content.items()
        }
    return found


def main() -> None:
    with tempfile.TemporaryDirectory() as temporary:
        folder, result = Path(temporary), (read("answers_ood") or {"data": {}})["data"]
        for name, make in {"digits": digits, "wine": wine, "questions": lambda: questions(folder)}.items():
            if not sys.argv[1:] or name in sys.argv[1:]:
                result[name] = measure(name, *make(), folder)
                write("answers_ood", {"data": result})


GOAL = 0.9


def summary(found: dict) -> list[Row]:
    """AUROC of the fp32 file, the rows reported, sets, and the cost."""
    rows = []
    for name, one in found["data"].items():
        for kind, other in one["files"]["fp32"]["others"].items():
            measured = f"AUROC {other['auroc']:.3f}, {other['flagged']:.1%} reported"
            alarms = f"{one['files']['fp32']['false_alarms']:.1%} of test rows reported, {one['asked']:.0%} asked for"
            rows.append(Row(f"{name}: separated from {kind}", measured, f"≥ {GOAL}", other["auroc"] >= GOAL, alarms))
        if one["sets"].get("set_coverage"):
            low, high = one["intervals"]["set_coverage"]
            accuracy = f"accuracy {one['sets']['accuracy']:.3f}"
            measured = f"{one['sets']['set_coverage']:.3f} [{low:.3f}, {high:.3f}] covered, {one['sets']['set_size']:.2f} labels"
            rows.append(Row(f"{name}: label sets at 90%", measured, "covered ≥ 0.9, by the interval", high >= 0.9, accuracy))
        more, less = (one["cost"][kind]["dynamic"] for kind in ("with", "without"))
        rows.append(Row(
            f"{name}: cost of both", f"{(more['bytes'] - less['bytes']) / 1e3:.1f} kB, {1e3 * (more['ms'] - less['ms']):.0f} µs a row",
            compared=f"{less['bytes'] / 1e3:.1f} kB, {1e3 * less['ms']:.0f} µs without",
        ))  # fmt: skip
    return rows


def details(found: dict) -> list[str]:
    """Every precision."""
    lines = ["| data | precision | others | AUROC | reported | test rows reported |", "|---|---|---|---|---|---|"]
    for name, one in found["data"].items():
        for variant, file in one["files"].items():
            for kind, other in file["others"].items():
                cells = f"{other['auroc']:.3f} | {other['flagged']:.1%} | {file['false_alarms']:.1%}"
                lines.append(f"| {name} | {variant} | {kind} | {cells} |")
    return lines


if __name__ == "__main__":
    main()
