/**
 * What a shell is taught: to ask the program itself, so that the answers are those of the installed version.
 *
 * A line of an answer is a word, a tab and what it is for. No answer means that a file name may stand there.
 */
export const COMPLETION_SCRIPTS = {
  bash: `_seawall() {
  local IFS=$'\\n'
  COMPREPLY=($(seawall __complete "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null | cut -f1))
}
complete -o default -F _seawall seawall
`,
  zsh: `#compdef seawall
_seawall() {
  local -a candidates
  local word about
  while IFS=$'\\t' read -r word about; do
    candidates+=("\${word//:/\\\\:}:$about")
  done < <(seawall __complete "\${(@)words[2,CURRENT]}" 2>/dev/null)
  if (( \${#candidates} )); then _describe seawall candidates; else _files; fi
}
if [ "\${funcstack[1]}" = _seawall ]; then _seawall; else compdef _seawall seawall; fi
`,
  fish: `function __seawall_complete
  set -l before (commandline -opc | tail -n +2)
  seawall __complete $before (commandline -ct) 2>/dev/null
end
complete -c seawall -a '(__seawall_complete)'
`,
} as const
