"""Fields on demand: which ones a search needs, and how each comes out of the raw event."""
