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

# step NAME COMMAND...: one line when it works, the whole log when it does not.
step() {
    local name=$1 log start=$SECONDS
    shift
    log=$logs/${name//[^a-z0-9+]/-}.log
    printf '%-52s' "$name"
    if "$@" >"$log" 2>&1 </dev/null; then
        printf 'ok %5d s\n' $((SECONDS - start))
    else
        printf 'FAILED after %d s\n' $((SECONDS - start))
        cat "$log"
        printf '\n%s failed; its log: %s\n' "$name" "$log"
        exit 1
    fi
}

packages=(g++ cmake ninja-build pkg-config python3 openssl libssl-dev libboost1.81-dev
    libboost-json1.81-dev libboost-url1.81-dev libboost-test1.81-dev
    libboost-program-options1.81-dev)
[[ $quick ]] || packages+=(clang-19 clang-format-19 clang-tidy-19)
command -v npm >/dev/null || packages+=(npm)
missing=()
for package in "${packages[@]}"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' ||
        missing+=("$package")
done
if ((${#missing[@]})); then
    sudo=()
    ((EUID == 0)) || sudo=(sudo)
    echo "Installing from Debian: ${missing[*]}"
    step "package lists" "${sudo[@]}" apt-get update
    step "packages" "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y --no-install-recommends "${missing[@]}"
fi

jobs=$(nproc)
# build NAME COMPILER [OPTION...]: into build/NAME.
build() {
    local name=$1 compiler=$2
    shift 2
    step "$name: configure" cmake -S . -B "build/$name" -G Ninja \
        -DCMAKE_CXX_COMPILER="$compiler" -DCOAUTH_WARNINGS_AS_ERRORS=ON \
        -DCMAKE_EXPORT_COMPILE_COMMANDS=ON "$@"
    step "$name: build" cmake --build "build/$name" -j "$jobs"
}
check() {
    step "$1: test" ctest --test-dir "build/$1" -j "$jobs" --output-on-failure "${@:2}"
}
# What runs our code; the rest is about sources and packages, and the same in every build.
programs='^(unit|integration|threads|interop|cli|example|snippets)'

if [[ -z $quick ]]; then
    mapfile -t sources < <(git ls-files '*.cpp' '*.hpp')
    step "clang-format" clang-format-19 --dry-run -Werror "${sources[@]}"

    build clang++ clang++-19 -DCMAKE_BUILD_TYPE=Release
    check clang++ -R "$programs"
    step "clang-tidy" run-clang-tidy-19 -quiet -j "$jobs" -p build/clang++ "$PWD/src/.*"

    build asan-ubsan g++ -DCMAKE_BUILD_TYPE=Debug -DCOAUTH_SANITIZE=address,undefined
    check asan-ubsan -R "$programs"

    build tsan g++ -DCMAKE_BUILD_TYPE=RelWithDebInfo -DCOAUTH_SANITIZE=thread \
        -DCOAUTH_BUILD_EXAMPLES=OFF -DCOAUTH_TESTS=threads
    check tsan
fi
build g++ g++ -DCMAKE_BUILD_TYPE=RelWithDebInfo
ctest --test-dir build/g++ -j "$jobs" --output-on-failure </dev/null
