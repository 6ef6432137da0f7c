"""Shared by the tests of the command: the program under test, servers and keys."""

import base64
import contextlib
import functools
import hashlib
import http.server
import json
import os
import re
import shlex
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request

COAUTH = sys.argv.pop(1)

SECRET = "p:S 3+cr/%t&=~word"
TOKEN_MEMBERS = ["ok", "access_token", "token_type", "expires_in", "scope", "http_status", "elapsed_ms"]
ERROR_MEMBERS = ["ok", "error", "kind", "message", "http_status", "oauth_error", "description", "uri",
                 "code", "retry_after", "elapsed_ms"]


def clean_environment(**more):
    removed = ("COAUTH_", "SMSCX_", "HTTPS_PROXY", "NO_PROXY")
    kept = {k: v for k, v in os.environ.items() if not k.upper().startswith(removed)}
    return {**kept, "NO_COLOR": "1", **more}


def run(*arguments, stdin="", env=None):
    return subprocess.run([COAUTH, *arguments], input=stdin, capture_output=True, text=True,
                          timeout=60, env=clean_environment(**(env or {})))


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def jwt(header, claims):
    """A JSON Web Token without its signature."""
    return ".".join(base64url(json.dumps(part).encode()) for part in (header, claims))


def decode_jwt(jwt_text):
    return [json.loads(base64.urlsafe_b64decode(part + "===")) for part in jwt_text.split(".")[:2]]


class Keys:
    """Keys and certificates by name. openssl makes each at its first use."""

    PASSPHRASE = "open:sesame"
    KINDS = {
        "rsa": ("RSA", "rsa_keygen_bits:2048"), "other": ("RSA", "rsa_keygen_bits:2048"),
        "short": ("RSA", "rsa_keygen_bits:1024"), "p256": ("EC", "ec_paramgen_curve:P-256"),
        "p384": ("EC", "ec_paramgen_curve:P-384"), "p521": ("EC", "ec_paramgen_curve:P-521"),
        "ed25519": ("ED25519", None), "dpop": ("EC", "ec_paramgen_curve:P-256"),
    }
    # The issuer (None: self-signed) and the subject.
    CERTIFICATES = {
        "ca": (None, "/CN=Test CA"), "own": (None, "/O=Example/CN=app"), "stray": (None, "/CN=app"),
        "issued": ("ca", "/O=Example/CN=issued"), "foreign": ("ca", "/O=Example/CN=foreign"),
        "redis": ("ca", "/CN=localhost"),
    }
    HOSTS = {"redis": "DNS:localhost"}

    def __init__(self):
        self.directory = tempfile.TemporaryDirectory()

    def path(self, name):
        return os.path.join(self.directory.name, name)

    def openssl(self, *arguments, **options):
        return subprocess.run(["openssl", *arguments], check=True, capture_output=True, timeout=60,
                              **options).stdout

    @functools.cache
    def private(self, name):
        kind, option = self.KINDS[name]
        self.openssl("genpkey", "-algorithm", kind, *(["-pkeyopt", option] if option else []),
                     "-out", self.path(name + ".key"))
        return self.path(name + ".key")

    @functools.cache
    def public(self, name):
        self.openssl("pkey", "-in", self.private(name), "-pubout", "-out", self.path(name + ".pub"))
        return self.path(name + ".pub")

    @functools.cache
    def encrypted(self, name):
        self.openssl("pkey", "-in", self.private(name), "-aes256", "-passout",
                     "pass:" + self.PASSPHRASE, "-out", self.path(name + ".aes"))
        return self.path(name + ".aes")

    @functools.cache
    def certificate(self, name):
        """The path of the certificate, and that of its key."""
        issuer, subject = self.CERTIFICATES[name]
        paths = self.path(name + ".crt"), self.path(name + ".crt.key")
        self.openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                     paths[1], "-subj", subject, "-addext",
                     "basicConstraints=critical,CA:" + ("TRUE" if name == "ca" else "FALSE"),
                     *(["-addext", "subjectAltName=" + self.HOSTS[name]] if name in self.HOSTS else []),
                     "-out", self.path(name + ".csr"))
        by = (["-signkey", paths[1]] if issuer is None else
              ["-CA", self.certificate(issuer)[0], "-CAkey", self.certificate(issuer)[1],
               "-CAcreateserial"])
        self.openssl("x509", "-req", "-in", self.path(name + ".csr"), "-copy_extensions", "copy", *by,
                     "-days", "2", "-out", paths[0])
        return paths

    def shown(self, name):
        """The flags with which the client uses this certificate."""
        return ("--cert-file", self.certificate(name)[0], "--cert-key-file", self.certificate(name)[1])

    def thumbprint(self, name):
        with open(self.certificate(name)[0], encoding="ascii") as file:
            return base64url(hashlib.sha256(ssl.PEM_cert_to_DER_cert(file.read())).digest())

    def assertion(self, audience):
        """A new file with an assertion that "rsa" signed for the client "app"."""
        now = int(time.time())
        text = jwt({"alg": "RS256"}, {"iss": "app", "sub": "app", "aud": audience, "iat": now,
                                            "exp": now + 60, "jti": os.urandom(8).hex()})
        signature = self.openssl("dgst", "-sha256", "-sign", self.private("rsa"), input=text.encode())
        with tempfile.NamedTemporaryFile("w", dir=self.directory.name, delete=False) as file:
            file.write(text + "." + base64url(signature) + "\n")
        return file.name


