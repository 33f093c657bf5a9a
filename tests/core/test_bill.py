"""The bill of materials: what a scanner of CycloneDX reads, and that it agrees with the manifest."""

import json

import pytest

from applied_dl.core import bundle
from applied_dl.core.bill import BILL, bill_of_materials, verify_bill, write_bill
from applied_dl.core.errors import DataError
from tests.core.test_bundle import manifest

FACTS = {
    "recipe": {"data": {"source": "/home/me/churn.csv"}, "model": {"name": "tabm"}},
    "metrics": {"test": {"auc": 0.9, "accuracy": 0.8, "f1": None}},
    "intervals": {"test": {"accuracy": (0.7, 0.9)}},
    "main": "accuracy",
    "versions": {"python": "3.13.0", "keras": "3.14.0", "tensorflow": "2.21.0", "tensorflow_datasets": "4.9.10", "jax": "not installed"},
    "warnings": ["Few rows."],
}


def folder_of(path):
    (path / "plots").mkdir(parents=True)
    (path / "model.tflite").write_bytes(b"m")
    (path / "plots" / "a.png").write_bytes(b"p")
    facts = manifest(**FACTS)
    write_bill(path, facts)
    return bundle.seal(path, facts)


def test_it_lists_the_model_its_scores_its_libraries_and_every_file(tmp_path):
    sealed = folder_of(tmp_path / "b")
    bill = json.loads((tmp_path / "b" / BILL).read_text())
    model = bill["metadata"]["component"]
    scores = model["modelCard"]["quantitativeAnalysis"]["performanceMetrics"]
    assert (bill["bomFormat"], bill["specVersion"], model["type"]) == ("CycloneDX", "1.6", "machine-learning-model")
    assert [(one["type"], one["value"]) for one in scores] == [("accuracy", "0.8"), ("auc", "0.9")]
    assert scores[0]["confidenceInterval"] == {"lowerBound": "0.7", "upperBound": "0.9"}
    kinds = {kind: [one for one in bill["components"] if one["type"] == kind] for kind in ("data", "library", "file")}
    assert [one["name"] for one in kinds["data"]] == ["churn.csv"]  # and not the path on somebody's disk
    assert [one["purl"] for one in kinds["library"]] == [
        "pkg:pypi/keras@3.14.0", "pkg:pypi/tensorflow@2.21.0", "pkg:pypi/tensorflow-datasets@4.9.10",
    ]  # fmt: skip
    assert {one["name"]: one["hashes"][0]["content"] for one in kinds["file"]} == {k: v for k, v in sealed.files.items() if k != BILL}
    references = [model["bom-ref"], *(one["bom-ref"] for one in bill["components"])]
    assert len(set(references)) == len(references)
    assert {bill["dependencies"][0]["ref"], *bill["dependencies"][0]["dependsOn"]} <= set(references)


def test_it_is_a_valid_document_of_cyclonedx():
    validation = pytest.importorskip("cyclonedx.validation.json", reason="cyclonedx-python-lib[json-validation] is not installed")
    from cyclonedx.schema import SchemaVersion

    text = json.dumps(bill_of_materials(manifest(**FACTS | {"created": "2026-01-01T00:00:00+00:00"}), {"model.tflite": "ab" * 32}))
    assert validation.JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None


def test_what_was_not_measured_is_left_out_and_versions_are_encoded():
    scores = {"test": {"auc": float("nan"), "accuracy": 0.5}}
    facts = {"metrics": scores, "intervals": {"test": {"accuracy": (0.4, float("inf"))}}, "versions": {"keras": "3.14+cpu"}}
    bill = bill_of_materials(manifest(**facts, recipe={"data": {"source": "."}}), {})
    model = bill["metadata"]["component"]
    assert model["modelCard"]["quantitativeAnalysis"]["performanceMetrics"] == [{"type": "accuracy", "value": "0.5", "slice": "test"}]
    assert "None" not in {one["value"] for one in model["properties"]}
    assert (bill["components"][0]["name"], bill["components"][1]["purl"]) == ("data", "pkg:pypi/keras@3.14%2Bcpu")


def test_the_same_bundle_has_the_same_bill():
    assert bill_of_materials(manifest(**FACTS), {"a": "1"}) == bill_of_materials(manifest(**FACTS), {"a": "1"})
    assert bill_of_materials(manifest(), {"a": "1"})["serialNumber"] != bill_of_materials(manifest(), {"a": "2"})["serialNumber"]


def test_a_bill_of_other_files_is_found(tmp_path):
    sealed = folder_of(tmp_path / "b")
    assert verify_bill(tmp_path / "b", sealed)
    path = tmp_path / "b" / BILL
    path.write_text(path.read_text().replace(sealed.files["model.tflite"], "0" * 64))
    with pytest.raises(DataError, match="differ in model.tflite"):
        verify_bill(tmp_path / "b", sealed)
    path.write_text("[]")
    with pytest.raises(DataError, match="cannot be read"):
        verify_bill(tmp_path / "b", sealed)
    assert not verify_bill(tmp_path / "b", manifest())  # a bundle of an earlier version
