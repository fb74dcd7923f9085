#!/usr/bin/env bash
# contentctl, unmodified and in an environment of its own, against `harness serve`: a detection
# that fires must PASS, one that does not must FAIL.
set -euo pipefail
cd "$(dirname "$0")/.."
unset PYTHONDONTWRITEBYTECODE PYTHONPATH
VENV="${VENV:-.venv}"
PYTHON="${HARNESS_PYTHON:-$VENV/bin/python}"
TOOL="${CONTENTCTL_VENV:-$VENV-contentctl}"
VERSION=5.6.2

if [ ! -x "$TOOL/bin/contentctl" ]; then
    "${BASE_PYTHON:-python3}" -m venv "$TOOL"
    "$TOOL/bin/python" -m pip install --quiet --disable-pip-version-check "contentctl==$VERSION"
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

mkdir "$work/pack"
git -C "$work/pack" init --quiet
(cd "$work/pack" && "$TOOL/bin/contentctl" init >"$work/init.log" 2>&1) || { cat "$work/init.log"; exit 1; }
PYTHONPATH=. "$PYTHON" .ci/contentctl_pack.py "$work/pack"

HARNESS_SERVE_PASSWORD="$("$PYTHON" -c 'import secrets; print(secrets.token_hex(16))')"
export HARNESS_SERVE_PASSWORD
PYTHONPATH=. "$PYTHON" -c 'from harness.cli import main; main()' serve --port 0 --hec-port 0 \
    --content "$work/pack" --state "$work/state" >"$work/server.log" 2>&1 &
server=$!
for _ in $(seq 200); do
    grep -q '^ready$' "$work/server.log" && break
    kill -0 "$server" 2>/dev/null || { cat "$work/server.log"; exit 1; }
    sleep 0.1
done
port="$(sed -n 's/^REST .*://p' "$work/server.log")"
hec="$(sed -n 's/^HEC .*://p' "$work/server.log")"

# contentctl ends with 1 where a test fails, and one has to.
status=0
(cd "$work/pack" && timeout 400 "$TOOL/bin/contentctl" test_servers \
    --server-info "127.0.0.1,admin,$HARNESS_SERVE_PASSWORD,8000,$hec,$port" \
    --post-test-behavior never_pause mode:all) >"$work/test.log" 2>&1 || status=$?
summary="$work/pack/test_results/summary.yml"
if [ ! -f "$summary" ]; then
    tail -50 "$work/test.log"
    cat "$work/server.log"
    exit 1
fi
"$PYTHON" - "$summary" <<'EOF'
import sys

import yaml

with open(sys.argv[1], encoding="utf-8") as file:
    summary = yaml.safe_load(file)
found = {
    detection["name"]: [test["success"] for test in detection["tests"] if test["test_type"] == "unit"]
    for state in ("tested_detections", "untested_detections")
    for detection in summary[state]
}
wanted = {
    "Harness Pack Many Processes From Temp": [True],
    "Harness Pack Too Many Processes From Temp": [False],
}
print(found)
sys.exit(0 if found == wanted else f"contentctl's verdicts differ from {wanted}")
EOF
echo "contentctl $VERSION: PASS where the detection fires, FAIL where it does not (exit $status)"
