# Completion of the coauth command for bash. The flags are those of its own help.
_coauth() {
    local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} words=
    if ((COMP_CWORD == 1)); then
        words="$("$1" --help 2>/dev/null | sed -n 's/^  coauth \([a-z]*\) .*/\1/p') --help --version"
    elif [[ $word == -* ]]; then
        words=$("$1" "${COMP_WORDS[1]}" --help 2>/dev/null | grep -o -e '--[a-z][a-z-]*' | sort -u)
    else
        case $previous in
        *-file | --dpop) compopt -o filenames && mapfile -t COMPREPLY < <(compgen -f -- "$word") ;;
        --output | -o) words="summary token header json" ;;
        --provider) words=smscx ;;
        esac
    fi
    [[ ! $words ]] || mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}
complete -F _coauth coauth
