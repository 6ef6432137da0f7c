#!/usr/bin/env bash
# Cross-compiles for arm64 with Debian's compiler, and runs unit and thread tests under qemu.
#
#   test/platforms/arm64.sh DIRECTORY
#
# DIRECTORY keeps what is built, and the arm64 packages that are compiled against. Needs root's
# rights, and Debian's packages debootstrap, g++-aarch64-linux-gnu and qemu-user-static. An emulator
# on x86-64 does not show the weak order of memory that arm64 has.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
if (($# != 1)); then
    echo "usage: test/platforms/arm64.sh DIRECTORY" >&2
    exit 2
fi
mkdir -p "$1/logs"
work=$(realpath "$1")
logs=$work/logs
# shellcheck source=test/steps.sh
. test/steps.sh
need "${packages[@]}" debootstrap g++-aarch64-linux-gnu qemu-user-static python3
root=$work/root

# Downloads packages and unpacks them; nothing of them is run.
make_root() {
    local include="libc6-dev,libstdc++-12-dev,libssl-dev,libhiredis-dev" name package
    for name in "" -json -url -container -program-options -test; do
        include+=",libboost$name$boost-dev"
    done
    rm -rf "$root.part"
    debootstrap --arch=arm64 --foreign --variant=minbase --include="$include" bookworm "$root.part"
    for package in "$root.part"/var/cache/apt/archives/*.deb; do
        dpkg-deb --fsys-tarfile "$package" | tar -C "$root.part" --keep-directory-symlink -x
    done
    mv "$root.part" "$root"
}
[[ -d $root ]] || step "arm64 packages" make_root

cat >"$work/toolchain.cmake" <<TOOLCHAIN
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_SYSROOT $root)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)
set(CMAKE_FIND_ROOT_PATH $root)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64-static -L $root)
TOOLCHAIN
export PKG_CONFIG_LIBDIR=$root/usr/lib/aarch64-linux-gnu/pkgconfig:$root/usr/share/pkgconfig
export PKG_CONFIG_SYSROOT_DIR=$root
step "configure" cmake -S . -B "$work/build" -G Ninja --toolchain "$work/toolchain.cmake" \
    -DCMAKE_BUILD_TYPE= "-DCMAKE_CXX_FLAGS=-O1" -DCOAUTH_WARNINGS_AS_ERRORS=ON \
    "-DCOAUTH_TESTS=unit;net;threads" -DCOAUTH_BUILD_EXAMPLES=OFF -DCOAUTH_BUILD_CLI=OFF
step "build" cmake --build "$work/build" -j "$(nproc)" -- -k 0
ctest --test-dir "$work/build" -j "$(nproc)" --timeout 1500 --output-on-failure </dev/null
