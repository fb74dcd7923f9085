"""Roles and users: who may do what, and sees which events."""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING, Any

import pytest
from serving import PASSWORD, TOKEN, Served, served, stateful

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")

ROLES, USERS = "/services/authorization/roles", "/services/authentication/users"
OWN = "what nobody knows"


def ok(answer: Any, status: int = 200) -> Any:
    assert answer.status_code == status, answer.text
    return answer


def content(answer: Any) -> Any:
    return json.loads(ok(answer).text)["entry"][0]["content"]


def role(served: Served, name: str, **told: Any) -> None:
    known = {"capabilities": ["search"], "srchIndexesAllowed": ["*", "_*"], **told}
    ok(served.ask("POST", ROLES, data={"name": name, **known}), 201)


def user(served: Served, name: str, *roles: str, **told: str) -> tuple[str, str]:
    data = {"name": name, "password": OWN, "roles": list(roles), **told}
    ok(served.ask("POST", USERS, data=data), 201)
    return name, OWN


def rows(served: Served, who: tuple[str, str], text: str, **form: str) -> Any:
    data = {"search": text, "exec_mode": "oneshot", "output_mode": "json", "count": "0", **form}
    return json.loads(ok(served.ask("POST", "/services/search/jobs", data=data, auth=who)).text)[
        "results"
    ]


@pytest.fixture(scope="module")
def filled(served: Served) -> Served:
    """Six events of two teams in two indexes, and one in `_internal`."""
    ok(served.ask("POST", "/services/data/indexes", data={"name": "other"}), 201)
    for index, team, count in (("main", "red", 3), ("other", "red", 1), ("main", "blue", 2)):
        envelope = {"index": index, "sourcetype": "st", "fields": {"team": team}, "time": 5}
        body = "".join(json.dumps({**envelope, "event": f"n={n} {team}"}) for n in range(count))
        ok(served.send(body))
    ok(served.send(json.dumps({"index": "_internal", "event": "inside"})))
    role(served, "reds", srchFilter="team::red")
    role(served, "blues", srchFilter="team::blue")
    role(served, "mains", srchIndexesAllowed="main")
    role(served, "not_first", srchFilter="n!=0", srchFilterSelecting="0")
    role(served, "deleters", capabilities=["search", "delete_by_keyword"], srchFilter="team::red")
    return served


COUNT = "search (index=main OR index=other) | stats count"


@pytest.mark.parametrize(
    ("roles", "expected"),
    [
        (("reds",), "4"),
        (("blues",), "2"),
        # authorize.conf, srchFilterSelecting: filters that select are joined with OR …
        (("reds", "blues"), "6"),
        # … and those that eliminate with AND: n is not 0 in two events of red, one of blue.
        (("reds", "not_first"), "2"),
        (("reds", "blues", "not_first"), "3"),
        # authorize.conf, srchFilter: `*` overrides, as the role admin has it.
        (("reds", "admin"), "6"),
        # A role without a filter brings none.
        (("reds", "user"), "4"),
        (("mains",), "5"),
    ],
)
def test_a_user_sees_what_the_roles_together_let_through(
    filled: Served, roles: tuple[str, ...], expected: str
) -> None:
    who = user(filled, "_".join(("sees", *roles)), *roles)
    assert rows(filled, who, COUNT) == [{"count": expected}]


def test_filters_and_indexes_of_imported_roles_count(filled: Served) -> None:
    role(filled, "heirs", capabilities=[], imported_roles=["reds"], srchIndexesAllowed=[])
    who = user(filled, "heir", "heirs")
    assert rows(filled, who, COUNT) == [{"count": "4"}]
    found = content(filled.ask("GET", f"{ROLES}/heirs", params={"output_mode": "json"}))
    assert (found["imported_roles"], found["capabilities"]) == (["reds"], [])
    assert found["imported_capabilities"] == ["search"]
    assert found["imported_srchIndexesAllowed"] == ["*", "_*"]


@pytest.mark.parametrize(
    "text",
    [
        "| tstats count where index=*",
        "| eventcount index=*",
        "| eventcount summarize=false index=* | stats sum(count) as count",
        "| metadata type=sourcetypes index=* | stats sum(totalCount) as count",
        "| metasearch index=* | stats count",
        "| multisearch [search index=main] [search index=other] | stats count",
        "| makeresults | append [search index=*] | stats count | eval count=count-1",
        "| union [search index=main] [search index=other] | stats count",
        "search index=* [search index=* | head 1 | fields sourcetype] | stats count",
        '| makeresults | map search="search index=* | stats count"',
        "search index=* blue OR red | table _raw | stats count",
        "search index=* NOT team=nothing | stats count",
    ],
)
def test_no_command_sees_past_the_filter(filled: Served, text: str) -> None:
    try:
        who = user(filled, "curious", "reds")
    except AssertionError:
        who = ("curious", OWN)
    assert rows(filled, who, text)[0]["count"] == "4"


