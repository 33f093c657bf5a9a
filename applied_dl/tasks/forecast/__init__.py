"""The history of one or many series to its future."""
