"""The bundle on disk: written atomically, checked by sha256, movable, with clear messages where it is damaged."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from applied_dl.core import bundle, bundle_writing
from applied_dl.core.errors import DataError, UsageError


def test_a_score_that_cannot_be_computed_leaves_a_readable_bundle(tmp_path):
    nan = (float("nan"), float("nan"))
    item = bundle.ExportedFile(file="a.tflite", format="tflite", variant="fp32", bytes=1, metric=float("nan"), metric_drop_interval=nan)
    manifest = bundle.Manifest(
        schema=bundle.SCHEMA, task="image", name="b", recipe={}, created="", versions={}, seed=0, fingerprint="",
        metrics={"test": {"auc": float("nan")}}, intervals={"test": {"auc": nan, "accuracy": (0.1, 0.2)}}, exports=[item],
    )  # fmt: skip
    bundle.seal(tmp_path, manifest)
    read = bundle.read_manifest(tmp_path)
    assert read.metrics == {"test": {"auc": None}}
    assert read.intervals == {"test": {"accuracy": (0.1, 0.2)}}
    assert read.exports[0].metric_drop_interval is None


def manifest(**keys):
    return bundle.Manifest(
        **{
            "schema": bundle.SCHEMA,
            "task": "image",
            "name": "b",
            "recipe": {},
            "created": "now",
            "versions": {},
            "seed": 0,
            "fingerprint": "f",
            **keys,
        }
    )


def make(target, overwrite=False, text="data", **keys):
    with bundle_writing.writing(target, overwrite) as work:
        (work / "plots").mkdir()
        (work / "plots" / "a.txt").write_text(text)
        (work / "model.tflite").write_bytes(b"m" * 100)
        bundle.seal(work, manifest(**keys))
    return target


def test_a_bundle_opens_after_it_was_moved(tmp_path):
    make(tmp_path / "b").rename(tmp_path / "moved")
    opened = bundle.open_bundle(tmp_path / "moved")
    assert set(opened.files) == {"model.tflite", "plots/a.txt"}


@pytest.mark.parametrize("name", ["model.tflite", "plots/a.txt"])
def test_a_file_with_a_changed_byte_is_named(tmp_path, name):
    target = make(tmp_path / "b")
    content = bytearray((target / name).read_bytes())
    content[len(content) // 2] ^= 1
    (target / name).write_bytes(content)
    with pytest.raises(DataError, match=name):
        bundle.open_bundle(target)


def test_a_missing_file_is_named(tmp_path):
    target = make(tmp_path / "b")
    (target / "model.tflite").unlink()
    with pytest.raises(DataError, match="lacks its file 'model.tflite'"):
        bundle.open_bundle(target)


def test_nothing_is_overwritten_unless_asked(tmp_path):
    target = make(tmp_path / "b")
    with pytest.raises(UsageError, match="exists already"):
        make(target)
    make(target, overwrite=True, text="new")
    assert (target / "plots" / "a.txt").read_text() == "new"
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    with pytest.raises(UsageError, match="is not a bundle"):
        make(tmp_path / "mine", overwrite=True)
    assert (tmp_path / "mine" / "thesis.txt").exists()


def test_a_packed_bundle_is_to_be_unpacked(tmp_path):
    (tmp_path / "b.zip").write_bytes(b"PK")
    with pytest.raises(DataError, match=r"applied-dl unpack '.*/b\.zip' FOLDER"):
        bundle.read_manifest(tmp_path / "b.zip")


def test_a_newer_schema_is_refused_and_unknown_keys_are_ignored(tmp_path):
    target = make(tmp_path / "b")
    raw = json.loads((target / "bundle.json").read_text())
    del raw["digest"]
    (target / "bundle.json").write_text(json.dumps({**raw, "of_the_future": 1}))
    bundle.open_bundle(target)
    (target / "bundle.json").write_text(json.dumps({**raw, "schema": bundle.SCHEMA + 1}))
    with pytest.raises(DataError, match="upgrade applied_dl"):
        bundle.open_bundle(target)


def test_a_changed_manifest_is_noticed(tmp_path):
    target = make(tmp_path / "b", main="accuracy", metrics={"test": {"accuracy": 0.5}})
    text = (target / "bundle.json").read_text()
    bundle.open_bundle(target)
    (target / "bundle.json").write_text(text.replace("0.5", "0.9"))
    with pytest.raises(DataError, match="does not match its own checksum"):
        bundle.read_manifest(target)
    (target / "bundle.json").write_text(json.dumps(json.loads(text), indent=4))  # the formatting does not matter
    bundle.read_manifest(target)
    for schema in (0, -1):
        (target / "bundle.json").write_text(text.replace(f'"schema": {bundle.SCHEMA}', f'"schema": {schema}'))
        with pytest.raises(DataError, match="bundle schema"):
            bundle.read_manifest(target)


@pytest.mark.parametrize("name", ["/etc/passwd", "../secret", "plots/../../x"])
def test_a_path_out_of_the_bundle_is_refused(tmp_path, name):
    target = make(tmp_path / "b")
    raw = json.loads((target / "bundle.json").read_text())
    raw["files"][name] = "0" * 64
    raw["digest"] = bundle._digest(raw)
    (target / "bundle.json").write_text(json.dumps(raw))
    with pytest.raises(DataError, match="outside the bundle"):
        bundle.open_bundle(target)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_broken_json_gives_a_clear_error(tmp_path_factory, raw):
    folder = tmp_path_factory.mktemp("hostile")
    (folder / "bundle.json").write_bytes(raw)
    with pytest.raises(DataError):
        bundle.read_manifest(folder)


def test_a_folder_without_a_bundle_and_a_missing_folder(tmp_path):
    with pytest.raises(DataError, match="is not a bundle"):
        bundle.read_manifest(tmp_path)
    with pytest.raises(DataError, match="does not exist"):
        bundle.read_manifest(tmp_path / "no")
