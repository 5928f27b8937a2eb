#!/usr/bin/env bash
# The end of a job: enters into the audit log how the run went, and ends it if it did its work. A failure
# here becomes a warning and does not change the result of the job.

set -euo pipefail
# shellcheck source=SCRIPTDIR/common.sh
source "${BASH_SOURCE[0]%/*}/common.sh"

if [[ -z $INPUT_SESSION_KEY ]]; then
  echo "No run was registered, so there is none to end."
  exit 0
fi

attempt=()
if [[ -n $INPUT_RUN_ATTEMPT ]]; then attempt=("--run-attempt=$INPUT_RUN_ATTEMPT"); fi
executed=true
if is_true "$INPUT_SKIP_EXECUTION"; then executed=false; fi

choose_store
run_tenure dedup audit --exit-code ${attempt[@]+"${attempt[@]}"} -- "$INPUT_SESSION_KEY" \
  "$INPUT_EVENT" "$INPUT_WORKFLOW" "$INPUT_RUN_ID" "$INPUT_SHA" "$executed" "$INPUT_JOB_STATUS"
if [[ $code != 0 ]]; then
  annotate warning "This run is missing from the audit log" "$(complaint)"
fi

# What keeps others away belongs to the run that was not skipped.
if [[ $executed == true ]]; then
  run_tenure dedup cleanup --exit-code "--run-id=$INPUT_RUN_ID" ${attempt[@]+"${attempt[@]}"} \
    -- "$INPUT_SESSION_KEY"
  if [[ $code != 0 ]]; then
    annotate warning "This run could not be ended" "$(complaint)"
  fi
fi

summarize "Run recorded" "In the audit log:" \
  "key       $INPUT_SESSION_KEY" "executed  $executed" "job       $INPUT_JOB_STATUS"
