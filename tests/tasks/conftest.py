"""A table that several files of tests read."""

import numpy as np
import polars as pl
import pytest


@pytest.fixture(scope="session")
def table(tmp_path_factory):
    """Numbers of different sizes, some missing, a category that moves the target, a date."""
    random, n = np.random.default_rng(0), 600
    big, small, kind = random.normal(5e5, 9e4, n), random.normal(-118.5, 2, n), random.integers(0, 3, n)
    y = 2e5 + 0.3 * (big - 5e5) + 9e3 * (small + 118.5) + 2e4 * kind + random.normal(0, 3e3, n)
    columns = {
        "big area": [f"{v:.1f}" if i % 11 else None for i, v in enumerate(big)],
        "small": small,
        "kind": np.array(["a", "b", "c"])[kind],
        "when": [f"2024-{i % 12 + 1:02d}-01" for i in range(n)],
        "price": y,
        "dear": np.where(y > 2.3e5, "yes", "no"),
    }
    path = tmp_path_factory.mktemp("t") / "t.csv"
    pl.DataFrame(columns, strict=False).write_csv(path)
    return path
