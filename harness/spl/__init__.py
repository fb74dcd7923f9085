"""SPL text to syntax: sources and macros, stages, expressions, search predicates."""
