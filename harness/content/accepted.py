"""Results that were seen and accepted: `<detection>.accepted.yaml`, written by the harness.

    # Written by --harness-accept: results that were seen, and must not change unseen.
    trials:
      the official file:
        dataset: windows_temp_official_text
        results: 1
        risk:
        - {object: WIN-1, type: system, score: 80, message: …}

A file of its own, so that the sidecar keeps the comments of whoever writes it. A pin counts
beside the trial's `expect`, and only as long as the trial has the same dataset.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.content.entries import Entry
from harness.content.errors import MalformedExpectation
from harness.content.expected import Bound, Expectation, ExpectedRisk

if TYPE_CHECKING:
    from collections.abc import Sequence

_HEADER = "# Written by --harness-accept: results that were seen, and must not change unseen.\n"
_SUFFIX = ".accepted.yaml"
_LINE_BREAKS = frozenset("\x85\u2028\u2029")
_LOCK_TIMEOUT_SECONDS = 30
Pins = dict[str, tuple[str | None, Expectation]]


def accepted_beside(path: Path) -> Path:
    """Where the accepted results are for a detection, or for its sidecar."""
    stem = path.name.removesuffix(".expected.yaml")
    return path.with_name((stem if stem != path.name else path.stem) + _SUFFIX)


def read_accepted(path: Path) -> Pins:
    """The pins beside a detection or sidecar, by trial: (dataset, what was accepted).

    Empty where nothing was accepted. Raises `MalformedYaml`, `UnknownKey` and
    `MalformedExpectation`.
    """
    from harness.model.documents import read_document  # noqa: PLC0415 - YAML loads when read

    file = accepted_beside(path)
    if not file.exists():
        return {}
    top = Entry(read_document(file), MalformedExpectation)
    top.only(("trials",))
    if not top.has("trials"):
        return {}
    trials = top.at("trials")
    return {name: _pin(trials.at(name)) for name in trials.data}


def _pin(entry: Entry) -> tuple[str | None, Expectation]:
    entry.only(("dataset", "results", "risk"))
    count = entry.count("results")
    if count is None:
        raise entry.fault("an accepted trial needs `results`", hints=("accept it again",))
    risk: list[ExpectedRisk] = []
    for item in entry.entries("risk"):
        item.only(("message", "object", "score", "type"))
        score = item.number("score")
        risk.append(
            ExpectedRisk(
                item.text("object"), item.text("type"), score, item.text("message"), item.place()
            )
        )
    pinned = Expectation(Bound(count, count), risk=tuple(risk), place=entry.place())
    return entry.text("dataset"), pinned


def write_accepted(
    path: Path, trial: str, *, dataset: str | None, results: int, risk: Sequence[ExpectedRisk]
) -> Path:
    """Pin what a trial gave beside its detection or sidecar, and return the file written.

    The pins of other trials stay. Safe among the processes of one test run: the file is read,
    changed and renamed into place under a lock. Raises `MalformedExpectation` where the file
    there cannot be written.
    """
    import hashlib  # noqa: PLC0415 - start-up is a feature, and accepting is rare
    import tempfile  # noqa: PLC0415 - as above

    from filelock import FileLock, Timeout  # noqa: PLC0415 - as above

    file = accepted_beside(path)
    name = hashlib.sha256(os.fsencode(file.resolve())).hexdigest()[:16]
    lock = Path(tempfile.gettempdir()) / f"harness-accepted-{name}.lock"
    try:
        with FileLock(lock, timeout=_LOCK_TIMEOUT_SECONDS):
            trials = _plain_trials(file)
            trials[trial] = {
                "dataset": dataset,
                "results": results,
                "risk": [_plain_risk(item) for item in risk],
            }
            text = _yaml_text({"trials": trials})
            beside = file.with_name(f".{file.name}.{os.getpid()}")
            beside.write_text(_HEADER + text, encoding="utf-8")
            beside.replace(file)
    except Timeout:
        raise MalformedExpectation(
            f"`{file.name}` is being written by another run for more than"
            f" {_LOCK_TIMEOUT_SECONDS} s",
            hints=(f"remove {lock} if no other run is there",),
        ) from None
    except OSError as error:
        raise MalformedExpectation(f"cannot write `{file}`: {error.strerror or error}") from error
    return file


def _yaml_text(data: dict[str, Any]) -> str:
    import yaml  # noqa: PLC0415 - only accepting writes YAML

    text = yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=100)
    if _LINE_BREAKS.isdisjoint(text):
        return text
    # PyYAML writes these as they are, and a reader takes them for line breaks.
    return yaml.safe_dump(data, sort_keys=False, width=100)


def _plain_trials(file: Path) -> dict[str, Any]:
    from harness.model.documents import read_document  # noqa: PLC0415 - YAML loads when read

    if not file.exists():
        return {}
    read_accepted(file.with_name(file.name.removesuffix(_SUFFIX) + ".yml"))
    return dict((read_document(file).data or {}).get("trials") or {})


def _plain_risk(risk: ExpectedRisk) -> dict[str, Any]:
    score = risk.score
    whole = score is not None and score == int(score)
    return {
        "object": risk.object if isinstance(risk.object, str) else None,
        "type": risk.type,
        "score": int(score) if whole and score is not None else score,
        "message": risk.message,
    }
