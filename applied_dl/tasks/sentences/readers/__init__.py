"""Files of texts to encoded groups."""
