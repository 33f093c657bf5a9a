"""How each kind of net over a table is trained."""
