"""python -m benchmarks.bundle.fuzz [MUTATIONS]: damaged bundles, each in one of many ways: a clear error, or the very same answers.

A digits bundle is trained once; each mutation flips bits, cuts, swaps, empties, drops or adds files, or puts hostile values into
`bundle.json`. `load` and `predict` must then raise one of the package's own errors or answer exactly as the whole bundle does.
"""

from __future__ import annotations

import json
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.runner import Row, write

HOSTILE = [None, -1, 0, 1e308, 2**70, "", "../../etc/passwd", "\0", [], {}, [[]], {"a": {"b": []}}, True, "x" * 10000, "NaN"]


def summary(found: dict) -> list[Row]:
    """All mutations together."""
    refused, same, wrong = (found[key] for key in ("clear_errors", "same_answers", "wrong"))
    measured = f"{refused} clear errors, {same} the same answers, {len(wrong)} otherwise"
    return [Row(f"{found['mutations']:,} damaged bundles", measured, "≥ 2,000, none otherwise", found["mutations"] >= 2000 and not wrong)]


def details(found: dict) -> list[str]:
    """By kind of damage."""
    lines = ["| damage | bundles | clear error | same answers |", "|---|---|---|---|"]
    return lines + [f"| {kind} | {n['error'] + n['same']} | {n['error']} | {n['same']} |" for kind, n in found["kinds"].items()]


def bits(folder: Path, dice: random.Random) -> None:
    path = _file(folder, dice)
    content = bytearray(path.read_bytes())
    for _ in range(dice.choice((1, 1, 1, 8, 200))):
        content[dice.randrange(len(content))] ^= 1 << dice.randrange(8)
    path.write_bytes(content)


def cut(folder: Path, dice: random.Random) -> None:
    path = _file(folder, dice)
    path.write_bytes(path.read_bytes()[: dice.randrange(path.stat().st_size)])


def swap(folder: Path, dice: random.Random) -> None:
    one, other = _file(folder, dice), _file(folder, dice)
    a, b = one.read_bytes(), other.read_bytes()
    one.write_bytes(b), other.write_bytes(a)


def drop(folder: Path, dice: random.Random) -> None:
    _file(folder, dice).unlink()


def add(folder: Path, dice: random.Random) -> None:
    (folder / dice.choice(("encoder.npz", "tokenizer.json", "extra.pkl", "model.tflite.old"))).write_bytes(dice.randbytes(99))


def hostile(folder: Path, dice: random.Random) -> None:
    """A value of `bundle.json` becomes something else; half of the time with a checksum that fits it, as an attacker would."""
    from applied_dl.core import bundle

    raw = json.loads((folder / "bundle.json").read_text())
    holder, key = raw, dice.choice(list(raw))
    while isinstance(holder[key], dict | list) and holder[key] and dice.random() < 0.7:
        holder = holder[key]
        key = dice.choice(list(holder)) if isinstance(holder, dict) else dice.randrange(len(holder))
    holder[key] = dice.choice(HOSTILE)
    if dice.random() < 0.5:
        raw["digest"] = bundle._digest(raw)
    (folder / "bundle.json").write_text(json.dumps(raw))


KINDS = {
    "bits flipped": bits,
    "cut short": cut,
    "files swapped": swap,
    "a file dropped": drop,
    "a file added": add,
    "hostile values": hostile,
}


def _file(folder: Path, dice: random.Random) -> Path:
    """A file that a prediction reads, more often than another."""
    read = [folder / name for name in ("bundle.json", "encoder.json", "model.dynamic.tflite", "model.tflite") if (folder / name).exists()]
    return (
        dice.choice(read) if dice.random() < 0.8 else dice.choice(sorted(p for p in folder.rglob("*") if p.is_file() and p.stat().st_size))
    )


def main(mutations: int) -> None:
    import numpy as np

    import applied_dl
    from applied_dl.core.errors import AppliedError
    from applied_dl.predictor import load

    image, dice = np.random.default_rng(0).integers(0, 256, (8, 8), dtype=np.uint8), random.Random(0)
    found = {
        "mutations": mutations,
        "clear_errors": 0,
        "same_answers": 0,
        "wrong": [],
        "kinds": {k: {"error": 0, "same": 0} for k in KINDS},
    }
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as temporary:
        whole = Path(temporary) / "whole"
        applied_dl.train("image", out=whole, train={"epochs": 2}, model={"width": 0.25}, export={"formats": ["tflite"]})
        wanted = load(whole).predict([image])
        for i in range(mutations):
            kind = dice.choice(list(KINDS))
            folder = shutil.copytree(whole, Path(temporary) / "damaged")
            KINDS[kind](folder, dice)
            try:
                same = load(folder).predict([image]) == wanted
            except AppliedError:
                found["clear_errors"] += 1
                found["kinds"][kind]["error"] += 1
            except Exception as error:
                found["wrong"].append(f"{kind} {i}: {type(error).__name__}: {error}"[:200])
            else:
                if same:
                    found["same_answers"] += 1
                    found["kinds"][kind]["same"] += 1
                else:
                    found["wrong"].append(f"{kind} {i}: another answer without a word")
            shutil.rmtree(folder)
    found["seconds"] = round(time.perf_counter() - start, 1)
    write("bundle_fuzz", found)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2500)
