#!/usr/bin/env bash
# Runs a test case with a client's key in a PKCS #11 token: pkcs11.sh PROGRAM ARGUMENT...
#
# The token is SoftHSM's, and OpenSSL reaches it by pkcs11-provider. Without them the exit status is
# 77, which means that the test was skipped. PKCS11_PROVIDER, SOFTHSM2_UTIL and SOFTHSM2_MODULE are
# their files, if they are not installed where Debian installs them.
set -euo pipefail

modules=$(openssl version -m | sed 's/.*"\(.*\)"/\1/')
provider=${PKCS11_PROVIDER:-$modules/pkcs11.so}
tool=${SOFTHSM2_UTIL:-$(command -v softhsm2-util || true)}
token=${SOFTHSM2_MODULE:-/usr/lib/softhsm/libsofthsm2.so}
for file in "$provider" "$tool" "$token"; do
    if [[ ! -e $file ]]; then
        echo "skipped: there is no ${file:-softhsm2-util}; Debian 13: apt-get install pkcs11-provider softhsm2"
        exit 77
    fi
done

directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
mkdir "$directory/tokens"
export SOFTHSM2_CONF=$directory/softhsm2.conf
printf 'directories.tokendir = %s/tokens\nobjectstore.backend = file\n' "$directory" >"$SOFTHSM2_CONF"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=client \
    -keyout "$directory/client.key" -out "$directory/client.pem" 2>"$directory/log" ||
    { cat "$directory/log"; exit 1; }
{
    "$tool" --module "$token" --init-token --free --label coauth --so-pin 4321 --pin 1234
    "$tool" --module "$token" --import "$directory/client.key" --token coauth --label client --id 01 \
        --pin 1234
} >"$directory/log" || { cat "$directory/log"; exit 1; }
# The key is nowhere else.
rm "$directory/client.key"
cat >"$directory/openssl.cnf" <<CONFIGURATION
openssl_conf = configuration
[configuration]
providers = providers
[providers]
default = default_provider
pkcs11 = pkcs11_provider
[default_provider]
activate = 1
[pkcs11_provider]
module = $provider
pkcs11-module-path = $token
pkcs11-module-quirks = no-deinit no-operation-state
activate = 1
CONFIGURATION
export OPENSSL_CONF=$directory/openssl.cnf COAUTH_PKCS11_CERTIFICATE=$directory/client.pem
export COAUTH_PKCS11_URI="pkcs11:token=coauth;object=client;type=private" COAUTH_PKCS11_PIN=1234
"$@"
