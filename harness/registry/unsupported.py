"""Commands of Splunk that are left out on purpose, each with its reason.

The reasons are shown in errors and in the generated reference.
"""

from __future__ import annotations

from types import MappingProxyType

_HEURISTIC = "how it decides is not documented exactly enough to give the same result"
_SERVER = "it needs files or state of a Splunk server"
_LEARNING = "it needs the Machine Learning Toolkit and its models, which a replay does not have"
_PAST = "it needs the searches that a Splunk server has run"
_OUTSIDE = "it acts outside the search, and a replay has no outside"
_MAP = "it prepares results for a map or a chart, not for a detection"
_SUMMARY = "it prepares results for a summary index, in a form that is not documented"

UNSUPPORTED_COMMANDS = MappingProxyType(
    {
        "af": _HEURISTIC,
        "analyzefields": _HEURISTIC,
        "anomalies": _HEURISTIC,
        "anomalousvalue": _HEURISTIC,
        "apply": _LEARNING,
        "arules": _HEURISTIC,
        "associate": _HEURISTIC,
        "bucketdir": _SERVER,
        "cofilter": _HEURISTIC,
        "contingency": "the order of its rows and columns is not documented",
        "correlate": "the form of its coefficients is not documented",
        "cyberchef": "it needs the CyberChef app and its recipes",
        "dbinspect": f"{_SERVER} (buckets of its indexes)",
        "delete": _OUTSIDE,
        "deletemodel": _LEARNING,
        "diff": "the form of the differences that it prints is not documented",
        "findtypes": _HEURISTIC,
        "fit": _LEARNING,
        "gauge": _MAP,
        "geom": _MAP,
        "geomfilter": _MAP,
        "geostats": _MAP,
        "history": _PAST,
        "kvform": f"{_SERVER} (.form files)",
        "listmodels": _LEARNING,
        "loadjob": _PAST,
        "mcollect": f"{_SERVER} (metric indexes)",
        "meventcollect": f"{_SERVER} (metric indexes)",
        "mpreview": f"{_SERVER} (metric indexes)",
        "msearch": f"{_SERVER} (metric indexes)",
        "prjob": _SERVER,
        "reltime": "how it words and rounds a time is not documented; use `eval` with `now()`",
        "rest": "it asks the REST interface of a Splunk server",
        "rtorder": "it orders the events of a real-time search, and a replay has all its events",
        "run": f"it runs a program: {_OUTSIDE}",
        "score": _LEARNING,
        "script": f"it runs a program: {_OUTSIDE}",
        "searchtxn": f"{_SERVER} (transactiontypes.conf)",
        "sichart": _SUMMARY,
        "sirare": _SUMMARY,
        "sistats": _SUMMARY,
        "sitimechart": _SUMMARY,
        "sitop": _SUMMARY,
        "timewrap": _MAP,
        "selfjoin": "how it pairs rows is not documented exactly enough; use `join` or `stats`",
        "sendalert": _OUTSIDE,
        "sendemail": _OUTSIDE,
        "summary": _LEARNING,
        "tscollect": f"{_SERVER} (tsidx namespaces)",
        "typelearner": _HEURISTIC,
        "walklex": f"{_SERVER} (the lexicon of its indexes)",
        "x11": _HEURISTIC,
        "xmlunescape": "which fields it changes is not documented; use `eval` with replace()",
    }
)
"""The name of each command, and why it is not supported."""

_TOOLBOX = "it is a program of the URL Toolbox app, and code of apps is never run"
EXTERNAL_LOOKUPS = MappingProxyType(
    {
        f"ut_{name}_lookup": _TOOLBOX
        for name in (
            "bayesian countset levenshtein meaning parse parse_extended parse_simple shannon suites"
        ).split()
    }
    | {
        f"ut_{name}": _TOOLBOX
        for name in ("bayesian", "countset", "levenshtein", "meaning", "shannon", "suites")
    }
    | {"dnslookup": "it asks a name server, and a replay has no outside"}
)
"""Lookups of Splunk and of well-known apps that are programs, and why they cannot be asked."""
