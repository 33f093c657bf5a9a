"""python -m benchmarks.export.pages RUNTIME [BUNDLES]: the pages of all five tasks in headless Chromium, from file://, no network.

Trains one small bundle a task, or takes that of an earlier run from the folder BUNDLES, and writes its page with the runtime in it
(RUNTIME: the npm package `@litertjs/core`, or its `node_modules`). Opens it RUNS times: each page verifies its own examples; then it
answers the bundle's held-out golden rows, and times its examples. Needs `chromium` (or CHROMIUM=…). A script added at the end of each
page posts what it measured to this process, on the loopback alone.
"""

from __future__ import annotations

import http.server
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

from benchmarks.export.browser_agreement import QUICK
from benchmarks.runner import Row, write

TASKS = ("image", "tabular", "forecast", "words", "sentences")
RUNS = 3
REPEATS = 200
WAIT = 120  # seconds for a page to answer
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")
MEASURE = """
<script type="module">
while (!globalThis.page) await new Promise((done) => setTimeout(done, 5));
const found = {ready: performance.now(), failed: page.failed, worst: page.worst, good: page.good}, rows = ROWS;
if (!page.failed) {
  const known = (values) => values.map((value) => value ?? NaN);
  const numbers = (inputs) => Object.fromEntries(Object.entries(inputs).map(([name, values]) => [name, known(values)]));
  found.outputs = [];
  for (const row of rows) found.outputs.push(await page.run(numbers(row)));
  const raw = JSON.parse(document.getElementById('spec').textContent).golden.map(({input}) => input), times = [];
  for (let i = 0; i < REPEATS; i++) {
    const start = performance.now();
    await page.run(await page.encode(raw[i % raw.length]));
    times.push(performance.now() - start);
  }
  found.ms = times.sort((a, b) => a - b)[REPEATS >> 1];
}
await fetch('http://127.0.0.1:PORT/', {method: 'POST', mode: 'no-cors', body: JSON.stringify(found)});
</script>
"""


