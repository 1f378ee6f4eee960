/* SPDX-License-Identifier: MIT */
/* completion.c - torpor completion SHELL: what makes a shell complete command
 * lines of torpor.
 *
 * The scripts know nothing of commands and options: for each line they ask
 * 'torpor completion words -- WORD...' (complete.h), so they are always of the
 * same version as the command. */
#include <string.h>

#include "cli/command.h"
#include "cli/complete.h"
#include "cli/text/output.h"

/* bash splits words at '=' and wants what is behind it alone. */
static const char bash[] =
    "# Completion of torpor for bash: made by 'torpor completion bash'.\n"
    "_torpor() {\n"
    "  local words=() word last cut='' kind='' i\n"
    "  for ((i = 1; i <= COMP_CWORD; i++)); do\n"
    "    word=${COMP_WORDS[i]}\n"
    "    if ((i > 1)) && [[ $word == = || ${COMP_WORDS[i - 1]} == = ]]; then\n"
    "      words[${#words[@]} - 1]+=$word\n"
    "    else\n"
    "      words+=(\"$word\")\n"
    "    fi\n"
    "  done\n"
    "  last=${words[${#words[@]} - 1]}\n"
    "  if [[ $last == --*=* && $COMP_WORDBREAKS == *=* ]]; then\n"
    "    cut=${last%%=*}=\n"
    "  fi\n"
    "  COMPREPLY=()\n"
    "  while IFS=$'\\t' read -r word _; do\n"
    "    case $word in\n"
    "    :files) kind=f ;;\n"
    "    :folders) kind=d ;;\n"
    "    *) COMPREPLY+=(\"${word#\"$cut\"}\") ;;\n"
    "    esac\n"
    "  done < <(\"${1/#\\~/$HOME}\" completion words -- \"${words[@]}\" "
    "2>/dev/null)\n"
    "  if [[ $kind && ${#COMPREPLY[@]} == 0 ]]; then\n"
    "    if [[ $kind == d ]]; then compopt -o dirnames; "
    "else compopt -o default; fi\n"
    "  elif [[ $kind ]]; then\n"
    "    compopt -o filenames\n"
    "    while IFS= read -r word; do\n"
    "      COMPREPLY+=(\"$word\")\n"
    "    done < <(compgen -\"$kind\" -- \"${last#\"$cut\"}\")\n"
    "  elif [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *= ]]; then\n"
    "    compopt -o nospace\n"
    "  fi\n"
    "}\n"
    "complete -F _torpor torpor\n";

static const char zsh[] =
    "#compdef torpor\n"
    "# Completion of torpor for zsh: made by 'torpor completion zsh'.\n"
    "_torpor() {\n"
    "  local line word kind result=1\n"
    "  local -a whole open\n"
    "  for line in \"${(@f)$(\"${(Q)words[1]}\" completion words -- "
    "\"${(@Q)words[2,CURRENT-1]}\" \"$PREFIX\" 2>/dev/null)}\"; do\n"
    "    word=${line%%$'\\t'*}\n"
    "    case $word in\n"
    "    '') ;;\n"
    "    :files | :folders) kind=$word ;;\n"
    "    *=) open+=(\"${word//:/\\\\:}:${line#*$'\\t'}\") ;;\n"
    "    *) whole+=(\"${word//:/\\\\:}:${line#*$'\\t'}\") ;;\n"
    "    esac\n"
    "  done\n"
    "  ((${#whole})) && _describe -t words word whole && result=0\n"
    "  ((${#open})) && _describe -t options option open -S '' && result=0\n"
    "  if [[ -n $kind ]]; then\n"
    "    compset -P '--*='\n"
    "    if [[ $kind == :folders ]]; then _files -/ && result=0\n"
    "    else _files && result=0; fi\n"
    "  fi\n"
    "  return result\n"
    "}\n"
    "if [[ $zsh_eval_context[-1] == loadautofunc ]]; then\n"
    "  _torpor \"$@\"\n"
    "else\n"
    "  compdef _torpor torpor\n"
    "fi\n";

static const char fish[] =
    "# Completion of torpor for fish: made by 'torpor completion fish'.\n"
    "function __torpor_complete\n"
    "    set -l words (commandline -opc)\n"
    "    set -l last (commandline -ct)\n"
    "    set -l before (string match -r -- '^--[^=]*=' \"$last\")\n"
    "    set -l path (string replace -r -- '^--[^=]*=' '' \"$last\")\n"
    "    for line in ($words[1] completion words -- $words[2..] \"$last\" "
    "2>/dev/null)\n"
    "        switch $line\n"
    "            case :files\n"
    "                for name in (__fish_complete_path \"$path\")\n"
    "                    printf '%s\\n' \"$before$name\"\n"
    "                end\n"
    "            case :folders\n"
    "                for name in (__fish_complete_directories \"$path\")\n"
    "                    printf '%s\\n' \"$before$name\"\n"
    "                end\n"
    "            case '*'\n"
    "                printf '%s\\n' $line\n"
    "        end\n"
    "    end\n"
    "end\n"
    "complete -c torpor -f -a '(__torpor_complete)'\n";

static const struct {
  const char *name, *script;
} shells[] = {{"bash", bash}, {"zsh", zsh}, {"fish", fish}};

enum { SHELLS = sizeof(shells) / sizeof(*shells) };

static int run(const struct cli_call *call) {
  const char *word = call->arguments[0];
  const char *names[SHELLS];
  if (strcmp(word, "words") == 0) {
    cli_complete(call->arguments + 1, call->count - 1);
    return CLI_EXIT_DONE;
  }
  if (call->count > 1) {
    cli_complain("unexpected argument '%s'", call->arguments[1]);
    return CLI_EXIT_USAGE;
  }
  for (size_t i = 0; i < SHELLS; i++) {
    names[i] = shells[i].name;
    if (strcmp(word, names[i]) != 0) continue;
    cli_output_bytes(1, shells[i].script, strlen(shells[i].script));
    return CLI_EXIT_DONE;
  }
  const char *near = cli_suggest(word, names, SHELLS);
  cli_complain("there is completion for bash, zsh and fish, not '%s'%s%s%s",
               word, near != NULL ? "; did you mean '" : "",
               near != NULL ? near : "", near != NULL ? "'?" : "");
  return CLI_EXIT_USAGE;
}

const struct cli_command cli_completion = {
    .name = "completion",
    .group = CLI_GROUP_SELF,
    .arguments = "bash | zsh | fish",
    .summary = "print what makes a shell complete command lines",
    .details =
        "'make install' puts it where the shells look for it. Without that:\n\n"
        "  bash   source <(torpor completion bash)       in ~/.bashrc\n"
        "  zsh    source <(torpor completion zsh)        in ~/.zshrc, behind\n"
        "                                                compinit\n"
        "  fish   torpor completion fish | source        in config.fish",
    .examples = "source <(torpor completion bash)\n",
    .least = 1,
    .most = SIZE_MAX,
    .run = run,
};
