#!/usr/bin/env bash
# Builds the library, the testing server and the unit tests with Clang 19 and libc++, and runs them.
#
#   test/platforms/libcxx.sh DIRECTORY
#
# DIRECTORY keeps what is built, Boost too: Debian's Boost is for libstdc++ alone. Needs root's
# rights where Debian packages are missing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
if (($# != 1)); then
    echo "usage: test/platforms/libcxx.sh DIRECTORY" >&2
    exit 2
fi
mkdir -p "$1/logs"
work=$(realpath "$1")
logs=$work/logs
# shellcheck source=test/steps.sh
. test/steps.sh
need "${packages[@]}" clang-19 libc++-19-dev libc++abi-19-dev "libboost$boost-tools-dev" dpkg-dev \
    xz-utils python3
flags=-stdlib=libc++

# Debian's source package, from the mirror of this machine.
get_boost() {
    local lists=$work/sources.list
    sed -s -n 's/^deb /deb-src /p' /etc/apt/sources.list /etc/apt/sources.list.d/*.list \
        2>/dev/null >"$lists" || true
    sed -s 's/^Types: .*/Types: deb-src/' /etc/apt/sources.list.d/*.sources 2>/dev/null \
        >"$work/boost.sources" || true
    local apt=(-o "Dir::Etc::sourcelist=$lists" -o "Dir::Etc::sourceparts=$work"
        -o "Dir::State::lists=$work/lists")
    mkdir -p "$work/lists/partial"
    apt-get "${apt[@]}" update
    cd "$work"
    apt-get "${apt[@]}" source --download-only "boost${boost:-1.83}"
    mkdir -p source.part
    tar -C source.part --strip-components=1 -xf boost*.orig.tar.*
    mv source.part source
}
build_boost() {
    cd "$work/source"
    local libraries=(container json program_options system test url)
    b2 -d1 -j "$(nproc)" "${libraries[@]/#/--with-}" toolset=clang-19 variant=release \
        link=shared runtime-link=shared cxxflags="$flags -std=c++20 -w" linkflags="$flags" \
        --prefix="$work/boost.part" install
    mv "$work/boost.part" "$work/boost"
}
[[ -d $work/source ]] || step "Boost: source" get_boost
[[ -d $work/boost ]] || step "Boost: build" build_boost

step "configure" cmake -S . -B "$work/build" -G Ninja -DCMAKE_CXX_COMPILER=clang++-19 \
    "-DCMAKE_CXX_FLAGS=$flags -O1" -DCMAKE_BUILD_TYPE= "-DBOOST_ROOT=$work/boost" \
    -DCOAUTH_WARNINGS_AS_ERRORS=ON "-DCOAUTH_TESTS=unit;net" -DCOAUTH_BUILD_EXAMPLES=OFF
step "build" cmake --build "$work/build" -j "$(nproc)" -- -k 0
ctest --test-dir "$work/build" -j "$(nproc)" --output-on-failure </dev/null
