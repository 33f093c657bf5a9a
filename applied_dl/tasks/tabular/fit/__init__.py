"""Training of each kind of tabular net."""
