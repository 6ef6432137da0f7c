#!/usr/bin/env python3
"""Compares the cost of `#include <coauth/coauth.hpp>` with that of the Asio headers that it needs:
include_cost.py COMPILER INCLUDE_DIRECTORY. CPU time of one compilation, median of several."""

import os
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile

ROUNDS = 9
GOAL = 1.3

PROGRAMS = {
    "an empty file": "",
    "Asio's any_io_executor, awaitable, any_completion_handler; Boost's result":
        "#include <boost/asio/any_completion_handler.hpp>\n"
        "#include <boost/asio/any_io_executor.hpp>\n"
        "#include <boost/asio/awaitable.hpp>\n"
        "#include <boost/system/result.hpp>\n",
    "coauth/coauth.hpp": "#include <coauth/coauth.hpp>\n",
}


def seconds(compiler, include, source):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([compiler, "-std=c++20", "-O1", "-I", include, "-c", source, "-o", os.devnull],
                   check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main():
    compiler, include = sys.argv[1:]
    times = {name: [] for name in PROGRAMS}
    with tempfile.TemporaryDirectory() as directory:
        for round_ in range(ROUNDS + 1):
            for number, (name, text) in enumerate(PROGRAMS.items()):
                source = pathlib.Path(directory, f"{number}.cpp")
                source.write_text(text, encoding="utf-8")
                taken = seconds(compiler, include, source)
                # The first round fills the file cache.
                if round_:
                    times[name].append(taken)
    medians = {name: statistics.median(taken) for name, taken in times.items()}
    print(f"CPU seconds of one compilation, median of {ROUNDS} (lowest to highest):\n")
    for name, taken in times.items():
        print(f"  {medians[name]:6.2f}  ({min(taken):.2f} to {max(taken):.2f})  {name}")
    _, base, ours = medians.values()
    print(f"\n  ratio {ours / base:.2f}, goal {GOAL}: {'met' if ours / base <= GOAL else 'missed'}")


main()
