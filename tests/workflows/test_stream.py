"""Predictions in batches: the same file as in one piece, for any number of processes, also after kill -9."""

import importlib.util
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import polars as pl
import pytest

import applied_dl
from applied_dl.cli import main
from applied_dl.core.errors import UsageError
from applied_dl.io import batches
from applied_dl.workflows import stream


@pytest.fixture
def rows(trained, tmp_path):
    """A CSV of 3,000 rows for the tabular bundle, two of which cannot be read."""
    names = [column.name for column in applied_dl.load(trained("tabular").bundle).encoder.columns]
    cells = np.random.default_rng(0).normal(0, 0.05, (3000, len(names))).round(4).astype(str)
    cells[[7, 2990], 0] = "oops"
    pl.DataFrame(dict(zip(names, cells.T))).write_csv(tmp_path / "new.csv")
    return tmp_path / "new.csv"


def command(bundle, rows, target, *more):
    return main(["predict", str(bundle), str(rows), "--out", str(target), "--quiet", *more])


@pytest.mark.parametrize("form", ["csv", "parquet", "jsonl"])
def test_batches_end_in_the_same_file(trained, rows, tmp_path, monkeypatch, form):
    monkeypatch.setattr(batches.table_batches, "__defaults__", (2**14, None, "guess"))
    bundle = trained("tabular").bundle
    assert command(bundle, rows, tmp_path / f"whole.{form}") == 3
    assert command(bundle, rows, tmp_path / f"parts.{form}", "--workers", "1") == 3
    read = {"csv": pl.read_csv, "parquet": pl.read_parquet, "jsonl": pl.read_ndjson}[form]
    whole, parts = read(tmp_path / f"whole.{form}"), read(tmp_path / f"parts.{form}")
    assert parts.select(whole.columns).equals(whole)
    assert np.flatnonzero(parts["error"].is_not_null()).tolist() == [7, 2990]
    assert "row 2992" in parts["error"][2990]  # as in the whole file
    assert not (tmp_path / f"parts.{form}.parts").exists()


def test_json_lines_whose_first_ones_lack_a_key(trained, rows, tmp_path, monkeypatch):
    """A key that only later batches have is empty in the first ones, as it is where the file is read whole."""
    monkeypatch.setattr(batches.table_batches, "__defaults__", (2**14, None, "guess"))
    bundle, table = trained("tabular").bundle, pl.read_csv(rows, infer_schema=False).to_dicts()
    last = list(table[0])[-1]
    lines = [json.dumps({name: cell for name, cell in row.items() if i >= 2000 or name != last}) + "\n" for i, row in enumerate(table)]
    (tmp_path / "new.jsonl").write_text("".join(lines))
    codes = [
        command(bundle, tmp_path / "new.jsonl", tmp_path / f"{name}.csv", *more)
        for name, more in (("whole", ()), ("parts", ("--workers", "1")))
    ]
    whole, parts = (pl.read_csv(tmp_path / f"{name}.csv") for name in ("whole", "parts"))
    assert codes == [3, 3]
    assert parts.select(whole.columns).equals(whole)
    (tmp_path / "none.jsonl").write_text("".join(lines[:2000]))  # a key that no line has is still refused
    assert command(bundle, tmp_path / "none.jsonl", tmp_path / "none.csv", "--workers", "1") == 3
    assert not (tmp_path / "none.csv").exists()


def test_several_processes_keep_the_order(trained, rows, tmp_path, capsys):
    bundle = trained("tabular").bundle
    assert command(bundle, rows, tmp_path / "one.csv", "--workers", "1") == 3
    capsys.readouterr()
    assert command(bundle, rows, tmp_path / "two.csv", "--workers", "2", "--json") == 3
    assert json.loads(capsys.readouterr().out) == {"file": str(tmp_path / "two.csv"), "rows": 3000, "predictions": 3000, "errors": 2}
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "two.csv").read_bytes()


