"""Commands of Splunk that are left out on purpose, each with its reason.

The reasons are shown in errors and in the generated reference.
"""

from __future__ import annotations

from types import MappingProxyType

_HEURISTIC = "how it decides is not documented exactly enough to give the same result"
_SERVER = "it needs files or state of a Splunk server"
_LEARNING = "it needs the Machine Learning Toolkit and its models, which a replay does not have"
_CROSSED = "the order of its rows and columns is not documented"
_PAST = "it needs the searches that a Splunk server has run"
_OUTSIDE = "it acts outside the search, and a replay has no outside"
_MAP = "it prepares results for a map or a chart, not for a detection"
_SUMMARY = "it prepares results for a summary index, in a form that is not documented"

UNSUPPORTED_COMMANDS = MappingProxyType(
    {
        "af": _HEURISTIC,
        "ai": _LEARNING,
        "analyzefields": _HEURISTIC,
        "anomalies": _HEURISTIC,
        "anomalousvalue": _HEURISTIC,
        "apply": _LEARNING,
        "arules": _HEURISTIC,
        "associate": _HEURISTIC,
        "awssnsalert": "it needs the Amazon SNS alert app and its service",
        "bucketdir": _SERVER,
        "cofilter": _HEURISTIC,
        "contingency": _CROSSED,
        "correlate": "the form of its coefficients is not documented",
        "createrss": _OUTSIDE,
        "counttable": _CROSSED,
        "cyberchef": "it needs the CyberChef app and its recipes",
        "dbinspect": f"{_SERVER} (buckets of its indexes)",
        "delete": _OUTSIDE,
        "deletemodel": _LEARNING,
        "diff": "the form of the differences that it prints is not documented",
        "dump": f"{_SERVER} (it writes files for another system)",
        "entitymerge": "it needs the asset and identity framework of Enterprise Security",
        "findtypes": _HEURISTIC,
        "fit": _LEARNING,
        "folderize": _HEURISTIC,
        "gauge": _MAP,
        "geom": _MAP,
        "geomfilter": _MAP,
        "geostats": _MAP,
        "history": _PAST,
        "iconify": "which icon a value gets is not documented, and a replay shows none",
        "inputintelligence": f"{_SERVER} (downloaded threat intelligence)",
        "kvform": f"{_SERVER} (.form files)",
        "listmodels": _LEARNING,
        "loadjob": _PAST,
        "mcatalog": f"{_SERVER} (the catalog of metric indexes)",
        "mcollect": f"{_SERVER} (metric indexes)",
        "meventcollect": f"{_SERVER} (metric indexes)",
        "mpreview": f"{_SERVER} (metric indexes)",
        "msearch": f"{_SERVER} (metric indexes)",
        "outputtelemetry": _OUTSIDE,
        "outputtext": "it writes a field for the display of raw text alone",
        "overlap": "it looks for gaps in a summary index, which a replay does not have",
        "pivot": "it is what the pivot editor writes; use `tstats` or `from datamodel:`",
        "prjob": _SERVER,
        "rawstats": "it is internal, and not documented",
        "relevancy": _HEURISTIC,
        "reltime": "how it rounds a time is not documented; use `eval` with `now()`",
        "rest": "it asks the REST interface of a Splunk server",
        "rtorder": "it orders the events of a real-time search, and a replay has all its events",
        "run": f"it runs a program: {_OUTSIDE}",
        "runshellscript": f"it runs a program: {_OUTSIDE}",
        "sample": _LEARNING,
        "score": _LEARNING,
        "script": f"it runs a program: {_OUTSIDE}",
        "scrub": f"{_SERVER} (its anonymizer files)",
        "searchtxn": f"{_SERVER} (transactiontypes.conf)",
        "selfjoin": "the sources disagree on whose values win; use `join` or `stats`",
        "sendalert": _OUTSIDE,
        "sendemail": _OUTSIDE,
        "sichart": _SUMMARY,
        "sirare": _SUMMARY,
        "sistats": _SUMMARY,
        "sitimechart": _SUMMARY,
        "sitop": _SUMMARY,
        "snowevent": "it needs the ServiceNow add-on and its service",
        "snoweventstream": "it needs the ServiceNow add-on and its service",
        "snowincident": "it needs the ServiceNow add-on and its service",
        "snowincidentstream": "it needs the ServiceNow add-on and its service",
        "summary": _LEARNING,
        "surrounding": f"{_SERVER} (the events around one in its indexes)",
        "timewrap": "how it names columns and dates rows is not documented exactly",
        "tscollect": f"{_SERVER} (tsidx namespaces)",
        "typeahead": f"{_SERVER} (the terms and fields of its indexes)",
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