def test_inner_indexes_need_a_pattern_of_their_own(filled: Served) -> None:
    role(filled, "outer", srchIndexesAllowed=["*"])
    who = user(filled, "outsider", "outer")
    assert rows(filled, who, "search index=_internal | stats count") == [{"count": "0"}]
    assert rows(filled, ("admin", PASSWORD), "search index=_internal | stats count") == [
        {"count": "1"}
    ]


def test_only_who_may_deletes_and_only_what_is_seen(filled: Served) -> None:
    filled.send(json.dumps({"event": "keep", "fields": {"team": "green"}}))
    seeing = user(filled, "only_looks", "reds")
    asked = {"search": "search index=* | delete", "exec_mode": "oneshot", "output_mode": "json"}
    refused = filled.ask("POST", "/services/search/jobs", data=asked, auth=seeing)
    assert "insufficient privileges" in refused.text
    role(filled, "greens", capabilities=["search", "delete_by_keyword"], srchFilter="team::green")
    who = user(filled, "deleter", "greens")
    before = filled.count("index=*")
    (total, *_) = rows(filled, who, "search index=* | delete")
    assert (total["index"], total["deleted"]) == ("__ALL__", "1")
    assert filled.count("index=*") == before - 1


def test_the_admin_may_give_itself_the_right_to_delete(filled: Served) -> None:
    asked = {"search": "search index=* nothing | delete", "exec_mode": "oneshot"}
    refused = filled.ask("POST", "/services/search/jobs", data=asked)
    assert "insufficient privileges" in refused.text
    imported = {"imported_roles": ["power", "user", "can_delete"]}
    ok(filled.ask("POST", f"{ROLES}/admin", data=imported))
    ok(filled.ask("POST", "/services/search/jobs", data=asked))
    ok(filled.ask("POST", f"{ROLES}/admin", data={"imported_roles": ["power", "user"]}))


@pytest.mark.parametrize(
    ("method", "path", "data"),
    [
        ("POST", "/services/data/indexes", {"name": "mine"}),
        ("DELETE", "/services/data/indexes/other", {}),
        ("POST", "/services/data/inputs/http", {"name": "mine"}),
        ("GET", "/services/data/inputs/http", {}),
        ("GET", "/services/configs/conf-inputs", {}),
        ("GET", "/services/properties/inputs/http%3A%2F%2Fharness/token", {}),
        ("POST", "/services/configs/conf-props", {"name": "st", "EXTRACT-x": "(?<x>.)"}),
        ("POST", "/services/properties/props", {"__stanza": "st"}),
        ("POST", ROLES, {"name": "mine"}),
        ("POST", f"{ROLES}/user", {"capabilities": "admin_all_objects"}),
        ("DELETE", f"{ROLES}/reds", {}),
        ("POST", USERS, {"name": "friend", "password": OWN, "roles": "admin"}),
        ("DELETE", f"{USERS}/admin", {}),
    ],
)
def test_settings_and_users_are_the_administrators(
    filled: Served, method: str, path: str, data: dict[str, str]
) -> None:
    try:
        who = user(filled, "ordinary", "user")
    except AssertionError:
        who = ("ordinary", OWN)
    answer = filled.ask(method, path, data=data, auth=who)
    assert answer.status_code == 403, answer.text
    assert "do not have permission" in answer.text
    assert TOKEN not in answer.text


def test_without_the_capability_nothing_is_searched(filled: Served) -> None:
    role(filled, "idle", capabilities=[])
    who = user(filled, "idler", "idle")
    answer = filled.ask("POST", "/services/search/jobs", data={"search": "index=*"}, auth=who)
    assert answer.status_code == 403


