# SPDX-License-Identifier: GPL-2.0-only
"""What the test host reports of `make bench`."""

import json
import re


def events(path):
    with open(path, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines if line.startswith("{")]


def benches(path):
    """What was measured: the lists of events by name."""
    found = {}
    for event in events(path):
        if event.get("event") == "bench":
            found.setdefault(event["name"], []).append(event)
    return found


def by_keys(found, operation):
    """{service: [(keys, median in us)]}"""
    series = {}
    for name, of_name in found.items():
        match = re.fullmatch(r"(\w+), (\d+) keys: (.*)", name)
        if match and match[3] == operation:
            series.setdefault(match[1], []).append((int(match[2]), of_name[-1]["median"]))
    return {name: sorted(points) for name, points in series.items()}
