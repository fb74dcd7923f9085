"""Detections of every generation, in small files of our own and in the real ones."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from harness.content import (
    Detection,
    MalformedDetection,
    RiskObjectRule,
    ThreatObjectRule,
    read_detection,
)
from harness.content.detection import detection_from
from harness.model.documents import MalformedYaml, read_text_document

ROOT = Path(__file__).parents[2]
CORPUS = ROOT.parent / "shared" / "corpus" / "security_content"
needs_corpus = pytest.mark.skipif(not CORPUS.is_dir(), reason="../shared/corpus is not here")

OLDEST = r"""
name: Odd Child of an Office Program
id: 11111111-2222-3333-4444-555555555555
version: 3
date: '2022-01-31'
author: A. Author, B. Writer
type: TTP
datamodel: [Endpoint]
description: Text.
search: '| tstats count from datamodel=Endpoint.Processes by Processes.dest'
how_to_implement: Text.
known_false_positives: None.
references: []
tags:
  analytic_story: [Macros]
  confidence: 70
  context: ['Source:Endpoint']
  dataset: ['https://example.org/a.log']
  impact: 90
  kill_chain_phases: [Exploitation]
  message: $process_name$ ran on $dest$ for $user$
  mitre_attack_id: [T1204, T1204.002]
  observable:
  - {name: dest, type: Hostname, role: [Victim]}
  - {name: user, type: user, role: [victim]}
  - {name: account, type: User Name, role: [Victim]}
  - {name: mail, type: EMAIL ADDRESS, role: [Victim]}
  - {name: src, type: IP Address, role: [Attacker]}
  - {name: parent_process_name, type: Parent Process, role: [Parent Process]}
  - {name: process_name, type: Process Name, role: [attacker]}
  product: [Splunk Enterprise]
  required_fields: [_time]
  risk_score: 63
  security_domain: endpoint
  supported_tas: [Splunk_TA_windows]
"""

V4 = r"""
name: Key Exported
id: aaaa
version: 1
date: '2024-05-01'
author: A. Author
status: production
type: Anomaly
description: Text.
data_source: [Sysmon EventID 1]
search: index=main | stats count by dest
how_to_implement: Text.
known_false_positives: None.
references: []
drilldown_searches:
- name: Look at $dest$
  search: index=main $dest$
  earliest_offset: $info_min_time$
  latest_offset: $info_max_time$
tags:
  analytic_story: [Keys]
  asset_type: Endpoint
  confidence: 50
  impact: 35
  message: Key exported on $dest$
  mitre_attack_id: [T1552.004]
  observable:
  - {name: dest, type: Endpoint, role: [Victim]}
  - {name: file_name, type: File Name, role: [Attacker]}
  product: [Splunk Cloud]
  required_fields: [_time]
  risk_score: 17.5
  security_domain: endpoint
tests:
- name: True Positive Test
  attack_data:
  - data: https://example.org/x.log
    source: XmlWinEventLog
    sourcetype: xmlwineventlog
    custom_index: win
    host: h1
    update_timestamp: true
"""

V5 = r"""
name: Vault Read
id: bbbb
version: 4
date: '2025-02-10'
author: A. Author
status: production
type: TTP
description: Text.
data_source: [Sysmon EventID 1]
search: index=main | stats count by dest user
how_to_implement: Text.
known_false_positives: None.
references: []
rba:
  message: $user$ read the vault on $dest$
  risk_objects:
  - {field: dest, type: system, score: 64}
  - {field: user, type: user, score: 20}
  threat_objects:
  - {field: parent_process, type: parent_process_name}
tags:
  analytic_story: [Keys]
  asset_type: Endpoint
  mitre_attack_id: [T1555]
  product: [Splunk Cloud]
  security_domain: endpoint
tests: []
"""

ESCU6 = r"""
name: Sign-in From Two Places
id: cccc
version: 1
creation_date: '2026-01-02'
modification_date: '2026-03-04'
author: A. Author
status: production
type: TTP
description: Text.
category: [identity]
data_source: [Entra sign-in]
search: index=main | stats count by user src
how_to_implement: Text.
known_false_positives: None.
references: []
analytic_story: [Identity]
asset_type: Identity
mitre_attack_id: [T1078]
product: [Splunk Cloud]
security_domain: identity
finding:
  title: $user$ signed in from two places
  entity: {field: user, type: user, score: 50}
intermediate_findings:
  entities:
  - {field: src, type: system, score: 30, message: $src$ is one of two places}
