#!/usr/bin/env python3
"""Makes table.md and the charts of DIRECTORY/results.json: report.py DIRECTORY."""

import html
import pathlib
import statistics
import sys

from figures import NAMES, Figures

TITLES = {
    "keep-alive-1": "Keep-alive connections, 1 in flight",
    "keep-alive-64": "Keep-alive connections, 64 in flight",
    "keep-alive-512": "Keep-alive connections, 512 in flight",
    "new-1": "A new connection for each token, 1 in flight",
    "new-64": "A new connection for each token, 64 in flight",
    "resumed-1": "A new connection that resumes a TLS session, 1 in flight",
    "resumed-64": "A new connection that resumes a TLS session, 64 in flight",
    "new-system-1": "A new connection, trusting the system's CAs too, 1 in flight",
}
NOT_MEASURED = """\
Not measured: name lookup, a network (all is loopback), other servers, HTTP/2, TLS 1.2, more than
one client thread, allocations of Go. Client and server had one core each: latency and
tokens/s compare the peers and are no promise for other machines. System calls are counted under
strace, which slows the client. With the default CAPATH, which the case of the system's CAs uses,
libcurl parses its CA bundle for each new connection."""


def number(value, digits=1):
    return f"{value:,.0f}" if value >= 1000 else f"{value:.{digits}f}"


def spread(values, digits=1):
    middle, low, high = (number(of(values), digits) for of in (statistics.median, min, max))
    return f"{middle} [{low} to {high}]"


def table(head, rows):
    yield "| " + " | ".join(head) + " |"
    yield "|" + " --- |" + " ---: |" * (len(head) - 1)
    for row in rows:
        yield "| " + " | ".join(row) + " |"
    yield ""


def case_table(figures, case):
    yield f"## {TITLES[case]}\n"
    head = ["", "CPU a token, us", "of Beast", "p50, us", "p99, us", "tokens/s"]
    yield from table(head, (
        [NAMES[peer], spread(figures.all(case, peer)),
         f"{figures.ratio(case, peer, 'beast'):.2f}",
         *(spread(figures.all(case, peer, what)) for what in ("p50_us", "p99_us", "per_second"))]
        for peer in figures.peers))


def optional(value, form):
    return "" if value is None else form.format(value)


def counted_table(figures, case):
    yield f"### {TITLES[case]}\n"
    head = ["", "system calls", "allocations", "connections", "of these resumed"]
    yield from table(head, (
        [NAMES[peer], f"{found['system_calls']:.1f}",
         optional(found.get("allocations"), "{:.0f}"), f"{found['connections']:.2f}",
         optional(found["resumed"], "{:.0%}")]
        for peer, found in figures.counted[case].items()))


HITS = {"coauth": "coauth, try_get()", "coauth-shared": "coauth, try_get(), shared tokens",
        "coauth-awaited": "coauth, awaited",
        "atomic": "std::atomic<std::shared_ptr>", "mutex": "a mutex and a shared_ptr",
        "go": "Go ReuseTokenSource"}


def hit_table(figures):
    yield "## A cached token\n"
    head = ["", "CPU a hit, 1 thread, ns", "2 threads, ns", "wall time a hit, 2 threads, ns"]
    yield from table(head, (
        [title, spread(figures.hit(how, 1)), spread(figures.hit(how, 2)),
         spread(figures.hit(how, 2, "wall_ns"))]
        for how, title in HITS.items()))


STARTS = {"store": "from the store on Redis", "fetch": "from the server, a new connection"}


def start_table(figures):
    yield "## The first token of a new client\n"
    yield from table(["", "CPU, us", "p50, us"], (
        [title, spread(figures.starts(how, "cpu_us")), spread(figures.starts(how, "p50_us"))]
        for how, title in STARTS.items()))


PROCESSES = {"coauth": "coauth token", "curl": "curl", "go": "a Go program"}
TRUST = {"one file": "a CA file with one certificate", "system": "the system's CAs too"}


def process_table(figures):
    yield "## A process, from its start to its first token\n"
    yield from table(["", "CPU, ms", "wall time, ms"], (
        [f"{title}, {trusted}",
         *(spread([value / 1000 for value in figures.processes(trust, peer, what)])
           for what in ("cpu_us", "wall_us"))]
        for trust, trusted in TRUST.items() for peer, title in PROCESSES.items()))


