"""Every verb for every task: an answer as one JSON object, or a refusal in one sentence; never a traceback. Where a verb is not for every
task, a table says which tasks it answers."""

import base64
import json
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from applied_dl import cli
from applied_dl.tasks import TASKS
from tests.cases.segment_files import fill
from tests.serving.server import serving

ROOT = Path(__file__).resolve().parents[1]
QUICK = {"export.formats": ["tflite"], "export.variants": ["fp32"], "export.max_metric_drop": 1.0}
RECIPES = {
    "image": {"data.source": "digits", "model.name": "mlp", "model.hidden": [16], "train.epochs": 2},
    "tabular": {"data.source": "diabetes", "model.name": "linear", "train.epochs": 2},
    "forecast": {"data.source": "co2", "data.horizon": 8, "model.name": "nlinear", "train.epochs": 1},
    "words": {"data.source": "english", "preprocess.vocabulary": 500, "model.dimensions": 8, "train.epochs": 1},
    "segment": {"data.image_size": [32, 32], "model.width": 0.25, "model.depth": 1, "train.epochs": 1},
    "recommend": {"data.source": "tastes", "model.name": "ease", "model.regularization": 200.0},
    "generate": {"data.source": "digits", "model.width": 8, "train.epochs": 4, "train.batch_size": 256},
    "sentences": {"data.source": "english", "data.max_rows": 400, "model.name": "static", "model.dimensions": 8, "train.epochs": 1},
}
SPACES = {"image": "model.dropout", "segment": "model.dropout",
          "tabular": "train.weight_decay", "forecast": "train.weight_decay", "sentences": "learn.temperature",
          "recommend": "model.regularization", "generate": "train.learning_rate"}  # fmt: skip

PAGES = ("image", "tabular", "forecast", "words", "sentences", "segment")  # answer in a browser; the others have no page
EXPLAINED = {"image": 1, "tabular": 6, "forecast": 1, "recommend": 1}  # explanations of `example`; the others give no single value
WITHOUT_LR = ("words", "sentences", "recommend", "generate")  # steps of their own; closed forms

IMAGE = base64.b64encode((ROOT / "docs" / "images" / "digit_3.png").read_bytes()).decode()
RAW = {"recommend": {"user": "user17"}, "generate": {"label": "3", "seed": 1}, "segment": {"image": IMAGE}}  # of a server


def overrides(task: str, **more) -> list[str]:
    keys = {**QUICK, **RECIPES[task], **more}
    return [text for key, value in keys.items() for text in ("--set", f"{key}={json.dumps(value)}")]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """`tiny(task)`: a bundle of `RECIPES`, trained once by the command line."""
    made = {}

    def get(task: str) -> Path:
        if task not in made:
            out = tmp_path_factory.mktemp("every") / task
            assert cli.main(["train", task, "--out", str(out), "--quiet", *overrides(task)]) == 0
            made[task] = out
        return made[task]

    return get


@pytest.fixture(scope="module")
def bundles(trained):
    """`bundles(task)`: any small bundle of the task."""
    return lambda task: trained(task).bundle


@pytest.fixture
def run(capsys, tmp_path, monkeypatch):
    """`run(verb, …)`: the exit code and the one JSON object of a verb, in an empty folder; an error is one sentence."""
    monkeypatch.chdir(tmp_path)

    def call(*words) -> tuple[int, dict]:
        capsys.readouterr()
        code = cli.main([*map(str, words), "--json", "--quiet"])
        printed = capsys.readouterr()
        result = json.loads(printed.out)
        assert isinstance(result, dict)
        assert "Traceback" not in printed.err
        if "error" in result:
            assert code == result["exit_code"] in (1, 2, 3)
            assert result["error"].endswith((".", "?")), result["error"]
            assert "\n" not in result["error"]
        return code, result

    return call


def example(task: str, folder: Path) -> str:
    """Something to predict, as the command line takes it."""
    if task == "image":
        return str(ROOT / "docs" / "images" / "digit_3.png")
    if task == "tabular":
        return _diabetes(folder / "rows.csv", 6)
    if task in ("recommend", "generate"):
        return {"recommend": "user17", "generate": "3"}[task]
    if task == "segment":
        return str(ROOT / "docs" / "images" / "digit_3.png")
    return str(ROOT / "applied_dl" / "datasets" / "co2.csv") if task == "forecast" else "the river"


