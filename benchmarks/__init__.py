"""Benchmarks by task, and of training, export, runtime and bundles. Run one with `python -m benchmarks.<folder>.<name>`."""
