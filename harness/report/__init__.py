"""Reports of trials and rows: for people at a terminal, and as data."""
