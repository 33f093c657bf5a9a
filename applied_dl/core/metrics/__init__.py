"""Metrics and their 95% intervals, in NumPy only; each function takes (truth, prediction) and is tested against scikit-learn."""
