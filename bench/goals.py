#!/usr/bin/env python3
"""Prints which goals the results meet: goals.py RESULTS. Exits with 1 if one is missed."""

import sys

from figures import NAMES, Figures


def cpu_ratio(case, other, limit):
    return (f"{case}: CPU, of {NAMES[other]}'s", limit,
            lambda f: f.ratio(case, "coauth", other))


def counted_ratio(case, what, other, limit):
    return (f"{case}: {what}, of {NAMES[other]}'s", limit,
            lambda f: f.counted[case]["coauth"][what] / f.counted[case][other][what])


def wakeup(number, limit):
    return (f"{number:,} waiters: CPU to wake one, of Go's", limit,
            lambda f: f.waiting_median("coauth", number, "wake_us") /
            f.waiting_median("go", number, "wake_us"))


GOALS = [
    cpu_ratio("keep-alive-64", "beast", 0.90),
    cpu_ratio("keep-alive-64", "openssl", 1.4),
    cpu_ratio("keep-alive-64", "curl", 0.48),
    cpu_ratio("keep-alive-64", "go", 0.30),
    cpu_ratio("keep-alive-512", "beast", 0.95),
    cpu_ratio("keep-alive-1", "beast", 1.0),
    ("keep-alive-1: system calls a token", 6,
     lambda f: f.counted["keep-alive-1"]["coauth"]["system_calls"]),
    cpu_ratio("new-64", "openssl", 1.03),
    ("resumed-64: CPU, of new-64's", 0.45,
     lambda f: f.ratio("resumed-64", "coauth", "coauth", "new-64")),
    cpu_ratio("resumed-64", "go", 0.95),
    cpu_ratio("new-system-1", "curl", 0.05),
    ("memory for each request in flight, of Beast's", 1.05,
     lambda f: f.memory_median("coauth") / f.memory_median("beast")),
    ("a hit, 1 thread: CPU, of Go's", 0.2,
     lambda f: f.hit_ratio("cpu_ns", "coauth", 1, "go", 1)),
    ("a hit, 2 threads: wall time, of Go's", 0.15,
     lambda f: f.hit_ratio("wall_ns", "coauth", 2, "go", 2)),
    ("a hit: CPU with 2 threads, of 1", 1.15,
     lambda f: f.hit_ratio("cpu_ns", "coauth", 2, "coauth", 1)),
    ("a hit with sharing, 1 thread: CPU, of one without", 1.05,
     lambda f: f.hit_ratio("cpu_ns", "coauth-shared", 1, "coauth", 1)),
    ("a cold start, the token in the store: CPU, of one that fetches", 0.25,
     lambda f: f.start_ratio()),
    ("an awaited hit, 1 thread: CPU, of Go's", 0.5,
     lambda f: f.hit_ratio("cpu_ns", "coauth-awaited", 1, "go", 1)),
    ("a process that trusts the system's CAs: CPU, of one with a CA file", 1.2,
     lambda f: f.process_ratio("system", "coauth", "one file", "coauth")),
    ("64 processes that share a token: fetches a life of it", 1.01,
     lambda f: f.fleet("member", "fetches")[64]),
    ("an awaited hit: allocations", 0, lambda f: f.results["hits"]["awaited_allocations"]),
    ("10,000 waiters: fetches on success", 1,
     lambda f: max(f.waiting("coauth", 10_000, "fetches"))),
    ("10,000 waiters: fetches on failure", 1,
     lambda f: f.results["waiters"]["refused"]["coauth"]["fetches"]),
    wakeup(10_000, 0.6),
    wakeup(100_000, 0.8),
    ("100,000 waiters: bytes of the library's for each", 400,
     lambda f: f.waiter_memory(100_000)),
    ("100,000 waiters: resident memory, of Go's", 0.45,
     lambda f: f.waiting_median("coauth", 100_000, "resident_bytes") /
     f.waiting_median("go", 100_000, "resident_bytes")),
    ("100,000 waiters: longest time slice on the executor, us", 1000,
     lambda f: f.waiting_median("coauth", 100_000, "longest_us")),
    counted_ratio("keep-alive-64", "allocations", "beast", 0.6),
]


def main():
    figures = Figures(sys.argv[1])
    missed = 0
    for name, limit, value_of in GOALS:
        value = value_of(figures)
        missed += value > limit
        print(f"{'missed' if value > limit else 'met':8}{value:8.3f}  at most {limit:<6}{name}")
    print(f"\n{len(GOALS) - missed} of {len(GOALS)} goals met")
    if figures.results["quick"]:
        print("The results are of a quick run: too short to judge by.")
    sys.exit(missed != 0)


main()
