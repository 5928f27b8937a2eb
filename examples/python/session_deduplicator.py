#!/usr/bin/env python3
"""`session_deduplicator.py check|register|cleanup|audit ...` over the command `tenure`.

It takes the arguments of the script that it replaces. docs/moving.md shows what each call becomes.
"""

import os
import sys

COMMANDS = ("check", "register", "cleanup", "audit")


def main(arguments):
    if not arguments or arguments[0] not in COMMANDS:
        sys.exit("usage: session_deduplicator.py %s ..." % "|".join(COMMANDS))
    try:
        os.execvp("tenure", ["tenure", "dedup", *arguments])
    except OSError as error:
        sys.exit(f"tenure: {error.strerror}")


if __name__ == "__main__":
    main(sys.argv[1:])
