#!/usr/bin/env bash
# Builds coauth and runs every test. Installs what it needs from Debian's packages.
#
#   test/run.sh          every compiler, sanitizer and check; the whole suite under g++ comes last
#   test/run.sh quick    the whole suite under g++ alone
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
quick=${1:-}
logs=build/logs
mkdir -p "$logs"

# shellcheck source=test/steps.sh
. test/steps.sh

packages+=(python3 openssl "libboost-test$boost-dev" tinyproxy-bin prometheus-cpp-dev doxygen)
[[ $quick ]] || packages+=(clang-19 clang-format-19 clang-tidy-19 cppcheck)
command -v npm >/dev/null || packages+=(npm)
need "${packages[@]}"

jobs=$(nproc)
# configure NAME COMPILER [OPTION...]: into build/NAME.
configure() {
    local name=$1 compiler=$2
    step "$name: configure" cmake -S . -B "build/$name" -G Ninja \
        -DCMAKE_CXX_COMPILER="$compiler" -DCOAUTH_WARNINGS_AS_ERRORS=ON "${@:3}"
}
build() {
    configure "$@"
    step "$1: build" cmake --build "build/$1" -j "$jobs"
}
check() {
    step "$1: test" ctest --test-dir "build/$1" -j "$jobs" --output-on-failure "${@:2}"
}
# What runs our code; the rest is about sources and packages, and the same in every build.
programs='^(unit|integration|field|hostile|threads|interop|cli|example|snippets)'
kinds='unit;fuzz;integration;field;hostile;soak;threads;cli;interop;snippets'

if [[ -z $quick ]]; then
    mapfile -t sources < <(git ls-files '*.cpp' '*.hpp')
    step "clang-format" clang-format-19 --dry-run -Werror "${sources[@]}"

    step "cppcheck" cppcheck --enable=warning,portability --std=c++20 --language=c++ -j "$jobs" \
        --quiet --error-exitcode=1 --suppress=missingIncludeSystem -I include -I src src include

    build clang++ clang++-19 -DCMAKE_BUILD_TYPE= -DCMAKE_CXX_FLAGS=-O1
    check clang++ -R "$programs"
    # Many sources in one, which makes headers of them; shallow, or it gets lost in Asio.
    configure clang-tidy clang++-19 -DCMAKE_EXPORT_COMPILE_COMMANDS=ON -DCMAKE_UNITY_BUILD=ON \
        -DCMAKE_UNITY_BUILD_BATCH_SIZE=16 -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON \
        -DCOAUTH_BUILD_TESTS=OFF -DCOAUTH_BUILD_EXAMPLES=OFF
    step "clang-tidy" run-clang-tidy-19 -quiet -j "$jobs" -p build/clang-tidy -extra-arg=-Xclang \
        -extra-arg=-analyzer-opt-analyze-headers -extra-arg=-Xclang -extra-arg=-analyzer-config \
        -extra-arg=-Xclang -extra-arg=mode=shallow "$PWD/build/clang-tidy/src/.*"

    build asan-ubsan g++ -DCMAKE_BUILD_TYPE=Debug -DCOAUTH_SANITIZE=address,undefined \
        "-DCOAUTH_TESTS=$kinds"
    check asan-ubsan -R "$programs"

    build tsan g++ -DCMAKE_BUILD_TYPE=RelWithDebInfo -DCOAUTH_SANITIZE=thread \
        -DCOAUTH_BUILD_CLI=OFF -DCOAUTH_BUILD_EXAMPLES=OFF -DCOAUTH_TESTS=threads
    check tsan
fi
build g++ g++ -DCMAKE_BUILD_TYPE=RelWithDebInfo "-DCMAKE_CXX_FLAGS_RELWITHDEBINFO=-O2 -g1 -DNDEBUG"
ctest --test-dir build/g++ -j "$jobs" --output-on-failure </dev/null
