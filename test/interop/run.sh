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

# A private key and its public half: key NAME OPTION...
key() {
    openssl genpkey "${@:2}" -out "tls/$1.key" 2>tls/openssl.log &&
        openssl pkey -in "tls/$1.key" -pubout -out "tls/$1.pub" 2>tls/openssl.log ||
        fail "openssl failed: $(cat tls/openssl.log)"
}

# What clients prove themselves with.
keys() {
    key rsa -algorithm RSA -pkeyopt rsa_keygen_bits:2048
    key short -algorithm RSA -pkeyopt rsa_keygen_bits:1024
    key p256 -algorithm EC -pkeyopt ec_paramgen_curve:P-256
    key other -algorithm EC -pkeyopt ec_paramgen_curve:P-256
    key p384 -algorithm EC -pkeyopt ec_paramgen_curve:P-384
    key p521 -algorithm EC -pkeyopt ec_paramgen_curve:P-521
    key ed25519 -algorithm ed25519
    cp tls/p256.pub tls/public.key
    openssl pkey -in tls/p256.key -aes256 -passout "pass:open sesame" -out tls/encrypted.key
    certificate client "client" -CA tls/ca.pem -CAkey tls/ca.key
    certificate other-client "other client" -CA tls/ca.pem -CAkey tls/ca.key
    certificate self-signed "client that signs itself"
    certificate signing "client that signs"
    openssl x509 -in tls/signing.pem -pubkey -noout >tls/signing.pub
}

install() {
    need npm
    cp "$source"/{package.json,package-lock.json,server.mjs,oauth2-server.mjs} .
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

    keys

    # The server ends when its standard input does: whatever ends this script ends it too.
    coproc server { exec "$node" server.mjs tls 2>server.log; }
    # shellcheck disable=SC2064 # expanded now on purpose
    trap "kill $! 2>/dev/null || true" EXIT
    # shellcheck disable=SC2154 # coproc sets it
    read -r -t 60 COAUTH_INTEROP_URL COAUTH_INTEROP_MTLS_URL <&"${server[0]}" ||
        fail "the server did not start: $(cat server.log)"
    export COAUTH_INTEROP_URL COAUTH_INTEROP_MTLS_URL COAUTH_INTEROP_TLS=$PWD/tls

    "$@" || fail "$1 failed. The server said: $(cat server.log)"
}

case ${1-} in
install) install ;;
test) run "${@:2}" ;;
*) fail "usage: run.sh install | test PROGRAM [ARGUMENT...]" ;;
esac
