#!/usr/bin/env bash
# The action itself: asks tenure whether the run is a duplicate, and passes the answer on to the steps
# after it and to people. If there is no answer, the run goes on: a duplicate run costs less than a
# missing one.

set -euo pipefail
# shellcheck source=SCRIPTDIR/common.sh
source "${BASH_SOURCE[0]%/*}/common.sh"

options=(--exit-code)
option() {
  if [[ -n $2 ]]; then options+=("$1=$2"); fi
}
option --key "$INPUT_KEY"
option --ref "$INPUT_REF"
option --by "$INPUT_BY"
option --window "$INPUT_WINDOW"
option --pr-window "$INPUT_PR_WINDOW"
option --keep "$INPUT_KEEP"
option --run-attempt "$INPUT_RUN_ATTEMPT"
if is_true "$INPUT_SYMMETRIC"; then options+=(--symmetric); fi

choose_store
run_tenure dedup admit "${options[@]}" -- "$INPUT_EVENT" "$INPUT_WORKFLOW" "$INPUT_SHA" "$INPUT_RUN_ID"

# Programs that only bring tenure here have exit codes of their own: what it has printed decides.
skip=$(line SKIP_EXECUTION)
reason=$(line REASON)
case $code:$skip in
  0:false) ;;
  1:true)
    annotate notice "Run skipped" "$reason"
    summarize "Run skipped" "It would be a duplicate run:" "$reason"
    ;;
  3:false)
    annotate warning "It is unknown whether this run is a duplicate" "$reason"
    ;;
  *)
    reason="tenure could not be asked (exit code $code), so the run goes on: $(complaint)"
    annotate warning "It is unknown whether this run is a duplicate" "$reason"
    printf '%s\n' "session_key=" "skip_execution=false" "reason=${reason//$'\r'/ }" >>"$GITHUB_OUTPUT"
    ;;
esac
