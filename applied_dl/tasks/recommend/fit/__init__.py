"""Training of models of users and items."""
