#!/bin/sh
# Bundles the libraries that the browser tests compare pillion with into tests/browser/rivals/build/rival.js.
set -eu

here=$(cd "$(dirname "$0")/.." && pwd)
rivals=$here/tests/browser/rivals
work=$rivals/build/.work
rm -rf "$work"
mkdir -p "$work"
cp "$rivals/package.json" "$rivals/package-lock.json" "$rivals/rival.jsx" "$here/.npmrc" "$work/"

cd "$work"
PATH="$PATH:$here/.venv/bin" # node, where it had to come from there
"$here/tools/npm.sh" ci --ignore-scripts
node_modules/.bin/esbuild rival.jsx --bundle --minify --jsx=automatic --define:process.env.NODE_ENV='"production"' \
    --legal-comments=none --outfile=new.js
mv new.js ../rival.js
rm -rf "$work"
