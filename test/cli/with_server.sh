#!/usr/bin/env bash
# Runs a command with the address of a new authorization server in its environment.
#
#   with_server.sh COAUTH FLAVOR COMMAND [ARGUMENT...]
set -euo pipefail

coauth=$1 flavor=$2
shift 2
directory=$(mktemp -d)
scope="read write"
[[ $flavor != smscx ]] || scope="sms groups"
"$coauth" serve --flavor "$flavor" --scope "$scope" --output env >"$directory/env" &
server=$!
end() {
    kill "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
    rm -rf "$directory"
}
trap end EXIT

# The server writes this line last.
until grep -q '^COAUTH_CLIENT_SECRET_FILE=.' "$directory/env"; do
    kill -0 "$server" 2>/dev/null || { echo "the server did not start" >&2; exit 1; }
    sleep 0.05
done
set -a
# shellcheck disable=SC1091
. "$directory/env"
COAUTH_CLIENT_SECRET=$(cat "$COAUTH_CLIENT_SECRET_FILE")
export SMSCX_APPLICATION_ID=$COAUTH_CLIENT_ID
export SMSCX_APPLICATION_SECRET=$COAUTH_CLIENT_SECRET
export SMSCX_HOST=${COAUTH_TOKEN_ENDPOINT%/oauth/token}
set +a

"$@"
