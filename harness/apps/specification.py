"""Every setting of the specifications that apps are read by, and what becomes of it here.

The one table: `harness apps show` tells from it what has no effect and why, a setting that is not
in it is warned of with the nearest name, and `docs/apps.md` is written from it.
Source: the .spec files of Splunk Enterprise (Admin Manual, "Configuration file reference").
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Literal

from harness.errors import nearest

Status = Literal["supported", "ignored", "refused"]
ANY = "<any>"


@dataclass(frozen=True, slots=True)
class Known:
    """A setting, or with `<…>` in its name all that begin alike, and what becomes of it.

    `supported`: it counts. `ignored`: it has no effect here, `why` says what that means.
    `refused`: what it asks for is not done, and using it is an error that says so.
    """

    key: str
    status: Status
    why: str

    @property
    def prefix(self) -> str:
        """What the names of a whole class of settings begin with."""
        return self.key.partition("<")[0]


@dataclass(frozen=True, slots=True)
class _Group:
    status: Status
    why: str
    keys: str


def _yes(what: str, keys: str) -> _Group:
    return _Group("supported", what, keys)


def _no(why: str, keys: str) -> _Group:
    return _Group("ignored", why, keys)


def _never(why: str, keys: str) -> _Group:
    return _Group("refused", why, keys)


_WEB = "for the web interface"
_INPUT = "for the input that reads the data, of which there is none"
_FORWARDER = "for forwarders"
_XML = "fields of XML are found at search time, by KV_MODE and the add-on's own settings"
_METRICS = "metrics are not made of events here"
_SERVER = "for a server that runs searches again and again"
_ACCELERATION = "data models are always searched in full"
_SPEED = "speed: it changes no result"
_NOT_IN_SPEC = "the web interface writes it; its specification has no such setting"

_GROUPS: dict[str, tuple[_Group, ...]] = {
    "props.conf": (
        _yes("fields at search time", "EXTRACT-<class> REPORT-<class> KV_MODE AUTO_KV_JSON"),
        _yes("fields at search time", "FIELDALIAS-<class> EVAL-<field> LOOKUP-<class>"),
        _yes("fields at search time", "KV_TRIM_SPACES"),
        _yes("source types", "rename sourcetype priority"),
        _yes(
            "lines into events",
            "LINE_BREAKER SHOULD_LINEMERGE BREAK_ONLY_BEFORE BREAK_ONLY_BEFORE_DATE"
            " MUST_BREAK_AFTER MUST_NOT_BREAK_AFTER MUST_NOT_BREAK_BEFORE MAX_EVENTS TRUNCATE",
        ),
        _yes("times", "TIME_PREFIX TIME_FORMAT TZ MAX_TIMESTAMP_LOOKAHEAD DATETIME_CONFIG"),
        _yes("zones that TIME_FORMAT reads by %Z", "TZ_ALIAS"),
        _yes("the encoding of files", "CHARSET"),
        _yes("default fields", "ADD_EXTRA_TIME_FIELDS ANNOTATE_PUNCT"),
        _yes("index time", "SEDCMD-<class> TRANSFORMS-<class> TRANSFORMS RULESET-<class>"),
        _yes(
            "structured data",
            "INDEXED_EXTRACTIONS FIELD_NAMES FIELD_DELIMITER FIELD_QUOTE FIELD_HEADER_REGEX"
            " PREAMBLE_REGEX MISSING_VALUE_REGEX TIMESTAMP_FIELDS"
            " HEADER_FIELD_LINE_NUMBER HEADER_FIELD_DELIMITER HEADER_FIELD_QUOTE"
            " HEADER_FIELD_ACCEPTABLE_SPECIAL_CHARACTERS",
        ),
        _no(_WEB, "description category pulldown_type _actions"),
        _no(_NOT_IN_SPEC, "disabled"),
        _no(_FORWARDER, "EVENT_BREAKER EVENT_BREAKER_ENABLE LB_CHUNK_BREAKER"),
        _no(_FORWARDER, "LB_CHUNK_BREAKER_TRUNCATE force_local_processing"),
        _no(_SPEED, "LINE_BREAKER_LOOKBEHIND MATCH_LIMIT DEPTH_LIMIT SEGMENTATION"),
        _no(_SPEED, "SEGMENTATION-<segment>"),
        _no("a trial has no clock to hold old or late events against", "MAX_DAYS_AGO"),
        _no(
            "a trial has no clock to hold old or late events against",
            "MAX_DAYS_HENCE MAX_DIFF_SECS_AGO MAX_DIFF_SECS_HENCE ROUTE_EVENTS_OLDER_THAN"
            " DETERMINE_TIMESTAMP_DATE_WITH_SYSTEM_TIME",
        ),
        _no("a file that is named is read, whatever it holds", "NO_BINARY_CHECK"),
        _no("zeros at the end of a file are read like the rest", "detect_trailing_nulls"),
        _no(_INPUT, "CHECK_METHOD initCrcLength PREFIX_SOURCETYPE HEADER_MODE given_type"),
        _no(_INPUT, "unarchive_cmd unarchive_sourcetype unarchive_cmd_start_mode"),
        _no(_INPUT, "invalid_cause is_valid MORE_THAN<name> LESS_THAN<name>"),
        _no("source types are not guessed from content", "LEARN_SOURCETYPE LEARN_MODEL maxDist"),
        _no("source types are not guessed from content", "termFrequencyWeightedDist"),
        _no("headers are found by INDEXED_EXTRACTIONS alone", "CHECK_FOR_HEADER"),
        _no(_METRICS, "METRICS_PROTOCOL STATSD-DIM-TRANSFORMS METRIC-SCHEMA-TRANSFORMS"),
        _no(_METRICS, "STATSD_EMIT_SINGLE_MEASUREMENT_FORMAT"),
        _no("names in JSON keep their braces", "JSON_TRIM_BRACES_IN_ARRAY_NAMES"),
        _no(_WEB, "RULESET_DESC-<class>"),
        _no(_XML, "XML_INDEXED_EXTRACTIONS_PIPELINE XML_IE_<name> extraction_cutoff"),
        _no(_SPEED, "OPTIMIZE_IE_EXTRACT trackPipelineLatency MAX_EXPECTED_EVENT_LINES"),
        _no("source types keep their names", "SOURCETYPE_NAME_RESTRICTED_CHARACTERS"),
    ),
    "transforms.conf": (
        _yes("fields at search time", "REGEX FORMAT SOURCE_KEY DELIMS FIELDS MV_ADD CLEAN_KEYS"),
        _yes("fields at search time", "KEEP_EMPTY_VALS"),
        _yes("index time", "DEST_KEY WRITE_META DEFAULT_VALUE REPEAT_MATCH LOOKAHEAD"),
        _yes("index time", "INGEST_EVAL STOP_PROCESSING_IF CLONE_SOURCETYPE"),
        _yes("lookups", "filename collection external_type fields_list filter match_type"),
        _yes("lookups", "case_sensitive_match min_matches max_matches default_match"),
        _yes("lookups by time", "time_field time_format max_offset_secs min_offset_secs"),
        _never("scripts of an app are never run", "external_cmd python.version python.required"),
        _never("lookups in shapes on a map", "feature_id_element"),
        _no(_SPEED, "MATCH_LIMIT DEPTH_LIMIT CAN_OPTIMIZE batch_index_query allow_caching"),
        _no(_SPEED, "cache_size max_ext_batch index_fields_list max_duplicates CAN_OPTIMIZE_IE"),
        _no("for a cluster", "replicate"),
        _no("rights are not checked", "check_permission"),
        _no("no command looks up in reverse", "reverse_lookup_honor_case_sensitive_match"),
        _no(_METRICS, "REMOVE_DIMS_FROM_METRIC_NAME METRIC-SCHEMA-<name> metrics.<name>"),
        _no("the keys of index time are known", "accepted_keys"),
        _no(_NOT_IN_SPEC, "disabled"),
        _no(_WEB, "description"),
    ),
    "eventtypes.conf": (
        _yes("event types", "search disabled priority tags"),
        _no(_WEB, "color description"),
    ),
    "tags.conf": (_yes("tags of `[field=value]`: enabled or disabled", ANY),),
    "macros.conf": (
        _yes("search macros", "args definition iseval validation errormsg"),
        _no(_WEB, "description"),
    ),
    "savedsearches.conf": (
        _yes("detections, and the command savedsearch", "search disabled"),
        _yes("the time range", "dispatch.earliest_time dispatch.latest_time"),
        _yes("risk events", "action.risk action.risk.param._risk action.risk.param._risk_message"),
        _yes("risk events", "action.risk.param._risk_score action.risk.param._risk_object"),
        _yes("risk events", "action.risk.param._risk_object_type"),
        _yes("notables", "action.notable action.notable.param.rule_title actions"),
        _yes("notables", "action.notable.param.security_domain"),
        _yes("notables", "action.notable.param.drilldown_searches"),
        _yes("names and annotations", "action.correlationsearch.label"),
        _yes("names and annotations", "action.correlationsearch.annotations description"),
        _yes("names and annotations", "action.correlationsearch.metadata"),
        _yes("names and annotations", "action.correlationsearch.enabled action.correlationsearch"),
        _yes("names and annotations", "action.escu.modification_date"),
        _yes("when results act", "counttype relation quantity alert.digest_mode"),
        _yes("throttling of results", "alert.suppress alert.suppress.fields"),
        _no("a trial is one run, shorter than any period", "alert.suppress.period"),
        _no("a warning of the detection says so", "alert_condition alert.suppress.group_name"),
        _no("a warning of the detection says so", "dispatch.index_earliest"),
        _no("a warning of the detection says so", "dispatch.index_latest dispatch.sample_ratio"),
        _no("a trial runs a search once", "enableSched is_scheduled cron_schedule schedule"),
        _no("a trial runs a search once", "allow_skew max_concurrent realtime_schedule"),
        _no("a trial runs a search once", "schedule_priority schedule_window schedule_as"),
        _no("a trial runs a search once", "run_on_startup run_n_times"),
        _no("a trial runs a search once", "restart_on_searchpeer_add"),
        _no("facts of the detection for the web interface", "action.escu action.escu.<name>"),
        _no("facts of the detection for the web interface", "action.notable.<name>"),
        _no("facts of the detection for the web interface", "action.correlationsearch.<name>"),
        _no("facts of the detection for the web interface", "action.risk.<name>"),
        _no("other actions are not run; a warning of the detection says so", "action.<name>"),
        _no(_SERVER, "dispatchAs dispatch.<name> durable.<name> auto_summarize workload_pool"),
        _no(_SERVER, "auto_summarize.<name> defer_scheduled_searchable_idxc skip_scheduled_<name>"),
        _no(_SERVER, "alert.severity alert.expires alert.track alert.display_view"),
        _no(_SERVER, "alert.managedBy federated.<name> precalculate_required_fields_for_alerts"),
        _no("Splunk does not use it any more", "sendresults action_rss action_email role userid"),
        _no("Splunk does not use it any more", "query nextrun qualifiedSearch"),
        _no(_WEB, "displayview vsid is_visible request.<name> display.<name> embed.<name>"),
    ),
    "collections.conf": (
        _yes("tables of lookups", "field.<name> enforceTypes"),
        _no(_SPEED, "accelerated_fields.<name> profilingEnabled profilingThresholdMs"),
        _no("for a cluster", "replicate replication_dump_strategy"),
        _no("for a cluster", "replication_dump_maximum_file_size type"),
    ),
    "datamodels.conf": (
        _no(_ACCELERATION, "acceleration acceleration.<name>"),
        _no("tables that the web interface edits", "dataset.<name>"),
        _no("data models give their own fields only", "strict_fields"),
        _no("tags are looked at in every index", "tags_whitelist tags_allow_list"),
    ),
    "fields.conf": (
        _no("all fields are found at search time, or made by the source type", "INDEXED"),
        _no("all fields are found at search time, or made by the source type", "INDEXED_VALUE"),
        _yes("fields of several values in one text", "TOKENIZER"),
    ),
    "app.conf": (
        _yes("the app's name, version and label", "id name version label author description"),
        _yes("a disabled app does not count", "state"),
        _no("for installing and showing the app", ANY),
    ),
    "metadata": (
        _yes("what counts outside of the app", "export"),
        _no("rights are not checked", "access owner version modtime"),
    ),
    "data model": (
        _yes("the model", "modelName objects"),
        _yes("data sets", "objectName parentName lineage constraints search baseSearch"),
        _yes("fields", "fields calculations fieldName owner type multivalue hidden required"),
        _yes("calculated fields", "calculationType expression inputField outputFields"),
        _yes("calculated fields", "lookupName lookupInputs lookupField lookupOutputFieldName"),
        _never("data sets of transactions", "groupByFields objectsToGroup transactionMaxTimeSpan"),
        _never("data sets of transactions", "transactionMaxPause"),
        _no(_WEB, "displayName description comment editable objectNameList objectSummary"),
        _no(_WEB, "fieldSearch calculationID"),
    ),
    "lookups/": (
        _yes("tables", "*.csv *.csv.gz"),
        _never("shapes on a map", "*.kmz *.kml"),
        _never("models of the Machine Learning Toolkit", "*.mlmodel"),
        _no("databases of locations are named with --iplocation", "*.mmdb"),
    ),
}
_STANZAS = {"transforms.conf": ("accepted_keys",)}


def files() -> tuple[str, ...]:
    """The files that the table is about, in the order of the documentation."""
    return tuple(_GROUPS)


@cache
def known_settings(file: str) -> tuple[Known, ...]:
    """The settings of a file, in the order of the table."""
    return tuple(
        Known(key, group.status, group.why)
        for group in _GROUPS.get(file, ())
        for key in group.keys.split()
    )


@cache
def _index(file: str) -> tuple[dict[str, Known], tuple[Known, ...]]:
    """The settings by their whole names, and those by what they begin with, longest first."""
    known = known_settings(file)
    exact = {one.key: one for one in known if "<" not in one.key}
    classes = [one for one in known if "<" in one.key]
    return exact, tuple(sorted(classes, key=lambda one: -len(one.prefix)))


def setting_of(file: str, key: str, stanza: str = "") -> Known | None:
    """What becomes of a setting; None for one that the specification does not have."""
    if stanza in _STANZAS.get(file, ()):
        return Known(stanza, "ignored", "the keys of index time are known")
    exact, classes = _index(file)
    if file == "props.conf" and key[:6].lower() == "lookup":
        # props.conf.spec, LOOKUP-: any letter case, and `_` or nothing in place of the hyphen.
        key = f"LOOKUP-{key[6:].lstrip('-_')}"
    if key in exact:
        return exact[key]
    return next((one for one in classes if key.startswith(one.prefix)), None)


def hints_for(file: str, key: str) -> tuple[str, ...]:
    """The settings that are named most like one that there is not."""
    known = known_settings(file)
    names = {one.prefix.rstrip("-.") or one.key: one.key for one in known}
    found = nearest(key.partition("-")[0], names) if "-" in key else nearest(key, names)
    text = "".join(found)
    for name, shown in names.items():
        text = text.replace(f"`{name}`", f"`{shown}`")
    return (text,) if text else ()
