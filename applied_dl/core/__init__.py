"""Records, recipes, bundles and metrics that every other folder builds on; imports nothing of the package above it."""
