#!/usr/bin/env bash
# splunk-sdk 3, unmodified, against `harness serve`. It wants Python 3.13: that of this machine, or
# that of a Debian 13 in a folder of its own, which root makes and removes again. The steps there
# are those of docker/Dockerfile, so they are tried too.
set -euo pipefail
cd "$(dirname "$0")/.."
unset PYTHONDONTWRITEBYTECODE PYTHONPATH
VERSION=3.0.1
ROOT="$PWD"
work="$(mktemp -d /tmp/harness-sdk.XXXXXX)"
base="$work/root"
finish() {
    if grep -q " $base/proc " /proc/mounts; then umount -l "$base/proc"; fi
    rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM

skip() {
    # Where it must run, a skip is a failure: CI sets HARNESS_SDK_REQUIRED.
    echo "SKIPPED: splunk-sdk $VERSION: $1" >&2
    [ -z "${HARNESS_SDK_REQUIRED:-}" ]
    exit
}

# $1 is the Python that makes the environment, $2 the environment, $3 the source.
steps='
set -e
"$1" -m venv "$2"
cd "$3"
"$2/bin/pip" install --quiet --disable-pip-version-check --no-cache-dir --constraint constraints.txt ".[server]"
"$2/bin/python" -m compileall -q "$2"
"$2/bin/pip" install --quiet --disable-pip-version-check "splunk-sdk=='$VERSION'"
cd tests/server
"$2/bin/python" -m pytest test_sdk.py -q -p no:cacheprovider -o addopts= -o filterwarnings=
'
source_of() {
    mkdir -p "$1"
    tar -C "$ROOT" --exclude=__pycache__ -cf - pyproject.toml README.md LICENSE constraints.txt harness tests/server |
        tar -C "$1" -xf -
}

for python in python3.13 python3.14; do
    if command -v "$python" >/dev/null && "$python" -c 'import venv, ensurepip' 2>/dev/null; then
        source_of "$work/source"
        bash -c "$steps" - "$(command -v "$python")" "$work/sdk" "$work/source"
        exit
    fi
done

[ "$(id -u)" = 0 ] || skip "there is no Python 3.13, and a root file system needs root"
if ! command -v debootstrap >/dev/null; then
    { apt-get install -y -qq --no-install-recommends debootstrap ||
        { apt-get update -qq && apt-get install -y -qq --no-install-recommends debootstrap; }; } >/dev/null 2>&1 ||
        skip "there is no Python 3.13, and debootstrap cannot be installed"
fi
mkdir -p "$base"
debootstrap --variant=minbase --include=python3,python3-venv,ca-certificates trixie "$base" >"$work/log" 2>&1 ||
    { tail -3 "$work/log" >&2; skip "debootstrap failed"; }
authorities="${PIP_CERT:-${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}}"
if [ -f "$authorities" ]; then cp "$authorities" "$base/etc/ssl/certs/ca-certificates.crt"; fi
cp /etc/resolv.conf "$base/etc/resolv.conf"
mkdir -p "$base/proc"
mount -t proc proc "$base/proc" 2>/dev/null || true
for device in null random urandom; do
    [ -e "$base/dev/$device" ] || cp -a "/dev/$device" "$base/dev/"
done
source_of "$base/source"
env -u PIP_FIND_LINKS -u SSL_CERT_DIR -u SSL_CERT_FILE -u REQUESTS_CA_BUNDLE \
    PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root PIP_CERT=/etc/ssl/certs/ca-certificates.crt \
    "$(command -v chroot)" "$base" bash -c "$steps" - /usr/bin/python3 /opt/harness /source
