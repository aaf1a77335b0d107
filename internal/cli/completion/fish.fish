# fish completion for PROGRAM

function __PROGRAM_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    string match -q -- '-*' $current; and set -a words $current
    $words --generate-bash-completion 2>/dev/null
end

complete -c PROGRAM -n 'test -n "$(__PROGRAM_complete)"' -f
complete -c PROGRAM -a '(__PROGRAM_complete)'
