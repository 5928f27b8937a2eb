"""`get_session_manager()` of `start_system.py` over the command `tenure`.

The owner of a virtual machine is this process: it is an orphan when the process has ended, and
`tenure lease sweep` deletes it. docs/moving.md shows what each call becomes.
"""

import asyncio
import json
import os
import socket
import subprocess
import threading
import time
from datetime import datetime


class GlobalSessionManager:
    """Which virtual machine this process owns. The methods never raise."""

    def __init__(self):
        self.pid = os.getpid()
        self.hostname = socket.gethostname()
        self.created_at = time.time()
        own = (_json("lease", "stats") or {}).get("own", {})
        self.session_id = own.get("sessionId")
        self._counts = dict.fromkeys(
            ("vms_registered", "vms_unregistered", "registry_cleanups", "stale_sessions_removed"), 0
        )

    async def register_vm(self, vm_id, zone, components, metadata=None):
        """Registers a machine, or updates it; `False` if another session or another machine is there."""
        return await asyncio.to_thread(self.register_vm_sync, vm_id, zone, components, metadata)

    async def get_my_vm(self):
        """The machine of this session, or `None`."""
        return await asyncio.to_thread(self.get_my_vm_sync)

    async def unregister_vm(self):
        """Ends the ownership of the machine, once it is deleted."""
        return await asyncio.to_thread(self.unregister_vm_sync)

    async def get_all_active_sessions(self):
        """The sessions of running processes, by their ids."""
        return await asyncio.to_thread(self.get_all_active_sessions_sync)

    async def cleanup_stale_sessions(self):
        """Removes the sessions of processes that have ended, and returns their number."""
        return await asyncio.to_thread(self.cleanup_stale_sessions_sync)

    def register_vm_sync(self, vm_id, zone, components, metadata=None):
        named = [f"--component={component}" for component in components]
        given = json.dumps(metadata or {})
        arguments = ["register", f"--zone={zone}", *named, "--metadata=-", "--", vm_id]
        done = _tenure("vm", *arguments, given=given).returncode == 0
        self._counts["vms_registered"] += done
        return done

    def get_my_vm_sync(self):
        vm = _json("vm", "show")
        if vm is None:
            return None
        return {
            "vm_id": vm["vmId"],
            "registered_at": _seconds(vm["registeredAt"]),
            **{name: vm[name] for name in ("zone", "components", "metadata", "status")},
        }

    def unregister_vm_sync(self):
        done = _tenure("vm", "unregister").returncode == 0
        self._counts["vms_unregistered"] += done
        return done

    def get_all_active_sessions_sync(self):
        machines = {lease["holder"]: lease for lease in _leases("vm:", "held")}
        sessions = {}
        for lease in _leases("process:", "held"):
            process = lease.get("process", {})
            machine = machines.get(lease["holder"])
            sessions[lease["holder"]] = {
                "session_id": lease["holder"],
                "pid": process.get("pid"),
                "hostname": process.get("hostname"),
                "created_at": _seconds(lease["acquiredAt"]),
                "vm_id": machine and machine["key"].removeprefix("vm:"),
                "zone": machine and machine["data"]["zone"],
                "components": machine and machine["data"]["components"],
                "status": "active",
            }
        return sessions

    def cleanup_stale_sessions_sync(self):
        before = len(_leases("process:", "stale"))
        # `false` deletes no machine, so that all orphans stay.
        _tenure("lease", "sweep", "--exec", "false {vmId}")
        removed = max(0, before - len(_leases("process:", "stale")))
        self._counts["registry_cleanups"] += 1
        self._counts["stale_sessions_removed"] += removed
        return removed

    def get_statistics(self):
        """Ten values of this session."""
        vm = self.get_my_vm_sync()
        return {
            "session_id": self.session_id,
            "pid": self.pid,
            "hostname": self.hostname,
            "uptime_seconds": time.time() - self.created_at,
            "has_vm": vm is not None,
            "vm_id": vm and vm["vm_id"],
            **self._counts,
        }


_manager = None
_lock = threading.Lock()


def get_session_manager():
    """The one manager of this process."""
    global _manager
    with _lock:
        if _manager is None:
            _manager = GlobalSessionManager()
        return _manager


def is_session_manager_available():
    """Whether there is a manager yet; this makes none."""
    return _manager is not None


def _seconds(text):
    """A time as seconds since 1970."""
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def _tenure(*arguments, given=""):
    command = ["tenure", *arguments]
    try:
        return subprocess.run(command, input=given, capture_output=True, text=True, check=False)
    except OSError as error:
        return subprocess.CompletedProcess(command, 3, stdout="", stderr=error.strerror)


def _json(*arguments):
    """The reply of a command; `None` if it says no."""
    done = _tenure(*arguments, "--json")
    return json.loads(done.stdout) if done.returncode == 0 else None


def _leases(prefix, state):
    """All leases of a kind."""
    leases, cursor = [], []
    while True:
        page = _json("lease", "list", f"--prefix={prefix}", f"--state={state}", *cursor)
        if page is None:
            return leases
        leases += page["items"]
        if page.get("nextCursor") is None:
            return leases
        cursor = [f"--cursor={page['nextCursor']}"]
