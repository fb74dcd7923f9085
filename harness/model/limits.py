"""How much each kind of work may give, as Splunk's limits.conf bounds it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Rows, unless said otherwise. The defaults are those of Splunk's limits.conf.

    `subsearch_rows` bound a subsearch in brackets, `join_rows` the one of join and appendcols,
    `append_rows` that of append, set and union, `map_searches` the runs of map, `fetched_rows`
    what a command outside SQL may hold in memory (a limit of ours), `exploded_rows` the rows of
    mvexpand (Splunk bounds its memory instead: max_mem_usage_mb), `sorted_rows` those of a sort
    that names no count.
    """

    subsearch_rows: int = 10_000
    join_rows: int = 50_000
    append_rows: int = 50_000
    map_searches: int = 10
    fetched_rows: int = 1_000_000
    exploded_rows: int = 1_000_000
    sorted_rows: int = 10_000
