#!/usr/bin/env bash
# Builds coauth and runs its tests. Installs missing packages from Debian.
#
#   test/run.sh       g++ and the whole test suite: some 20 minutes on two cores
#   test/run.sh all   before that also Clang with AddressSanitizer and UndefinedBehaviorSanitizer,
#                     ThreadSanitizer, clang-tidy and cppcheck: at most an hour on two cores
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
case ${1-} in
'' | all) ;;
*)
    echo "usage: test/run.sh [all]" >&2
    exit 2
    ;;
esac
all=${1-}
logs=build/logs
mkdir -p "$logs"

# shellcheck source=test/steps.sh
. test/steps.sh

packages+=(python3 openssl help2man "libboost-test$boost-dev" tinyproxy-bin prometheus-cpp-dev doxygen
    clang-format-19 redis-server dpkg-dev file)
# Debian 12 has no pkcs11-provider: integration.pkcs11 is skipped there.
[[ $boost ]] || packages+=(softhsm2 pkcs11-provider)
[[ ! $all ]] || packages+=(clang-19 libclang-rt-19-dev clang-tidy-19 cppcheck)
command -v npm >/dev/null || packages+=(npm)
need "${packages[@]}"

jobs=$(nproc)
# configure NAME COMPILER [OPTION...]: into build/NAME
configure() {
    local name=$1 compiler=$2
    step "$name: configure" cmake -S . -B "build/$name" -G Ninja \
        -DCMAKE_CXX_COMPILER="$compiler" -DCOAUTH_WARNINGS_AS_ERRORS=ON "${@:3}"
}
# build NAME [TARGET...]
build() {
    local name=$1 targets=("${@:2}")
    ((${#targets[@]} == 0)) || targets=(--target "${targets[@]}")
    step "$name: build ${*:2}" cmake --build "build/$name" -j "$jobs" "${targets[@]}"
}
# check NAME [CTEST-OPTION...]
check() {
    step "$1: test" ctest --test-dir "build/$1" -j "$jobs" --output-on-failure "${@:2}"
}

# The fastest steps come first: a mistake shows within three minutes.
mapfile -t sources < <(git ls-files '*.cpp' '*.hpp')
step "clang-format" clang-format-19 --dry-run -Werror "${sources[@]}"
# Without debug information, which the sanitizer builds have, it compiles faster.
configure g++ g++ -DCMAKE_BUILD_TYPE=RelWithDebInfo -DCOAUTH_UNITY_TESTS=ON \
    "-DCMAKE_CXX_FLAGS_RELWITHDEBINFO=-O2 -DNDEBUG"
build g++ coauth_unit
step "g++: unit tests" build/g++/test/unit/coauth_unit '--run_test=!refresh_policy_simulation'

if [[ $all ]]; then
    step "cppcheck" cppcheck --enable=warning,portability --std=c++20 --language=c++ -j "$jobs" \
        --quiet --error-exitcode=1 --suppress=missingIncludeSystem -I include -I src src include

    unity=(-DCMAKE_UNITY_BUILD=ON -DCMAKE_UNITY_BUILD_BATCH_SIZE=16)
    # A unity build turns sources into headers; the analysis is shallow, or it does not end in Asio.
    configure clang-tidy clang++-19 -DCMAKE_EXPORT_COMPILE_COMMANDS=ON "${unity[@]}" \
        -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON \
        -DCOAUTH_BUILD_TESTS=OFF -DCOAUTH_BUILD_EXAMPLES=OFF
    step "clang-tidy" run-clang-tidy-19 -quiet -j "$jobs" -p build/clang-tidy -extra-arg=-Xclang \
        -extra-arg=-analyzer-opt-analyze-headers -extra-arg=-Xclang -extra-arg=-analyzer-config \
        -extra-arg=-Xclang -extra-arg=mode=shallow "$PWD/build/clang-tidy/src/.*"

    # Tests of packages, headers and the sources' text are the same in each build; those below are
    # exhaustive or about time, and say no more here than under g++.
    once='^(unit\.refresh_policy_simulation|hostile\.(byte_scan|deadlines|soak|threats))$'
    configure clang-sanitizers clang++-19 -DCMAKE_BUILD_TYPE= "-DCMAKE_CXX_FLAGS=-O0 -g1" \
        -DCOAUTH_SANITIZE=address,undefined \
        "-DCOAUTH_TESTS=unit;net;fuzz;integration;completion_tokens;field;hostile;cli;headers;interop;redis;snippets"
    build clang-sanitizers
    check clang-sanitizers -E "$once|^headers"

    configure tsan g++ -DCMAKE_BUILD_TYPE= "-DCMAKE_CXX_FLAGS=-O1 -g1" -DCOAUTH_SANITIZE=thread \
        "${unity[@]}" -DCOAUTH_BUILD_CLI=OFF -DCOAUTH_BUILD_EXAMPLES=OFF -DCOAUTH_TESTS=threads
    build tsan
    check tsan
fi

build g++
ctest --test-dir build/g++ -j "$jobs" --output-on-failure </dev/null
