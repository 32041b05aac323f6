# SPDX-License-Identifier: GPL-2.0-only
"""Layers: which folder may include from which, and the includes that break that.

A tree's rule is a makefile fragment with lines `uses_FOLDER := FOLDERS...`, so that the rule that is
checked is the one that links. An include names its folder: `#include "pool/journal.h"`.
"""

import os
import re

USES = re.compile(r"^uses_(\w+)[ \t]*:=[ \t]*(.*)$", re.MULTILINE)
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"')
# Folders with these rules, relative to the top of the tree: (folder, file with the rule).
TREES = (("daemon", "daemon/layers.mk"), ("tests/host", "tests/host/layers.mk"))


def rules(path):
    """{layer: the layers it may include from} of a makefile fragment."""
    with open(path, encoding="utf-8") as file:
        return {layer: set(uses.split()) for layer, uses in USES.findall(file.read())}


def violations(top, folder, allowed):
    """Lines FILE:LINE: what is wrong, for each include below top/folder that breaks the rule."""
    wrong = _cycles(allowed)
    base = os.path.join(top, folder)
    for at, _, names in sorted(os.walk(base)):
        for name in sorted(names):
            path = os.path.join(at, name)
            layer = os.path.relpath(path, base).split(os.sep)[0]
            if name.endswith((".c", ".h")) and layer != "build":
                wrong += [f"{os.path.relpath(path, top)}:{line}: {why}"
                          for line, why in _wrong_includes(path, base, layer, allowed)]
    return wrong


def _wrong_includes(path, base, layer, allowed):
    if layer not in allowed:
        return [(1, f"folder '{layer}' is not in the list of layers")]
    found = []
    with open(path, encoding="utf-8") as file:
        for number, text in enumerate(file, 1):
            match = INCLUDE.match(text)
            if not match:
                continue
            target = match.group(1).split("/")[0]
            if "/" not in match.group(1):
                found.append((number, f'"{match.group(1)}" does not name its folder'))
            elif not os.path.exists(os.path.join(base, match.group(1))):
                found.append((number, f'"{match.group(1)}" does not exist'))
            elif target != layer and target not in allowed[layer]:
                found.append((number, f'layer {layer} must not include "{match.group(1)}"'))
    return found


def _cycles(allowed):
    """A layer that reaches itself, or uses one that is not listed."""
    wrong = [f"layer {layer} uses {used}, which is not listed"
             for layer, uses in allowed.items() for used in uses if used not in allowed]
    for layer in allowed:
        reached, todo = set(), list(allowed[layer])
        while todo:
            one = todo.pop()
            if one not in reached:
                reached.add(one)
                todo += allowed.get(one, ())
        if layer in reached:
            wrong.append(f"layer {layer} uses itself through others")
    return wrong


def check(top):
    """All violations in all trees with a rule, one a line."""
    return "\n".join(line for folder, rule in TREES
                     for line in violations(top, folder, rules(os.path.join(top, rule))))
