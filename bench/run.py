#!/usr/bin/env python3
"""Runs the peers in turn, many times, against nginx: run.py PROGRAMS OUT [quick]. PROGRAMS is the
directory of bench_coauth and its peers; results.json is written to OUT."""

import contextlib
import itertools
import json
import os
import pathlib
import platform
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

PEERS = ["coauth", "beast", "openssl", "curl", "go"]
SYSTEM_BUNDLE = pathlib.Path("/etc/ssl/certs/ca-certificates.crt")
SERVER_CORE, CLIENT_CORE = 0, 1
TOKEN_LENGTH = 796
# The time limit of a run in seconds.
LIMIT = 180

# name: (mode, requests in flight, requests, whether with the system's CAs).
CASES = {
    "keep-alive-1": ("keep-alive", 1, 3000, False),
    "keep-alive-64": ("keep-alive", 64, 8000, False),
    "keep-alive-512": ("keep-alive", 512, 10000, False),
    "new-1": ("new", 1, 400, False),
    "new-64": ("new", 64, 800, False),
    "resumed-1": ("resumed", 1, 600, False),
    "resumed-64": ("resumed", 64, 1200, False),
    "new-system-1": ("new", 1, 30, True),
}
# System calls and allocations are counted in these; memory grows from 64 in flight to 512.
COUNTED = ["keep-alive-1", "keep-alive-64", "new-64", "resumed-64"]
# Cache hits, by one thread and by two.
HITS = {"coauth": 20_000_000, "coauth-shared": 20_000_000, "coauth-awaited": 10_000_000,
        "atomic": 5_000_000, "mutex": 5_000_000, "go": 5_000_000}
# Cold starts of a process: its first token comes from the store, or from the server.
STARTS = {"store": 400, "fetch": 200}
# Processes from their start to their first token, with one CA file and with the system's too.
PROCESSES = ("coauth", "curl", "go")
# Numbers of processes that share a token of BRIEF seconds, and how often each asks for it.
FLEETS = (1, 4, 16, 64)
BRIEF = 10
CALLS = 300
# Numbers of waiters for one token; "gate" measures the waiting coroutines alone.
WAITERS = (10_000, 100_000)
WAITING = ("coauth", "gate", "go")

NGINX = """
daemon off;
worker_processes 1;
pid {dir}/nginx.pid;
error_log {dir}/error.log warn;
events {{ worker_connections 4096; multi_accept on; }}
http {{
    access_log off;
    client_body_temp_path {dir}/t1; proxy_temp_path {dir}/t2; fastcgi_temp_path {dir}/t3;
    uwsgi_temp_path {dir}/t4; scgi_temp_path {dir}/t5;
    keepalive_requests 1000000000; keepalive_timeout 600s;
    ssl_certificate {dir}/chain.pem; ssl_certificate_key {dir}/leaf.key;
    ssl_protocols TLSv1.3; ssl_session_tickets on;
    default_type application/json;
    log_format reuse '$ssl_session_reused $connection_requests';
    server {{
        listen 127.0.0.1:{port} ssl backlog=4096;
        location = /token {{ return 200 '{body}'; }}
        location = /refuse {{ return 401 '{{"error":"invalid_client"}}'; }}
    }}
    # Logs which connections and sessions were reused.
    server {{
        listen 127.0.0.1:{logged_port} ssl backlog=4096;
        access_log {dir}/reuse.log reuse;
        location = /token {{ return 200 '{body}'; }}
        location = /brief {{ access_log {dir}/brief.log; return 200 '{brief}'; }}
    }}
}}
"""


def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


