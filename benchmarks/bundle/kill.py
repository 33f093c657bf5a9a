"""python -m benchmarks.bundle.kill [KILLS]: the writer of a bundle killed with SIGKILL, and what is then found under its name.

A process writes new versions over a bundle without a pause; another kills it at a random moment and opens what is there. It must be one
whole version, never less than the last one that was seen, and the next writer must get along with what the dead one left.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.runner import ROOT, Row, write

WRITER = """
import sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from applied_dl.core.bundle import SCHEMA, Manifest, seal
from applied_dl.core.bundle_writing import writing
target, version = Path(sys.argv[2]), int(sys.argv[3])
print("ready", flush=True)
while True:
    version += 1
    with writing(target, overwrite=True) as work:
        (work / "plots").mkdir()
        for i in range(6):
            (work / f"file{i}").write_bytes(f"{version} ".encode() * 20_000)
        (work / "plots" / "a.png").write_bytes(str(version).encode())
        empty = {"recipe": {}, "created": "", "versions": {}, "fingerprint": ""}
        seal(work, Manifest(schema=SCHEMA, task="image", name=str(version), seed=version, **empty))
"""


def summary(found: dict) -> list[Row]:
    """All kills."""
    good = found["whole"]
    measured = f"{good} of {found['kills']} left a whole bundle ({found['new']} of them a newer one)"
    return [Row("the writer of a bundle killed with SIGKILL", measured, "≥ 50 kills, all", good == found["kills"] >= 50)]


def kill(times: int, folder: Path, seed: int = 0) -> dict:
    """Counts of whole, newer and broken bundles after `times` kills at random moments."""
    from applied_dl.core.bundle import open_bundle
    from applied_dl.core.errors import AppliedError

    dice, target = random.Random(seed), folder / "bundle"
    found = {"kills": times, "whole": 0, "new": 0, "broken": [], "left_behind": 0}
    version = 0
    for i in range(times):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, str(ROOT), str(target), str(version)], stdout=subprocess.PIPE)
        writer.stdout.readline()
        deadline = time.monotonic() + 20
        while version == 0 and not target.exists() and time.monotonic() < deadline:
            time.sleep(0.001)  # the first one must be there before its writer may die
        time.sleep(dice.uniform(0, 0.1))
        os.kill(writer.pid, signal.SIGKILL)
        writer.wait()
        writer.stdout.close()
        try:
            manifest = open_bundle(target)
            contents = {(target / f"file{j}").read_bytes().split()[0].decode() for j in range(6)}
        except (AppliedError, OSError) as error:
            found["broken"].append(f"{i}: {error}")
            continue
        if contents != {manifest.name} or manifest.seed < version:
            found["broken"].append(f"{i}: version {manifest.name} holds files of {sorted(contents)}, after {version}")
            continue
        found["whole"] += 1
        found["new"] += manifest.seed > version
        version = manifest.seed
    found["left_behind"] = len(list(folder.glob(".bundle.*")))
    return found


def main(times: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        found = kill(times, Path(folder))
    found["broken"] = found["broken"][:10]
    write("bundle_kill", json.loads(json.dumps(found)))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
