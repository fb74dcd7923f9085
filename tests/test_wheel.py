"""The wheel holds the package with its built-in apps, and nothing of the project around it."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_the_wheel_has_the_built_in_apps_and_only_the_package(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        archive.extractall(tmp_path / "site")
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"harness"}
    data = {path.relative_to(ROOT).as_posix() for path in (ROOT / "harness/builtin").rglob("*.*")}
    assert data <= names
    log = tmp_path / "events.log"
    log.write_text(
        "<Event><System><EventID>1</EventID><Channel>Microsoft-Windows-Sysmon/Operational</Channel>"
        "<Computer>H</Computer></System><EventData><Data Name='Image'>C:\\a.exe</Data>"
        "</EventData></Event>\n"
    )
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path / 'site')!r})\n"
        "import harness; assert harness.__file__.startswith(sys.path[0]), harness.__file__\n"
        "from harness.cli import main; main(sys.argv[1:])"
    )
    spl = (
        "| tstats count from datamodel=Endpoint.Processes by Processes.dest Processes.process_name"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "search", spl, "--data", str(log), "--format", "csv"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout.splitlines()[1] == "H,a.exe,1"