KEYS = Keys()


class Server:
    """`coauth serve` with SECRET, unless the client is public."""

    def __init__(self, *arguments):
        self.directory = tempfile.TemporaryDirectory()
        self.secret_file = self.file("secret", SECRET + "\n")
        secret = () if "--public" in arguments else ("--secret-file", self.secret_file)
        self.process = subprocess.Popen(
            [COAUTH, "serve", "--client-id", "app", *secret, "--output", "env", *arguments],
            stdout=subprocess.PIPE, text=True, env=clean_environment())
        self.env = {}
        while "COAUTH_CLIENT_SECRET_FILE" not in self.env:
            name, value = shlex.split(self.process.stdout.readline())[0].split("=", 1)
            self.env[name] = value
        self.endpoint = self.env["COAUTH_TOKEN_ENDPOINT"]
        self.issuer = self.env["COAUTH_ISSUER"]
        self.trust = ("--ca-file", self.env["COAUTH_CA_FILE"]) if self.env["COAUTH_CA_FILE"] else (
            "--http-loopback",)
        self.with_secret = ("--client-secret-file", self.secret_file)

    def file(self, name, text):
        path = os.path.join(self.directory.name, name)
        with open(path, "w", encoding="utf-8") as out:
            out.write(text)
        return path

    def token(self, *arguments, secret=True, **options):
        credentials = self.with_secret if secret else ()
        return run("token", "--token-endpoint", self.endpoint, "--client-id", "app", *self.trust,
                   *credentials, *arguments, **options)

    def run(self, command, *arguments, **options):
        """Runs a command as the client, with the issuer of this server."""
        return run(command, "--issuer", self.issuer, "--client-id", "app", *self.trust, *arguments,
                   **options)

    def post(self, **form):
        """Sends a form to the token endpoint. Returns the JSON of the response."""
        form = {"client_id": "app", "client_secret": SECRET, **form}
        context = ssl.create_default_context(cafile=self.env["COAUTH_CA_FILE"])
        try:
            with urllib.request.urlopen(self.endpoint, urllib.parse.urlencode(form).encode(), timeout=20,
                                        context=context) as response:
                return json.load(response)
        except urllib.error.HTTPError as refusal:
            with refusal:
                return json.load(refusal)

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        status = self.process.wait(timeout=20)
        self.process.stdout.close()
        self.directory.cleanup()
        return status


REFUSAL = b"HTTP/1.1 400 Bad\r\nContent-Length: 0\r\n\r\n"


