#!/bin/sh
# Creates .venv with the first Python >= 3.11 it finds, or with the one that PYTHON names.
set -eu

if [ -n "${PYTHON:-}" ]; then
    set -- "$PYTHON"
else
    set -- python3 python3.14 python3.13 python3.12 python3.11
fi

python=
for name in "$@"; do
    if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        python=$name
        break
    fi
done
if [ -z "$python" ]; then
    found=$("$1" --version 2>/dev/null || echo "not there")
    echo "pillion needs Python 3.11 or newer; $1 is $found."
    echo "Install one, or say where it is: make demo PYTHON=/path/to/python3.13"
    exit 1
fi

# Debian and Ubuntu keep ensurepip, without which there is no pip in .venv, in a package of its own.
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    package=$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
    if [ "$(id -u)" = 0 ]; then
        sudo=
    elif sudo -n true 2>/dev/null; then
        sudo=sudo
    else
        echo "This Python cannot make virtual environments yet. On Debian or Ubuntu: sudo apt install $package"
        exit 1
    fi
    if ! command -v apt-get >/dev/null; then
        echo "This Python has no 'venv' and 'ensurepip' modules: install them, or another Python >= 3.11."
        exit 1
    fi
    echo "· Installing $package (apt-get)"
    if ! { $sudo apt-get -qq update && $sudo env DEBIAN_FRONTEND=noninteractive \
        apt-get -qq -o DPkg::Lock::Timeout=600 install -y --no-install-recommends "$package"; } >/dev/null; then
        echo "That failed. Install $package by hand and run make again."
        exit 1
    fi
fi

rm -rf .venv
echo "· Creating .venv ($("$python" --version))"
"$python" -m venv .venv
