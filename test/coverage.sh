#!/usr/bin/env bash
# Measures the coverage of src/protocol and src/policy by the unit tests and the fuzzers' corpora, for
# each file and in total. Fails below 95 % of the lines or 90 % of the branches.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
least_lines=95
least_branches=90
build=build/coverage
logs=$build/logs
mkdir -p "$logs"

# shellcheck source=test/steps.sh
. test/steps.sh
need "${packages[@]}" clang-19 llvm-19 "libboost-test$boost-dev" python3

step "coverage: configure" cmake -S . -B "$build" -G Ninja -DCMAKE_CXX_COMPILER=clang++-19 \
    -DCMAKE_BUILD_TYPE=Debug "-DCMAKE_CXX_FLAGS=-fprofile-instr-generate -fcoverage-mapping" \
    "-DCOAUTH_TESTS=unit;fuzz" -DCOAUTH_BUILD_CLI=OFF -DCOAUTH_BUILD_EXAMPLES=OFF
mapfile -t fuzzers < <(ls test/fuzz/corpus)
fuzzers=("${fuzzers[@]/#/fuzz_}")
step "coverage: build" cmake --build "$build" -j "$(nproc)" --target coauth_unit "${fuzzers[@]}"
rm -f "$build"/*.profraw
LLVM_PROFILE_FILE=$PWD/$build/%p.profraw \
    step "coverage: test" ctest --test-dir "$build" -j "$(nproc)" --output-on-failure
step "coverage: merge" llvm-profdata-19 merge "$build"/*.profraw -o "$build/profile"

objects=("$build/test/unit/coauth_unit")
for fuzzer in "${fuzzers[@]}"; do
    objects+=(-object "$build/test/fuzz/$fuzzer")
done
llvm-cov-19 export "${objects[@]}" -instr-profile "$build/profile" -summary-only \
    src/protocol src/policy >"$build/summary.json" 2>"$logs/coverage-export.log"
python3 - "$build/summary.json" "$least_lines" "$least_branches" <<'REPORT'
import json
import os
import sys

summary, *least = sys.argv[1:]
data = json.load(open(summary))["data"][0]
row = "{:<34} {:>7} {:>7} {:>9} {:>7}".format
print(row("", "lines", "", "branches", ""))
for file in sorted(data["files"], key=lambda one: one["filename"]) + [{**data, "filename": "in all"}]:
    numbers = file.get("summary") or file["totals"]
    shown = []
    for kind in ("lines", "branches"):
        part = numbers[kind]
        shown += [part["count"], f"{part['percent']:.1f} %" if part["count"] else "-"]
    name = file["filename"]
    print(row(os.path.relpath(name) if os.path.isabs(name) else name, *shown))
short = [
    kind
    for kind, percent in zip(("lines", "branches"), least)
    if data["totals"][kind]["percent"] < float(percent)
]
for kind in short:
    print(f"Too few {kind} are run.")
sys.exit(1 if short else 0)
REPORT
