"""Plans to SQL syntax trees, with one table of spellings for each dialect."""
