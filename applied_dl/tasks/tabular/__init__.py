"""Rows of a table to a number or a class."""