def labeled(task: str, folder: Path) -> str:
    """Another labeled source."""
    if task in ("image", "generate"):
        from PIL import Image
        from sklearn.datasets import load_digits

        digits = load_digits()
        for i in range(120):
            path = folder / "digits" / str(digits.target[i]) / f"{i}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray((digits.images[i] * 15).astype(np.uint8)).save(path)
        return str(folder / "digits")
    if task == "tabular":
        return _diabetes(folder / "labeled.csv", 80)
    if task == "forecast":
        return str(ROOT / "applied_dl" / "datasets" / "co2.csv")
    if task == "recommend":
        from applied_dl.tasks.recommend.readers.builtin import built_in

        pl.DataFrame(built_in("tastes")).head(2000).write_csv(folder / "more.csv")
        return str(folder / "more.csv")
    if task == "segment":
        return str(fill(folder / "masks", 6, classes=5))
    lines = [f"The river of the year {year} rises in the hills. In {year} it was long and the hills high." for year in range(1700, 1900)]
    (folder / "more.txt").write_text("\n".join(lines), encoding="utf-8")
    return str(folder / "more.txt")


def _diabetes(path: Path, rows: int) -> str:
    from sklearn.datasets import load_diabetes

    data = load_diabetes(scaled=False)
    pl.DataFrame({name: data.data[:rows, i] for i, name in enumerate(data.feature_names)} | {"target": data.target[:rows]}).write_csv(path)
    return str(path)


@pytest.mark.parametrize("task", TASKS)
def test_verbs_that_need_no_tensorflow(task, bundles, run, tmp_path):
    bundle = bundles(task)
    assert run("new", task, "mine")[0] == 0
    assert run("info", bundle)[1]["task"] == task
    checked = run("check", bundle)[1]
    assert (checked["ok"], checked["bill"], checked["signed"]) == (True, True, False)
    code, result = run("predict", bundle, example(task, tmp_path))
    assert code == 0
    assert all("error" not in one for one in result["predictions"])
    for suffix in ("csv", "parquet", "jsonl"):
        code, result = run("predict", bundle, example(task, tmp_path), "--out", f"out.{suffix}")
        assert (code, result["errors"]) == (0, 0)
        assert Path(f"out.{suffix}").stat().st_size > 0
    assert run("predict", bundle, "no/such/file.csv")[0] == 3
    assert run("freeze", bundle, "frozen.tflite")[0] == 0
    assert Path("frozen.tflite").stat().st_size > 0
    assert run("freeze", bundle, "frozen.tflite")[0] == 2  # exists already
    assert run("pack", bundle, "b.zip")[1]["bytes"] > 0
    assert run("unpack", "b.zip", "again")[0] == 0
    assert run("check", "again")[0] == 0
    assert run("unpack", "b.zip", "again")[0] == 2


@pytest.mark.slow
@pytest.mark.parametrize("task", TASKS)
def test_bench_reports_every_file(task, bundles, run):
    assert run("bench", bundles(task))[1]["files"][0]["p50_ms"] > 0


@pytest.mark.parametrize("task", TASKS)
def test_evaluate_and_export(task, bundles, run, tmp_path):
    bundle = bundles(task)
    code, own = run("evaluate", bundle)
    assert code == 0
    assert own["metrics"]
    code, other = run("evaluate", bundle, labeled(task, tmp_path))
    assert code == 0
    assert other["rows"] > 0
    assert run("evaluate", bundle, "--data", "no/such/file.csv")[0] == 3
    assert run("evaluate", bundle, "a.csv", "--data", "b.csv")[0] == 2
    run("pack", bundle, "b.zip")
    run("unpack", "b.zip", "again")
    code, result = run("export", "again", "--variants", "fp16", "--max-metric-drop", "1")
    assert code == 0
    assert [item["variant"] for item in result["exports"] if item["chosen"]] == ["fp16"]
    assert run("export", "again", "--variants", "fp99")[0] == 2
    assert run("check", "again")[0] == 0


@pytest.mark.slow
@pytest.mark.parametrize("task", TASKS)
def test_train_once_more(task, tiny, run):
    out = str(tiny(task))
    code, plan = run("train", task, "--dry-run", *overrides(task))
    assert code == 0
    assert plan["rows"]["train"] > 0
    assert run("train", task, "--out", out, *overrides(task))[0] == 2  # exists already
    assert run("train", task, "--out", out, "--resume", *overrides(task))[0] == 0  # finished already
    assert run("train", task, "--out", "other", "--resume", *overrides(task))[0] == 0  # nothing to resume: from the beginning
    assert run("train", task, "--out", "third", "--set", "train.epoch=3")[0] == 2
    assert run("train", task, "--out", "third", "--set", "data.source=no/such/data.csv")[0] == 3
    assert not Path("third").exists()