def test_others_jobs_and_saved_searches_are_theirs(filled: Served) -> None:
    one, other = user(filled, "one", "user"), user(filled, "two", "user")
    jobs = "/services/search/jobs"
    made = filled.ask(
        "POST", jobs, data={"search": "search index=main", "output_mode": "json"}, auth=one
    )
    sid = json.loads(made.text)["sid"]
    for path in (f"{jobs}/{sid}", f"{jobs}/{sid}/results", f"{jobs}/{sid}/events"):
        assert filled.ask("GET", path, auth=other).status_code == 404
        assert filled.ask("GET", path, auth=one).status_code in (200, 204)
    cancel = {"action": "cancel"}
    assert filled.ask("POST", f"{jobs}/{sid}/control", data=cancel, auth=other).status_code == 404
    assert sid not in filled.ask("GET", jobs, auth=other).text
    assert sid in filled.ask("GET", jobs).text
    saved = "/services/saved/searches"
    ok(
        filled.ask("POST", saved, data={"name": "his", "search": "search index=main"}, auth=one),
        201,
    )
    assert filled.ask("DELETE", f"{saved}/his", auth=other).status_code == 403
    told = {"search": "search index=other", "eai:acl.owner": "two"}
    assert filled.ask("POST", f"{saved}/his", data=told, auth=other).status_code == 403
    assert filled.ask("DELETE", f"{saved}/his", auth=one).status_code == 200


def test_a_password_is_changed_by_who_knows_it(filled: Served) -> None:
    who = user(filled, "Changing", "user")
    assert who[0] == "Changing"
    path = f"{USERS}/changing"
    wrong = {"password": "something else", "oldpassword": "not this one"}
    assert filled.ask("POST", path, data=wrong, auth=who).status_code == 400
    login = {"username": "changing", "password": OWN, "output_mode": "json"}
    key = json.loads(ok(filled.ask("POST", "/services/auth/login", data=login, auth=None)).text)
    session = {"Authorization": f"Splunk {key['sessionKey']}"}
    ok(filled.ask("GET", path, auth=None, headers=session))
    ok(filled.ask("POST", path, data={**wrong, "oldpassword": OWN}, auth=who))
    assert filled.ask("GET", path, auth=who).status_code == 401
    assert filled.ask("GET", path, auth=None, headers=session).status_code == 401
    ok(filled.ask("GET", path, auth=("changing", "something else")))
    roles = {"roles": "admin"}
    assert (
        filled.ask("POST", path, data=roles, auth=("changing", "something else")).status_code == 403
    )
    assert filled.ask("POST", f"{USERS}/admin", data={"password": OWN}).status_code == 400


def test_who_is_asking(filled: Served) -> None:
    who = user(filled, "asks", "reds", "user", tz="Asia/Tokyo", realname="A. S. K.")
    told = content(
        filled.ask(
            "GET", "/services/authentication/current-context",
            params={"output_mode": "json"}, auth=who,
        )
    )  # fmt: skip
    assert (told["username"], told["roles"], told["tz"]) == ("asks", ["reds", "user"], "Asia/Tokyo")
    assert "search" in told["capabilities"]
    assert "admin_all_objects" not in told["capabilities"]
    listed = json.loads(filled.ask("GET", USERS, params={"output_mode": "json"}, auth=who).text)
    assert [one["name"] for one in listed["entry"]] == ["asks"]
    assert filled.ask("GET", f"{USERS}/admin", auth=who).status_code == 404
    # The user's zone is that of the search's clock times.
    text = '| makeresults | eval day=strftime(1000000000, "%F %H:%M")'
    assert rows(filled, who, text)[0]["day"] == "2001-09-09 10:46"
    assert rows(filled, ("admin", PASSWORD), text)[0]["day"] == "2001-09-09 01:46"


@pytest.mark.parametrize(
    ("path", "data", "status"),
    [
        (ROLES, {"name": "Capitals"}, 400),
        (ROLES, {"name": "a:b"}, 400),
        (ROLES, {"name": "reds"}, 409),
        (ROLES, {"name": "bad", "imported_roles": "nobody_knows"}, 400),
        (ROLES, {"name": "bad", "srchFilter": "team::red | delete"}, 400),
        (ROLES, {"name": "bad", "srchFilter": "[search index=*]"}, 400),
        (ROLES, {"name": "bad", "srchFilter": "a) OR (b"}, 400),
        (ROLES, {"name": "bad", "srchFilter": "(a"}, 400),
        (ROLES, {"name": "bad", "capabilities": "no such; thing!"}, 400),
        (USERS, {"name": "bad", "password": "short", "roles": "user"}, 400),
        (USERS, {"name": "bad", "password": OWN}, 400),
        (USERS, {"name": "bad", "password": OWN, "roles": "nobody_knows"}, 400),
        (USERS, {"name": "b a d", "password": OWN, "roles": "user"}, 400),
        (USERS, {"name": "ADMIN", "password": OWN, "roles": "user"}, 409),
        (USERS, {"name": "bad", "password": OWN, "roles": "user", "tz": "Mars/Base"}, 400),
        (f"{ROLES}/nobody_knows", {"capabilities": "search"}, 404),
        (f"{USERS}/nobody_knows", {"roles": "user"}, 404),
    ],
)
def test_what_is_wrong_is_refused(
    filled: Served, path: str, data: dict[str, str], status: int
) -> None:
    assert filled.ask("POST", path, data=data).status_code == status
    assert filled.ask("GET", f"{path}/bad").status_code == 404


