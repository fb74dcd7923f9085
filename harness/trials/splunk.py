"""The Splunk that a project's settings name: an instance, or a container started for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.engines.splunk import Address, SplunkSettings, address_of, instance_of
from harness.engines.splunk.address import BadSplunkAddress
from harness.replay import READ_SECONDS
from harness.trials.settings import seconds_of

if TYPE_CHECKING:
    from harness.engines.splunk import Instance
    from harness.trials.project import Project
    from harness.trials.settings import Settings


def splunk_settings(settings: Settings) -> SplunkSettings:
    """What the settings say about the Splunk."""
    return SplunkSettings(
        url=settings.splunk_url,
        hec_url=settings.splunk_hec_url,
        image=settings.splunk_image,
        user=settings.splunk_user,
        ca=settings.splunk_ca,
        insecure=settings.splunk_insecure,
        keep=settings.keep_splunk,
        secrets=settings.splunk_secrets,
        timeout=seconds_of(settings.splunk_timeout) if settings.splunk_timeout else READ_SECONDS,
    )


def raw_endpoint(settings: Settings) -> bool:
    """Whether texts go to HEC's raw endpoint."""
    if settings.splunk_raw and settings.shift_time:
        raise BadSplunkAddress(
            "--splunk-raw lets the instance read the times, and --shift-time changes them",
            hints=["leave one of them out"],
        )
    return settings.splunk_raw


def splunk_instance(project: Project) -> Instance:
    """The instance that the project's engine names, ready for trials."""
    settings = project.settings
    meant = address_of(settings.engine, splunk_settings(settings))
    if isinstance(meant, Address):
        return instance_of(meant)
    from harness.engines.splunk.container import started  # noqa: PLC0415 - docker comes with it
    from harness.trials.content_app import app_folders  # noqa: PLC0415 - only a container needs it

    return started(meant, app_folders(project))
