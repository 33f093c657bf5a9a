"""A bundle elsewhere: copied, renamed, linked, on media that cannot be written, and its writer killed in the middle."""

import json
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from applied_dl import cli
from applied_dl.core.packing import pack, unpack
from applied_dl.predictor import load

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def bundle(trained):
    return trained("image").bundle


@pytest.fixture(scope="module")
def wanted(bundle):
    return load(bundle).predict([np.eye(8, dtype=bool)])


def state(folder: Path) -> dict:
    """Every entry of a tree with its size, mode and time of change."""
    found = {p: p.lstat() for p in [folder, *folder.rglob("*")]}
    return {str(p): (s.st_size, s.st_mode, s.st_mtime_ns, s.st_ino) for p, s in found.items()}


@pytest.mark.parametrize("name", ["elsewhere", "with space", "ünïcode ☃", "-dash", "deep/" * 20 + "end", "dot.tflite"])
def test_a_bundle_answers_wherever_it_lies(name, bundle, wanted, tmp_path, monkeypatch):
    copy = shutil.copytree(bundle, tmp_path / name)
    assert load(copy).predict([np.eye(8, dtype=bool)]) == wanted
    assert cli.main(["check", str(copy), "--json"]) == 0
    monkeypatch.chdir(copy.parent)
    assert cli.main(["info", copy.name if not copy.name.startswith("-") else f"./{copy.name}", "--json"]) == 0


def test_a_bundle_answers_through_a_link_and_after_it_was_moved(bundle, wanted, tmp_path):
    copy = shutil.copytree(bundle, tmp_path / "a")
    (tmp_path / "link").symlink_to(copy)
    assert load(tmp_path / "link").predict([np.eye(8, dtype=bool)]) == wanted
    predictor = load(copy)
    copy.rename(tmp_path / "b")  # a predictor holds what it needs: its folder may go away
    assert predictor.predict([np.eye(8, dtype=bool)]) == wanted
    assert load(tmp_path / "b").predict([np.eye(8, dtype=bool)]) == wanted


def test_no_path_of_the_machine_that_made_it_is_in_what_is_run(bundle):
    maker = str(bundle.parent).encode()
    for path in (bundle / "encoder.json", *bundle.glob("*.tflite")):
        assert maker not in path.read_bytes(), path


def test_nothing_is_written_on_media_that_cannot_be_written(bundle, wanted, tmp_path, capsys):
    """Modes forbid it to ordinary users; that nothing changed is seen for a superuser too."""
    copy = shutil.copytree(bundle, tmp_path / "disc" / "b")
    for path in (*copy.rglob("*"), copy, copy.parent):
        path.chmod(stat.S_IRUSR | (stat.S_IXUSR if path.is_dir() else 0))
    before = state(copy.parent)
    try:
        assert load(copy).predict([np.eye(8, dtype=bool)]) == wanted
        for verb in ("check", "bench", "info"):
            assert cli.main([verb, str(copy), "--json"]) == 0
        file = pack(copy, tmp_path / "b.zip")
        assert state(copy.parent) == before
    finally:
        for path in (copy.parent, copy, *copy.rglob("*")):
            path.chmod(0o755)
    assert load(unpack(file, tmp_path / "again")).predict([np.eye(8, dtype=bool)]) == wanted


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="nothing is forbidden to this user")
def test_packing_onto_media_that_cannot_be_written_is_a_sentence(bundle, tmp_path, capsys):
    (tmp_path / "disc").mkdir(mode=0o555)
    assert cli.main(["pack", str(bundle), str(tmp_path / "disc" / "b.zip")]) == 3
    assert "denied" in capsys.readouterr().err


@pytest.mark.slow
def test_a_writer_killed_at_any_moment_leaves_a_whole_bundle():
    """60 kills; each must leave the old version or a newer one, whole."""
    program = (
        "import tempfile, pathlib, json; from benchmarks.bundle.kill import kill\n"
        "with tempfile.TemporaryDirectory() as folder: print(json.dumps(kill(60, pathlib.Path(folder), seed=1)))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["broken"] == []
    assert found["whole"] == 60
    assert found["new"] > 10  # the killer does not always come before anything was written
