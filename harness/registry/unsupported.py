"""Commands of Splunk that are left out on purpose, each with its reason.

The reasons are shown in errors and in the generated reference.
"""

from __future__ import annotations

from types import MappingProxyType

_HEURISTIC = "how it decides is not documented exactly enough to give the same result"
_SERVER = "it needs files or state of a Splunk server"
_MAP = "it prepares results for a map or a chart, not for a detection"
_SUMMARY = "it prepares results for a summary index, in a form that is not documented"

UNSUPPORTED_COMMANDS = MappingProxyType(
    {
        "af": _HEURISTIC,
        "analyzefields": _HEURISTIC,
        "anomalies": _HEURISTIC,
        "anomalousvalue": _HEURISTIC,
        "arules": _HEURISTIC,
        "associate": _HEURISTIC,
        "cluster": _HEURISTIC,
        "cofilter": _HEURISTIC,
        "contingency": "the order of its rows and columns is not documented",
        "correlate": "the form of its coefficients is not documented",
        "erex": "how it learns a pattern is not documented; write the pattern with `rex`",
        "findtypes": _HEURISTIC,
        "gauge": _MAP,
        "geom": _MAP,
        "geomfilter": _MAP,
        "geostats": _MAP,
        "kmeans": "it begins at random, so that Splunk's own clusters differ from run to run",
        "kvform": f"{_SERVER} (.form files)",
        "multikv": "how it finds header and columns is not documented; use `rex`",
        "predict": "how it estimates its models is not documented",
        "prjob": _SERVER,
        "reltime": "how it words and rounds a time is not documented; use `eval` with `now()`",
        "rtorder": "it orders the events of a real-time search, and a replay has all its events",
        "searchtxn": f"{_SERVER} (transactiontypes.conf)",
        "sichart": _SUMMARY,
        "sirare": _SUMMARY,
        "sistats": _SUMMARY,
        "sitimechart": _SUMMARY,
        "sitop": _SUMMARY,
        "timewrap": _MAP,
        "typelearner": _HEURISTIC,
        "x11": _HEURISTIC,
        "xmlunescape": "which fields it changes is not documented; use `eval` with replace()",
    }
)
"""The name of each command, and why it is not supported."""
