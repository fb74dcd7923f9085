"""Attack-data replay and detection tests: trial = detection x dataset x engine -> verdict."""

__version__ = "0.1.0"
