#!/bin/sh
# Make a virtual environment in $1 with the newest Python from 3.11 on that is there.
# Debian ships python3 without venv: then its package is installed, with sudo where needed.
set -eu
target=$1
for name in python3.14 python3.13 python3.12 python3.11 python3 python; do
    if command -v "$name" >/dev/null 2>&1 &&
        "$name" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))' 2>/dev/null; then
        python=$name
        break
    fi
done
if [ -z "${python:-}" ]; then
    echo "Flux TUI needs Python 3.11 or later; none was found." >&2
    exit 2
fi
if ! "$python" -c 'import ensurepip' 2>/dev/null; then
    if command -v uv >/dev/null 2>&1; then
        exec uv venv --seed --python "$python" "$target"
    fi
    if ! command -v apt-get >/dev/null 2>&1; then
        echo "This Python has no venv module; install it (python3-venv) and try again." >&2
        exit 2
    fi
    as_root=
    [ "$(id -u)" = 0 ] || as_root=sudo
    package=$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
    echo "Installing $package, which this Python needs to make an environment." >&2
    $as_root apt-get update -qq
    $as_root apt-get install -y -qq "$package" >/dev/null
fi
exec "$python" -m venv "$target"