def test_texts_and_images_in_batches(trained, tmp_path):
    (tmp_path / "lines.txt").write_text("".join(f"word the of {i}\n" for i in range(300)))
    bundle = trained("words").bundle
    assert command(bundle, tmp_path / "lines.txt", tmp_path / "a.csv") == command(
        bundle, tmp_path / "lines.txt", tmp_path / "b.csv", "--workers", "1"
    )
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()
    bundle = trained("image").bundle
    images = ["docs/images/digit_3.png", "docs/images/digit_7.png"]
    for name, more in (("c.csv", []), ("d.csv", ["--workers", "1"])):
        assert main(["predict", str(bundle), *images, "--out", str(tmp_path / name), "--quiet", *more]) == 0
    assert (tmp_path / "c.csv").read_bytes() == (tmp_path / "d.csv").read_bytes()


def test_a_killed_run_goes_on_where_it_was(trained, rows, tmp_path, monkeypatch):
    monkeypatch.setattr(batches.table_batches, "__defaults__", (2**13, None, "guess"))
    bundle, target = trained("tabular").bundle, tmp_path / "out.csv"
    command(bundle, rows, tmp_path / "whole.csv", "--workers", "1")
    script = (
        "import sys; from applied_dl.io import batches; batches.table_batches.__defaults__ = (2**13, None, 'guess');"
        "from applied_dl.cli import main;"
        f"main(['predict', {str(bundle)!r}, {str(rows)!r}, '--out', {str(target)!r}, '--workers', '1'])"
    )
    process = subprocess.Popen([sys.executable, "-c", script], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    folder = tmp_path / "out.csv.parts"
    deadline = time.monotonic() + 60
    while len(list(folder.glob("*.json"))) < 4 and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.002)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not target.exists()
    finished = {file: file.stat().st_mtime_ns for file in folder.glob("0*.json")}
    assert len(finished) >= 3
    assert command(bundle, rows, target, "--workers", "1") == 2  # an interrupted run is never overwritten
    kept = []
    real = stream._join
    monkeypatch.setattr(stream, "_join", lambda *a: (kept.extend(f for f, t in finished.items() if f.stat().st_mtime_ns == t), real(*a)))
    assert command(bundle, rows, target, "--workers", "1", "--resume") == 3
    assert len(kept) == len(finished)  # what was finished was not predicted again
    assert target.read_bytes() == (tmp_path / "whole.csv").read_bytes()


def test_an_interrupted_run_of_other_inputs_is_not_continued(trained, rows, tmp_path):
    bundle, folder = trained("tabular").bundle, tmp_path / "out.csv.parts"
    folder.mkdir()
    (folder / "plan.json").write_text("{}")
    for resume, says in ((False, "--resume continues it"), (True, "other inputs")):
        with pytest.raises(UsageError, match=says):
            stream.predict_to_file(bundle, [str(rows)], tmp_path / "out.csv", workers=1, resume=resume)


def test_what_failed_at_once_leaves_nothing_to_continue(trained, rows, tmp_path):
    bundle, damaged = trained("tabular").bundle, tmp_path / "damaged.csv"
    damaged.write_text(rows.read_text() + "1," * 50 + "\n")
    for given in (tmp_path / "none.csv", damaged):
        assert command(bundle, given, tmp_path / "out.csv", "--workers", "1") == 3
    assert command(bundle, rows, tmp_path / "out.csv", "--workers", "1") == 3  # two of its rows cannot be read
    assert len(pl.read_csv(tmp_path / "out.csv")) == 3000


def test_wrong_usage_is_one_sentence(trained, rows, tmp_path, capsys):
    bundle = str(trained("tabular").bundle)
    assert main(["predict", bundle, str(rows), "--workers", "2"]) == 2
    assert "name it by --out" in capsys.readouterr().err
    assert command(bundle, rows, tmp_path / "o.csv", "--workers", "0") == 2
    assert "at least 1" in capsys.readouterr().err
    assert main(["predict", str(trained("forecast").bundle), str(rows), "--out", str(tmp_path / "o.csv"), "--workers", "2"]) == 2
    assert "whole histories" in capsys.readouterr().err


def test_large_inputs_are_predicted_in_batches(tmp_path, monkeypatch):
    (tmp_path / "a.csv").write_bytes(b"x" * 1000)
    assert not stream.is_large([str(tmp_path / "a.csv"), "a text", '{"a": 1}'])
    monkeypatch.setattr(stream, "LARGE_BYTES", 500)
    assert stream.is_large([str(tmp_path)])
    assert stream.is_large([str(tmp_path / "a.csv")])


