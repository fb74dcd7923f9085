"""The logical plan: what a search means, without saying how an engine does it."""
