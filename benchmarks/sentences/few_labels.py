"""python -m benchmarks.sentences.few_labels [SAMPLES [SETS]]: labelled texts, few and many, compared with TF-IDF and logistic regression.

The default recipe gets a training file and a test file, and the shipped model, fitted on all training rows, is scored on the test file.
Each sample draws 8 or 64 texts per class, or 1,000 in all; banking77 and TREC are also trained whole. The comparison is the better on the
test rows of two settings: scikit-learn's defaults, and words and pairs with sublinear counts and C = 10. Of subj, which has no official
test part, 2,000 rows are the test. Settings were chosen on other rows of the training parts.
"""

from __future__ import annotations

import csv
import gzip
import random
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.runner import SHARED, Row, format_mean, mean_interval, read, seeds_argument, write

TEXT = SHARED / "text"
SETS = ("ag_news", "subj", "trec", "sst2")
SIZES = {"8 per class": (8, 0), "64 per class": (64, 0), "1,000 labels": (0, 1000)}
WHOLE = ("trec", "banking77")
GOALS = {"ag_news, 1,000 labels": 0.872, "subj, 1,000 labels": 0.899, "banking77, all": 0.90}
PEERS = {"ag_news, 1,000 labels": "model2vec 0.872 (published)", "subj, 1,000 labels": "model2vec 0.899 (published)"}


def main() -> None:
    """Every case on every sample; results are stored after each case, beside those of other samples."""
    samples = seeds_argument(3)
    found = {key: value for key, value in (read("sentences_few_labels") or {"cases": {}}).items() if key != "machine"}
    cases = [(name, size) for name in SETS for size in SIZES] + [(name, "all") for name in WHOLE]
    chosen = sys.argv[2].split(",") if len(sys.argv) > 2 else None
    for name, size in cases:
        if chosen and (name if size != "all" else f"{name}-all") not in chosen:
            continue
        train, test = read_set(name)
        runs = [run for run in found["cases"].get(f"{name}, {size}", []) if run["sample"] not in samples]  # of other samples
        for sample in samples if size != "all" else samples[:1]:
            rows = train if size == "all" else [train[i] for i in drawn([label for _, label in train], *SIZES[size], sample)]
            runs.append({"sample": sample, "rows": len(rows), **ours(rows, test, sample), **tfidf(rows, test)})
            print(name, size, runs[-1], file=sys.stderr, flush=True)
        found["cases"][f"{name}, {size}"] = sorted(runs, key=lambda run: run["sample"])
        write("sentences_few_labels", found)


def ours(train: list[tuple[str, str]], test: list[tuple[str, str]], seed: int) -> dict:
    """Accuracy of the shipped model of the default recipe on the test texts, and what it costs."""
    from applied_dl.tasks.sentences import task
    from applied_dl.training.checkpoints import Store
    from applied_dl.training.reproducible import set_up
    from applied_dl.training.trainer import CheckpointingTrainer
    from applied_dl.workflows import recipes

    with tempfile.TemporaryDirectory() as folder:
        files = {part: str(Path(folder) / f"{part}.csv") for part in ("train", "test")}
        for part, rows in (("train", train), ("test", test)):
            with open(files[part], "w", encoding="utf-8", newline="") as file:
                csv.writer(file).writerows([("text", "label"), *rows])
        spent = time.process_time()
        recipe = recipes.read_recipe({"task": "sentences", "data": files, "train": {"seed": seed}})
        prepared = task.prepare(recipe, None)
        recipe = task.resolve_defaults(recipe, prepared)
        set_up(seed, True)
        fitted = task.fit(recipe, prepared, CheckpointingTrainer(Store(Path(folder) / "run", {})))
        model = task.serving(recipe, fitted, prepared).model
        spent = time.process_time() - spent
    outputs = model.predict({"ids": prepared.test.inputs["ids"]}, batch_size=256, verbose=0)
    return {"accuracy": float((outputs["probabilities"].argmax(1) == prepared.test.target).mean()), "cpu_seconds": round(spent, 1)}


def tfidf(train: list[tuple[str, str]], test: list[tuple[str, str]]) -> dict:
    """Accuracy of both settings of TF-IDF and logistic regression, fitted on all training texts."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    (texts, labels), (held, truth) = zip(*train), zip(*test)
    found = []
    for words, model in (
        (TfidfVectorizer(), LogisticRegression(max_iter=1000)),
        (TfidfVectorizer(token_pattern=r"\w+", sublinear_tf=True, ngram_range=(1, 2)), LogisticRegression(C=10, max_iter=1000)),
    ):
        answers = model.fit(words.fit_transform(texts), labels).predict(words.transform(held))
        found.append(float(np.mean(answers == np.array(truth))))
    return {"tfidf": max(found), "tfidf_both": found}


def drawn(labels: list[str], per_class: int, total: int, seed: int) -> list[int]:
    """Row numbers of a sample."""
    order = np.random.default_rng(seed).permutation(len(labels))
    if total:
        return order[:total].tolist()
    codes = np.array(labels)[order]
    return [int(i) for label in sorted(set(labels)) for i in order[codes == label][:per_class]]


def read_set(name: str) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Training and test rows (text, label)."""
    folder = TEXT / name
    if name == "ag_news":
        train = [(text, f"class {label}") for text, label in csv.reader(_open(folder / "train_5000.csv.gz")) if label.isdigit()]
        return train, [(f"{title} {text}", f"class {int(label) - 1}") for label, title, text in csv.reader(_open(folder / "test.csv.gz"))]
    if name == "subj":
        rows = [(t, k) for k in ("objective", "subjective") for t in _open(folder / f"subj.{k}.gz", "latin-1").read().split("\n") if t]
        random.Random(0).shuffle(rows)
        return rows[2000:], rows[:2000]
    if name == "trec":
        lines = [(folder / f"TREC.{part}.txt").read_text("latin-1").splitlines() for part in ("train", "test")]
        return tuple([(line.split(" ", 1)[1], line.split(":")[0]) for line in part] for part in lines)
    if name == "sst2":
        lines = [_open(folder / f"{part}.tsv.gz").read().splitlines() for part in ("train", "test")]
        return tuple([(line.split("\t")[0], "positive" if line.endswith("1") else "negative") for line in part] for part in lines)
    tables = [csv.DictReader(open(folder / f"{part}.csv", encoding="utf-8", newline="")) for part in ("train", "test")]
    return tuple([(row["text"], row["category"]) for row in table] for table in tables)


def _open(path: Path, encoding: str = "utf-8"):
    return gzip.open(path, "rt", encoding=encoding, newline="")


def summary(found: dict) -> list[Row]:
    """Each case beside TF-IDF on the same rows."""
    rows = []
    for case, runs in found["cases"].items():
        own, theirs = [run["accuracy"] for run in runs], [run["tfidf"] for run in runs]
        mean, low, high = mean_interval([a - b for a, b in zip(own, theirs)])
        goal = GOALS.get(case)
        least = sum(own) / len(own)
        met = None if low < 0 < high else mean >= 0 and (goal is None or least >= goal)  # an interval around zero decides nothing
        between = f" [{low:+.3f}, {high:+.3f}]" if low == low else ""
        compared = f"TF-IDF + logistic regression {format_mean(theirs)}; difference {mean:+.3f}{between}"
        goals = f"≥ TF-IDF{f' and ≥ {goal}' if goal else ''}"
        rows.append(Row(f"{case}: accuracy", format_mean(own), goals, met, "; ".join(filter(None, (compared, PEERS.get(case))))))
    return rows


if __name__ == "__main__":
    main()