def test_tables_of_other_libraries_keep_their_kind(trained):
    pandas, arrow = pytest.importorskip("pandas"), pytest.importorskip("pyarrow")
    predictor = applied_dl.load(trained("tabular").bundle)
    columns = {column.name: np.linspace(-0.05, 0.05, 5) for column in predictor.encoder.columns}
    expected = [one["prediction"] for one in predictor.predict(pl.DataFrame(columns))]
    table = arrow.table(columns)
    for kind, given in (
        (pl.DataFrame, pl.DataFrame(columns)), (pandas.DataFrame, pandas.DataFrame(columns)), (arrow.Table, table),
        (arrow.Table, table.to_batches()[0]), (pl.DataFrame, columns),
    ):  # fmt: skip
        found = predictor.predict_batch(given)
        assert isinstance(found, kind)
        assert list(found["prediction"].to_numpy()) == pytest.approx(expected)


@pytest.mark.skipif(
    importlib.util.find_spec("ray") is None, reason="Ray is not installed in this environment: pip install applied_dl[scale]"
)
def test_processes_of_ray_write_the_same_file(trained, rows, tmp_path, monkeypatch):
    monkeypatch.setattr(batches.table_batches, "__defaults__", (2**14, None, "guess"))
    bundle = trained("tabular").bundle
    assert command(bundle, rows, tmp_path / "one.csv", "--workers", "1") == 3
    assert command(bundle, rows, tmp_path / "ray.csv", "--engine", "ray", "--workers", "2") == 3
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "ray.csv").read_bytes()


@pytest.mark.slow
@pytest.mark.skipif(
    importlib.util.find_spec("ray") is None, reason="Ray is not installed in this environment: pip install applied_dl[scale]"
)
def test_a_killed_run_of_ray_goes_on_with_what_is_missing(trained, rows, tmp_path):
    """By commands: `predict --engine ray` is killed with -9 when some of its batches are done, and `--resume` predicts the others."""
    bundle, out = trained("tabular").bundle, tmp_path / "ray.csv"
    begin = (
        "import sys; from applied_dl.io import batches; from applied_dl.cli import main; "
        "batches.table_batches.__defaults__ = (2**13, None, 'guess'); sys.exit(main(sys.argv[1:]))"
    )
    words = [sys.executable, "-c", begin, "predict", str(bundle), str(rows), "--quiet", "--out"]
    assert subprocess.run([*words, str(tmp_path / "one.csv"), "--workers", "1"], timeout=300).returncode == 3
    process = subprocess.Popen([*words, str(out), "--engine", "ray", "--workers", "1"], start_new_session=True)
    done: list = []
    while process.poll() is None and len(done) < 2:
        time.sleep(0.01)
        done = sorted((tmp_path / "ray.csv.parts").glob("0*.json"))
    assert process.poll() is None, "it ended before it could be killed"
    process.kill()
    process.wait()
    assert not out.exists()
    time.sleep(5)  # in which what Ray started ends
    written = {path: path.stat().st_mtime_ns for path in (tmp_path / "ray.csv.parts").glob("0*.json")}
    resumed = subprocess.Popen([*words, str(out), "--engine", "ray", "--workers", "1", "--resume"])
    again = False
    while resumed.poll() is None:
        again |= any(path.exists() and path.stat().st_mtime_ns != time_ for path, time_ in written.items())
        time.sleep(0.02)
    assert resumed.returncode == 3
    assert not again
    assert out.read_bytes() == (tmp_path / "one.csv").read_bytes()


def test_an_engine_needs_a_file_and_an_address_an_engine(trained, rows, capsys):
    bundle = trained("tabular").bundle
    assert main(["predict", str(bundle), str(rows), "--engine", "ray"]) == 2
    assert "name it by --out" in capsys.readouterr().err
    assert main(["predict", str(bundle), str(rows), "--out", "a.csv", "--address", "ray://nowhere:1"]) == 2
    assert "--address is the cluster of --engine ray" in capsys.readouterr().err
