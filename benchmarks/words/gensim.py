"""python -m benchmarks.words.gensim [SEEDS [CASES]]: speed, memory and scores compared with gensim.

The same text, epochs, threads and vocabulary, one after the other in the same run; gensim 4 in a separate environment, on its fastest
path (`corpus_file`). The text is lower-cased [a-z]+, 12 million words of Wikipedia.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.runner import ROOT, SHARED, Row, mean_interval, peer, read, seeds_argument, write

THREADS = int(os.environ.get("WORDS_THREADS", os.cpu_count() or 1))
CASES = {  # model, dimensions, epochs, gensim's first step size (the better of its two usual ones), goal in words/s
    "skip-gram d100": ("skipgram", 100, 3, 0.05, 3.0),
    "skip-gram d100, five epochs": ("skipgram", 100, 5, 0.05, 3.0),  # the default of both
    "skip-gram d300": ("skipgram", 300, 1, 0.05, 2.0),
    "CBOW d100": ("cbow", 100, 3, 0.05, 1.3),
    "CBOW d300": ("cbow", 300, 1, 0.05, 1.0),
}
ALONE = {  # ours alone: model, dimensions, epochs, options
    "SVD initialisation": ("skipgram", 100, 1, {"init": "svd"}),
    "one epoch": ("skipgram", 100, 1, {}),
}
SCORES = ("ws353", "simlex", "rg65", "analogy")  # reported; step sizes were chosen by RW and MTurk alone
COMPARED = ("ws353", "simlex", "analogy")  # of these; RG-65 has 65 pairs, its own chance is ±0.1
SHARE, COLD, MEMORY = 1 / 5, 120, 1.5  # goals: of gensim's time, seconds, times gensim's memory
GENSIM = r"""
import json, os, resource, sys, time
from gensim.models import Word2Vec
corpus, name, dimensions, epochs, rate, threads, seed, out = json.loads(sys.argv[1])
start, begun = time.perf_counter(), time.process_time()
model = Word2Vec(vector_size=dimensions, window=5, negative=5, sample=1e-3, min_count=5, max_final_vocab=60000, sg=int(name == "skipgram"),
                 alpha=rate, workers=threads, seed=seed)
