"""The trained graph to files, and the verification that the files answer as it does."""
