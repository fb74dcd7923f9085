"""Write a small add-on with samples for pytest-splunk-addon: `addon_pack.py FOLDER`.

One source type comes in by HEC's event endpoint, one by its raw endpoint, which breaks lines and
reads time stamps by the add-on. Each kind of knowledge that pytest-splunk-addon tests is there:
extractions, aliases, calculated fields, a lookup, event types, tags and a CIM data model.
"""

import sys
from pathlib import Path

TIME = """\
earliest = -60m
latest = now
timezone = 0000
token.1.token = ##time##
token.1.replacementType = timestamp
token.1.replacement = %Y-%m-%dT%H:%M:%S.000+0000
token.1.field = _time
"""
FILES = {
    "default/app.conf": """\
[install]
is_configured = 1

[package]
id = TA_doors

[ui]
label = Doors

[launcher]
version = 1.0.0
author = detection-harness
""",
    "default/props.conf": """\
[doors:event]
EXTRACT-door = door=(?<door>\\w+) person=(?<person>\\w+) result=(?<result>\\w+) from=(?<from>\\S+)
FIELDALIAS-user = person AS user
EVAL-app = "doors"
EVAL-dest = door
EVAL-src = 'from'
LOOKUP-action = door_results result OUTPUT action

[doors:raw]
SHOULD_LINEMERGE = false
LINE_BREAKER = ([\\r\\n]+)
TIME_PREFIX = ^
TIME_FORMAT = %Y-%m-%dT%H:%M:%S.%3N%z
REPORT-all = doors_raw
EXTRACT-never = never=(?<never>\\w+)
""",
    "default/transforms.conf": """\
[doors_raw]
REGEX = ^\\S+ floor=(?<floor>\\d+) lamp=(?<lamp>\\w+)
FORMAT = floor::$1 lamp::$2

[door_results]
filename = door_results.csv
""",
    "default/eventtypes.conf": """\
[doors_entry]
search = sourcetype="doors:event"
""",
    "default/tags.conf": """\
[eventtype=doors_entry]
authentication = enabled
""",
    "lookups/door_results.csv": """\
result,action
open,success
shut,failure
""",
    "samples/doors_event.sample": """\
##time## door=north person=ada result=##result## from=10.0.0.1
""",
    "samples/doors_raw.sample": """\
##time## floor=1 lamp=on
##time## floor=2 lamp=off
##time## floor=3 lamp=on
""",
    "samples/pytest-splunk-addon-data.conf": f"""\
[doors_event.sample]
input_type = modinput
host_type = plugin
sourcetype = doors:event
sourcetype_to_search = doors:event
source = doors
timestamp_type = event
sample_count = 1
token.0.token = ##result##
token.0.replacementType = all
token.0.replacement = list["open", "shut"]
{TIME}
[doors_raw.sample]
input_type = file_monitor
host_type = plugin
sourcetype = doors:raw
sourcetype_to_search = doors:raw
source = lamps
timestamp_type = event
expected_event_count = 3
{TIME}
""",
}


def main(folder: Path) -> None:
    """Write the files."""
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


main(Path(sys.argv[1]))
