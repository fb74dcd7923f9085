"""The CSV files of a server's own folder, which outputcsv writes and inputcsv reads.

A replay has none of them: they live in the tables of the search, and die with it.
"""

from __future__ import annotations


def csv_table(name: str) -> str:
    """The table that stands for a file; a name without an ending gets `.csv`."""
    return f"csv/{name if '.' in name else f'{name}.csv'}"
