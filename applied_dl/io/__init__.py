"""Files of cells and times: delimited text, Parquet, JSON lines, frames, dates and clocks."""
