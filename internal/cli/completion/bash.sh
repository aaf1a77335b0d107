# bash completion for PROGRAM

_PROGRAM_complete() {
  local cur="${COMP_WORDS[COMP_CWORD]}" words=("${COMP_WORDS[@]:0:COMP_CWORD}") found
  [[ "$cur" == -* ]] && words+=("$cur")
  found=$("${words[@]}" --generate-bash-completion 2>/dev/null)
  local IFS=$'\n'
  COMPREPLY=($(compgen -W "$found" -- "$cur"))
}

complete -o bashdefault -o default -F _PROGRAM_complete PROGRAM
