"""Containers on a real Docker engine: `.ci/docker.sh` gives it, with an image of our own."""

from __future__ import annotations

import io
import shutil
import tarfile
import time
from typing import TYPE_CHECKING, Any

import pytest
from docking import APP, EVENTS, IMAGE, image, ours, own_ledger, the_only, with_docker

from harness.engines.splunk import SplunkEngine, readiness
from harness.engines.splunk import container as containers
from harness.engines.splunk.app_files import AppFiles

if TYPE_CHECKING:
    from pathlib import Path


@with_docker
def test_a_trial_in_a_container_that_is_removed_afterwards(image: Any) -> None:
    instance = containers.started(image(), [APP])
    engine = SplunkEngine(instance)
    assert engine.load(EVENTS).events == 2
    engine.close()
    assert len(ours()) == 1
    instance.close()
    assert ours() == []


@with_docker
def test_a_kept_container_is_found_again_and_gets_new_apps(image: Any) -> None:
    kept = image(keep=True)
    containers.started(kept, [APP]).close()
    (name,) = ours()
    started = time.monotonic()
    containers.started(kept, [APP]).close()
    assert time.monotonic() - started < 3
    assert ours() == [name]
    changed = AppFiles("TA_new", made={"default/app.conf": b"[launcher]\nversion = 2\n"})
    instance = containers.started(kept, [APP, changed])
    listed = instance.rest.get("/services/apps/local", count=0)["entry"]
    assert {one["name"] for one in listed} >= {"TA_test", "TA_new"}
    instance.close()
    assert ours() == [name]
    assert containers.clean_containers() == [f"container {name} ({kept.name})"]
    assert ours() == []


@with_docker
def test_the_password_is_made_anew_and_never_shown(image: Any) -> None:
    instance = containers.started(image(), [APP])
    password = instance.address.password or ""
    assert len(password) > 20
    assert password not in repr(instance.address)
    assert password not in the_only(readiness.last_lines)


@pytest.mark.parametrize(
    ("image", "needed"),
    [
        ("splunk/splunk:9.4", False),
        ("splunk/splunk:9.4.1", False),
        ("splunk/splunk:10.0", True),
        ("splunk/splunk:latest", True),
        ("registry.local:5000/splunk", True),
        ("splunk/splunk", True),
    ],
)
def test_general_terms_from_version_10(image: str, needed: bool) -> None:
    assert containers.needs_terms(image) is needed


def test_apps_in_a_tar_have_folders_and_no_files_from_elsewhere(tmp_path: Path) -> None:
    from harness.engines.splunk.app_files import archive, digest_of

    app = tmp_path / "TA_x"
    (app / "default").mkdir(parents=True)
    (app / "default" / "app.conf").write_text("[launcher]\n")
    (tmp_path / "secret").write_text("secret")
    (app / "default" / "stolen.conf").symlink_to(tmp_path / "secret")
    made = AppFiles("TA_x", app)
    with tarfile.open(fileobj=io.BytesIO(archive([made], under="/opt/splunk/etc/apps"))) as tar:
        names = tar.getnames()
    assert names == [
        "opt/splunk/etc",
        "opt/splunk/etc/apps",
        "opt/splunk/etc/apps/TA_x",
        "opt/splunk/etc/apps/TA_x/default",
        "opt/splunk/etc/apps/TA_x/default/app.conf",
    ]
    before = digest_of([made])
    (app / "default" / "app.conf").write_text("[launcher]\nversion = 2\n")
    assert digest_of([made]) != before


def test_openssl_is_there_for_certificates() -> None:
    assert not IMAGE or shutil.which("openssl")
