#!/usr/bin/env bash
# Both work in the current directory, a build's own, and write nowhere else.
#
#   run.sh install                      installs the authorization server there
#   run.sh test PROGRAM [ARGUMENT...]   runs a program with it
set -euo pipefail

source=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

fail() {
    printf 'run.sh: %s\n' "$*" >&2
    exit 1
}

need() {
    command -v "$1" >/dev/null || fail "$1 is missing; on Debian:" \
        "apt-get install --no-install-recommends $1"
}

# A key and a certificate: certificate NAME SUBJECT [OPTION...]
certificate() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
        -keyout "tls/$1.key" -out "tls/$1.pem" -subj "/CN=$2" "${@:3}" 2>tls/openssl.log ||
        fail "openssl failed: $(cat tls/openssl.log)"
}

install() {
    need npm
    cp "$source"/{package.json,package-lock.json,server.mjs} .
    # npm ci begins by removing node_modules, so the stamp is there only after all went well.
    if ! cmp -s package-lock.json node_modules/.coauth-installed; then
        npm ci --ignore-scripts --no-audit --no-fund --prefer-offline
        cp package-lock.json node_modules/.coauth-installed
    fi
}

run() {
    need openssl
    # oidc-provider wants a newer Node.js than Debian 12 has.
    local node
    node=$(echo node_modules/node-linux-*/bin/node)
    [[ -x $node ]] || fail "there is no $node: run.sh install did not run, or there is none for" \
        "this machine ($(uname -m))"

    mkdir -p tls
    certificate ca "interop CA"
    certificate other-ca "another CA"
    certificate server 127.0.0.1 -CA tls/ca.pem -CAkey tls/ca.key \
        -addext basicConstraints=critical,CA:FALSE \
        -addext subjectAltName=IP:127.0.0.1,DNS:localhost

    # The server ends when its standard input does: whatever ends this script ends it too.
    coproc server { exec "$node" server.mjs tls/server.pem tls/server.key 2>server.log; }
    # shellcheck disable=SC2064 # expanded now on purpose
    trap "kill $! 2>/dev/null || true" EXIT
    # shellcheck disable=SC2154 # coproc sets it
    read -r -t 60 COAUTH_INTEROP_URL <&"${server[0]}" ||
        fail "the server did not start: $(cat server.log)"
    export COAUTH_INTEROP_URL COAUTH_INTEROP_TLS=$PWD/tls

    "$@" || fail "$1 failed. The server said: $(cat server.log)"
}

case ${1-} in
install) install ;;
test) run "${@:2}" ;;
*) fail "usage: run.sh install | test PROGRAM [ARGUMENT...]" ;;
esac
