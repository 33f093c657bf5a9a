"""Exported files at work: LiteRT interpreters, golden checks, timing and frozen shapes."""
