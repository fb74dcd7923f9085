"""Write a content pack for contentctl: a detection that fires on its data, and one that does not.

Usage: contentctl_pack.py PACK, where PACK is a folder that `contentctl init` made. The data is
what the recipe of a dataset of ours renders, as a file beside the detections.
"""

import sys
from pathlib import Path

import yaml

from harness.content import read_detection
from harness.datasets import load_catalog
from harness.datasets.synthetic import rendered

ROOT = Path(__file__).resolve().parents[1]
DETECTION = ROOT / "detections/endpoint/excessive_distinct_processes_from_windows_temp.yml"
DATASET = "standin_windows_temp_sysmon"
NEVER = "distinct_process_count > 37000"
IDS = {
    "Harness Pack Many Processes From Temp": "0f3d2c52-6f6c-4a54-9b30-4a0d7c4a9c11",
    "Harness Pack Too Many Processes From Temp": "6b9b5f5e-2f4e-4f7e-8f43-6d0f2b6a1d22",
}


def main(pack: Path) -> None:
    """Replace the example detections of a pack by ours."""
    for example in (pack / "detections").rglob("*.yml"):
        example.unlink()
    log = pack / "events.log"
    manifest = load_catalog([ROOT / "datasets"]).get(DATASET)
    texts = list(rendered(manifest.synthetic, manifest.synthetic_place))
    log.write_text("".join(one.text for one in texts), encoding="utf-8")
    search = read_detection(DETECTION).search
    fires, silent = IDS
    write(pack, fires, search, log, texts[0].origin)
    write(pack, silent, search.replace("distinct_process_count > 37", NEVER), log, texts[0].origin)


def write(pack: Path, name: str, search: str, log: Path, origin: object) -> None:
    """Write one detection as contentctl 5 wants it."""
    stem = name.lower().replace(" ", "_")
    text = search.replace("excessive_distinct_processes_from_windows_temp_filter", f"{stem}_filter")
    drilldowns = [
        {
            "name": name_of_search,
            "search": f"%original_detection_search% | search {condition}",
            "earliest_offset": "$info_min_time$",
            "latest_offset": "$info_max_time$",
        }
        for name_of_search, condition in (
            ("View the detection results for $dest$", "dest = $dest$"),
            ("View the processes of $dest$", "dest = $dest$ process = *"),
        )
    ]
    detection = {
        "name": name,
        "id": IDS[name],
        "version": 1,
        "date": "2026-11-24",
        "author": "detection-harness",
        "status": "production",
        "type": "Anomaly",
        "description": "Counts the different command lines started from below Windows Temp.",
        "data_source": ["Sysmon EventID 1"],
        "search": text,
        "how_to_implement": "Process creations with the full path and the command line.",
        "known_false_positives": "Large installers.",
        "references": ["https://attack.mitre.org/techniques/T1059/"],
        "drilldown_searches": drilldowns,
        "rba": {
            "message": "Many processes started from Windows Temp on $dest$",
            "risk_objects": [{"field": "dest", "type": "system", "score": 80}],
            "threat_objects": [],
        },
        "tags": {
            "analytic_story": ["Cobalt Strike"],
            "asset_type": "Endpoint",
            "mitre_attack_id": ["T1059"],
            "product": ["Splunk Enterprise", "Splunk Enterprise Security", "Splunk Cloud"],
            "security_domain": "endpoint",
        },
        "tests": [
            {
                "name": "True Positive Test",
                "attack_data": [
                    {
                        "data": str(log),
                        "source": origin.source,  # type: ignore[attr-defined]
                        "sourcetype": origin.sourcetype,  # type: ignore[attr-defined]
                    }
                ],
            }
        ],
    }
    path = pack / "detections" / "endpoint" / f"{stem}.yml"
    path.write_text(yaml.safe_dump(detection, sort_keys=False, width=1000), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
