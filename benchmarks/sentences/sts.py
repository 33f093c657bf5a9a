"""python -m benchmarks.sentences.sts [SEEDS [CASES]]: sentence vectors from scratch, trained on captions and Wikipedia, on STS-B.

Five captions of an image (Multi30k) belong together, and so do neighbouring sentences of Wikipedia; every row that holds a sentence of
STS-B's dev or test is removed first. The best epoch is chosen on STS-B dev, and so were the settings below; STS-B test is only reported.
The whole vector is scored, so no shorter ones are trained (model.matryoshka = []).
"""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.runner import ROOT, SHARED, Row, format_mean, read, seeds_argument, write

TEXT = SHARED / "text"
WIKIPEDIA, PAIRS = TEXT / "enwiki_12m" / "enwiki_12m.txt.bz2", 150_000
CASES = {"captions and Wikipedia": (True, 0.74), "Wikipedia alone": (False, 0.65)}  # with captions, goal
STSB = {part: str(TEXT / "stsb" / f"stsb-en-{part}.csv.gz") for part in ("dev", "test")}
SPEED = 20_000  # sentences of the throughput


def main() -> None:
    """Each case for each seed in a process of its own."""
    seeds = seeds_argument(3)
    chosen = sys.argv[2].split(",") if len(sys.argv) > 2 else list(CASES)
    found = {key: value for key, value in (read("sentences_sts") or {"cases": {}}).items() if key != "machine"}
    with tempfile.TemporaryDirectory() as work:
        captions = Path(work) / "captions.jsonl"
        write_captions(captions)
        for case in chosen:
            found["cases"][case] = []
            for seed in seeds:
                out = Path(work) / f"{seed}-{CASES[case][0]}"
                job = json.dumps([str(captions) if CASES[case][0] else None, seed, str(out)])
                environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "", "PYTHONPATH": str(ROOT)}
                code = "import sys; from benchmarks.sentences import sts; sts.train(*__import__('json').loads(sys.argv[1]))"
                done = subprocess.run([sys.executable, "-c", code, job], capture_output=True, text=True, env=environment)
                line = next((line for line in done.stdout.splitlines() if line.startswith("RESULT")), None)
                if line is None:
                    sys.exit(f"training failed: {done.stderr.strip()[-800:]}")
                found["cases"][case].append(json.loads(line.removeprefix("RESULT")))
                print(case, seed, found["cases"][case][-1], file=sys.stderr, flush=True)
                write("sentences_sts", found)


def write_captions(path: Path) -> None:
    """A JSON list of five captions of each image."""
    sides = [gzip.open(TEXT / "multi30k_captions" / f"train.{k}.en.gz", "rt", encoding="utf-8").read().splitlines() for k in range(1, 6)]
    path.write_text("".join(json.dumps(texts) + "\n" for texts in zip(*sides, strict=True)), encoding="utf-8")


def train(captions: str | None, seed: int, out: str) -> None:
    """One training from data to file, and the speed of its file; prints one line of JSON."""
    import applied_dl
    from applied_dl.tasks.sentences.fit import net as sentences_fit

    initialize_embedding, counting = sentences_fit.initialize_embedding, []

    def timed(*given):
        begun = time.perf_counter()
        initialize_embedding(*given)
        counting.append(time.perf_counter() - begun)

    sentences_fit.initialize_embedding = timed
    data = {"source": [captions, str(WIKIPEDIA)] if captions else str(WIKIPEDIA), "max_rows": PAIRS, "similarity": STSB["test"],
            "similarity_validation": STSB["dev"]}  # fmt: skip
    wall, cpu = time.perf_counter(), time.process_time()
    run = applied_dl.train(
        "sentences", out=out, data=data, model={"matryoshka": ()}, train={"seed": seed}, export={"variants": ("dynamic",)}
    )
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    history = (Path(out) / "history.csv").read_text().splitlines()
    column = history[0].split(",").index("seconds")
    file = next(e for e in run.manifest.exports if e.chosen)
    predictor = run.predictor()
    texts = sentences(SPEED)
    predictor.run(predictor.encode(texts[:500]).inputs)
    start, spent = time.perf_counter(), time.process_time()
    predictor.run(predictor.encode(texts).inputs)
    start, spent = time.perf_counter() - start, time.process_time() - spent
    answering = one_hundred(out, texts[:100])
    print("RESULT" + json.dumps({
        "dev": run.manifest.metrics["validation"]["spearman"], "test": run.manifest.metrics["test"]["spearman"],
        "loss": file.metric_drop, "bytes": file.bytes, "rows": run.manifest.facts["rows"],
        "removed": run.manifest.facts.get("rows removed because they hold a scored sentence"),
        "baselines": {name: m.get("spearman") for name, m in run.manifest.baselines.items()},
        "training_seconds": sum(counting) + sum(float(line.split(",")[column]) for line in history[1:]), "counting_seconds": sum(counting),
        "seconds": wall, "cpu_seconds": cpu,
        "sentences_per_second": len(texts) / start, "sentences_per_cpu_second": len(texts) / spent, "predict_100": answering,
        "load": os.getloadavg()[0],
    }))  # fmt: skip