def fleet_table(figures):
    yield "## Processes that need the same token\n"
    head = ["processes", "fetches a token life, shared", "without a store",
            "Redis commands a token life", "for each process"]
    commands = figures.fleet("member", "commands")
    yield from table(head, (
        [str(processes), f"{fetches:.2f}", f"{figures.fleet('loner', 'fetches')[processes]:.1f}",
         f"{commands[processes]:.1f}", f"{commands[processes] / processes:.2f}"]
        for processes, fetches in figures.fleet("member", "fetches").items()))
    yield ("Processes that start together and ask for the token every 100 ms, which lives for 10 s. "
           "A life is a token that a process used: the mean of all processes. Commands are those "
           "that Redis ran, within scripts too.\n")


WAITERS_REFUSED = 10_000
WAITING = {"coauth": "coauth", "gate": "bare coroutines", "go": "Go ReuseTokenSource"}


def waiter_tables(figures):
    refused = figures.results["waiters"]["refused"]
    yield "## Many waiters for one token\n"
    for waiters in ("10000", "100000"):
        yield f"### {int(waiters):,} waiters\n"
        head = ["", "fetches", "CPU to wake one, us", "resident bytes for each",
                "bytes in use for each", "longest time slice, us"]
        yield from table(head, (
            [title, f"{figures.waiting_median(how, waiters, 'fetches'):.0f}",
             spread(figures.waiting(how, waiters, "wake_us"), 2),
             *(spread(figures.waiting(how, waiters, what)) if what in first else ""
               for what in ("resident_bytes", "bytes", "longest_us"))]
            for how, title in WAITING.items()
            for first in [figures.results["waiters"][waiters][how][0]]))
    yield (f"When the server refuses, {WAITERS_REFUSED:,} waiters of coauth make "
           f"{refused['coauth']['fetches']:,} fetch, those of Go {refused['go']['fetches']:,}. Bare "
           "coroutines wait for something that costs nothing: their memory is the callers' own. "
           "The longest time slice is the CPU time for which other work on the executor had to "
           "wait while all were woken.\n")


def memory_table(figures):
    yield "## Memory, keep-alive connections\n"
    head = ["", "kB for each request in flight", "of Beast", "peak at 64, kB", "peak at 512, kB"]
    beast = figures.memory_median("beast")
    yield from table(head, (
        [NAMES[peer], spread(figures.memory(peer)),
         f"{figures.memory_median(peer) / beast:.2f}",
         *(spread(figures.all(case, peer, "peak_kb"))
           for case in ("keep-alive-64", "keep-alive-512"))]
        for peer in figures.peers))


def document(figures):
    machine = figures.results["machine"]
    repetitions = len(figures.all("new-1", "coauth"))
    yield "# Tokens by coauth and its peers\n"
    yield (f"{machine['cpu']}, {machine['cores']} cores, Linux {machine['kernel']}; coauth "
           f"{machine['revision']}; " +
           ", ".join(f"{name} {version}" for name, version in machine["packages"].items()) + ".\n")
    yield (f"Medians of {repetitions} repetitions [lowest to highest], the peers taking turns. "
           "nginx on one core, the client on another; TLS 1.3, ECDSA P-256. CPU is the client's, "
           "user and system, while the load runs.\n")
    if figures.results["quick"]:
        yield "A quick run: too short to judge by.\n"
    for case in figures.runs:
        yield from case_table(figures, case)
    yield from hit_table(figures)
    yield from start_table(figures)
    yield from process_table(figures)
    yield from fleet_table(figures)
    yield from waiter_tables(figures)
    yield from memory_table(figures)
    yield "## Counted, a token\n"
    for case in figures.counted:
        yield from counted_table(figures, case)
    yield NOT_MEASURED


# Charts of panels, one below the other. Each panel has its own scale.
WIDTH, LEFT, RIGHT, BAR, GAP, HEAD = 760, 110, 150, 20, 7, 40
SPREAD = "median, and lowest to highest"
OURS, THEIRS, INK, FAINT = "#1f6feb", "#9aa7b4", "#1c2128", "#57606a"


