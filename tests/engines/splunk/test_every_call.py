"""Faults of the connection in every call, between the engine and a real `harness serve`.

Whatever breaks: a run ends with its result, by asking again where that does no harm, or with an
error that says what and where, and afterwards nothing of ours is left on the instance.
"""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from behind import INDEX, INPUTS, LIMIT, Behind, behind, quick, ran, served

from harness.engines.splunk import Instance
from harness.replay import SplunkFault

JOBS = "/services/search/v2/jobs"
CALLS = (
    ("POST", "/services/auth/login"),
    ("GET", "/services/server/info"),
    ("GET", "/services/authentication/current-context"),
    ("POST", INPUTS),
    ("GET", f"{INPUTS}/NAME"),
    ("DELETE", f"{INPUTS}/NAME"),
    ("GET", "/services/data/indexes/NAME"),
    ("POST", "/services/data/indexes"),
    ("DELETE", "/services/data/indexes/NAME"),
    ("GET", "/services/authorization/roles/NAME"),
    ("POST", "/services/authorization/roles"),
    ("POST", JOBS),
    ("GET", f"{JOBS}/NAME"),
    ("GET", f"{JOBS}/NAME/results"),
    ("POST", f"{JOBS}/NAME/control"),
    ("GET", "/services/collector/health/1.0"),
    ("POST", "/services/collector/event"),
    ("POST", "/services/collector/ack"),
    ("POST", "/services/authorization/roles/NAME"),
    ("DELETE", "/services/authorization/roles/NAME"),
    ("POST", "/services/authentication/users"),
    ("DELETE", "/services/authentication/users/NAME"),
)
NAMED = re.compile(rf"/(?:harness-[\w-]+|{INDEX}|risk|power|admin)(?=/|$)")


def pattern(path: str) -> str:
    return f"^{path.replace('NAME', '[^/]+')}$"


def name_of(one: Any) -> str:
    return str(one).rsplit("services/", maxsplit=1)[-1]


in_every_call = pytest.mark.parametrize(("method", "path"), CALLS, ids=name_of)


def test_the_list_of_calls_is_that_of_a_good_run(behind: Behind) -> None:
    ran(behind)
    log = behind.rest.log + behind.hec.log
    assert {(method, NAMED.sub("/NAME", path)) for method, path in log} == set(CALLS)


@pytest.mark.parametrize("do", ["short", "slow", 503])
@in_every_call
def test_one_fault_in_any_call_does_no_harm(
    behind: Behind, method: str, path: str, do: str | int
) -> None:
    fault = behind.proxy_of(path).arm(method, pattern(path), do, seconds=LIMIT + 0.2)
    started = time.monotonic()
    ran(behind)
    assert fault.times == 0
    assert time.monotonic() - started < 15


@pytest.mark.parametrize("do", ["after", "short", "slow", 503])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/services/collector/raw"),
        ("POST", "/services/collector/ack"),
        ("POST", "/services/data/indexes"),
        ("DELETE", "/services/data/indexes/NAME"),
    ],
    ids=name_of,
)
def test_one_fault_in_a_run_of_raw_texts_does_no_harm(
    behind: Behind, method: str, path: str, do: str | int
) -> None:
    fault = behind.proxy_of(path).arm(method, pattern(path), do, seconds=LIMIT + 0.2)
    ran(behind, raw=True)
    assert fault.times == 0


@in_every_call
def test_a_call_that_always_fails_ends_the_run_and_is_cleaned_up_later(
    behind: Behind, method: str, path: str
) -> None:
    broken = behind.proxy_of(path)
    broken.arm(method, pattern(path), "half", times=10**6)
    started = time.monotonic()
    said = ""
    try:
        ran(behind)
    except SplunkFault as error:
        said = str(error)
    assert not said or broken.url in said
    assert time.monotonic() - started < 30
    behind.heal()
    instance = Instance(behind.address())
    instance.clean()
    instance.close()