@pytest.mark.slow
@pytest.mark.parametrize("task", RAW)
def test_time_limit_diff_and_serve(task, tiny, run):
    bundle = tiny(task)
    assert run("train", task, "--out", "limited", *overrides(task), "--set", "train.time_limit=120s")[0] == 0
    code, found = run("diff", bundle, "limited")
    assert code == 0
    assert found["metrics"]
    inputs = [
        {"name": name, "shape": [1], "datatype": "FP64" if isinstance(cell, int) else "BYTES", "data": [cell]}
        for name, cell in RAW[task].items()
    ]
    with serving(f"one={bundle}") as server:
        status, body = server.ask("POST", "/v2/models/one/infer", json.dumps({"parameters": {"raw": True}, "inputs": inputs}))
    assert status == 200, body
    (one,) = json.loads(body)["outputs"][0]["data"]
    assert "error" not in json.loads(one)


@pytest.mark.slow
@pytest.mark.parametrize("task", TASKS)
def test_doctor_on_recipe_and_bundle(task, bundles, run):
    code, report = run("doctor", task, "--budget", "1", *overrides(task))
    assert code == (1 if report["findings"] else 0)
    code, report = run("doctor", bundles(task))
    assert code == (1 if report["findings"] else 0)


@pytest.mark.slow
@pytest.mark.parametrize("task", TASKS)
def test_lr_find(task, run):
    code, result = run("lr-find", task, "--out", "lr.png", *overrides(task))
    if task in WITHOUT_LR:
        assert code == 2
        assert "learning rate" in result["error"]
    else:
        assert code == 0
        assert result["chosen"] > 0
        assert Path("lr.png").exists()


@pytest.mark.slow
@pytest.mark.parametrize("task", TASKS)
def test_tune(task, run):
    pytest.importorskip("optuna")
    assert run("tune", task, *overrides(task))[0] == 2  # no space
    if task in SPACES:
        space = {SPACES[task]: {"low": 0.01, "high": 0.1}}
        sets = [*overrides(task), "--set", f"tune.space={_inline(space)}"]
        code, result = run("tune", task, "--trials", "2", "--out", "tuned", *sets)
        assert code == 0
        assert result["trials"] == 2
        assert cli.main(["train", "tuned/best.toml", "--dry-run", "--quiet"]) == 0


def _inline(value) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {_inline(item)}" for key, item in value.items()) + "}"
    return json.dumps(value)


@pytest.mark.slow
@pytest.mark.parametrize("task", TASKS)
def test_backtest(task, bundles, run):
    codes = [
        run("backtest", task, "--origins", "3", "--out", "a.png", *overrides(task))[0],
        run("backtest", bundles(task), "--origins", "3", "--out", "b.png")[0],
    ]
    assert codes == ([0, 0] if task == "forecast" else [2, 2])


@pytest.mark.parametrize("task", TASKS)
def test_inspect_and_sign(task, bundles, run, tmp_path):
    code, found = run("inspect", labeled(task, tmp_path), "--task", task)
    assert code == 0, found
    assert found["summary"]
    assert run("sign", bundles(task), "--private-key", "no/such/key.pem")[0] == (3 if find_spec("model_signing") else 2)
    assert run("check", bundles(task), "--public-key", "no/such/key.pub")[0] == 3  # it was never signed


@pytest.mark.parametrize("task", TASKS)
def test_page(task, bundles, run):
    code, found = run("page", bundles(task), "page.html")
    assert code == (0 if task in PAGES else 2), found
    assert Path("page.html").exists() == (task in PAGES)
    assert run("page", bundles(task), "page.html")[0] == 2  # exists already


@pytest.mark.parametrize("task", TASKS)
def test_explain(task, bundles, run, tmp_path):
    code, result = run("explain", bundles(task), example(task, tmp_path), "--out", "explained")
    assert code == (0 if task in EXPLAINED else 2), result
    if task in EXPLAINED:
        assert len(result["explanations"]) == EXPLAINED[task]
        drawn = list(Path("explained").iterdir())
        assert len(drawn) == EXPLAINED[task]
        assert {path.suffix for path in drawn} <= {".png", ".svg"}
    else:
        assert not Path("explained").exists()


@pytest.mark.slow
@pytest.mark.parametrize("task", TASKS)
def test_diff(task, bundles, run):
    bundle = bundles(task)
    run("pack", bundle, "b.zip")
    run("unpack", "b.zip", "again")
    code, result = run("diff", bundle, "again", "--out", "diff.html")
    assert code == 0, result
    assert result["metrics"]
    assert Path("diff.html").stat().st_size > 0


@pytest.mark.slow
@pytest.mark.parametrize("task", TASKS)
def test_load_keras(task, bundles):
    import applied_dl

    assert applied_dl.load_keras(bundles(task)).count_params() >= 0
