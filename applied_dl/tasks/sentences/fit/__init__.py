"""How sentence models are trained."""
