#!/usr/bin/env bash
# Run a command with a real Docker engine and an image of our own server that needs no registry:
#     .ci/docker.sh .venv/bin/python -m pytest -k wintemp --engine local --engine splunk
# The engine is this script's: own data, own socket, stopped by its process id in the end.
# HARNESS_TEST_IMAGE holds the image's name. Needs root and Debian's docker.io.
set -euo pipefail
cd "$(dirname "$0")/.."
IMAGE=harness/splunk-like:1
PYTHON=${PYTHON:-.venv/bin/python}
WHY=
if [ "$(id -u)" != 0 ]; then WHY="dockerd needs root"; fi
if [ -z "$WHY" ] && ! command -v dockerd >/dev/null; then
    apt-get install -y -qq --no-install-recommends docker.io >/dev/null 2>&1 \
        || { apt-get update -qq && apt-get install -y -qq --no-install-recommends docker.io; } >/dev/null 2>&1 \
        || WHY="docker.io cannot be installed"
fi
if [ -n "$WHY" ]; then
    # Where it must run, a skip is a failure: CI sets HARNESS_DOCKER_REQUIRED.
    echo "SKIPPED: the container tests: $WHY" >&2
    [ -z "${HARNESS_DOCKER_REQUIRED:-}" ]
    exit
fi

PLACE=$(mktemp -d /tmp/harness-docker.XXXXXX)
stop() {
    if [ -f "$PLACE/pid" ]; then
        pid=$(cat "$PLACE/pid")
        docker --host "unix://$PLACE/docker.sock" ps -aq 2>/dev/null \
            | xargs -r docker --host "unix://$PLACE/docker.sock" rm -fv >/dev/null 2>&1 || true
        kill "$pid" 2>/dev/null || true
        for _ in $(seq 100); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
    fi
    grep -o " $PLACE/[^ ]*" /proc/mounts | sort -r | xargs -r -n1 umount -l 2>/dev/null || true
    rm -rf "$PLACE"
}
trap stop EXIT
trap 'exit 130' INT TERM

start() {
    dockerd --data-root "$PLACE/data" --exec-root "$PLACE/exec" --pidfile "$PLACE/pid" \
        --host "unix://$PLACE/docker.sock" "$@" >"$PLACE/log" 2>&1 &
    local started=$!
    for _ in $(seq 300); do
        if docker --host "unix://$PLACE/docker.sock" version >/dev/null 2>&1; then return 0; fi
        if ! kill -0 $started 2>/dev/null; then return 1; fi
        sleep 0.1
    done
    return 1
}
# Kernels without overlayfs can do with copies.
if ! start && ! start --storage-driver vfs; then
    echo "SKIPPED: the container tests: dockerd does not start here:" >&2
    grep -iE 'level=(error|fatal)|failed' "$PLACE/log" | tail -5 >&2
    [ -z "${HARNESS_DOCKER_REQUIRED:-}" ]
    exit
fi
export DOCKER_HOST="unix://$PLACE/docker.sock"
"$PYTHON" .ci/image "$PLACE/image.tar" ${HARNESS_IMAGE_PACKAGES:-}
docker import \
    --change 'ENTRYPOINT ["/usr/local/bin/python3", "/opt/harness/entrypoint.py"]' \
    --change 'ENV LD_LIBRARY_PATH=/usr/local/lib PYTHONPATH=/opt/harness/site PATH=/usr/local/bin HOME=/root' \
    --change 'EXPOSE 8088 8089' "$PLACE/image.tar" "$IMAGE" >/dev/null
rm -f "$PLACE/image.tar"
export HARNESS_TEST_IMAGE=$IMAGE HARNESS_SPLUNK_IMAGE=$IMAGE
"$@"
