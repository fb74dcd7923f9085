"""An add-on of the size of large real ones, for the figures of loading apps."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

PROPS_BYTES = 100_000
TRANSFORMS_BYTES = 36_000
LOOKUPS = 40
EXTRACTIONS = 100


def write_large_app(root: Path) -> None:
    """Write an add-on with a large props.conf, a large transforms.conf, and 40 lookups."""
    for folder in ("default", "lookups", "metadata"):
        (root / folder).mkdir(parents=True)
    types = 0
    props = ""
    while len(props) < PROPS_BYTES:
        props += _source_type(types)
        types += 1
    transforms = "".join(
        f"[lookup_{n}]\nfilename = table_{n}.csv\ncase_sensitive_match = false\n\n"
        for n in range(LOOKUPS)
    )
    number = 0
    while len(transforms) < TRANSFORMS_BYTES:
        transforms += _extraction(number)
        number += 1
    names = [f"large_{n}" for n in range(types)]
    confs = {
        "props": props,
        "transforms": transforms,
        "eventtypes": "".join(f"[{n}]\nsearch = sourcetype={n} action=*\n" for n in names),
        "tags": "".join(f"[eventtype={n}]\nnetwork = enabled\nreport = enabled\n" for n in names),
    }
    for name, text in confs.items():
        (root / "default" / f"{name}.conf").write_text(text)
    for n in range(LOOKUPS):
        rows = "".join(f"{code},a,b,c\n" for code in range(200))
        (root / "lookups" / f"table_{n}.csv").write_text(f"code,action,status,category\n{rows}")
    (root / "metadata/default.meta").write_text("[]\nexport = system\n")


def _source_type(number: int) -> str:
    lines = [f"[large_{number}]", "KV_MODE = none"]
    lines.append(f"REPORT-a = extraction_{number % EXTRACTIONS}")
    lines += [
        f'EVAL-field_{n} = case(isnotnull(raw_{n}), lower(raw_{n}), status_{n}=="0", "success",'
        ' true(), "unknown")'
        for n in range(12)
    ]
    lines += [f"FIELDALIAS-alias_{n} = original_{n} AS target_{n}" for n in range(8)]
    lines += [
        f"LOOKUP-lookup_{n} = lookup_{(number + n) % LOOKUPS} code OUTPUT action AS action_{n}"
        for n in range(3)
    ]
    return "\n".join(lines) + "\n\n"


def _extraction(number: int) -> str:
    regex = rf'^\S+ field_{number}="?(?<field_{number}>[^"]*)"? other=(?<other_{number}>\d+)'
    return f"[extraction_{number}]\nREGEX = {regex}\nMV_ADD = true\nSOURCE_KEY = _raw\n\n"
