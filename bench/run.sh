#!/usr/bin/env bash
# Measures coauth and its peers against nginx, and a store on Redis, on this machine. Installs
# missing Debian packages. Writes table.md, results.json and charts to build/bench.
#
#   bench/run.sh          21 repetitions; about 20 minutes
#   bench/run.sh quick    three repetitions, to try it out
#
# bench/check.sh then compares the results with the goals.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
out=build/bench
logs=$out/logs
mkdir -p "$logs"

# shellcheck source=test/steps.sh
. test/steps.sh
need "${packages[@]}" python3 openssl ca-certificates nginx-light redis-server curl strace \
    libcurl4-openssl-dev golang-go golang-golang-x-oauth2-dev

step "configure" cmake -S . -B "$out/cmake" -G Ninja -DCMAKE_BUILD_TYPE=Release \
    -DCOAUTH_BUILD_BENCH=ON -DCOAUTH_BUILD_TESTS=OFF -DCOAUTH_BUILD_EXAMPLES=OFF \
    -DCOAUTH_BUILD_REDIS=ON
step "build" cmake --build "$out/cmake"
for program in go go_hits go_waiters; do
    step "build $program" env GO111MODULE=off GOPATH=/usr/share/gocode \
        GOCACHE="$PWD/$out/go-cache" go build -o "$out/cmake/bench/bench_$program" \
        "bench/peers/$program/main.go"
done
python3 bench/run.py "$out/cmake/bench" "$out" "$@"
python3 bench/report.py "$out"
