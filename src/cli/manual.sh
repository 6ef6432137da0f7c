#!/bin/sh
# Writes the manual pages of the command from its own help: manual.sh PROGRAM VERSION OUT
set -eu
program=$1 version=$2 out=$3
mkdir -p "$out"
# page NAME DESCRIPTION HELP-OPTION
page() {
    help2man --no-info --version-string="$version" --name="$2" --help-option="$3" "$program" |
        sed -e '/^\.\\" DO NOT MODIFY/d' -e "s/^\.TH COAUTH/.TH $(echo "$1" | tr a-z A-Z)/" \
            -e "s/^coauth \\\\- /$1 \\\\- /" >"$out/$1.1"
}
page coauth "OAuth 2.0 access tokens" --help
"$program" --help | sed -n 's/^  coauth \([a-z]*\)  *\(.*\)/\1 \2/p' |
    while read -r command description; do
        page "coauth-$command" "$description" "$command --help"
    done