def sentences(number: int) -> list[str]:
    """Sentences of Wikipedia that follow those that trained."""
    from applied_dl.tasks.sentences.readers.boundaries import sentences as cut
    from applied_dl.text import corpus

    found: list[str] = []
    for line in corpus.lines(WIKIPEDIA):
        found += [s for s in cut(line) if 20 < len(s) < 300]
        if len(found) >= number:
            break
    return found[:number]


def one_hundred(bundle: str, texts: list[str]) -> float:
    """CPU-seconds of `applied-dl predict` on a file of 100 lines, start of Python included; the least of three."""
    path = Path(bundle).with_suffix(".txt")
    path.write_text("\n".join(texts), encoding="utf-8")
    spent = []
    for _ in range(3):
        before = sum(os.times()[2:4])
        subprocess.run([sys.executable, "-m", "applied_dl", "predict", bundle, str(path), "--json"], check=True, capture_output=True)
        spent.append(sum(os.times()[2:4]) - before)
    return min(spent)


def summary(found: dict) -> list[Row]:
    """STS-B of both cases, what it costs, and the file."""
    rows = []
    for case, (_, goal) in CASES.items():
        done = found["cases"].get(case)
        if not done:
            continue
        mean = sum(r["test"] for r in done) / len(done)
        beside = ", ".join(f"{name} {value:.3f}" for name, value in done[0]["baselines"].items() if value is not None)
        rows.append(
            Row(f"static vectors from {case}: STS-B test", format_mean([r["test"] for r in done]), f"≥ {goal}", mean >= goal, beside)
        )
    done = found["cases"].get("captions and Wikipedia") or next(iter(found["cases"].values()))
    slow, load = max(r["training_seconds"] for r in done), max(r["load"] for r in done)
    met = True if slow <= 120 else None if load > os.cpu_count() else False  # a slow run on a busy machine decides nothing
    rows.append(Row("its training", f"{slow:.0f} s at most, {max(r.get('counting_seconds', 0) for r in done):.0f} s of them counting "
                    f"({max(r['cpu_seconds'] for r in done):.0f} CPU-seconds with reading, baselines and export; load {load:.0f} on "
                    f"{os.cpu_count()} cores)", "≤ 120 s on idle cores", met))  # fmt: skip
    size, speed = max(r["bytes"] for r in done), min(r["sentences_per_second"] for r in done)
    each, cpu = min(r["sentences_per_cpu_second"] for r in done), min(r["predict_100"] for r in done)
    rows.append(Row("its file", f"{size / 1e6:.1f} MB", "≤ 10 MB", size <= 10e6))
    rows.append(Row("encoding, sub-words included", f"{speed:,.0f} sentences/s ({each:,.0f} a CPU-second)", "≥ 10,000/s", speed >= 10_000))
    rows.append(Row("`predict` on 100 lines, from the start of Python", f"{cpu:.2f} s CPU", "≤ 0.7 s", cpu <= 0.7))
    return rows


if __name__ == "__main__":
    main()
