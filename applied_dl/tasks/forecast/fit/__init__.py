"""How forecasters are trained, blended and given intervals."""
