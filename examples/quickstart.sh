#!/usr/bin/env bash
# Builds coauth and gets an access token with a program and with the command: from an authorization
# server that it starts on this machine, or from api.sms.cx if SMSCX_APPLICATION_ID and
# SMSCX_APPLICATION_SECRET are set. Installs the required Debian packages.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=$here/build/quickstart
coauth=$build/src/cli/coauth
logs=$build/logs

say() {
    printf '\n%s\n\n' "$*"
}

# Gets a token with the program and with the command. The environment selects the server.
show() {
    local flags=(token --verbose --client-id "$SMSCX_APPLICATION_ID")
    [[ -z ${SMSCX_HOST:-} ]] || flags+=(--host "$SMSCX_HOST")
    [[ -z ${COAUTH_CA_FILE:-} ]] || flags+=(--ca-file "$COAUTH_CA_FILE")

    say "1. A program of some 25 lines, examples/minimal.cpp:"
    "$build/examples/example_minimal"
    say "2. The command, with the secret in COAUTH_CLIENT_SECRET:"
    printf '$ coauth'
    printf ' %s' "${flags[@]}"
    printf '\n\n'
    COAUTH_CLIENT_SECRET=$SMSCX_APPLICATION_SECRET "$coauth" "${flags[@]}" 2>&1
}

if [[ ${1:-} == show ]]; then
    show
    exit
fi

mkdir -p "$logs"
# shellcheck source=test/steps.sh
. "$here/test/steps.sh"
need "${packages[@]}"
step "configure" cmake -S "$here" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release \
    -DCOAUTH_BUILD_TESTS=OFF -DCMAKE_UNITY_BUILD=ON -DCMAKE_UNITY_BUILD_BATCH_SIZE=16
step "build, some minutes" cmake --build "$build" --target coauth_cli example_minimal

if [[ ${SMSCX_APPLICATION_ID:-} && ${SMSCX_APPLICATION_SECRET:-} ]]; then
    say "Getting a token from SMS.CX at ${SMSCX_HOST:-https://api.sms.cx}."
    show
else
    say "Getting a token from an authorization server on this machine that imitates SMS.CX.
Set SMSCX_APPLICATION_ID and SMSCX_APPLICATION_SECRET to use the real SMS.CX."
    "$here/test/cli/with_server.sh" "$coauth" smscx bash "${BASH_SOURCE[0]}" show
fi
say "Next: README.md shows how to use coauth in your own program. Try also
  $coauth token --help
  $coauth serve"
