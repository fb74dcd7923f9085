#!/usr/bin/env bash
# pytest-splunk-addon, unmodified and in an environment of its own, tests a small add-on against
# `harness serve`: what the add-on does must pass, the field that it never gives must fail.
set -euo pipefail
cd "$(dirname "$0")/.."
unset PYTHONDONTWRITEBYTECODE PYTHONPATH
VENV="${VENV:-.venv}"
PYTHON="${HARNESS_PYTHON:-$VENV/bin/python}"
TOOL="${ADDON_VENV:-$VENV-addon}"
# 7.0 imports a package that is in no index; 8.0 wants Python 3.13.
VERSION=6.4.0

if [ ! -x "$TOOL/bin/pytest" ]; then
    "${BASE_PYTHON:-python3}" -m venv "$TOOL"
    "$TOOL/bin/python" -m pip install --quiet --disable-pip-version-check "pytest-splunk-addon==$VERSION"
fi
TOOL="$(cd "$TOOL" && pwd)"

work="$(mktemp -d)"
server=""
finish() {
    if [ -n "$server" ]; then
        kill "$server" 2>/dev/null || true
        wait "$server" 2>/dev/null || true
    fi
    rm -rf "$work"
}
trap finish EXIT

"$PYTHON" .ci/addon_pack.py "$work/TA_doors"
cat >"$work/test_addon.py" <<'END'
from pytest_splunk_addon.standard_lib.addon_basic import Basic


class Test_App(Basic):
    """All tests that the add-on's configuration gives."""
END
HARNESS_SERVE_PASSWORD="$("$PYTHON" -c 'import secrets; print(secrets.token_hex(16))')"
HARNESS_SERVE_HEC_TOKEN="$("$PYTHON" -c 'import uuid; print(uuid.uuid4())')"
export HARNESS_SERVE_PASSWORD HARNESS_SERVE_HEC_TOKEN
PYTHONPATH=. "$PYTHON" -c 'from harness.cli import main; main()' serve --port 0 --hec-port 0 \
    --app "$work/TA_doors" >"$work/server.log" 2>&1 &
server=$!
for _ in $(seq 300); do
    grep -q '^ready$' "$work/server.log" && break
    kill -0 "$server" 2>/dev/null || { cat "$work/server.log"; exit 1; }
    sleep 0.1
done
port="$(sed -n 's/^REST .*://p' "$work/server.log")"
hec="$(sed -n 's/^HEC .*://p' "$work/server.log")"

# It ends with 1, since a test has to fail.
status=0
(cd "$work" && timeout 400 "$TOOL/bin/python" -m pytest -q -p no:cacheprovider --junitxml report.xml \
    --splunk-type external --splunk-host 127.0.0.1 --splunk-port "$port" --splunk-hec-port "$hec" \
    --splunk-user admin --splunk-password "$HARNESS_SERVE_PASSWORD" \
    --splunk-hec-token "$HARNESS_SERVE_HEC_TOKEN" \
    --splunk-app TA_doors --splunk-data-generator TA_doors/samples) >"$work/test.log" 2>&1 || status=$?
if [ ! -f "$work/report.xml" ]; then
    tail -50 "$work/test.log"
    cat "$work/server.log"
    exit 1
fi
"$PYTHON" - "$work/report.xml" "$work/test.log" <<'END'
import sys
from xml.etree import ElementTree

report, log = sys.argv[1:]
cases = ElementTree.parse(report).findall(".//testcase")
bad = [one.get("name") for one in cases if one.find("failure") is not None or one.find("error") is not None]
good = [one for one in cases if len(one) == 0 or one.find("properties") is not None]
wanted = ["test_props_fields[doors:raw::EXTRACT-never]", "test_props_fields[doors:raw::field::never]"]
print(f"{len(cases)} tests; failed: {bad}")
if sorted(bad) != wanted or len(cases) < 50 or len(good) < 40:
    print(open(log).read()[-5000:])
    sys.exit(f"pytest-splunk-addon's verdicts differ from {wanted}")
END
echo "pytest-splunk-addon $VERSION: what the add-on does passes, what it does not fails (exit $status)"
