# Sourced by the scripts that build: runs steps quietly, installs missing packages.

# step NAME COMMAND...: prints one line if it succeeds, else the whole log. Logs are in $logs.
step() {
    local name=$1 log start=$SECONDS
    shift
    log=$logs/${name//[^a-z0-9+]/-}.log
    printf '%-52s' "$name"
    if "$@" >"$log" 2>&1 </dev/null; then
        printf 'ok %5d s\n' $((SECONDS - start))
    else
        printf 'FAILED after %d s\n' $((SECONDS - start))
        cat "$log"
        printf '\n%s failed. Log: %s\n' "$name" "$log"
        exit 1
    fi
}

# need PACKAGE...: installs the Debian packages that are missing.
need() {
    local package missing=() sudo=()
    for package in "$@"; do
        dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' ||
            missing+=("$package")
    done
    ((${#missing[@]})) || return 0
    echo "Installing from Debian: ${missing[*]}"
    if ((EUID != 0)); then
        sudo=(sudo)
        # Prompts for the password here, where the prompt is visible.
        sudo -v
    fi
    step "package lists" "${sudo[@]}" apt-get update
    step "packages" "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y --no-install-recommends "${missing[@]}"
}

# Debian 12's default Boost is too old.
boost=
[[ $(. /etc/os-release && echo "${VERSION_CODENAME:-}") != bookworm ]] || boost=1.81
# Packages to build the library, the command and the examples.
packages=(g++ cmake ninja-build pkg-config libssl-dev "libboost$boost-dev" "libboost-json$boost-dev"
    "libboost-url$boost-dev" "libboost-program-options$boost-dev"
    libhiredis-dev)
