"""Words agree with their number."""

from applied_dl.core.plurals import numbered


def test_one_row_has_and_several_have():
    assert [numbered(n, "row has", "rows have") for n in (0, 1, 2, 1200)] == ["0 rows have", "1 row has", "2 rows have", "1,200 rows have"]