class MetadataServer:
    """A server with the given metadata. It responds to every POST with `body`, after `delay` seconds."""

    def __init__(self, body=None, delay=0, **metadata):
        outer = self
        self.requests = []
        # How many of the next requests fail.
        self.failures = self.token_failures = 0

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                time.sleep(delay)
                if outer.failures > 0:
                    outer.failures -= 1
                    return self.respond(503, {})
                is_metadata = self.path == "/.well-known/openid-configuration"
                self.respond(200 if is_metadata else 404, outer.document if is_metadata else {})

            def do_POST(self):
                time.sleep(delay)
                form = self.rfile.read(int(self.headers["Content-Length"])).decode()
                outer.requests.append((self.path, dict(self.headers), urllib.parse.parse_qs(form)))
                if outer.token_failures > 0:
                    outer.token_failures -= 1
                    return self.respond(503, {})
                self.respond(200, body or {"access_token": "a-token", "token_type": "Bearer"})

            def respond(self, status, document):
                text = json.dumps(document).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                try:
                    self.wfile.write(text)
                except OSError:
                    pass

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = "http://127.0.0.1:%d" % self.server.server_address[1]
        self.document = {"issuer": self.issuer, "token_endpoint": self.issuer + "/token", **metadata}
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.server.shutdown()
        self.server.server_close()

    def run(self, command, *arguments, **env):
        return run(command, "--issuer", self.issuer, "--http-loopback", "--client-id", "app", *arguments,
                   env=env)


class RawServer:
    """Responds to the first request of each connection with the given bytes, or never if None."""

    def __init__(self, response):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.response = response
        self.endpoint = "http://127.0.0.1:%d/token" % self.listener.getsockname()[1]
        self.open = []
        self.requests = []
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.open.append(connection)
            self.requests.append(self.receive(connection))
            if self.response is not None:
                connection.sendall(self.response)
                connection.shutdown(socket.SHUT_WR)

    @staticmethod
    def receive(connection):
        text = ""
        while True:
            head, _, body = text.partition("\r\n\r\n")
            length = re.search(r"(?i)\r\ncontent-length: (\d+)", head)
            if length and len(body) >= int(length.group(1)):
                return text
            more = connection.recv(65536).decode("latin-1")
            if not more:
                return text
            text += more

    def token(self, *arguments, env=None):
        return run("token", "--token-endpoint", self.endpoint, "--http-loopback", "--client-id", "app",
                   *arguments, env={"COAUTH_CLIENT_SECRET": SECRET} if env is None else env)

    def assertion(self):
        """Stops the server. Returns header and claims of the client assertion it received."""
        self.stop()
        form = urllib.parse.parse_qs(self.requests[0].partition("\r\n\r\n")[2])
        return decode_jwt(form["client_assertion"][0])

    def stop(self):
        # The thread must end first: the next socket may get the same descriptor.
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.listener.close()
        for connection in self.open:
            connection.close()


class Proxy:
    """An HTTP proxy that opens every tunnel to the same server, or refuses it with `status`."""

    def __init__(self, server=None, status="200 OK"):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        self.destination = ("127.0.0.1", urllib.parse.urlsplit(server.issuer).port) if server else None
        self.status = status
        self.requests = []
        self.sockets = []
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.listener.close()
        for each in self.sockets:
            each.close()

    def serve(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                head += client.recv(1)
            self.requests.append(head.decode())
            self.sockets.append(client)
            client.sendall(b"HTTP/1.1 %s\r\n\r\n" % self.status.encode())
            if self.destination is None:
                client.shutdown(socket.SHUT_WR)
                continue
            server = socket.create_connection(self.destination)
            self.sockets.append(server)
            for source, sink in ((client, server), (server, client)):
                threading.Thread(target=self.forward, args=(source, sink), daemon=True).start()

    @staticmethod
    def forward(source, sink):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)


class Case(unittest.TestCase):
    maxDiff = None

    def check(self, got, status):
        self.assertEqual(got.returncode, status, got.stdout + got.stderr)
        self.assertNotIn(SECRET, got.stdout + got.stderr)
        self.assertNotIn("terminate", got.stderr)

    def check_json(self, got, status):
        self.check(got, status)
        self.assertEqual(got.stdout.count("\n"), 1, got.stdout)
        document = json.loads(got.stdout)
        self.assertEqual(list(document), TOKEN_MEMBERS if status == 0 else ERROR_MEMBERS)
        self.assertEqual(document["ok"], status == 0)
        self.assertIsInstance(document["elapsed_ms"], int)
        return document


# The client's authentication in the output of --verbose.
BASIC = "> Authorization: Basic ***"
POST = "client_secret=***"
ASSERTION = "client_assertion=***"
NOTHING = ""


def main():
    """Runs the tests of the calling script: SCRIPT COAUTH [TEST...]"""
    with KEYS.directory:
        unittest.main()
