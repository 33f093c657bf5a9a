"""The page as a file: one script that parses, the golden examples, the runtime in it or a pinned address, and what it refuses."""

import base64
import gzip
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import msgspec
import numpy as np
import pytest

from applied_dl import cli
from applied_dl.core.errors import UsageError
from applied_dl.page import litert
from applied_dl.page.build import in_order, script
from applied_dl.predictor import load
from applied_dl.tasks import load_page
from applied_dl.workflows.page import write_page
from tests.page.javascript import SCRIPTS, node

TASKS = ("image", "tabular", "forecast", "words", "sentences", "segment")


def spec_of(page: str) -> dict:
    return json.loads(re.search(r'id="spec">(.*?)</script>', page, re.DOTALL)[1])


def package(folder: Path) -> Path:
    """A folder that looks like the npm package."""
    home = folder / "node_modules" / litert.PACKAGE
    for path, _ in litert.FILES.values():
        (home / path).parent.mkdir(parents=True, exist_ok=True)
        (home / path).write_text(f"// {path}")
    (home / "package.json").write_text(json.dumps({"name": litert.PACKAGE, "version": "9.9.9"}))
    (folder / "package.json").write_text(json.dumps({"dependencies": {litert.PACKAGE: "9.9.9"}}))  # as `npm install` writes it
    return folder


@pytest.mark.parametrize("task", TASKS)
def test_a_page_holds_the_model_and_its_examples(task, trained, tmp_path):
    bundle = trained(task).bundle
    found = write_page(bundle, tmp_path / "deep" / "page.html")
    page = Path(found["file"]).read_text(encoding="utf-8")
    spec, predictor = spec_of(page), load(bundle)
    assert found["bytes"] == len(page.encode())
    assert (found["examples"], found["offline"]) == (len(spec["golden"]), False)
    assert found["examples"] >= 2
    assert spec["metrics"] == predictor.manifest.metrics["test"]
    assert "{{" not in page.split('<script type="text/plain"')[0]
    for one in spec["golden"]:
        arrays = {n: np.array([np.nan if v is None else v for v in a]) for n, a in one["inputs"].items()}
        typed = {n: a.reshape(spec["inputs"][n]["shape"]).astype(spec["inputs"][n]["kind"]) for n, a in arrays.items()}
        for name, output in predictor.run(typed).items():
            np.testing.assert_allclose(output.ravel(), np.array(one["outputs"][name], float), rtol=1e-4, atol=1e-5)


def modules_of(bundle: Path) -> tuple[str, ...]:
    predictor = load(bundle)
    return in_order(load_page(predictor.task)(predictor.encoder).modules)


@pytest.mark.parametrize("task", TASKS)
def test_the_scripts_are_one_module(task, trained, tmp_path):
    path = tmp_path / "page.mjs"
    path.write_text(script(modules_of(trained(task).bundle)), encoding="utf-8")
    done = subprocess.run([node(), "--check", path], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_every_script_is_used_and_imports_only_what_comes_before(trained):
    used = [modules_of(trained(task).bundle) for task in TASKS]
    assert {name for modules in used for name in modules} == {path.stem for path in SCRIPTS.glob("*.js")}
    for modules in used:
        for i, name in enumerate(modules):
            wanted = re.findall(r"from '\./(\w+)\.js'", (SCRIPTS / f"{name}.js").read_text(encoding="utf-8"))
            assert set(wanted) <= {before.partition("_")[0] for before in modules[:i]}, name


def test_the_runtime_is_packed_or_pinned(trained, tmp_path):
    bundle = trained("tabular").bundle
    pinned = write_page(bundle, tmp_path / "a.html")
    about = spec_of((tmp_path / "a.html").read_text(encoding="utf-8"))["runtime"]
    assert (pinned["offline"], about["version"]) == (False, litert.VERSION)
    assert all(file["integrity"].startswith("sha384-") for file in about["files"].values())
    assert f"connect-src {litert.ADDRESS};" in (tmp_path / "a.html").read_text(encoding="utf-8")
    packed = write_page(bundle, tmp_path / "b.html", runtime=package(tmp_path))
    page = (tmp_path / "b.html").read_text(encoding="utf-8")
    block = re.search(r'id="block-core">(.*?)</script>', page)[1]
    assert gzip.decompress(base64.b64decode(block)) == b"// dist/index.js"
    assert (packed["offline"], packed["runtime"]) == (True, "9.9.9")
    assert "connect-src 'none';" in page  # the browser refuses every connection
    assert "://" not in re.sub(r"<!--.*?-->", "", page.split("<style>")[0], flags=re.DOTALL)
    with pytest.raises(UsageError, match="does not hold the npm package"):
        write_page(bundle, tmp_path / "c.html", runtime=tmp_path / "deep")


@pytest.mark.parametrize("place", [".", "node_modules", f"node_modules/{litert.PACKAGE}", "node_modules/@litertjs"])
def test_the_package_is_found_wherever_npm_wrote_it(place, tmp_path):
    held, about = litert.runtime_parts(package(tmp_path) / place)
    assert set(held) == set(litert.FILES)
    assert about == {"version": "9.9.9", "address": "", "files": {}}


def test_labels_and_names_cannot_break_out_of_the_page(trained, tmp_path, monkeypatch):
    predictor = load(trained("image").bundle)
    labels = ("</script><script>alert(1)</script>", *predictor.encoder.labels[1:])
    changed = msgspec.structs.replace(predictor.encoder, labels=labels)
    monkeypatch.setattr("applied_dl.tasks.image.predict.load_encoder", lambda folder: changed)
    write_page(trained("image").bundle, tmp_path / "p.html")
    page = (tmp_path / "p.html").read_text(encoding="utf-8")
    assert "alert(1)</script>" not in page
    assert spec_of(page)["encoder"]["labels"][0] == labels[0]


def test_the_page_names_the_best_baselines_first(trained, tmp_path):
    run = trained("forecast")
    write_page(run.bundle, tmp_path / "p.html")
    shown = spec_of((tmp_path / "p.html").read_text(encoding="utf-8"))["baselines"]
    scores = [one[run.manifest.main] for one in run.manifest.baselines.values()]
    assert list(shown.values()) == sorted(scores)  # an error: the lowest is the best


def test_the_command_line_and_its_refusals(trained, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    bundle = str(trained("tabular").bundle)
    assert cli.main(["page", bundle, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["file"] == "tabular.html"
    assert cli.main(["page", bundle]) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert cli.main(["page", bundle, "--overwrite"]) == 0
    assert "is fetched when the page is opened" in capsys.readouterr().out
    assert cli.main(["page", bundle, str(tmp_path)]) == 2


@pytest.mark.slow
@pytest.mark.parametrize("task", TASKS)
def test_the_page_verifies_itself_in_a_browser(task, trained, tmp_path):
    """Headless Chromium opens the file without a network; LITERT_JS names the npm package, CHROMIUM the browser."""
    browser, runtime = os.environ.get("CHROMIUM") or shutil.which("chromium"), os.environ.get("LITERT_JS")
    if not browser or not runtime:
        pytest.skip("set CHROMIUM and LITERT_JS to run the page")
    write_page(trained(task).bundle, tmp_path / "page.html", runtime=runtime)
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=60000", "--dump-dom"]
    done = subprocess.run([browser, *flags, (tmp_path / "page.html").as_uri()], capture_output=True, text=True, timeout=240)
    assert "self-check passed on" in re.search(r'<p id="status".*?</p>', done.stdout)[0]
