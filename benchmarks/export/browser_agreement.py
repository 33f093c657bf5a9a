"""python -m benchmarks.export.browser_agreement: bundles of five tasks in a real browser, through LiteRT.js.

Trains one small bundle a task, writes every precision with fixed shapes (`applied-dl freeze`), and lets LiteRT.js (WebAssembly, CPU) in
headless Chromium answer the first golden example of each. Needs `npm` and `chromium` (or CHROMIUM=…); the page fetches local files only.
"""

from __future__ import annotations

import functools
import html
import http.server
import json
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
import threading
from pathlib import Path

from benchmarks.runner import Row, write

PACKAGES = {"core": "@litertjs/core@2.5.3", "wasm-utils": "@litertjs/wasm-utils@2.5.3"}
LENGTH = 32
QUICK = {
    "image": {"train": {"epochs": 1}},
    "tabular": {"model": {"name": "mlp", "width": 64, "depth": 2}, "train": {"epochs": 3}},
    "forecast": {"model": {"name": "ridge"}},
    "words": {"model": {"dimensions": 50}, "train": {"epochs": 1}},
    "sentences": {"model": {"name": "static", "dimensions": 64}, "train": {"epochs": 1}},
}
PAGE = """<!doctype html>
<script type="importmap">
{"imports": {"@litertjs/core": "./core/dist/index.js", "@litertjs/wasm-utils": "./wasm-utils/dist/index.js"}}
</script>
<pre id="result">waiting</pre>
<script type="module">
import {loadLiteRt, loadAndCompile, Tensor} from '@litertjs/core';
const kinds = {float32: Float32Array, int32: Int32Array, uint8: Uint8Array}, found = {};
await loadLiteRt('./core/wasm/');
for (const [name, given] of Object.entries(await (await fetch('cases.json')).json())) {
  try {
    const model = await loadAndCompile(name + '.tflite', {accelerator: 'wasm'}), inputs = {};
    for (const [key, t] of Object.entries(given.inputs)) inputs[key] = new Tensor(new kinds[t.dtype](t.data), t.shape);
    const answers = await model.run(inputs);
    found[name] = Object.fromEntries(Object.entries(answers).map(([key, t]) => [key, Array.from(t.toTypedArray())]));
  } catch (error) { found[name] = String(error); }
}
document.getElementById('result').textContent = 'DONE' + JSON.stringify(found) + 'END';
</script>
"""


def cases(folder: Path) -> dict:
    """Fixed files of every task and precision in `folder`, one input of each, and LiteRT's answer in Python."""
    import numpy as np

    import applied_dl
    from applied_dl.runtime.freeze import freeze
    from applied_dl.runtime.interpreter import Runtime

    found = {}
    for task in ("image", "tabular", "forecast", "words", "sentences"):
        bundle = applied_dl.train(task, out=folder / "bundles" / task, export={"formats": ["tflite"]}, **QUICK.get(task, {}))
        for item in bundle.manifest.exports:
            if item.refused:
                continue
            name = f"{task}.{item.variant}"
            path = freeze(bundle.bundle, folder / f"{name}.tflite", variant=item.variant, length=LENGTH)
            runtime = Runtime(path.read_bytes(), threads=1)
            with np.load(bundle.bundle / "golden.npz") as golden:
                rows = {key: golden[f"input/{key}"][:1] for key in runtime.inputs}
            for key, detail in runtime.inputs.items():
                if rows[key].ndim > 1 and rows[key].shape[1:] != tuple(detail["shape"][1:]):
                    rows[key] = np.pad(rows[key][:, :LENGTH], ((0, 0), (0, max(0, LENGTH - rows[key].shape[1]))))
            found[name] = {"inputs": rows, "outputs": runtime.run(rows)}
    return found


def ask(folder: Path) -> dict:
    """What the browser answers, by case and output."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        extensions_map = {**http.server.SimpleHTTPRequestHandler.extensions_map, ".wasm": "application/wasm", ".js": "text/javascript"}

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    browser = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=120000", "--dump-dom"]
    done = subprocess.run(
        [browser, *flags, f"http://127.0.0.1:{server.server_port}/index.html"], capture_output=True, text=True, timeout=300
    )
    server.shutdown()
    return json.loads(html.unescape(re.search("DONE(.*)END</pre>", done.stdout, re.DOTALL)[1]))


def main() -> None:
    import numpy as np

    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for name, package in PACKAGES.items():
            made = subprocess.run(["npm", "pack", "--silent", package], cwd=folder, capture_output=True, text=True, check=True)
            with tarfile.open(folder / made.stdout.split()[-1]) as archive:
                archive.extractall(folder / "unpacked", filter="data")
            (folder / "unpacked" / "package").rename(folder / name)
        wanted = cases(folder)
        plain = {
            name: {"inputs": {k: {"data": a.ravel().tolist(), "shape": a.shape, "dtype": a.dtype.name} for k, a in case["inputs"].items()}}
            for name, case in wanted.items()
        }
        (folder / "cases.json").write_text(json.dumps(plain))
        (folder / "index.html").write_text(PAGE)
        got = ask(folder)
    found = {}
    for name, case in wanted.items():
        if isinstance(got[name], str):
            found[name] = {"failed": got[name][:300]}
            continue
        gaps = [
            float(np.abs(np.array(got[name][key]) - array.ravel()).max() / (np.abs(array).max() or 1))
            for key, array in case["outputs"].items()
        ]
        found[name] = {"difference": max(gaps)}
    write("export_browser_agreement", {"packages": PACKAGES, "files": found})


def summary(found: dict) -> list[Row]:
    """All files together."""
    files = found["files"].values()
    good = [f["difference"] for f in files if "difference" in f]
    measured = f"{len(good)} of {len(files)} run, answers within {max(good, default=float('nan')):.0e} of the output's scale"
    met = len(good) == len(files) and max(good) <= 1e-4
    return [Row("files of all five tasks in a browser, through LiteRT.js", measured, "all, within 1e-4", met)]


if __name__ == "__main__":
    main()