def make_certificates(directory):
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30"]
    openssl("req", "-x509", *key, "-subj", "/CN=bench CA", "-keyout", directory / "ca.key",
            "-out", directory / "ca.pem", "-addext", "keyUsage=critical,keyCertSign,cRLSign")
    openssl("req", "-x509", *key, "-subj", "/CN=localhost", "-keyout", directory / "leaf.key",
            "-out", directory / "leaf.pem", "-CA", directory / "ca.pem",
            "-CAkey", directory / "ca.key", "-addext", "basicConstraints=critical,CA:FALSE",
            "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
            "-addext", "extendedKeyUsage=serverAuth")
    ca = (directory / "ca.pem").read_text()
    (directory / "chain.pem").write_text((directory / "leaf.pem").read_text() + ca)
    # libcurl reads one file: the system's certificates and the benchmark's.
    (directory / "bundle.pem").write_text(SYSTEM_BUNDLE.read_text() + ca)
    # A file that has just changed is read for each connection, until the clock of the file system
    # tells its next version apart.
    written = time.time() - 60
    os.utime(directory / "ca.pem", (written, written))


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def token_document(expires_in=3600, unique="", unique_length=0):
    """With a token that begins with nginx's variable `unique`."""
    token = "".join(itertools.islice(itertools.cycle("abcdefghijklmnopqrstuvwxyz0123456789"),
                                     TOKEN_LENGTH - unique_length))
    return ('{"access_token":"%s%s","token_type":"Bearer","expires_in":%d,"scope":"sms groups"}' %
            (unique, token, expires_in))


def pinned(core, *command):
    return ["taskset", "-c", str(core), *map(str, command)]


@contextlib.contextmanager
def server(directory):
    make_certificates(directory)
    ports = free_port(), free_port()
    (directory / "nginx.conf").write_text(NGINX.format(
        dir=directory, port=ports[0], logged_port=ports[1], body=token_document(),
        brief=token_document(BRIEF, "${request_id}", 32)))
    # nginx's worker, which is not root, writes the log.
    directory.chmod(0o755)
    nginx = subprocess.Popen(pinned(SERVER_CORE, "/usr/sbin/nginx", "-e", directory / "error.log",
                                    "-p", directory, "-c", directory / "nginx.conf"))
    try:
        for port in ports:
            wait_for(port, nginx, "nginx")
        yield ports
    finally:
        nginx.terminate()
        nginx.wait()


@contextlib.contextmanager
def redis():
    port = free_port()
    process = subprocess.Popen(
        pinned(SERVER_CORE, "redis-server", "--bind", "127.0.0.1", "--port", port, "--save", "",
               "--appendonly", "no"), stdout=subprocess.DEVNULL)
    try:
        wait_for(port, process, "redis-server")
        yield f"redis://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def redis_command(url, *words):
    return output_of("redis-cli", "-u", url, *words)


def redis_commands(url):
    """The commands that the server has run, without the one that asks."""
    info = redis_command(url, "info", "commandstats")
    return sum(int(calls) for name, calls in re.findall(r"cmdstat_([^:]+):calls=(\d+)", info)
               if name not in ("info", "flushall"))


def wait_for(port, process, name):
    for _ in range(100):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        if process.poll() is not None:
            break
        time.sleep(0.05)
    raise SystemExit(f"{name} did not start")


