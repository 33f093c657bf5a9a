"""The bill of materials of a bundle (`bom.cdx.json`, CycloneDX 1.6): the model, how it scores, its files, data and libraries.

Scanners of software and of models read it (https://cyclonedx.org/capabilities/mlbom). It says nothing that `bundle.json` does not say.
"""

from __future__ import annotations

import json
import math
import uuid
from pathlib import Path
from typing import Any
from urllib.parse import quote

from applied_dl.core.bundle import MANIFEST, Manifest, finite, sha256
from applied_dl.core.errors import DataError

BILL = "bom.cdx.json"
NOT_LIBRARIES = ("python", "machine", "cores")  # keys of `Manifest.versions`


def write_bill(folder: Path, manifest: Manifest) -> None:
    """Write the bill of a finished folder, before it is sealed; every other file is listed with its sha256."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.name not in (MANIFEST, BILL)]
    bill = bill_of_materials(manifest, {path.relative_to(folder).as_posix(): sha256(path) for path in files})
    (folder / BILL).write_text(json.dumps(finite(bill), indent=1, ensure_ascii=False, allow_nan=False), encoding="utf-8")


def bill_of_materials(manifest: Manifest, files: dict[str, str]) -> dict[str, Any]:
    """A CycloneDX document.

    Args:
        manifest: the bundle's manifest.
        files: sha256 of each file, by its path in the bundle.

    Returns:
        The document, as plain JSON values. The same manifest and files give the same document.
    """
    libraries = {name: version for name, version in manifest.versions.items() if name not in NOT_LIBRARIES and version != "not installed"}
    listed = [
        {"type": "file", "bom-ref": f"file:{name}", "name": name, "hashes": _sha256(digest)} for name, digest in sorted(files.items())
    ]
    summary = str(manifest.facts.get("summary", ""))
    content = json.dumps([manifest.created, manifest.fingerprint, sorted(files.items())])
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, content)}",
        "version": 1,
        "metadata": {"timestamp": manifest.created, "component": _model(manifest)},
        "components": [
            {"type": "data", "bom-ref": "data", "name": _source(manifest), "description": summary},
            *(_library(name, version) for name, version in sorted(libraries.items())),
            *listed,
        ],
        "dependencies": [{"ref": "model", "dependsOn": ["data", *(f"library:{name}" for name in sorted(libraries))]}],
    }


def verify_bill(folder: Path, manifest: Manifest) -> bool:
    """Compare the bill with the manifest.

    Returns:
        Whether the bundle has a bill; those of earlier versions have none.

    Raises:
        DataError: the bill lists other files, or other content of them, than `bundle.json`.
    """
    if BILL not in manifest.files:
        return False
    try:
        bill = json.loads((folder / BILL).read_bytes())
        listed = {one["name"]: one["hashes"][0]["content"] for one in bill["components"] if one["type"] == "file"}
    except (OSError, ValueError, KeyError, TypeError, IndexError, RecursionError) as error:
        raise DataError(f"The bill of materials {str(folder / BILL)!r} cannot be read: {error!r}.") from error
    expected = {name: digest for name, digest in manifest.files.items() if name != BILL}
    if listed != expected:
        differing = sorted(name for name in {*listed, *expected} if listed.get(name) != expected.get(name))
        raise DataError(
            f"The bill of materials {str(folder / BILL)!r} and bundle.json differ in {', '.join(differing)}; "
            "the bundle was changed after training. Copy it again from where it was trained."
        )
    return True


def _model(manifest: Manifest) -> dict[str, Any]:
    main, recipe = manifest.main, manifest.recipe
    card = {
        "modelParameters": {
            "task": manifest.task,
            "modelArchitecture": str(recipe.get("model", {}).get("name", "")),
            "datasets": [{"ref": "data"}],
        },
        "quantitativeAnalysis": {
            "performanceMetrics": [
                {"type": name, "value": f"{value:.6g}", "slice": part, **_interval(manifest.intervals.get(part, {}).get(name))}
                for part, scores in manifest.metrics.items()
                for name, value in sorted(scores.items(), key=lambda item: item[0] != main)
                if value is not None and math.isfinite(value)
            ]
        },
        "considerations": {"technicalLimitations": manifest.warnings},
    }
    properties = [{"name": f"applied_dl:{key}", "value": str(value)} for key, value in _facts(manifest).items()]
    return {"type": "machine-learning-model", "bom-ref": "model", "name": manifest.name, "modelCard": card, "properties": properties}


def _facts(manifest: Manifest) -> dict[str, Any]:
    rows = {f"rows:{part}": count for part, count in manifest.rows.items()}
    return {
        "seed": manifest.seed,
        "fingerprint": manifest.fingerprint,
        **rows,
        **{key: manifest.versions[key] for key in NOT_LIBRARIES if key in manifest.versions},
    }


def _interval(bounds: tuple[float, float] | None) -> dict[str, Any]:
    if bounds is None or not all(map(math.isfinite, bounds)):
        return {}
    return {"confidenceInterval": {"lowerBound": f"{bounds[0]:.6g}", "upperBound": f"{bounds[1]:.6g}"}}


def _source(manifest: Manifest) -> str:
    """The data's name, without the path to it, which would tell how somebody's disk is ordered."""
    data = manifest.recipe.get("data", {})
    return Path(str(data.get("source") or data.get("train") or "data")).name or "data"


def _library(name: str, version: str) -> dict[str, str]:
    package = name.replace("_", "-").lower()
    return {
        "type": "library",
        "bom-ref": f"library:{name}",
        "name": name,
        "version": version,
        "purl": f"pkg:pypi/{package}@{quote(version)}",
    }


def _sha256(digest: str) -> list[dict[str, str]]:
    return [{"alg": "SHA-256", "content": digest}]
