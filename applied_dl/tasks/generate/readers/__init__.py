"""Images and tables → what a generator learns from."""
