"""Files of series to encoded windows."""
