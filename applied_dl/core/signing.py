"""Signatures of bundles in the OpenSSF model signing format (extra `[sign]`): who trained it, beside what its checksums say."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from typing import Any

from applied_dl.core.bundle import MANIFEST, Manifest, open_bundle
from applied_dl.core.errors import DataError, RefusedError, UsageError

SIGNATURE = "model.sig"


def sign(bundle: str | Path, private_key: str | Path) -> Path:
    """Sign every file of a bundle.

    Args:
        bundle: its folder, or a link to it.
        private_key: an elliptic-curve key in PEM form, without a password
            (`openssl ecparam -name prime256v1 -genkey -noout -out key.pem`).

    Returns:
        The signature, `model.sig` in the bundle; one that exists is replaced.

    Raises:
        DataError: the bundle is damaged, holds files that are not its own or links to files elsewhere, or the key cannot be read.
        UsageError: the package model-signing is missing.
    """
    folder = Path(bundle).resolve()
    manifest = open_bundle(folder)
    hashing, signing, _ = _library()
    path = folder / SIGNATURE
    if others := foreign(folder, manifest):
        raise DataError(
            f"{str(bundle)!r} holds files that are not the bundle's own: {', '.join(others)}; move them elsewhere before signing."
        )
    ignored = [SIGNATURE, *_hidden(folder)]
    config = signing.Config().set_hashing_config(hashing.Config().set_ignored_paths(paths=ignored, ignore_git_paths=False))
    try:
        config.use_elliptic_key_signer(private_key=Path(private_key))
    except (OSError, ValueError, TypeError, AttributeError) as error:  # the last for RSA keys
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"{str(private_key)!r} cannot sign: expected a private elliptic-curve key in PEM form ({reason}).") from error
    if links := sorted(one.relative_to(folder).as_posix() for one in folder.rglob("*") if one.is_symlink()):
        raise DataError(
            f"{str(bundle)!r} cannot be signed, since it holds links: {', '.join(links)}; copy what they point to into it (`cp -rL`)."
        )
    try:
        config.sign(folder, path)
    except OSError as error:
        raise DataError(f"The signature {str(path)!r} cannot be written: {error.strerror}.") from error
    return path


def verify(folder: Path, manifest: Manifest, public_key: str | Path) -> None:
    """Verify the signature of a bundle.

    Args:
        folder: the bundle, whose checksums `open_bundle` verified.
        manifest: of the bundle.
        public_key: the signer's key in PEM form (`openssl ec -in key.pem -pubout -out key.pub`).

    Raises:
        DataError: the bundle has no signature, or the key cannot be read.
        RefusedError: another key signed it, its files are not those that were signed, or others were added.
        UsageError: the package model-signing is missing.
    """
    path = folder / SIGNATURE
    if not path.is_file():
        raise DataError(f"The bundle {str(folder)!r} has no signature ({SIGNATURE}); `applied-dl sign` writes one.")
    _, _, verifying = _library()
    try:
        config = verifying.Config().use_elliptic_key_verifier(public_key=Path(public_key))
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise DataError(f"{str(public_key)!r} cannot be read: expected a public elliptic-curve key in PEM form ({error}).") from error
    try:
        config.set_ignore_unsigned_files(True).verify(folder, path)
        signed = set(_resources(path))
    except Exception as error:  # the library raises its own, those of cryptography and of protobuf for a signature that does not hold
        changed = re.findall(r"Hash mismatch for \\?'(.*?)\\?'", str(error))
        reason = f"{', '.join(changed)} is not what was signed" if changed else str(error) or "the key does not belong to the signature"
        raise RefusedError(f"The signature of {str(folder)!r} does not hold with {str(public_key)!r}: {reason.rstrip('.')}.") from error
    if others := foreign(folder, manifest):
        raise RefusedError(f"{str(folder)!r} holds files that were not signed: {', '.join(others)}; remove them.")
    if missing := sorted(_signed(manifest) - signed):
        raise RefusedError(f"The signature of {str(folder)!r} leaves out {', '.join(missing)}; sign the bundle again.")


def foreign(folder: Path, manifest: Manifest) -> list[str]:
    """Files in a bundle's folder that its manifest does not list, which something that reads the bundle might take for its own; hidden
    files, such as those of a file manager, are none."""
    names = {one.relative_to(folder).as_posix() for one in folder.rglob("*") if one.is_file()}
    return sorted(names - _signed(manifest) - {SIGNATURE} - set(_hidden(folder)))


def _hidden(folder: Path) -> list[str]:
    return sorted(one.relative_to(folder).as_posix() for one in folder.rglob(".*") if one.is_file())


def _signed(manifest: Manifest) -> set[str]:
    """The files that a signature covers: those of the manifest, and it."""
    return {MANIFEST, *manifest.files}


def _resources(signature: Path) -> list[str]:
    """Paths that a signature covers."""
    payload = json.loads(base64.b64decode(json.loads(signature.read_bytes())["dsseEnvelope"]["payload"]))
    return [one["name"] for one in payload["predicate"]["resources"]]


def _library() -> tuple[Any, Any, Any]:
    """Modules of model-signing: hashing, signing, verifying."""
    try:
        from model_signing import hashing, signing, verifying
    except ImportError:
        raise UsageError('Signatures need the package model-signing: pip install "applied_dl[sign]".') from None
    return hashing, signing, verifying