class Runner:
    def __init__(self, programs, directory, ports, store):
        self.programs, self.directory, self.store = programs, directory, store
        self.port, self.logged_port = ports
        # The environment may set certificates and proxies.
        self.environment = {"PATH": os.environ["PATH"]}

    def command(self, peer, case, requests, logged=False):
        mode, in_flight, _, system = CASES[case]
        bundle = system and peer == "curl"
        port = self.logged_port if logged else self.port
        return [self.programs / f"bench_{peer}",
                "--endpoint", f"https://127.0.0.1:{port}/token",
                "--ca-file", self.directory / ("bundle.pem" if bundle else "ca.pem"),
                "--mode", mode, "--in-flight", in_flight, "--requests", requests,
                "--warmup", warmup(in_flight, system), *(["--system-trust"] if system else [])]

    def hits(self, how, threads, counted=False):
        if how == "go":
            command = [self.programs / "bench_go_hits", threads, HITS[how]]
        else:
            program = ([self.programs / "bench_shared", how, self.store] if how == "coauth-shared"
                       else [self.programs / "bench_hits", how])
            command = [*program, *self.server_options(),
                       "--in-flight", threads, "--requests", HITS[how], "--warmup", 10000]
        return self.run(command, self.counting() if counted else None,
                        "0,1" if threads == 2 else CLIENT_CORE)

    def server_options(self, path="token"):
        return ["--endpoint", f"https://127.0.0.1:{self.port}/{path}",
                "--ca-file", self.directory / "ca.pem"]

    def starts(self, how):
        return self.run([self.programs / "bench_shared", how, self.store, *self.server_options(),
                         "--requests", STARTS[how], "--warmup", 20])

    def process(self, peer, system):
        """CPU and wall time of a whole process, in microseconds."""
        url, ca = f"https://127.0.0.1:{self.port}/token", self.directory / "ca.pem"
        bundle = self.directory / "bundle.pem"
        environment = {**self.environment, "COAUTH_CLIENT_SECRET": "secret"}
        if system:
            environment["SSL_CERT_FILE"] = str(bundle)
        command = {
            "coauth": [self.programs.parent / "src/cli/coauth", "token", "--token-endpoint", url,
                       "--client-id", "client", *([] if system else ["--ca-file", ca])],
            "curl": ["/usr/bin/curl", "--silent", "--show-error", "--fail", "--user",
                     "client:secret", "--data", "grant_type=client_credentials",
                     "--cacert", bundle if system else ca, url],
            "go": [self.programs / "bench_go", "--endpoint", url, "--ca-file", ca,
                   "--warmup", 0, *(["--system-trust"] if system else [])],
        }[peer]
        began = time.monotonic()
        started = subprocess.Popen(list(map(str, command)), env=environment,
                                   stdout=subprocess.DEVNULL)
        _, status, used = os.wait4(started.pid, 0)
        wall = time.monotonic() - began
        started.returncode = os.waitstatus_to_exitcode(status)
        if started.returncode != 0:
            raise SystemExit(f"{' '.join(started.args)} failed")
        return {"cpu_us": (used.ru_utime + used.ru_stime) * 1e6, "wall_us": wall * 1e6}

    def fleet(self, how, number):
        """The requests and the store's commands of `number` processes, and the number of tokens
        that each of them used one after the other."""
        log = self.directory / "brief.log"
        os.truncate(log, 0)
        redis_command(self.store, "flushall")
        before = redis_commands(self.store)
        command = [self.programs / "bench_shared", how, self.store, "--endpoint",
                   f"https://127.0.0.1:{self.logged_port}/brief",
                   "--ca-file", self.directory / "ca.pem", "--requests", CALLS]
        members = [subprocess.Popen(pinned(CLIENT_CORE, *command), env=self.environment,
                                    stdout=subprocess.PIPE, text=True) for _ in range(number)]
        tokens = [json.loads(member.communicate(timeout=LIMIT)[0])["tokens"] for member in members]
        commands = redis_commands(self.store) - before
        time.sleep(0.1)
        return {"fetches": len(log.read_text().splitlines()), "commands": commands,
                "tokens": sum(tokens) / number}

    def waiters(self, how, number, refused):
        if how == "go":
            command = [self.programs / "bench_go_waiters", number, *(["refused"] if refused else [])]
        else:
            command = [self.programs / "bench_waiters", how,
                       *self.server_options("refuse" if refused else "token"),
                       "--in-flight", number]
        return self.run(command)

    def run(self, command, environment=None, cores=CLIENT_CORE):
        done = subprocess.run(pinned(cores, *command), env=environment or self.environment,
                              capture_output=True, text=True, timeout=LIMIT, check=False)
        if done.returncode != 0:
            raise SystemExit(f"{' '.join(map(str, command))} failed:\n{done.stderr}")
        return json.loads(done.stdout)

    def measure(self, peer, case, requests):
        return self.run(self.command(peer, case, requests))

    def allocations(self, peer, case, requests):
        return self.run(self.command(peer, case, requests), self.counting())["allocations"]

    def counting(self):
        library = next(self.programs.glob("*bench_count_allocations.so"))
        return {**self.environment, "LD_PRELOAD": str(library)}

    def system_calls(self, peer, case, requests):
        """The difference of two runs, which excludes start and warm-up."""
        few, many = (self.traced(self.command(peer, case, n)) for n in (requests, 2 * requests))
        return (many - few) / requests

    def traced(self, command):
        output = self.directory / "strace"
        self.run(["strace", "-f", "-c", "-o", output, *command])
        # Columns: share, seconds, microseconds per call, calls, optional errors, "total".
        return int(output.read_text().splitlines()[-1].split()[3])

    def reuse(self, peer, case, requests):
        """Measured by the server after the warm-up: the share of its connections that resumed a
        session, and the number of connections per request."""
        _, in_flight, _, system = CASES[case]
        log = self.directory / "reuse.log"
        os.truncate(log, 0)
        self.run(self.command(peer, case, requests, logged=True))
        # nginx may write the last line after its response.
        time.sleep(0.1)
        lines = [line.split() for line in log.read_text().splitlines()][warmup(in_flight, system):]
        opened = [reused for reused, number in lines if number == "1"]
        return {"resumed": opened.count("r") / len(opened) if opened else None,
                "connections": len(opened) / len(lines)}


