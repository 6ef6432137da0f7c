#!/usr/bin/env bash
# Runs a thousand fetches in flight against misbehaving servers for MINUTES, and draws memory,
# descriptors and tokens over time, as text and as build/soak/soak.svg.
#
#   test/soak.sh MINUTES
#
# COAUTH_SEED=n repeats the random choices of a run.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
minutes=${1:?usage: test/soak.sh MINUTES}
build=build/soak
logs=$build/logs
mkdir -p "$logs"

# shellcheck source=test/steps.sh
. test/steps.sh
need "${packages[@]}" "libboost-test$boost-dev" python3

step "soak: configure" cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo \
    -DCOAUTH_TESTS=soak -DCOAUTH_BUILD_CLI=OFF -DCOAUTH_BUILD_EXAMPLES=OFF
step "soak: build" cmake --build "$build" -j "$(nproc)" --target coauth_soak
status=0
"$build/test/soak/coauth_soak" "$minutes" "$build/soak.csv" | tee "$build/soak.txt" || status=$?
python3 test/soak/chart.py "$build/soak.csv" "$build/soak.txt" "$build/soak.svg"
exit "$status"
