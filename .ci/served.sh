# Sourced by the checks that run somebody else's tool, unmodified and in an environment of its own,
# against `harness serve`. The caller sets TOOL, the folder of that environment.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
unset PYTHONDONTWRITEBYTECODE PYTHONPATH
VENV="${VENV:-.venv}"
PYTHON="${HARNESS_PYTHON:-$VENV/bin/python}"

# tool COMMAND PACKAGE: the environment has the command, installed where it is not there yet.
tool() {
    if [ ! -x "$TOOL/bin/$1" ]; then
        "${BASE_PYTHON:-python3}" -m venv "$TOOL"
        "$TOOL/bin/python" -m pip install --quiet --disable-pip-version-check "$2"
    fi
    TOOL="$(cd "$TOOL" && pwd)"
}

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

# serve OPTION…: a server with new secrets; its ports are in $port and $hec.
serve() {
    HARNESS_SERVE_PASSWORD="$("$PYTHON" -c 'import secrets; print(secrets.token_hex(16))')"
    HARNESS_SERVE_HEC_TOKEN="$("$PYTHON" -c 'import uuid; print(uuid.uuid4())')"
    export HARNESS_SERVE_PASSWORD HARNESS_SERVE_HEC_TOKEN
    PYTHONPATH=. "$PYTHON" -c 'from harness.cli import main; main()' serve --port 0 --hec-port 0 \
        "$@" >"$work/server.log" 2>&1 &
    server=$!
    for _ in $(seq 300); do
        grep -q '^ready$' "$work/server.log" && break
        kill -0 "$server" 2>/dev/null || { cat "$work/server.log"; exit 1; }
        sleep 0.1
    done
    port="$(sed -n 's/^REST .*://p' "$work/server.log")"
    hec="$(sed -n 's/^HEC .*://p' "$work/server.log")"
}
