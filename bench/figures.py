"""Reads results.json and computes medians, spreads and derived figures."""

import json
import pathlib
import statistics

NAMES = {"coauth": "coauth", "beast": "Beast", "openssl": "OpenSSL", "curl": "libcurl",
         "go": "Go x/oauth2"}


class Figures:
    def __init__(self, path):
        self.results = json.loads(pathlib.Path(path).read_text())
        self.runs, self.counted = self.results["runs"], self.results["counted"]
        self.peers = [peer for peer in NAMES if peer in next(iter(self.runs.values()))]

    def all(self, case, peer, what="cpu_us"):
        return [run[what] for run in self.runs[case][peer]]

    def median(self, case, peer, what="cpu_us"):
        return statistics.median(self.all(case, peer, what))

    def ratio(self, case, peer, other, other_case=None):
        """The ratio of the medians of CPU time."""
        return self.median(case, peer) / self.median(other_case or case, other)

    def hit(self, how, threads, what="cpu_ns"):
        return [run[what] for run in self.results["hits"][str(threads)][how]]

    def hit_ratio(self, what, how, threads, other, other_threads):
        return (statistics.median(self.hit(how, threads, what)) /
                statistics.median(self.hit(other, other_threads, what)))

    def starts(self, how, what):
        return [run[what] for run in self.results["starts"][how]]

    def start_ratio(self):
        """The CPU time of a start whose token is in the store, of one that fetches."""
        return (statistics.median(self.starts("store", "cpu_us")) /
                statistics.median(self.starts("fetch", "cpu_us")))

    def processes(self, trust, peer, what="cpu_us"):
        return [run[what] for run in self.results["processes"][trust][peer]]

    def process_ratio(self, trust, peer, other_trust, other):
        return (statistics.median(self.processes(trust, peer)) /
                statistics.median(self.processes(other_trust, other)))

    def fleet(self, how, what):
        """For a life of the token, by the number of processes."""
        return {int(number): found[what] / found["tokens"]
                for number, found in self.results["fleets"][how].items()}

    def waiting(self, how, number, what):
        return [run[what] for run in self.results["waiters"][str(number)][how]]

    def waiting_median(self, how, number, what):
        return statistics.median(self.waiting(how, number, what))

    def waiter_memory(self, number):
        """The library's bytes for each waiter: without those of the waiting coroutines."""
        return (self.waiting_median("coauth", number, "bytes") -
                self.waiting_median("gate", number, "bytes"))

    def memory(self, peer):
        """Kilobytes for each further request in flight, one value for each repetition."""
        few, many = (self.all(f"keep-alive-{n}", peer, "peak_kb") for n in (64, 512))
        return [(b - a) / (512 - 64) for a, b in zip(few, many)]

    def memory_median(self, peer):
        return statistics.median(self.memory(peer))
