"""`check` reads every file of a bundle once for its checksum, and refuses golden examples that the manifest does not list."""

import hashlib
import shutil
from collections import Counter

import numpy as np
import pytest

from applied_dl.core import bundle
from applied_dl.core.bill import write_bill
from applied_dl.core.errors import DataError, RefusedError
from applied_dl.page.build import build_page
from applied_dl.runtime import golden
from applied_dl.runtime.bench import bench
from applied_dl.runtime.freeze import freeze
from applied_dl.workflows.check import check_bundle


def sealed(folder) -> None:
    """As if the bundle had been written like this: its bill and its manifest agree with its files."""
    manifest = bundle.read_manifest(folder)
    write_bill(folder, manifest)
    bundle.seal(folder, manifest)


@pytest.fixture
def copied(trained, tmp_path):
    return shutil.copytree(trained("tabular").bundle, tmp_path / "b")


def test_every_file_is_hashed_once(trained, monkeypatch):
    path, seen, digest = trained("tabular").bundle, Counter(), hashlib.file_digest
    monkeypatch.setattr(hashlib, "file_digest", lambda file, name: seen.update([file.name]) or digest(file, name))
    assert check_bundle(path)["ok"]
    assert set(seen) == {str(path / name) for name in bundle.read_manifest(path).files}
    assert set(seen.values()) == {1}


@pytest.mark.parametrize(
    "use", [bench, check_bundle, lambda b: freeze(b, b.parent / "f.tflite"), lambda b: build_page(b, b.parent / "p.html")]
)
def test_golden_examples_that_the_manifest_does_not_list_are_not_used(copied, use):
    content = (copied / golden.FILE).read_bytes()
    (copied / golden.FILE).unlink()
    sealed(copied)
    (copied / golden.FILE).write_bytes(content)  # laid there later
    with pytest.raises(DataError, match="lists no file 'golden.npz'"):
        use(copied)
    assert {path.name for path in copied.parent.iterdir()} == {"b"}


def _without(folder, lost: str) -> None:
    """The golden examples without the first array whose name begins so."""
    with np.load(folder / golden.FILE) as file:
        name = next(name for name in file.files if name.startswith(lost))
        arrays = {other: file[other] for other in file.files if other != name}
    np.savez(folder / golden.FILE, **arrays)
    sealed(folder)


@pytest.mark.parametrize(
    "use", [bench, check_bundle, lambda b: freeze(b, b.parent / "f.tflite"), lambda b: build_page(b, b.parent / "p.html")]
)
def test_golden_examples_that_lack_an_input_are_one_sentence(copied, use):
    _without(copied, "input/")
    with pytest.raises(DataError, match=r"hold no 'input/|expects inputs"):
        use(copied)
    assert {path.name for path in copied.parent.iterdir()} == {"b"}


def test_golden_examples_that_lack_an_output_are_one_sentence(copied):
    _without(copied, "fp32/prediction")
    with pytest.raises(DataError, match="hold no 'fp32/prediction'.*applied-dl export"):
        check_bundle(copied)


def test_a_file_that_answers_otherwise_is_named(copied):
    with np.load(copied / golden.FILE) as file:
        arrays = {name: file[name] + 1 if name.endswith("/prediction") else file[name] for name in file.files}
    np.savez(copied / golden.FILE, **arrays)
    sealed(copied)
    with pytest.raises(RefusedError, match=r"gives other outputs on this machine: model\.\w+\.tflite \(off by"):
        check_bundle(copied)
