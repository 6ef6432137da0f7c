#!/bin/sh
# Builds and runs the consumer's programs with what pkg-config says.
set -eu
compiler=$1 source=$2 libdir=$3 scratch=$4
mkdir -p "$scratch"
export PKG_CONFIG_PATH="$libdir/pkgconfig" LD_LIBRARY_PATH="$libdir"
for program in alone:coauth fetch:coauth-testing; do
    name=${program%:*}
    # shellcheck disable=SC2046 # the flags are words
    $compiler -std=c++20 "$source/$name.cpp" -o "$scratch/$name" \
        $(pkg-config --cflags --libs "${program#*:}")
    "$scratch/$name"
done
if [ -e "$libdir/pkgconfig/coauth-redis.pc" ]; then
    # shellcheck disable=SC2046 # the flags are words
    $compiler -std=c++20 "$source/store.cpp" -o "$scratch/store" \
        $(pkg-config --cflags --libs coauth-redis)
    "$scratch/store"
fi
