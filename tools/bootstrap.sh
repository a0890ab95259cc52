#!/usr/bin/env bash
# Prepares a bare machine (uv and the locked environment) and then runs the command it was given in that environment:
#   tools/bootstrap.sh python -m local_stack status
# Needs bash and Python 3.11 or newer with venv; everything it makes is in .venv/ and .ventros/.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

fail() {
    echo "$1" >&2
    exit 1
}

# Runs a command and says every few seconds that it is still at it.
with_progress() {
    local text=$1 started=$SECONDS ticker status=0
    shift
    echo "· $text"
    (while sleep 5; do echo "  … still at it: $text ($((SECONDS - started)) s)"; done) &
    ticker=$!
    "$@" 9>&- || status=$?
    kill "$ticker" 2>/dev/null || true
    wait "$ticker" 2>/dev/null || true
    return "$status"
}

new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

# An environment that works keeps its interpreter: uv would throw it away for another one.
find_python() {
    local candidate
    for candidate in .venv/bin/python python3.11 python3 python3.12 python3.13 python3.14; do
        if command -v "$candidate" >/dev/null && new_enough "$candidate"; then
            command -v "$candidate"
            return
        fi
    done
    fail "Python 3.11 or newer is missing: install it with \`apt-get install python3 python3-venv\`."
}

find_uv() {
    local candidate
    for candidate in "$(command -v uv || true)" "${HOME:-/root}/.local/bin/uv" "$PWD/.ventros/tools/bin/uv"; do
        if [ -n "$candidate" ] && "$candidate" --version >/dev/null 2>&1; then
            echo "$candidate"
            return
        fi
    done
}

install_uv() {
    local log=.ventros/tools.log
    rm -rf .ventros/tools
    "$1" -m venv .ventros/tools >"$log" 2>&1 ||
        fail "Python's venv is missing: install it with \`apt-get install python3-venv\` and repeat."
    .ventros/tools/bin/python -m pip install --quiet --disable-pip-version-check 'uv>=0.8' >"$log" 2>&1 ||
        fail "uv could not be downloaded ($(tail -n 1 "$log")): check the network and repeat, or install uv yourself."
}

mkdir -p .ventros
exec 9>.ventros/.bootstrap.lock
if command -v flock >/dev/null; then flock 9; fi

python=$(find_python)
uv=$(find_uv)
if [ -z "$uv" ]; then
    with_progress "installing uv into .ventros/tools" install_uv "$python"
    uv=$(find_uv)
fi

unset VIRTUAL_ENV
export UV_PYTHON="$python" UV_PYTHON_DOWNLOADS=never
# Where a proxy has a certificate authority of its own, only the system's list knows it.
if [ -e /etc/ssl/certs/ca-certificates.crt ]; then export UV_SYSTEM_CERTS="${UV_SYSTEM_CERTS:-true}"; fi
sync=("$uv" sync --frozen --all-packages)
if ! "${sync[@]}" --check --quiet >/dev/null 2>&1 9>&-; then
    with_progress "installing the locked Python environment into .venv" "${sync[@]}" --quiet ||
        fail "The Python environment could not be installed (see above): check the network and the disk, then repeat."
fi

exec 9>&-
if [ $# -gt 0 ]; then
    PATH="$PWD/.venv/bin:$(dirname "$uv"):$PATH" exec "$@"
fi