model.build_vocab(corpus_file=corpus)
cpu, wall = time.process_time(), time.perf_counter()
model.train(corpus_file=corpus, total_words=model.corpus_total_words, total_examples=model.corpus_count, epochs=epochs)
cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
model.wv.save_word2vec_format(out, binary=True)
total, spent = time.perf_counter() - start, time.process_time() - begun
print("RESULT" + json.dumps({"seconds": wall, "cpu_seconds": cpu, "from_start": total, "cpu_from_start": spent,
                             "words": model.corpus_total_words,
                             "mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3, "load": os.getloadavg()[0]}))
"""
OURS = r"""
import json, os, resource, sys, time
from pathlib import Path
corpus, name, dimensions, epochs, rate, threads, seed, out, options, cache = json.loads(sys.argv[1])
start, begun = time.perf_counter(), time.process_time()
from applied_dl.tasks.words import task
from applied_dl.tasks.words.fit.methods import train_table
from applied_dl.training.checkpoints import Store
from applied_dl.training.trainer import CheckpointingTrainer
from applied_dl.workflows import recipes
from applied_dl.tasks.words.vectors import WordVectors
folder = Path(out).parent
raw = {"task": "words", "data": {"train": corpus, "validation": corpus + ".held", "test": corpus + ".held"},
       "preprocess": {"min_count": 5}, "model": {"name": name, "dimensions": dimensions},
       "train": {"epochs": epochs, "threads": threads, "seed": seed}, "learn": options}
recipe = recipes.read_recipe(raw)
prepared = task.prepare(recipe, Path(cache))
recipe = task.resolve_defaults(recipe, prepared)
cpu, wall = time.process_time(), time.perf_counter()
table, _ = train_table(recipe, prepared, CheckpointingTrainer(Store(folder / "run", {})))
cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
WordVectors(prepared.encoder.words, table).save(out)
total, spent = time.perf_counter() - start, time.process_time() - begun
print("RESULT" + json.dumps({"seconds": wall, "cpu_seconds": cpu, "from_start": total, "cpu_from_start": spent,
                             "words": prepared.state.total, "mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3,
                             "load": os.getloadavg()[0], "tensorflow": "tensorflow" in sys.modules}))
"""


def main() -> None:
    """Each case for each seed, gensim and ours in turn."""
    seeds = seeds_argument(3)
    chosen = sys.argv[2].split(",") if len(sys.argv) > 2 else [*CASES, *ALONE]
    python = os.environ.get("WORDS_PEER") or str(peer("gensim", "gensim==4.4.0"))
    with tempfile.TemporaryDirectory() as work:
        corpus = text(Path(work))
        for case in chosen:
            name, dimensions, epochs, last = (CASES.get(case) or ALONE[case])[:4]
            rows: dict = {"epochs": epochs, "gensim": [], "applied_dl": []}
            for seed in seeds:
                job = [str(corpus), name, dimensions, epochs, last, THREADS, seed]
                if case in CASES:
                    rows["gensim"].append(measured([python, "-c", GENSIM, json.dumps([*job, f"{work}/v.bin"])], f"{work}/v.bin"))
                shutil.rmtree(f"{work}/cache", ignore_errors=True)  # so that every run begins with the text
                Path(f"{work}/cache").mkdir()
                options = last if case in ALONE else {}
                ours = [sys.executable, "-c", OURS, json.dumps([*job, f"{work}/v.npz", options, f"{work}/cache"])]
                rows["applied_dl"].append(measured(ours, f"{work}/v.npz"))
                print(case, seed, rows["gensim"][-1:], rows["applied_dl"][-1], file=sys.stderr, flush=True)
            cases = (read("words_gensim") or {"cases": {}})["cases"]  # read again: a full run takes long and may be divided
            write("words_gensim", {"threads": THREADS, "cases": {**cases, case: rows}})


def text(folder: Path) -> Path:
    """The corpus as gensim reads it, and a few lines of it for our own held-out part (not used for the scores here)."""
    from applied_dl.text.corpus import lines

    path = folder / "corpus.txt"
    source = os.environ.get("WORDS_CORPUS") or SHARED / "text" / "enwiki_12m" / "enwiki_12m.txt.bz2"
    with open(path, "w") as file, open(f"{path}.held", "w") as held:
        for number, line in enumerate(lines(source)):
            line = re.sub("[^a-z]+", " ", line.lower()).strip() + "\n"
            file.write(line)
            if number < 50:
                held.write(line)
    return path


def measured(command: list[str], vectors: str) -> dict:
    """Run one training in a process of its own; its cost and the scores of its vectors."""
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    line = next((line for line in done.stdout.splitlines() if line.startswith("RESULT")), None)
    if line is None:
        sys.exit(f"training failed: {done.stderr.strip()[-600:]}")
    return {**{k: round(v, 2) for k, v in json.loads(line.removeprefix("RESULT")).items()}, **scores(vectors)}


def scores(path: str) -> dict[str, float]:
    """Spearman with people's similarities, and analogies among the 30,000 most frequent words."""
    import numpy as np

    from applied_dl.core.metrics.similarity import spearman
    from applied_dl.core.metrics.words import analogies
    from applied_dl.tasks.words.benchmark_files import read_benchmark
    from applied_dl.tasks.words.vectors import WordVectors

    table, found = WordVectors.load(path), {}
    sets = {
        "rg65": "EN-RG-65.txt",
        "ws353": "EN-WS-353-ALL.txt",
        "simlex": "EN-SIMLEX-999.txt",
        "rw": "EN-RW-STANFORD.txt",
        "mturk": "EN-MTurk-771.txt",
    }
    for name, file in sets.items():
        pairs = [
            (a.lower(), b.lower(), s) for a, b, s in read_benchmark(str(SHARED / "text" / "word_similarity" / file), "similarity").pairs
        ]
        pairs = [p for p in pairs if p[0] in table and p[1] in table]
        cosine = np.array([table.similarity(a, b) for a, b, _ in pairs])
        found[name] = round(spearman(np.array([s for *_, s in pairs]), cosine), 4)
    questions = read_benchmark(str(SHARED / "text" / "analogies" / "questions-words.txt"), "analogies")
    places = questions.questions(lambda word: table.places.get(word.lower()))
    found["analogy"] = round(analogies(table.vectors, places[(places < 30_000).all(1)])[0], 4)
    return found


def ratio(rows: dict, key: str) -> float:
    """Words per second (or CPU-second) relative to gensim, mean of the seeds."""
    a, b = (sum(r["words"] / r[key] for r in rows[who]) / len(rows[who]) for who in ("applied_dl", "gensim"))
    return a / b


def mean(runs: list[dict], key: str) -> float:
    return mean_interval([run[key] for run in runs])[0]


def summary(found: dict) -> list[Row]:
    """Rows of each case; speed by CPU-second, since other work may share the cores."""
    cases = found["cases"]
    rows = [row for case in CASES if case in cases for row in beside(case, cases[case])]
    if "SVD initialisation" in cases and "skip-gram d100" in cases:
        ours, theirs = cases["SVD initialisation"]["applied_dl"], cases["skip-gram d100"]["gensim"]
        share, a, b = mean(ours, "cpu_seconds") / mean(theirs, "cpu_seconds"), mean(ours, "analogy"), mean(theirs, "analogy")
        what = "SVD initialisation and one epoch: share of gensim's time for three"
        goal = f"≤ {SHARE:.2f}, analogy no lower"
        rows.append(Row(what, f"{share:.2f} of its CPU time", goal, share <= SHARE and a >= b, f"analogy {a:.3f}, gensim's {b:.3f}"))
    if "one epoch" in cases:
        runs = cases["one epoch"]["applied_dl"]
        clock, spent, load = sorted(run["from_start"] for run in runs), mean(runs, "cpu_from_start"), mean(runs, "load")
        what = "12 million words, tokenising included, to vectors of one epoch, d100"
        note = f"by the clock {clock[0]:.0f} to {clock[-1]:.0f} s where {load:.0f} jobs shared the cores"
        rows.append(Row(what, f"{spent:.0f} CPU-seconds", f"≤ {COLD} s", spent <= COLD, note))
    return rows


def beside(case: str, done: dict) -> list[Row]:
    """Speed, scores and memory over gensim's."""
    ours, theirs, goal = done["applied_dl"], done["gensim"], CASES[case][4]
    wall, cpu = ratio(done, "seconds"), ratio(done, "cpu_seconds")
    gaps = {key: mean(ours, key) - mean(theirs, key) for key in SCORES}
    note = ", ".join(f"{k} {v:+.3f}" for k, v in gaps.items()) + f"; {len(theirs)} seeds, {done['epochs']} epochs"
    met = cpu >= goal and min(gaps[key] for key in COMPARED) >= -0.01
    speed = f"{cpu:.2f} × by CPU-second ({wall:.2f} × by the clock)"
    memory = mean(ours, "mb") / mean(theirs, "mb")
    memory_note = "reading and training; the export afterwards loads TensorFlow"
    return [
        Row(f"{case}: words/s over gensim's", speed, f"≥ {goal} ×, scores within 0.01", met, note),
        Row(f"{case}: memory over gensim's", f"{memory:.2f} × ({mean(ours, 'mb'):.0f} MB)", f"≤ {MEMORY} ×", memory <= MEMORY, memory_note),
    ]


def details(found: dict) -> list[str]:
    """Every run."""
    names = ("words/s", "words per CPU-s", "MB", "from start s", "load", "WS-353", "SimLex", "RG-65", "analogy")
    lines = ["| case | who | " + " | ".join(names) + " |", "|---" * (len(names) + 2) + "|"]
    for case, done in found["cases"].items():
        for who in ("gensim", "applied_dl"):
            for r in done[who]:
                speed = r["words"] * done["epochs"]
                lines.append(
                    f"| {case} | {who} | {speed / r['seconds']:,.0f} | {speed / r['cpu_seconds']:,.0f} | {r['mb']:.0f} | "
                    f"{r['from_start']:.0f} | {r['load']:.0f} | " + " | ".join(f"{r[key]:.3f}" for key in SCORES) + " |"
                )
    return lines


if __name__ == "__main__":
    main()
