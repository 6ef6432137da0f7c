#!/usr/bin/env bash
# Fuzzes every target, or the named ones, for SECONDS each. Fails if a target finds an error.
#
#   test/fuzz/run.sh SECONDS [TARGET...]
#
# COAUTH_SEED=n repeats the random choices of a run. The corpora grow in build/fuzz/corpus. Inputs that
# fail are in build/fuzz/findings; `build/fuzz/test/fuzz/fuzz_TARGET FILE` replays one.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
seconds=${1:?usage: test/fuzz/run.sh SECONDS [TARGET...]}
shift
build=build/fuzz
logs=$build/logs
findings=$build/findings
mkdir -p "$logs" "$findings"

# shellcheck source=test/steps.sh
. test/steps.sh
need "${packages[@]}" clang-19 libclang-rt-19-dev "libboost-test$boost-dev" python3

step "fuzz: configure" cmake -S . -B "$build" -G Ninja -DCMAKE_CXX_COMPILER=clang++-19 \
    -DCMAKE_BUILD_TYPE= "-DCMAKE_CXX_FLAGS=-O2 -fsanitize=fuzzer-no-link" \
    -DCOAUTH_SANITIZE=address,undefined -DCOAUTH_FUZZ=ON -DCOAUTH_TESTS=fuzz \
    -DCOAUTH_BUILD_CLI=OFF -DCOAUTH_BUILD_EXAMPLES=OFF
targets=("$@")
(($#)) || mapfile -t targets < <(ls test/fuzz/corpus)
step "fuzz: build" cmake --build "$build" -j "$(nproc)" --target "${targets[@]/#/fuzz_}"

seed=${COAUTH_SEED:-$((RANDOM * 32768 + RANDOM + 1))}
echo "COAUTH_SEED=$seed"

# Prints the last number after this word in the log of a target.
last() {
    grep -oE "$1 [0-9]+" "$2" | tail -1 | grep -oE '[0-9]+$' || echo 0
}

# fuzz TARGET: prints the number of executions and of covered edges.
fuzz() {
    local target=$1 log=$logs/fuzz-$1.log words=test/fuzz/dictionaries/$1.dict status=0
    local options=(-max_total_time="$seconds" -seed="$seed" -max_len=2048 -rss_limit_mb=2048
        -timeout=5 -print_final_stats=1 -artifact_prefix="$findings/$target-")
    case $target in *_response | metadata) words=test/fuzz/dictionaries/response.dict ;; esac
    [[ ! -f $words ]] || options+=(-dict="$words")
    mkdir -p "$build/corpus/$target"
    "$build/test/fuzz/fuzz_$target" "${options[@]}" \
        "$build/corpus/$target" "test/fuzz/corpus/$target" >"$log" 2>&1 </dev/null || status=$?
    printf '%-18s %12s executions, %6s edges, ' "$target" \
        "$(last 'number_of_executed_units:' "$log")" "$(last 'cov:' "$log")"
    ((status == 0)) && echo "nothing found" && return
    echo "FOUND, see $log:"
    grep -E '^broken:|^==.*ERROR|runtime error|Test unit written' "$log" || tail -5 "$log"
    found=1
}

found=0
for target in "${targets[@]}"; do
    fuzz "$target"
done
exit "$found"
