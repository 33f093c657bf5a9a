"""New images and new rows of tables, made by a model that learned from a person's own."""
