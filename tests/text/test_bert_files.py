"""Where a model's files are: in a local directory, or downloaded once by its address."""

from pathlib import Path

import pytest

from applied_dl.core.errors import DataError
from applied_dl.text.bert_files import model_folder

hub = pytest.importorskip("huggingface_hub", reason="addresses need the extra 'hub'")


def test_a_local_directory_is_taken_as_it_is(tmp_path):
    assert model_folder(str(tmp_path)) == tmp_path


def test_an_address_is_downloaded_without_the_files_that_are_not_read(monkeypatch, tmp_path):
    asked = []

    def download(name, allow_patterns):
        asked.append((name, allow_patterns))
        return str(tmp_path)

    monkeypatch.setattr(hub, "snapshot_download", download)
    assert model_folder("hf://sentence-transformers/all-MiniLM-L6-v2") == Path(tmp_path)
    ((name, patterns),) = asked
    assert name == "sentence-transformers/all-MiniLM-L6-v2"
    assert {"*.json", "*.safetensors"} <= set(patterns)
    assert not any(pattern in ("*", "*.bin", "*.onnx", "*.h5") for pattern in patterns)


def test_a_download_that_fails_is_one_sentence(monkeypatch):
    def offline(*_, **__):
        raise OSError("no network")

    monkeypatch.setattr(hub, "snapshot_download", offline)
    with pytest.raises(DataError, match="The model 'hf://nobody/nothing' cannot be downloaded: no network"):
        model_folder("hf://nobody/nothing")
