#!/usr/bin/env python3
"""The functions and the commands of `agent_session.py` over the command `tenure`.

The agents are in the store of the project, which `TENURE_STORE` may name. What a function cannot do it
says on standard error, and returns `None`, `False` or nothing, so that an agent goes on without a session.
docs/moving.md shows what each call becomes.
"""

import json
import subprocess
import sys


def create_session(agent_name, purpose="", metadata=None):
    """Creates an agent and returns its id."""
    arguments = ["create", f"--agent={agent_name}", f"--purpose={purpose}", "--metadata=-"]
    done = _tenure(arguments, metadata or {})
    return done.stdout.strip() if done.returncode == 0 else None


def update_state(agent_id, phase=None, metadata=None, error=None):
    """Records an update. `False` for an agent that does not exist, and for an invalid phase."""
    arguments = ["update", agent_id]
    if phase is not None:
        arguments.append(f"--phase={phase}")
    if error is not None:
        arguments.append(f"--error={error}")
    if metadata is not None:
        arguments.append("--metadata=-")
    return _tenure(arguments, metadata).returncode == 0


def should_resume(agent_id):
    """Whether to resume an agent instead of creating another one."""
    return _tenure(["should-resume", agent_id]).returncode == 0


def get_session(agent_id):
    """The state of an agent, with the properties of a `state.json`."""
    done = _tenure(["get", agent_id])
    return json.loads(done.stdout) if done.returncode == 0 else None


def finalize_session(agent_id, outcome, summary=None):
    """Ends an agent: "completed", "failed" or "abandoned"."""
    arguments = ["finalize", agent_id, outcome]
    if summary is not None:
        arguments.append(f"--summary={summary}")
    return _tenure(arguments).returncode == 0


def cleanup_old_sessions(hours=24):
    """Moves agents to the trash that have been idle for these hours, and returns their number."""
    done = _tenure(["cleanup", f"--hours={hours}", "--json"])
    return json.loads(done.stdout)["removed"] if done.returncode == 0 else 0


def list_sessions(active_only=False, agent_name=None):
    """The states of agents, newest first; with `active_only` of those that can be resumed."""
    arguments = ["list"]
    if active_only:
        arguments.append("--resumable")
    if agent_name is not None:
        arguments.append(f"--agent={agent_name}")
    lines = _tenure(arguments).stdout.splitlines()
    states = (get_session(line.split("\t")[0]) for line in lines)
    return [state for state in states if state is not None]


def _tenure(arguments, given=None):
    """Runs `tenure agent`; what is given is its standard input, as JSON."""
    text = "" if given is None else json.dumps(given)
    command = ["tenure", "agent", *arguments]
    try:
        return subprocess.run(command, input=text, stdout=subprocess.PIPE, text=True, check=False)
    except OSError as error:
        print(f"tenure: {error.strerror}", file=sys.stderr)
        return subprocess.CompletedProcess(command, 3, stdout="")


def main(arguments):
    """Passes a command on: the names and the options are the same, but for one."""
    renamed = ["--resumable" if given == "--active-only" else given for given in arguments]
    try:
        sys.exit(subprocess.run(["tenure", "agent", *renamed], check=False).returncode)
    except OSError as error:
        sys.exit(f"tenure: {error.strerror}")


if __name__ == "__main__":
    main(sys.argv[1:])