def warmup(in_flight, system):
    # At least one request for each connection, and more to fill caches.
    return 5 if system else max(2 * in_flight, 200)


def measure_all(runner, repetitions):
    runs = {case: {peer: [] for peer in PEERS} for case in CASES}
    hits = {str(threads): {how: [] for how in HITS} for threads in (1, 2)}
    waiters = {str(number): {how: [] for how in WAITING} for number in WAITERS}
    starts = {how: [] for how in STARTS}
    processes = {trust: {peer: [] for peer in PROCESSES} for trust in ("one file", "system")}
    # Many short rounds, since the speed of the machine changes slowly.
    for repetition in range(repetitions):
        print(f"repetition {repetition + 1} of {repetitions}", flush=True)
        for (case, (_, _, requests, _)), turn in itertools.product(CASES.items(), range(len(PEERS))):
            # The order of the peers changes with each round.
            peer = PEERS[(turn + repetition) % len(PEERS)]
            runs[case][peer].append(runner.measure(peer, case, requests))
        for threads, how in itertools.product((1, 2), HITS):
            hits[str(threads)][how].append(runner.hits(how, threads))
        for number, how in itertools.product(WAITERS, WAITING):
            waiters[str(number)][how].append(runner.waiters(how, number, refused=False))
        for how in STARTS:
            starts[how].append(runner.starts(how))
        with on_core(CLIENT_CORE):
            for (trust, of_peers), peer, _ in itertools.product(processes.items(), PROCESSES,
                                                                range(5)):
                of_peers[peer].append(runner.process(peer, trust == "system"))
    return {"runs": runs, "hits": hits, "waiters": waiters, "starts": starts,
            "processes": processes}


@contextlib.contextmanager
def on_core(core):
    """Children inherit the core, without the cost of a program that sets it."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


def count_all(runner):
    counted = {case: {peer: {} for peer in PEERS} for case in COUNTED}
    for case, peer in itertools.product(COUNTED, PEERS):
        requests = 2000 if case.startswith("keep-alive") else 400
        found = counted[case][peer]
        found.update(runner.reuse(peer, case, requests))
        found["system_calls"] = runner.system_calls(peer, case, requests)
        if peer != "go":
            found["allocations"] = runner.allocations(peer, case, requests)
    return counted


def output_of(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def version_of(package):
    return output_of("dpkg-query", "-W", "-f=${Version}", package)


def machine():
    cpu = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
    packages = ["nginx-light", "libssl3", "libboost1.81-dev", "libcurl4", "golang-go",
                "golang-golang-x-oauth2-dev", "redis-server", "g++"]
    return {
        "cpu": cpu[1] if cpu else platform.machine(),
        "cores": os.cpu_count(),
        "kernel": platform.release(),
        "packages": {package: version_of(package) for package in packages},
        "revision": output_of("git", "describe", "--always", "--dirty"),
    }


def main():
    programs, out = (pathlib.Path(path).resolve() for path in sys.argv[1:3])
    quick = sys.argv[3:] == ["quick"]
    if len(os.sched_getaffinity(0)) < 2:
        raise SystemExit("this takes two cores: one for the server, one for the client")
    # Ends the server too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
    directory = pathlib.Path(tempfile.mkdtemp())
    try:
        with server(directory) as ports, redis() as store:
            runner = Runner(programs, directory, ports, store)
            print("system calls, allocations, reuse", flush=True)
            counted = count_all(runner)
            refused = {how: runner.waiters(how, WAITERS[0], refused=True)
                       for how in ("coauth", "go")}
            allocated = runner.hits("coauth-awaited", 1, counted=True)["allocations"]
            print("fleets", flush=True)
            fleets = {how: {str(number): runner.fleet(how, number) for number in FLEETS}
                      for how in ("member", "loner")}
            results = measure_all(runner, 3 if quick else 21)
    finally:
        shutil.rmtree(directory)
    results["hits"]["awaited_allocations"] = allocated
    results["waiters"]["refused"] = refused
    results |= {"fleets": fleets, "machine": machine(), "quick": quick, "counted": counted}
    (out / "results.json").write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
