"""The public functions. Each imports what it needs when it is called, so that importing the package is light."""
