#!/usr/bin/env bash
# contentctl, unmodified and in an environment of its own, against `harness serve`: a detection
# that fires must PASS, one that does not must FAIL.
TOOL="${CONTENTCTL_VENV:-${VENV:-.venv}-contentctl}"
VERSION=5.6.2
source "$(dirname "$0")/served.sh"
tool contentctl "contentctl==$VERSION"

mkdir "$work/pack"
git -C "$work/pack" init --quiet
(cd "$work/pack" && "$TOOL/bin/contentctl" init >"$work/init.log" 2>&1) || { cat "$work/init.log"; exit 1; }
PYTHONPATH=. "$PYTHON" .ci/contentctl_pack.py "$work/pack"

serve --content "$work/pack" --state "$work/state"

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
