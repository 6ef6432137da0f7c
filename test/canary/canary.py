#!/usr/bin/env python3
"""Does this compiler still miscompile coroutines, row by row?

GCC 12 is expected to: a row that it gets right fails the test, because then a rule of ours may go.
Clang is expected to get every row right. Other compilers are only reported.
"""
import argparse
import pathlib
import subprocess
import sys

ROWS = [
    "condition",
    "aggregate",
    "lambda",
    "ternary",
    "initializer_list",
]
INSTEAD = "instead"  # the shapes to use; right everywhere


def outcome(compiler, flags, source, program):
    """What is wrong with the program, or None."""
    built = subprocess.run(
        [compiler, "-std=c++20", "-w", *flags, source, "-o", program],
        capture_output=True, text=True, timeout=120,
    )
    if built.returncode != 0:
        return "does not compile"
    try:
        status = subprocess.run([program], capture_output=True, timeout=20).returncode
    except subprocess.TimeoutExpired:
        return "hangs"
    return None if status == 0 else f"ends with status {status}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--compiler", required=True)
    parser.add_argument("--id", required=True, help="as CMake names it")
    parser.add_argument("--version", required=True)
    parser.add_argument("--scratch", required=True)
    args = parser.parse_args()

    here = pathlib.Path(__file__).parent
    scratch = pathlib.Path(args.scratch)
    scratch.mkdir(parents=True, exist_ok=True)

    def worst(row, sanitizer):
        """The first wrong outcome with and without optimisation."""
        for level in ("-O0", "-O2"):
            flags = [level, *sanitizer]
            wrong = outcome(args.compiler, flags, str(here / f"{row}.cpp"), str(scratch / row))
            if wrong:
                return f"{wrong} at {level}"
        return None

    # A second release of memory is seen with certainty only by the address sanitizer.
    sanitizer = ["-fsanitize=address"]
    if worst(INSTEAD, sanitizer):
        sanitizer = []
    wrong_instead = worst(INSTEAD, sanitizer)
    print(f"instead: {wrong_instead or 'fine'}" + ("" if sanitizer else " (no address sanitizer)"))

    major = args.version.split(".")[0]
    expect_wrong = {"GNU12": True, "Clang": False}.get(
        args.id if args.id == "Clang" else args.id + major
    )
    surprises = int(wrong_instead is not None)
    for number, row in enumerate(ROWS, 1):
        wrong = worst(row, sanitizer)
        print(f"row {number} ({row}): " + (f"still miscompiled: {wrong}" if wrong else "fine"))
        if expect_wrong is not None and (wrong is not None) != expect_wrong:
            print("  not as expected: " + ("a new trap" if wrong else "its rule may go"))
            surprises += 1
    return 1 if surprises else 0


sys.exit(main())
