#!/bin/bash
# Makes the Debian packages of a build tree, unpacks them, and builds a user's project against them.
# debian_packages.sh BUILD CONSUMER SCRATCH COMPILER VERSION
set -euo pipefail
build=$1 consumer=$2 scratch=$3 compiler=$4 version=$5
rm -rf "$scratch"
mkdir -p "$scratch/unpacked"
export SOURCE_DATE_EPOCH=1700000000 CMAKE_GENERATOR=Ninja
cmake --build "$build" --target man
cpack -G DEB --config "$build/CPackConfig.cmake" -B "$scratch" >"$scratch/cpack.log" ||
    { cat "$scratch/cpack.log"; exit 1; }
command=$(echo "$scratch"/coauth_"$version"_*.deb)
development=$(echo "$scratch"/libcoauth-dev_"$version"_*.deb)

# depends PACKAGE NAME...
depends() {
    local file=$1 name list
    list=$(dpkg-deb -f "$file" Depends)
    for name in "${@:2}"; do
        [[ ", $list" == *", $name"* ]] || { echo "$file does not depend on $name: $list"; exit 1; }
    done
}
depends "$command" libc6 libssl3 libstdc++6
depends "$development" libssl-dev libboost
for file in "$command" "$development"; do
    dpkg-deb -f "$file" Package Version Architecture Depends
    dpkg -x "$file" "$scratch/unpacked"
done

prefix=$scratch/unpacked/usr
[[ $("$prefix/bin/coauth" --version) == *"$version"* ]]
[[ -e $prefix/include/coauth/coauth.hpp ]]
grep -q 'token.-endpoint' "$prefix/share/man/man1/coauth-token.1"
cmake -S "$consumer" -B "$scratch/consumer" -DCMAKE_CXX_COMPILER="$compiler" -DCMAKE_BUILD_TYPE= \
    -DCMAKE_PREFIX_PATH="$prefix"
cmake --build "$scratch/consumer"
ctest --test-dir "$scratch/consumer" --output-on-failure

# The completion knows commands and flags.
PATH=$prefix/bin:$PATH
# shellcheck source=/dev/null
. "$prefix/share/bash-completion/completions/coauth"
# complete_to EXPECTED WORD...: the last word is to be completed
complete_to() {
    COMP_WORDS=("${@:2}") COMP_CWORD=$(($# - 2)) COMPREPLY=()
    _coauth coauth
    [[ ${COMPREPLY[*]} == "$1" ]] || { echo "${*:2} completes to ${COMPREPLY[*]}"; exit 1; }
}
complete_to introspect coauth intro
complete_to --token-endpoint coauth token --token-e
complete_to header coauth token --output h
