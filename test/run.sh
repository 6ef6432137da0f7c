#!/usr/bin/env bash
# Builds coauth and runs every test. Installs what it needs from Debian's packages.
#
#   test/run.sh          every compiler and sanitizer, then the whole suite under g++
#   test/run.sh quick    the suite under g++ alone
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
logs=build/logs
mkdir -p "$logs"

# step NAME COMMAND...: one line when it works, the whole log when it does not.
step() {
    local name=$1 log start=$SECONDS
    shift
    log=$logs/${name//[^a-z0-9+]/-}.log
    printf '%-44s' "$name"
    if "$@" >"$log" 2>&1 </dev/null; then
        printf 'ok %5d s\n' $((SECONDS - start))
    else
        printf 'FAILED after %d s\n' $((SECONDS - start))
        cat "$log"
        printf '\n%s failed; its log: %s\n' "$name" "$log"
        exit 1
    fi
}

jobs=$(nproc)
step "plain g++: configure" cmake -S . -B build/plain -G Ninja -DCMAKE_CXX_COMPILER=g++ \
    -DCOAUTH_WARNINGS_AS_ERRORS=ON
step "plain g++: build" cmake --build build/plain -j "$jobs"
ctest --test-dir build/plain -j "$jobs" --output-on-failure </dev/null