def held_out(bundle: Path, page: Path) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The golden rows of a bundle in the fixed shapes of its page, flat, and the outputs that the bundle recorded for them."""
    import numpy as np

    from applied_dl.page.build import flat
    from applied_dl.predictor import load

    spec = json.loads(page.read_text(encoding="utf-8").split('id="spec">')[1].split("</script>")[0])
    predictor = load(bundle)
    padding = getattr(predictor.encoder, "padding", 0) or 0
    with np.load(bundle / "golden.npz") as golden:
        arrays = {name: golden[f"input/{name}"] for name in spec["inputs"]}
        wanted = {name.partition("/")[2]: golden[name] for name in golden.files if name.startswith(f"{predictor.variant}/")}
    rows, outputs = [], []
    for i in range(len(next(iter(wanted.values())))):
        row = {}
        for name, array in arrays.items():
            shape = spec["inputs"][name]["shape"]
            own = array[i : i + 1]
            if own.ndim == 2 and own.shape[1] != shape[1]:
                own = np.pad(own[:, : shape[1]], ((0, 0), (0, max(0, shape[1] - own.shape[1]))), constant_values=padding)
            row[name] = own
        rows.append(flat(row))
        outputs.append({name: array[i].ravel() for name, array in wanted.items()})
    return rows, outputs


def open_page(page: Path, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """What a page measured of itself."""
    received: dict[str, Any] = {}
    done = threading.Event()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            received.update(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()
            done.set()

        def log_message(self, *_):
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    measure = MEASURE.replace("ROWS", json.dumps(rows)).replace("REPEATS", str(REPEATS)).replace("PORT", str(server.server_port))
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "page.html"
        text = page.read_text(encoding="utf-8").replace("connect-src 'none'", f"connect-src http://127.0.0.1:{server.server_port}")
        copy.write_text(text.replace("</body>", measure + "</body>"), encoding="utf-8")
        browser = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
        arguments = [browser, *FLAGS, "--remote-debugging-port=0", f"--user-data-dir={folder}/profile", copy.as_uri()]
        process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        done.wait(WAIT)
        process.terminate()
        process.wait(30)
    server.shutdown()
    return received


def compare(found: list[dict[str, Any]], wanted: list[dict[str, Any]]) -> tuple[float, bool]:
    """The largest difference by the scale of an output, and whether every most probable class is the same."""
    import numpy as np

    worst, same = 0.0, True
    for got, want in zip(found, wanted, strict=True):
        for name, array in want.items():
            own = np.array([np.nan if value is None else value for value in got[name]], np.float64)
            worst = max(worst, float(np.nanmax(np.abs(own - array), initial=0.0)) / (float(np.nanmax(np.abs(array), initial=0.0)) or 1.0))
            same &= name != "probabilities" or int(own.argmax()) == int(array.argmax())
    return worst, same


def main() -> None:
    import applied_dl
    from applied_dl.workflows.page import write_page

    pages = {}
    with tempfile.TemporaryDirectory() as temporary:
        for task in TASKS:
            bundle = Path(sys.argv[2] if len(sys.argv) > 2 else temporary) / task
            if not bundle.exists():
                applied_dl.train(task, out=bundle, export={"formats": ["tflite"]}, **QUICK.get(task, {}))
            page = Path(temporary) / f"{task}.html"
            made = write_page(bundle, page, runtime=sys.argv[1])
            bare = write_page(bundle, Path(temporary) / f"{task}.bare.html")
            rows, wanted = held_out(bundle, page)
            runs = [open_page(page, rows) for _ in range(RUNS)]
            if failed := next((run.get("failed", "no answer") for run in runs if "outputs" not in run), None):
                pages[task] = {"failed": failed[:300]}
                continue
            difference, same = compare(runs[0]["outputs"], wanted)
            pages[task] = {
                "bytes": made["bytes"], "bytes_without_runtime": bare["bytes"], "variant": made["variant"], "examples": made["examples"],
                "verified": all(run["good"] for run in runs), "encoder_difference": max(run["worst"]["arrays"] for run in runs),
                "difference": difference, "same_class": same, "rows": len(rows),
                "first_answer_ms": statistics.median(run["ready"] for run in runs),
                "input_ms": statistics.median(run["ms"] for run in runs),
            }  # fmt: skip
    write("export_pages", {"runs": RUNS, "pages": pages})


def summary(found: dict) -> list[Row]:
    """Agreement, speed and size over all pages."""
    pages = found["pages"]
    good = {task: page for task, page in pages.items() if "failed" not in page}
    equal = [page["verified"] and page["same_class"] and page["difference"] <= 1e-3 for page in good.values()]
    agree = all(equal) and len(good) == len(pages)
    worst = max((page["difference"] for page in good.values()), default=float("nan"))
    slowest = max((page["first_answer_ms"] for page in good.values()), default=float("nan")) / 1000
    largest = max((page["bytes"] for page in good.values()), default=0) / 1e6
    return [
        Row(
            "pages in headless Chromium from file://", f"{sum(equal)} of {len(pages)} agree, within {worst:.0e}", "all, within 1e-3", agree
        ),
        Row("first answer of the slowest page", f"{slowest:.1f} s", "≤ 3 s", slowest <= 3),
        Row("largest page, with its runtime", f"{largest:.1f} MB"),
    ]


def details(found: dict) -> list[str]:
    """One line a page."""
    lines = ["| page | MB | MB without the runtime | first answer, s | ms an input | rows | difference |", "|---|---|---|---|---|---|---|"]
    for task, page in found["pages"].items():
        if "failed" in page:
            lines.append(f"| {task} | failed: {page['failed']} | | | | | |")
            continue
        lines.append(
            f"| {task} | {page['bytes'] / 1e6:.2f} | {page['bytes_without_runtime'] / 1e6:.2f} | {page['first_answer_ms'] / 1000:.2f} "
            f"| {page['input_ms']:.2f} | {page['rows']} | {page['difference']:.0e} |"
        )
    return lines


if __name__ == "__main__":
    main()
