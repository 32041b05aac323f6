# SPDX-License-Identifier: GPL-2.0-only
"""From a long list of acts that breaks something to a short one, and to a case file."""

HEAD = '''-- SPDX-License-Identifier: GPL-2.0-only
-- job: {disk}start=no time=600
--
-- Found by tests/endure with seed {seed}:
{why}

require("endure").play({{
{acts}
}}, {{ name = "seed {seed}", seed = {seed}, fs = {fs}, profile = args.profile }})
'''


# Acts that are tried first, and how many more each time.
FEW, TIMES = 8, 6


class OutOfTime(Exception):
    """There is no time to try more."""


def shorter(acts, still):
    """The shortest list that was found, in the same order, for which still(list) is true.

    It is true for `acts`. What still() raises OutOfTime for ends the search. The last act is the
    one that showed it, so it stays.
    """
    best = list(acts)
    try:
        best = _end_of(best, still)
        parts = 2
        while len(best) > 1:
            size = max(1, (len(best) - 1) // parts)
            for start in range(0, len(best) - 1, size):
                fewer = best[:start] + best[min(start + size, len(best) - 1):]
                if len(fewer) < len(best) and still(fewer):
                    best = fewer
                    parts = max(2, parts - 1)
                    break
            else:
                if size == 1:
                    break
                parts = min(len(best) - 1, parts * 2)
    except OutOfTime:
        pass
    return best


def _end_of(acts, still):
    """The shortest end of the list that was tried and is enough: most of a long run does not matter."""
    length = FEW
    while length < len(acts):
        if still(acts[-length:]):
            return acts[-length:]
        length *= TIMES
    return acts


def case_file(acts, seed, disk, why):
    """The text of a case that plays these acts; why: what is broken, for its head."""
    return HEAD.format(disk=f"disk={disk} " if disk else "", seed=seed,
                       why="\n".join(f"-- {line}" for line in (why or "unknown").splitlines()),
                       acts="\n".join(f"\t{act}," for act in acts),
                       fs=f'"{disk}"' if disk else "nil")
