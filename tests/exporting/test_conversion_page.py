"""docs/conversion.md is what was measured, of every builder there is; nothing in it needs Flex."""

import pytest

from benchmarks.export import conversion_matrix as matrix


def test_every_builder_is_in_the_matrix():
    """A builder that is added must be measured: `make conversion-matrix`, or `python -m benchmarks.export.conversion_matrix NAME`."""
    assert set(matrix.builders()) == set(matrix.read("export_conversion_matrix")["builders"])


def test_the_page_is_what_was_measured():
    found = matrix.read("export_conversion_matrix")
    assert matrix.PAGE.read_text(encoding="utf-8") == matrix.page(found)
    assert all(row.met is not False for row in matrix.summary(found))
    for name, net in found["builders"].items():
        for variant, file in net["variants"].items():
            assert not file.get("flex"), (name, variant)
        assert net["variants"]["fp32"]["max_rel_diff"] <= 1e-4, name


@pytest.mark.slow
@pytest.mark.parametrize("name", ["image small_cnn", "tabular tabm", "forecast lstm", "text masked language model"])
def test_a_builder_of_each_family_is_examined_again(name, tmp_path):
    found = matrix.examine(matrix.builders()[name], tmp_path)
    for variant in ("fp32", "fp16", "dynamic"):
        assert "refused" not in found["variants"][variant]
        assert found["variants"][variant]["flex"] == []
    assert found["variants"]["fp32"]["max_rel_diff"] <= 1e-4
