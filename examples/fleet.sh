#!/usr/bin/env bash
# Shows how processes share a token through Redis: builds coauth, starts Redis and an authorization server
# on this machine, and lets several processes want the same token at once; then the one that fetches is
# killed; then Redis stops. Installs the required Debian packages.
#
#   examples/fleet.sh           all of it
#   examples/fleet.sh COAUTH    with this build of the command
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
coauth=${1-}

say() {
    printf '\n%s\n\n' "$*"
}

if [[ ! $coauth ]]; then
    build=$here/build/quickstart
    coauth=$build/src/cli/coauth
    logs=$build/logs
    mkdir -p "$logs"
    # shellcheck source=test/steps.sh
    . "$here/test/steps.sh"
    need "${packages[@]}" redis-server openssl
    step "configure" cmake -S "$here" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release \
        -DCOAUTH_BUILD_TESTS=OFF -DCOAUTH_BUILD_REDIS=ON
    step "build, some minutes" cmake --build "$build" --target coauth_cli
fi

directory=$(mktemp -d)
cd "$directory"
started=()
end() {
    for process in "${started[@]}"; do
        kill -CONT "$process" 2>/dev/null || true
        kill "$process" 2>/dev/null || true
        wait "$process" 2>/dev/null || true
    done
    rm -rf "$directory"
}
trap end EXIT

# Redis, with a user and a password, at a socket of TCP that only this machine reaches.
port=$((20000 + RANDOM % 10000))
head -c 18 /dev/urandom | base64 >password
cat >redis.conf <<END
bind 127.0.0.1
port $port
save ""
logfile redis.log
user default off
user fleet on >$(cat password) ~coauth:* +get +set +del +pttl +pexpire +exists +getrange +eval +evalsha
END
redis-server redis.conf &
redis=$!
started+=("$redis")

"$coauth" serve --output env >environment &
server=$!
started+=("$server")
until grep -qs '^COAUTH_CLIENT_SECRET_FILE=.' environment && grep -qs Ready redis.log; do
    kill -0 "$server" && kill -0 "$redis" || exit 1
    sleep 0.05
done
# shellcheck disable=SC1091
. ./environment
openssl rand -base64 32 >key

# token SCOPE: a process of the fleet.
token() {
    exec "$coauth" token --token-endpoint "$COAUTH_TOKEN_ENDPOINT" --ca-file "$COAUTH_CA_FILE" \
        --client-id "$COAUTH_CLIENT_ID" --client-secret-file "$COAUTH_CLIENT_SECRET_FILE" \
        --store "redis://fleet@127.0.0.1:$port" --store-key-file key --store-password-file password \
        --timeout 30 --output token --scope "$1"
}
# timed FILE SCOPE: a token into the file; prints how many milliseconds it took.
timed() {
    local begin
    begin=$(date +%s%N)
    (token "$2") >"$1"
    echo $((($(date +%s%N) - begin) / 1000000))
}
fetched() {
    cat "$@" | sort -u | wc -l
}

say "1. Three processes want the same token at once."
workers=()
for i in 1 2 3; do
    (token "read write") >"token-$i" &
    workers+=($!)
done
wait "${workers[@]}"
echo "Tokens: $(cat token-? | wc -l). Fetches: $(fetched token-?)."
[[ $(cat token-? | wc -l) == 3 && $(fetched token-?) == 1 ]]

say "2. The process that fetches is killed: the next one has to wait for the end of its claim, 10 s."
kill -STOP "$server"
(token read) >killed &
holder=$!
sleep 1
kill -KILL "$holder"
wait "$holder" 2>/dev/null || true
kill -CONT "$server"
elapsed=$(timed token-4 read)
echo "It has its token after $elapsed ms."
[[ -s token-4 ]]

say "3. Redis stops: a process gets its token all the same."
kill -STOP "$redis"
elapsed=$(timed token-5 "read write")
kill -CONT "$redis"
echo "It has a token after $elapsed ms, one of its own: $(fetched token-1 token-5) fetches."
[[ -s token-5 ]]
