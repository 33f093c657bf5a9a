"""Signatures: what was signed holds, what was changed, added to or signed by another is refused."""

import json
import subprocess

import pytest

from applied_dl import cli
from applied_dl.core import bundle
from applied_dl.core.errors import DataError, RefusedError, UsageError
from applied_dl.core.packing import pack, unpack
from applied_dl.core.signing import SIGNATURE, sign, verify
from tests.core.test_bundle import make, manifest


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    pytest.importorskip("model_signing", reason="the extra [sign] is not installed")
    folder = tmp_path_factory.mktemp("keys")
    for name in ("mine", "other"):
        private, public = folder / f"{name}.pem", folder / f"{name}.pub"
        subprocess.run(["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", private], check=True)
        subprocess.run(["openssl", "ec", "-in", private, "-pubout", "-out", public], check=True, capture_output=True)
    return folder


def verified(folder, key) -> None:
    """As `applied-dl check` does it: first the checksums."""
    verify(folder, bundle.open_bundle(folder), key)


def test_a_signed_bundle_holds_wherever_it_goes(tmp_path, keys):
    made = make(tmp_path / "b")
    (made / ".DS_Store").write_text("of a file manager")
    assert sign(made, keys / "mine.pem") == made / SIGNATURE
    verified(made, keys / "mine.pub")
    verified(unpack(pack(made), tmp_path / "moved"), keys / "mine.pub")
    sign(made, keys / "mine.pem")  # again: replaced
    verified(made, keys / "mine.pub")


def test_what_was_changed_after_signing_is_refused(tmp_path, keys):
    made = make(tmp_path / "b")
    sign(made, keys / "mine.pem")
    with pytest.raises(RefusedError, match=r"does not hold with .*other\.pub"):
        verified(made, keys / "other.pub")
    (made / "model.tflite").write_bytes(b"x" * 100)
    bundle.seal(made, manifest())  # its checksums hold again, as an attacker would have it
    with pytest.raises(RefusedError, match=r"does not hold with .*: bundle\.json, model\.tflite is not what was signed\.$"):
        verified(made, keys / "mine.pub")


def test_a_file_added_to_the_manifest_is_refused(tmp_path, keys):
    made = make(tmp_path / "b")
    sign(made, keys / "mine.pem")
    signature = (made / SIGNATURE).read_bytes()
    (made / "more.tflite").write_bytes(b"x")
    (made / SIGNATURE).unlink()
    bundle.seal(made, manifest())
    (made / SIGNATURE).write_bytes(signature)
    with pytest.raises(RefusedError):
        verified(made, keys / "mine.pub")


def test_files_that_are_not_of_the_bundle_are_refused(tmp_path, keys):
    made = make(tmp_path / "b")
    sign(made, keys / "mine.pem")
    (made / "tokenizer.json").write_text("{}")  # the manifest does not list it, but a reader of texts would take it
    with pytest.raises(RefusedError, match="not signed: tokenizer.json; remove"):
        verified(made, keys / "mine.pub")
    with pytest.raises(DataError, match="not the bundle's own: tokenizer.json; move"):
        sign(made, keys / "mine.pem")


def test_a_bundle_behind_a_link_is_signed_and_one_of_links_is_refused(tmp_path, keys):
    made = make(tmp_path / "b")
    (tmp_path / "latest").symlink_to(made)
    assert sign(tmp_path / "latest", keys / "mine.pem") == made / SIGNATURE
    verified(tmp_path / "latest", keys / "mine.pub")
    (made / "model.tflite").rename(tmp_path / "elsewhere.tflite")
    (made / "model.tflite").symlink_to(tmp_path / "elsewhere.tflite")
    with pytest.raises(DataError, match="holds links: model.tflite; copy"):
        sign(made, keys / "mine.pem")


def test_what_cannot_be_a_key_or_a_signature_gets_a_sentence(tmp_path, keys):
    made = make(tmp_path / "b")
    with pytest.raises(DataError, match="has no signature"):
        verified(made, keys / "mine.pub")
    with pytest.raises(DataError, match="cannot sign"):
        sign(made, keys / "mine.pub")
    with pytest.raises(DataError, match="cannot sign"):
        sign(made, keys / "absent.pem")
    subprocess.run(["openssl", "genrsa", "-out", tmp_path / "rsa.pem", "2048"], check=True, capture_output=True)
    subprocess.run(
        ["openssl", "rsa", "-in", tmp_path / "rsa.pem", "-pubout", "-out", tmp_path / "rsa.pub"], check=True, capture_output=True
    )
    with pytest.raises(DataError, match="cannot sign"):
        sign(made, tmp_path / "rsa.pem")
    sign(made, keys / "mine.pem")
    for name in (keys / "absent.pub", tmp_path / "rsa.pub"):
        with pytest.raises(DataError, match="cannot be read"):
            verified(made, name)
    for content in ("", "[]", "{}", json.dumps({"dsseEnvelope": {}})):
        (made / SIGNATURE).write_text(content)
        with pytest.raises(RefusedError):
            verified(made, keys / "mine.pub")


def test_without_the_package_the_command_names_the_extra(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(__import__("sys").modules, "model_signing", None)
    made = make(tmp_path / "b")
    with pytest.raises(UsageError, match=r"applied_dl\[sign\]"):
        sign(made, "key.pem")
    assert cli.main(["sign", str(made), "--private-key", "key.pem"]) == 2
    assert "[sign]" in capsys.readouterr().err
