"""Metrics with intervals, in numpy alone; each function takes (truth, prediction) and is tested against scikit-learn."""
