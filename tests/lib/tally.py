# SPDX-License-Identifier: GPL-2.0-only
"""A file with a line for each run of tests/endure, for totals over many runs."""

import json
import time

# Of a run's summary, what is added up.
COUNTS = ("requests", "faults", "cuts", "hostile", "violations")
# What tells runs apart, and what is kept beside the counts.
KINDS = ("kernel", "fs", "profile")
MORE = ("seconds", "p50", "p99", "p999", "max", "kept", "lost", "torn")


class TallyError(Exception):
    """A file has something else in it."""


def add(path, args, summary, violations, code):
    """Adds a run to the file. code: the exit code of the run; summary: its last event, which may be empty."""
    entry = {"at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "seed": args.seed, "code": code,
             **{name: getattr(args, name) for name in KINDS}, "cpus": args.cpus,
             **{name: summary.get(name, 0) for name in (*COUNTS, *MORE)}, "violations": violations}
    with open(path, "a", encoding="utf-8") as file:
        # One write: several runs may be side by side.
        file.write(json.dumps(entry) + "\n")


def read(path):
    with open(path, encoding="utf-8") as file:
        lines = file.read().splitlines()
    try:
        return [dict.fromkeys((*COUNTS, *KINDS, *MORE), 0) | json.loads(line) for line in lines]
    except (ValueError, TypeError) as error:
        raise TallyError(f"{path} is no file of --tally: {error}") from error


def table(runs):
    """Sums by kernel, file system and profile; the worst latency is that of all runs."""
    groups = {}
    for run in runs:
        groups.setdefault(tuple(run[name] or "none" for name in KINDS), []).append(run)
    rows = [("kernel", "file system", "profile", "runs", *COUNTS, "worst, us")]
    for group, members in sorted(groups.items()):
        rows.append((*group, len(members), *(sum(run[name] for run in members) for name in COUNTS),
                     max(run["max"] for run in members)))
    rows.append(("all", "", "", len(runs), *(sum(run[name] for run in runs) for name in COUNTS),
                 max((run["max"] for run in runs), default=0)))
    rows.insert(1, ("---",) * len(rows[0]))
    return "\n".join("| " + " | ".join(map(str, row)) + " |" for row in rows)