def text(x, y, content, size=13, anchor="start", colour=INK, weight="normal"):
    return (f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" '
            f'fill="{colour}" font-weight="{weight}">{html.escape(content)}</text>')


def bar(y, name, ours, values, scale):
    middle = y + BAR / 2
    low, median, high = (LEFT + value * scale
                         for value in (min(values), statistics.median(values), max(values)))
    colour = OURS if ours else THEIRS
    weight = "bold" if ours else "normal"
    yield text(LEFT - 8, middle + 4.5, name, anchor="end", weight=weight)
    yield (f'<rect x="{LEFT}" y="{y}" width="{median - LEFT:.1f}" height="{BAR}" '
           f'fill="{colour}"/>')
    yield (f'<path d="M{low:.1f} {middle}H{high:.1f}M{low:.1f} {middle - 4}v8M{high:.1f} '
           f'{middle - 4}v8" stroke="{INK}" fill="none"/>')
    shown = statistics.median(values)
    yield text(high + 8, middle + 4.5, number(shown, 1 if shown >= 10 else 2), weight=weight)


def chart(title, unit, panels, names):
    """Draws `panels`, each a title and the values of the peers."""
    height = 64 + sum(HEAD + len(bars) * (BAR + GAP) for _, bars in panels)
    yield (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
           f'viewBox="0 0 {WIDTH} {height}" font-family="sans-serif">')
    yield f"<title>{html.escape(title)}</title>"
    yield f'<rect width="{WIDTH}" height="{height}" fill="white"/>'
    yield text(16, 28, title, 17, weight="bold")
    yield text(16, 48, f"{unit}; less is better", 12, colour=FAINT)
    y = 56
    for name, bars in panels:
        yield text(16, y + HEAD - 14, name, weight="bold", colour=FAINT)
        y += HEAD
        scale = (WIDTH - LEFT - RIGHT) / max(max(values) for values in bars.values())
        for peer, values in bars.items():
            yield from bar(y, names[peer], peer.startswith(("coauth", "member")), values, scale)
            y += BAR + GAP
    yield "</svg>"


def write(path, lines):
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def main():
    directory = pathlib.Path(sys.argv[1])
    figures = Figures(directory / "results.json")
    write(directory / "table.md", document(figures))
    write(directory / "cpu.svg", chart(
        "CPU time for a token", f"microseconds of the client; {SPREAD}",
        [(TITLES[case], {peer: figures.all(case, peer) for peer in figures.peers})
         for case in ("keep-alive-1", "keep-alive-64", "new-64", "resumed-64", "new-system-1")],
        NAMES))
    write(directory / "memory.svg", chart(
        "Memory for a request in flight", f"kB of peak resident memory, from 64 to 512 in flight; {SPREAD}",
        [("Keep-alive connections", {peer: figures.memory(peer) for peer in figures.peers})],
        NAMES))
    write(directory / "hits.svg", chart(
        "A cached token", f"nanoseconds of CPU for a hit; {SPREAD}",
        [(title, {how: figures.hit(how, threads) for how in HITS})
         for title, threads in (("One thread", 1), ("Each of two threads", 2))],
        {"coauth": "try_get()", "coauth-shared": "shared", "coauth-awaited": "awaited",
         "atomic": "atomic", "mutex": "mutex", "go": "Go x/oauth2"}))
    write(directory / "waiters.svg", chart(
        "Many waiters for one token", f"CPU time and resident memory; {SPREAD}",
        [(title.format(f"{int(waiters):,}"),
          {how: figures.waiting(how, waiters, what) for how in WAITING})
         for title, what in (("Microseconds to wake each of {}", "wake_us"),
                             ("Bytes for each of {}", "resident_bytes"))
         for waiters in ("10000", "100000")],
        {"coauth": "coauth", "gate": "(callers)", "go": "Go x/oauth2"}))
    fleets = {"member": "shared", "loner": "alone"}
    write(directory / "fleet.svg", chart(
        "Processes that need the same token", "fetches for each life of the token",
        [(f"{number} process{'es' if number > 1 else ''}",
          {how: [figures.fleet(how, "fetches")[number]] for how in fleets})
         for number in figures.fleet("member", "fetches")], fleets))
    print(f"{directory}/table.md, results.json and charts")


main()
