"""Readers and splits: a person's files in, encoded parts out. No TensorFlow here."""

from applied_dl.data.parts import Part, Prepared

__all__ = ["Part", "Prepared"]
