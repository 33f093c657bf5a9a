"""The page's own encoders in Node: raw inputs in, arrays out."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
SCRIPTS = HERE.parents[1] / "applied_dl" / "page" / "js"


def node() -> str:
    """The path of Node, or of JAVASCRIPT, another engine with Node's arguments, such as Bun; the test is skipped where it is absent."""
    found = os.environ.get("JAVASCRIPT") or shutil.which("node")
    if found is None:
        pytest.skip("node is not installed: the JavaScript encoders cannot run")
    if int(subprocess.run([found, "-p", "process.versions.node"], capture_output=True, text=True).stdout.split(".")[0]) < 20:
        pytest.skip("node is older than 20: it lacks regular expressions with the flag v")
    return found


def encode(task: str, rules: dict, encoder: Any, cases: list) -> list:
    """What the encoder of the page makes of each case."""
    given = json.dumps({"task": task, "rules": rules, "encoder": encoder, "cases": cases})
    done = subprocess.run([node(), HERE / "encode.mjs", SCRIPTS], input=given, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)
