#!/usr/bin/env bash
# Runs a command, by default test/run.sh, on this commit in a root of another Debian release.
#
#   test/platforms/debian.sh SUITE DIRECTORY [COMMAND...]
#
# SUITE is trixie (Debian 13) or sid (the newest Boost, OpenSSL and GCC that Debian has). DIRECTORY
# is made by debootstrap if it does not exist, and kept. Needs root's rights.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
if (($# < 2)) || ((EUID != 0)); then
    echo "usage, as root: test/platforms/debian.sh SUITE DIRECTORY [COMMAND...]" >&2
    exit 2
fi
suite=$1 root=$2
shift 2
(($#)) || set -- test/run.sh
command -v debootstrap >/dev/null || {
    echo "debootstrap is missing; on Debian: apt install debootstrap" >&2
    exit 2
}
[[ -d $root ]] || debootstrap --variant=minbase --include=ca-certificates,git "$suite" "$root"
rm -rf "$root/srv/coauth"
git clone --quiet --no-local . "$root/srv/coauth"
[[ ! -e /etc/resolv.conf ]] || cp /etc/resolv.conf "$root/etc/resolv.conf"

# Mounts of this process alone: they end with it, whatever happens. /dev is the root's own.
# shellcheck disable=SC2016
exec unshare --mount --pid --fork bash -euc '
    root=$1
    shift
    mount -t proc proc "$root/proc"
    mount -t sysfs -o ro sysfs "$root/sys"
    mount -t tmpfs -o mode=755 tmpfs "$root/dev"
    mkdir "$root/dev/pts" "$root/dev/shm"
    mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
    for device in "null 1 3" "zero 1 5" "full 1 7" "random 1 8" "urandom 1 9" "tty 5 0"; do
        read -r name major minor <<<"$device"
        mknod -m 666 "$root/dev/$name" c "$major" "$minor"
    done
    ln -s pts/ptmx "$root/dev/ptmx"
    ln -s /proc/self/fd "$root/dev/fd"
    exec chroot "$root" env -i HOME=/root LANG=C.UTF-8 PATH=/usr/sbin:/usr/bin:/sbin:/bin \
        bash -euc '\''
            cd /srv/coauth
            . /etc/os-release && echo "$PRETTY_NAME, commit $(git rev-parse --short HEAD)"
            "$@" && status=0 || status=$?
            dpkg-query -W -f="\${Package} \${Version}\n" g++ libssl-dev "libboost*-dev" 2>/dev/null |
                grep -E "^(g|libssl|libboost[0-9.]+-dev).* [0-9]" || true
            exit "$status"'\'' bash "$@"
' bash "$root" "$@"