def test_passwords_are_in_no_answer(filled: Served) -> None:
    for path in (USERS, "/services/configs/conf-_users", "/services/properties/_users",
                 "/services/properties", "/services/configs/conf-passwd"):  # fmt: skip
        text = filled.ask("GET", path, params={"count": "0"}).text
        assert OWN not in text
        assert "$" not in text
        assert "_users</title>" not in text


def test_roles_and_users_survive_a_kill(stateful: Served) -> None:
    role(stateful, "reds", srchFilter="team::red")
    who = user(stateful, "keeper", "reds", "user")
    gone = user(stateful, "gone", "reds")
    ok(stateful.ask("DELETE", f"{USERS}/gone"))
    stateful.send(json.dumps({"event": "a", "fields": {"team": "red"}}))
    stateful.send(json.dumps({"event": "b", "fields": {"team": "blue"}}))
    assert stateful.state is not None
    files = [one for one in stateful.state.iterdir() if one.name != "server.crt"]
    assert len(files) >= 2
    assert all(one.stat().st_mode & 0o077 == 0 for one in (stateful.state, *files))
    stateful.stop(signal.SIGKILL)
    stateful.start()
    assert rows(stateful, who, COUNT) == [{"count": "1"}]
    assert stateful.ask("GET", USERS, auth=gone).status_code == 401
    ok(stateful.ask("DELETE", f"{ROLES}/reds"))
    assert content(stateful.ask("GET", f"{USERS}/keeper", params={"output_mode": "json"}))[
        "roles"
    ] == ["user"]


def test_a_token_opens_what_its_user_may(filled: Served) -> None:
    path = "/services/authorization/tokens"
    user(filled, "bearer", "reds")
    told = {"name": "bearer", "audience": "Tests", "expires_on": "+1h", "output_mode": "json"}
    made = json.loads(ok(filled.ask("POST", path, data=told), 201).text)["entry"][0]["content"]
    shown = {"Authorization": f"Bearer {made['token']}"}
    data = {"search": COUNT, "exec_mode": "oneshot", "output_mode": "json"}

    def asked() -> Any:
        return filled.ask("POST", "/services/search/jobs", data=data, headers=shown, auth=None)

    assert json.loads(ok(asked()).text)["results"] == [{"count": "4"}]
    listed = filled.ask("GET", path, params={"output_mode": "json"})
    assert made["token"] not in listed.text
    (one,) = json.loads(listed.text)["entry"]
    assert (one["content"]["claims"]["sub"], one["content"]["status"]) == ("bearer", "enabled")
    ok(filled.ask("POST", f"{path}/bearer", data={"id": made["id"], "status": "disabled"}))
    assert asked().status_code == 401
    ok(filled.ask("POST", f"{path}/bearer", data={"id": made["id"], "status": "enabled"}))
    ok(asked())
    # Its user may not make one: that needs a capability.
    more = {"name": "bearer", "audience": "More"}
    assert filled.ask("POST", path, data=more, headers=shown, auth=None).status_code == 403
    ok(filled.ask("DELETE", f"{path}/bearer", params={"id": made["id"]}))
    assert asked().status_code == 401
    for wrong in ({"name": "bearer"}, {"name": "bearer", "audience": "a", "expires_on": "-1h"}):
        assert filled.ask("POST", path, data=wrong).status_code == 400
    assert filled.ask("POST", path, data={"name": "nobody", "audience": "a"}).status_code == 404


def test_a_token_survives_a_kill_and_ends_with_its_user(stateful: Served) -> None:
    user(stateful, "bearer", "user")
    told = {"name": "bearer", "audience": "Tests", "output_mode": "json"}
    path = "/services/authorization/tokens"
    made = ok(stateful.ask("POST", path, data=told), 201)
    token = json.loads(made.text)["entry"][0]["content"]["token"]
    stateful.stop(signal.SIGKILL)
    stateful.start()
    shown = {"Authorization": f"Bearer {token}"}
    context = "/services/authentication/current-context"
    assert "bearer" in ok(stateful.ask("GET", context, headers=shown, auth=None)).text
    ok(stateful.ask("DELETE", f"{USERS}/bearer"))
    assert stateful.ask("GET", context, headers=shown, auth=None).status_code == 401
