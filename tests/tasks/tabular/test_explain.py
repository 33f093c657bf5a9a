"""The cells of an explained row, as a person reads them."""

import pytest

from applied_dl.tasks.tabular.explain import moment_text


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        ({"days": 300.0, "year": 2024.0, "month": 3.0, "day": 9.0, "weekday": 5.0}, "2024-03-09"),
        ({"year": 2024.0, "month": 3.0, "day": 9.0, "hour": 14.5}, "2024-03-09 14.5 h"),
        ({"month": 10.0, "day": 9.0, "weekday": 2.0}, "month 10, day 9, weekday 2"),
        ({"days": 12.0}, "days 12"),
    ],
)
def test_a_date_is_shown_by_its_parts(parts, text):
    assert moment_text(parts) == text
