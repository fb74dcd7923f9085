"""Datasets: manifests, and the verified files that they name."""

from harness.datasets.cache import Status
from harness.datasets.catalog import Catalog, load_catalog
from harness.datasets.errors import (
    AmbiguousDataset,
    BadManifest,
    BadSetting,
    DatasetMismatch,
    ForbiddenAddress,
    HtmlInsteadOfData,
    MissingFile,
    OversizedFile,
    PointerInsteadOfData,
    Refused,
    SeveralFiles,
    SlowDownload,
    TruncatedDownload,
    UnknownDataset,
    Unreachable,
    UntrustedServer,
)
from harness.datasets.manifest import DatasetFile, Manifest, read_manifest
from harness.datasets.settings import Limits, StoreSettings
from harness.datasets.store import Store
from harness.datasets.verify import verify
from harness.storage.errors import (
    DamagedArchive,
    DiskFull,
    DownloadInProgress,
    EmptyDataset,
    UnsafeArchive,
    UnusableCache,
)

__all__ = [
    "AmbiguousDataset",
    "BadManifest",
    "BadSetting",
    "Catalog",
    "DamagedArchive",
    "DatasetFile",
    "DatasetMismatch",
    "DiskFull",
    "DownloadInProgress",
    "EmptyDataset",
    "ForbiddenAddress",
    "HtmlInsteadOfData",
    "Limits",
    "Manifest",
    "MissingFile",
    "OversizedFile",
    "PointerInsteadOfData",
    "Refused",
    "SeveralFiles",
    "SlowDownload",
    "Status",
    "Store",
    "StoreSettings",
    "TruncatedDownload",
    "UnknownDataset",
    "Unreachable",
    "UnsafeArchive",
    "UntrustedServer",
    "UnusableCache",
    "load_catalog",
    "read_manifest",
    "verify",
]
