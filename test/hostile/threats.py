#!/usr/bin/env python3
"""Checks that every test that threats.md names exists, and that every line names one.

A name is `directory/suite/case`; the names of rows in quotes behind it are looked for in its file."""

import collections
import pathlib
import re
import sys

SUITE = re.compile(r"BOOST_(?:AUTO|FIXTURE)_TEST_SUITE\(\s*(\w+)")
CASE = re.compile(r"BOOST_(?:AUTO|FIXTURE|DATA)_TEST_CASE\w*\(\s*(\w+)")
NAME = re.compile(r"`([a-z]+/\w+/\w+)`((?:,? \"[^\"]+\")*)")
FILE = re.compile(r"`((?:test/)[\w/.]+)`")


def cases(tests):
    found = collections.defaultdict(str)
    for path in tests.glob("*/*.cpp"):
        source = path.read_text(encoding="utf-8")
        suites = SUITE.findall(source)
        for case in CASE.findall(source):
            for suite in suites:
                found[f"{path.parent.name}/{suite}/{case}"] += source
    return found


def faults(document, known, root):
    for number, line in enumerate(document.splitlines(), 1):
        if not line.startswith("| ") or line.startswith(("| Threat", "| ---")):
            continue
        names = NAME.findall(line)
        files = FILE.findall(line)
        if not names and not files:
            yield f"line {number} names no test"
        for name, rows in names:
            if name not in known:
                yield f"line {number}: there is no {name}"
                continue
            for row in re.findall(r'"([^"]+)"', rows):
                if row not in known[name]:
                    yield f"line {number}: {name} has no row \"{row}\""
        for name in files:
            if not (root / name).exists():
                yield f"line {number}: there is no {name}"


def main():
    tests = pathlib.Path(__file__).resolve().parent.parent
    document = (tests / "hostile" / "threats.md").read_text(encoding="utf-8")
    found = list(faults(document, cases(tests), tests.parent))
    print("\n".join(found) if found else "Every line names tests that exist.")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
