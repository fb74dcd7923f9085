"""Archives and the cache folder, for whatever is kept there."""
