#!/usr/bin/env bash
# pytest-splunk-addon, unmodified and in an environment of its own, tests a small add-on against
# `harness serve`: what the add-on does must pass, the field that it never gives must fail.
TOOL="${ADDON_VENV:-${VENV:-.venv}-addon}"
# 7.0 imports a package that is in no index; 8.0 wants Python 3.13.
VERSION=6.4.0
source "$(dirname "$0")/served.sh"
tool pytest "pytest-splunk-addon==$VERSION"

"$PYTHON" .ci/addon_pack.py "$work/TA_doors"
cat >"$work/test_addon.py" <<'END'
from pytest_splunk_addon.standard_lib.addon_basic import Basic


class Test_App(Basic):
    """All tests that the add-on's configuration gives."""
END
serve --app "$work/TA_doors"

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
