#!/usr/bin/env bash
# What the two scripts of the action have in common: how tenure is run, and how its outcome is shown.
# It decides nothing, and nothing that it is given is ever read as a command.

# The version is that of the package beside it.
default_command="npx --yes tenure@0.1.0"

# Runs tenure, and leaves what it said in `said` and its exit code in `code`. The text has names in it
# which anybody may have chosen, so the runner is instructed to execute no commands in it. A program of
# any name may be the command: `command` passes over the functions of this script.
# shellcheck disable=SC2034 # the scripts that source this read `code`
run_tenure() {
  local words token
  read -ra words <<<"${INPUT_COMMAND:-${TENURE_COMMAND:-$default_command}}"
  code=0
  said=$(command -- "${words[@]}" "$@" 2>&1 </dev/null) || code=$?
  token="tenure-$RANDOM-$RANDOM-$RANDOM"
  printf '::stop-commands::%s\n%s\n::%s::\n' "$token" "$said" "$token"
}

# Whether a text is true, as programs of all languages print it.
is_true() {
  [[ $1 == [Tt][Rr][Uu][Ee] ]]
}

# The value of the last line of tenure's output that begins with this name.
line() {
  sed -n "s/^$1=//p" <<<"$said" | tail -n 1
}

# The last error in the output, or else its last line, whichever program printed it.
complaint() {
  local found
  found=$(sed -n '/^tenure: /p; /^error: /p' <<<"$said" | tail -n 1)
  if [[ -z $found ]]; then found=$(sed '/^[[:space:]]*$/d' <<<"$said" | tail -n 1); fi
  printf '%s' "$found"
}

# Puts a note beside the run: a notice or a warning, its title and its text.
annotate() {
  local text=$3
  text=${text//'%'/%25}
  text=${text//$'\r'/%0D}
  text=${text//$'\n'/%0A}
  printf '::%s title=%s::%s\n' "$1" "$2" "$text"
}

# Adds to the summary of the job a heading, a sentence, and lines that stand there as they are.
summarize() {
  local text line
  printf -v text '### %s\n\n%s\n\n' "$1" "$2"
  shift 2
  for line; do text+="    ${line//[[:cntrl:]]/ }"$'\n'; done
  printf '%s\n' "$text" >>"${GITHUB_STEP_SUMMARY:-/dev/null}"
}

# Says where the runs are kept. The refs of this repository are opened with the job's own token, so
# that it need not be checked out. Where it is, tenure runs outside of it: a checkout has settings of
# its own, and a second token is refused. The empty header is there for those of the machine.
choose_store() {
  export TENURE_STORE="${INPUT_STORE:-${TENURE_STORE:-git:$GITHUB_SERVER_URL/$GITHUB_REPOSITORY}}"
  if [[ -z ${INPUT_TOKEN:-} || $TENURE_STORE != "git:$GITHUB_SERVER_URL/"* ]]; then return; fi
  local secret name="http.$GITHUB_SERVER_URL/.extraheader" n=${GIT_CONFIG_COUNT:-0}
  secret=$(printf 'x-access-token:%s' "$INPUT_TOKEN" | base64 | tr -d '\r\n')
  printf '::add-mask::%s\n' "$secret"
  export "GIT_CONFIG_KEY_$n=$name" "GIT_CONFIG_VALUE_$n="
  export "GIT_CONFIG_KEY_$((n + 1))=$name"
  export "GIT_CONFIG_VALUE_$((n + 1))=AUTHORIZATION: basic $secret"
  export GIT_CONFIG_COUNT=$((n + 2))
  cd "$RUNNER_TEMP" || return
}
