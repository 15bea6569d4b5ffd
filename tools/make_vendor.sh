#!/bin/sh
# Fetches the browser runtimes with npm and leaves plain copies of what a page loads in vendor/.
set -eu

work=vendor/.work
rm -rf "$work"
mkdir -p "$work/new/pyodide" "$work/new/micropython"
cp package.json package-lock.json .npmrc "$work/"
(cd "$work" && ../../tools/npm.sh ci --omit=dev --ignore-scripts)

modules=$work/node_modules
cp -R "$modules/@pyscript/core/dist" "$work/new/pyscript"
for name in pyodide.mjs pyodide.asm.mjs pyodide.asm.wasm python_stdlib.zip pyodide-lock.json; do
    cp "$modules/pyodide/$name" "$work/new/pyodide/"
done
for name in micropython.mjs micropython.wasm; do
    cp "$modules/@micropython/micropython-webassembly-pyscript/$name" "$work/new/micropython/"
done

rm -rf vendor/pyscript vendor/pyodide vendor/micropython
mv "$work/new/pyscript" "$work/new/pyodide" "$work/new/micropython" vendor/
rm -rf "$work"