threat_objects:
- {field: src, type: ip_address}
tests:
- name: True Positive Test
  test_type: experimental
  attack_data:
  - {data: 'https://example.org/y.log', source: azure, sourcetype: azure, index: cloud}
"""


def read(text: str) -> Detection:
    return detection_from(read_text_document(text, "d.yml"), Path("d.yml"))


def test_the_oldest_generation() -> None:
    detection = read(OLDEST)
    message = "$process_name$ ran on $dest$ for $user$"
    assert detection.generation == "2021"
    assert detection.authors == ("A. Author", "B. Writer")
    assert (detection.version, detection.date) == ("3", "2022-01-31")
    assert detection.techniques == ("T1204", "T1204.002")
    assert detection.kill_chain_phases == ("Exploitation",)
    assert detection.datasets == ("https://example.org/a.log",)
    assert detection.risk.objects == (
        RiskObjectRule("dest", "system", 63.0, message),
        RiskObjectRule("user", "user", 63.0, message),
        RiskObjectRule("account", "other", 63.0, message),
        RiskObjectRule("mail", "user", 63.0, message),
        RiskObjectRule("parent_process_name", "other", 63.0, message),
    )
    assert detection.risk.threat_objects == (
        ThreatObjectRule("src", "ip_address"),
        ThreatObjectRule("process_name", "process"),
    )
    assert (detection.risk.creates_risk, detection.risk.notable) == (True, True)
    assert detection.search_name == "ESCU - Odd Child of an Office Program - Rule"
    assert detection.filter_macro == "odd_child_of_an_office_program_filter"
    assert detection.warnings == ()


def test_version_4() -> None:
    detection = read(V4)
    assert detection.generation == "v4"
    assert detection.status == "production"
    assert detection.data_sources == ("Sysmon EventID 1",)
    assert detection.risk.objects == (
        RiskObjectRule("dest", "system", 17.5, "Key exported on $dest$"),
    )
    assert detection.risk.threat_objects == (ThreatObjectRule("file_name", "file_name"),)
    assert (detection.risk.creates_risk, detection.risk.notable) == (True, False)
    data = detection.tests[0].attack_data[0]
    assert (data.data, data.source, data.sourcetype, data.index, data.host) == (
        "https://example.org/x.log", "XmlWinEventLog", "xmlwineventlog", "win", "h1",
    )  # fmt: skip
    assert detection.drilldowns[0].earliest == "$info_min_time$"
    assert detection.warnings == ()


def test_version_5() -> None:
    detection = read(V5)
    message = "$user$ read the vault on $dest$"
    assert detection.generation == "v5"
    assert detection.risk.objects == (
        RiskObjectRule("dest", "system", 64.0, message),
        RiskObjectRule("user", "user", 20.0, message),
    )
    assert detection.risk.threat_objects == (
        ThreatObjectRule("parent_process", "parent_process_name"),
    )
    assert (detection.risk.creates_risk, detection.risk.notable) == (True, True)
    assert detection.warnings == ()


def test_a_version_5_hunting_detection_has_no_risk_block() -> None:
    before, _, rest = V5.partition("rba:")
    hunting = before.replace("TTP", "Hunting") + "tags:" + rest.partition("tags:")[2]
    detection = read(hunting)
    assert detection.generation == "v5"
    assert detection.risk.objects == ()
    assert (detection.risk.creates_risk, detection.risk.notable) == (False, False)


def test_escu_6() -> None:
    detection = read(ESCU6)
    assert detection.generation == "escu6"
    assert detection.date == "2026-03-04"
    assert detection.stories == ("Identity",)
    assert detection.security_domain == "identity"
    assert detection.risk.objects == (
        RiskObjectRule("user", "user", 50.0, "$user$ signed in from two places"),
        RiskObjectRule("src", "system", 30.0, "$src$ is one of two places"),
    )
    assert detection.risk.threat_objects == (ThreatObjectRule("src", "ip_address"),)
    assert (detection.risk.creates_risk, detection.risk.notable) == (True, True)
    assert detection.tests[0].test_type == "experimental"
    assert detection.tests[0].attack_data[0].index == "cloud"
    assert detection.warnings == ()


@pytest.mark.parametrize(
    ("kind", "creates_risk", "notable"),
    [
        ("TTP", True, True),
        ("anomaly", True, False),
        ("Hunting", False, False),
        ("Correlation", False, True),
    ],
)
def test_what_a_type_creates(kind: str, creates_risk: bool, notable: bool) -> None:
    risk = read(V4.replace("type: Anomaly", f"type: {kind}")).risk
    assert (risk.creates_risk, risk.notable) == (creates_risk, notable)


def test_oddities_of_other_peoples_files_are_warnings() -> None:
    text = V4.replace("status:", "satus: x\nstatus:").replace("risk_score: 17.5", "risk_score: 20")
    text = text.replace("type: Anomaly", "type: Anomoly").replace("asset_type", "asset_typ")
    warnings = [str(one) for one in read(text).warnings]
    assert [warning.partition(": ")[0].rsplit(":", 2)[0] for warning in warnings] == ["d.yml"] * 4
    joined = "\n".join(warnings)
    assert "unknown key `satus` did you mean `status`?" in joined
    assert "unknown key `asset_typ` did you mean `asset_type`?" in joined
    assert "unknown type `Anomoly`" in joined
    assert "`risk_score` says 20; impact 35 * confidence 50 / 100 is 17.5" in joined


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (V4.replace("search: index", "serch: index"), "d.yml:2:1: the document needs `search`"),
        (V4.replace("search: index=main | stats count by dest", "search: ' '"), "d.yml:11:1:"),
        (V4.replace("impact: 35", "impact: high"), "`impact` must be a number, not `high`"),
        (V4.replace("status: production", "status: [a]"), "`status` must be text, not a list"),
        (V5.replace("type: system", "type: sytem"), "did you mean `system`?"),
        (V5.replace(", score: 64", ""), "a risk object needs `score`"),
        ("- just\n- a list\n", "d.yml:1:1: the document must be a mapping"),
        ("", "d.yml:1:1: the document must be a mapping"),
        ("name: x\ntype: TTP\nsearch: y\n", "a detection needs `tags`"),
    ],
)
def test_malformed(text: str, message: str) -> None:
    with pytest.raises(MalformedDetection) as caught:
        read(text)
    assert message in str(caught.value)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(MalformedYaml, match="no such file"):
        read_detection(tmp_path / "none.yml")


def test_our_own_detection_is_what_was_asked_for() -> None:
    path = ROOT / "detections/endpoint/excessive_distinct_processes_from_windows_temp.yml"
    detection = read_detection(path)
    assert detection.generation == "2021"
    assert detection.id == "23587b6a-c479-11eb-b671-acde48001122"
    assert (detection.version, detection.date) == ("2", "2022-02-28")
    assert detection.authors == ("Michael Hart", "Mauricio Velazco", "Splunk")
    assert (detection.type, detection.techniques) == ("Anomaly", ("T1059",))
    assert detection.kill_chain_phases == ("Exploitation",)
    assert detection.stories == ("Meterpreter",)
    assert detection.required_fields == (
        "_time", "Processes.process", "Processes.dest", "Processes.user",
    )  # fmt: skip
    assert [(rule.field, rule.type, rule.score) for rule in detection.risk.objects] == [
        ("dest", "system", 80.0)
    ]
    assert f"`{detection.filter_macro}`" in detection.search
    assert detection.warnings == ()


@needs_corpus
def test_our_own_detection_searches_as_splunks_does() -> None:
    name = "endpoint/excessive_distinct_processes_from_windows_temp.yml"
    ours, theirs = (read_detection(root / "detections" / name) for root in (ROOT, CORPUS))
    assert ours.search.split() == theirs.search.split()
    assert ours.risk == theirs.risk


@needs_corpus
def test_every_real_detection_is_read() -> None:
    paths = sorted((CORPUS / "detections").rglob("*.yml"))
    # Counted by looking at the lines, not by reading the YAML.
    types = Counter(
        line.removeprefix("type: ").strip()
        for path in paths
        for line in path.read_text(encoding="utf-8").splitlines()
        if line.startswith("type: ")
    )
    detections = [read_detection(path) for path in paths]
    assert len(detections) == 1315
    assert Counter(detection.type for detection in detections) == types
    assert {detection.generation for detection in detections} == {"v4"}
    for detection in detections:
        assert f"`{detection.filter_macro}" in detection.search


@needs_corpus
def test_stated_risk_scores_are_impact_times_confidence() -> None:
    """Five files state another score; contentctl 4 computes it, and so leaves theirs unused."""
    paths = sorted((CORPUS / "detections").rglob("*.yml"))
    odd = {
        path.stem
        for path in paths
        if any("`risk_score` says" in warning.message for warning in read_detection(path).warnings)
    }
    assert odd == {
        "o365_cross_tenant_access_change",
        "linux_auditd_auditd_service_stop",
        "linux_auditd_find_credentials_from_password_stores",
        "linux_auditd_find_ssh_private_keys",
        "windows_multiple_ntlm_null_domain_authentications",
    }
