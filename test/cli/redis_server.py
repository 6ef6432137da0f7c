"""A redis-server on this machine, for the tests of the command."""

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import threading
import time

from command import KEYS

PASSWORD = "p:S3+cr%26&=~hush"
USER = ("on >" + PASSWORD + " ~coauth:* +get +set +del +pttl +pexpire +exists +getrange +evalsha +eval"
        " +select")


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


def die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


class Distance:
    """A server further away: each part of its responses arrives late."""

    def __init__(self, port, delay):
        self.target, self.delay = port, delay
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.ends = []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", self.target))
            self.ends += near, far
            for ends in ((near, far, 0), (far, near, self.delay)):
                threading.Thread(target=self.forward, args=ends, daemon=True).start()

    @staticmethod
    def forward(source, to, delay):
        with contextlib.suppress(OSError):
            while part := source.recv(65536):
                time.sleep(delay)
                to.sendall(part)
            to.shutdown(socket.SHUT_WR)

    def stop(self):
        for end in (self.listener, *self.ends):
            end.close()


class RedisServer:
    """Has TLS, with a certificate of KEYS' "ca". Its user "coauth" has PASSWORD, and may do what the store needs."""

    def __init__(self):
        # Another process may take a port in between.
        for _ in range(5):
            self.port, self.tls_port = free_port(), free_port()
            self.process = self.start()
            if self.is_ready():
                return
            self.stop()
        raise RuntimeError("redis-server does not start:\n" + self.output)

    def start(self):
        certificate, key = KEYS.certificate("redis")
        program = os.environ.get("COAUTH_REDIS_SERVER", "redis-server")
        settings = {
            "bind": "127.0.0.1", "port": self.port, "tls-port": self.tls_port, "tls-cert-file": certificate,
            "tls-key-file": key, "tls-ca-cert-file": KEYS.certificate("ca")[0], "tls-auth-clients": "no",
            "save": "", "dir": KEYS.directory.name, "daemonize": "no",
            "user": "admin on nopass ~* +@all",
        }
        lines = "".join('%s %s\n' % (name, value or '""') for name, value in settings.items())
        try:
            process = subprocess.Popen([program, "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                       stderr=subprocess.STDOUT, text=True, preexec_fn=die_with_parent)
        except FileNotFoundError:
            raise RuntimeError(program + " is missing: install Debian's redis-server, or name another "
                               "one in COAUTH_REDIS_SERVER") from None
        process.stdin.write(lines + "user default off\nuser coauth " + USER + "\n")
        process.stdin.close()
        return process

    def is_ready(self):
        end = time.monotonic() + 20
        while self.process.poll() is None and time.monotonic() < end:
            try:
                self.command("PING")
                return True
            except OSError:
                time.sleep(0.01)
        return False

    def command(self, *words):
        """Runs a command as an administrator."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as connection:
            for line in (("AUTH", "admin", "x"), words):
                connection.sendall(b"*%d\r\n" % len(line) + b"".join(
                    b"$%d\r\n%s\r\n" % (len(word), word) for word in map(str.encode, line)))
            with connection.makefile("rb") as replies:
                self.read_reply(replies)
                return self.read_reply(replies)

    def read_reply(self, replies):
        line = replies.readline()
        if not line.endswith(b"\r\n"):
            raise OSError("Redis closed the connection")
        kind, text = line[:1], line[1:-2].decode()
        if kind == b"-":
            raise RuntimeError(text)
        if kind == b"*":
            return [self.read_reply(replies) for _ in range(int(text))]
        if kind == b"$":
            return replies.read(int(text) + 2)[:-2].decode("latin-1") if text != "-1" else None
        return int(text) if kind == b":" else text

    def keys(self):
        return sorted(self.command("KEYS", "*"))

    def stop(self):
        self.process.kill()
        self.output = self.process.stdout.read()
        self.process.wait()
        self.process.stdout.close()
