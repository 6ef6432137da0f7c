#!/usr/bin/env python3
"""The coauth command as scripts and people meet it: cli.py COAUTH [TEST...]"""

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
ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")

SECRET = "p:S 3+cr/%t&=~word"
TOKEN_MEMBERS = ["ok", "access_token", "token_type", "expires_in", "scope", "http_status", "elapsed_ms"]
ERROR_MEMBERS = ["ok", "error", "kind", "message", "http_status", "oauth_error", "description", "uri",
                 "code", "retry_after", "elapsed_ms"]


def clean_environment(**more):
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("COAUTH_", "SMSCX_"))}
    return {**kept, "NO_COLOR": "1", **more}


def run(*arguments, stdin="", env=None):
    return subprocess.run([COAUTH, *arguments], input=stdin, capture_output=True, text=True,
                          timeout=60, env=clean_environment(**(env or {})))


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def web_token(header, claims):
    """A JSON Web Token but for its signature."""
    return ".".join(base64url(json.dumps(part).encode()) for part in (header, claims))


def parts_of(web_token_text):
    return [json.loads(base64.urlsafe_b64decode(part + "===")) for part in web_token_text.split(".")[:2]]


class Keys:
    """Keys and certificates by name, made by openssl when one is first asked for."""

    PASSPHRASE = "open:sesame"
    KINDS = {
        "rsa": ("RSA", "rsa_keygen_bits:2048"), "other": ("RSA", "rsa_keygen_bits:2048"),
        "short": ("RSA", "rsa_keygen_bits:1024"), "p256": ("EC", "ec_paramgen_curve:P-256"),
        "p384": ("EC", "ec_paramgen_curve:P-384"), "p521": ("EC", "ec_paramgen_curve:P-521"),
        "ed25519": ("ED25519", None), "dpop": ("EC", "ec_paramgen_curve:P-256"),
    }
    # The issuer, none: the certificate itself; and the subject.
    CERTIFICATES = {
        "ca": (None, "/CN=Test CA"), "own": (None, "/O=Example/CN=app"), "stray": (None, "/CN=app"),
        "issued": ("ca", "/O=Example/CN=issued"), "foreign": ("ca", "/O=Example/CN=foreign"),
    }

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
                     "-out", self.path(name + ".csr"))
        by = (["-signkey", paths[1]] if issuer is None else
              ["-CA", self.certificate(issuer)[0], "-CAkey", self.certificate(issuer)[1],
               "-CAcreateserial"])
        self.openssl("x509", "-req", "-in", self.path(name + ".csr"), "-copy_extensions", "copy", *by,
                     "-days", "2", "-out", paths[0])
        return paths

    def shown(self, name):
        """The flags with which the client shows this certificate."""
        return ("--cert-file", self.certificate(name)[0], "--cert-key-file", self.certificate(name)[1])

    def thumbprint(self, name):
        with open(self.certificate(name)[0], encoding="ascii") as file:
            return base64url(hashlib.sha256(ssl.PEM_cert_to_DER_cert(file.read())).digest())

    def assertion(self, audience):
        """A new file with an assertion that "rsa" signed for the client "app"."""
        now = int(time.time())
        text = web_token({"alg": "RS256"}, {"iss": "app", "sub": "app", "aud": audience, "iat": now,
                                            "exp": now + 60, "jti": os.urandom(8).hex()})
        signature = self.openssl("dgst", "-sha256", "-sign", self.private("rsa"), input=text.encode())
        with tempfile.NamedTemporaryFile("w", dir=self.directory.name, delete=False) as file:
            file.write(text + "." + base64url(signature) + "\n")
        return file.name


KEYS = Keys()


class Server:
    """`coauth serve` with the secret above, unless the client is public."""

    def __init__(self, *arguments):
        self.directory = tempfile.TemporaryDirectory()
        self.secret_from_file = self.file("secret", SECRET + "\n")
        secret = () if "--public" in arguments else ("--secret-file", self.secret_from_file)
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
        self.with_secret = ("--client-secret-file", self.secret_from_file)

    def file(self, name, text):
        path = os.path.join(self.directory.name, name)
        with open(path, "w", encoding="utf-8") as out:
            out.write(text)
        return path

    def token(self, *arguments, secret=True, **options):
        who = self.with_secret if secret else ()
        return run("token", "--token-endpoint", self.endpoint, "--client-id", "app", *self.trust, *who,
                   *arguments, **options)

    def ask(self, command, *arguments, **options):
        """Of the server, by its issuer alone, as the client."""
        return run(command, "--issuer", self.issuer, "--client-id", "app", *self.trust, *arguments,
                   **options)

    def post(self, **form):
        """What the token endpoint responds to the client in the body."""
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


class Metadata:
    """A server that has the given metadata alone, beside what it responds to anything else: by `issue`,
    which is called with path and form. Each response takes `delay` seconds."""

    def __init__(self, issue=None, delay=0, **metadata):
        outer = self
        self.asked = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                time.sleep(delay)
                found = self.path == "/.well-known/openid-configuration"
                self.say(200 if found else 404, outer.document if found else {})

            def do_POST(self):
                time.sleep(delay)
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                outer.asked.append((self.path, dict(self.headers), urllib.parse.parse_qs(body)))
                self.say(200, issue or {"access_token": "a-token", "token_type": "Bearer"})

            def say(self, status, document):
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

    def ask(self, command, *arguments, **env):
        return run(command, "--issuer", self.issuer, "--http-loopback", "--client-id", "app", *arguments,
                   env=env)


class RawServer:
    """Responds to the first request of each connection with the given bytes, or never."""

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
        """Header and claims of the client assertion that came, at the end."""
        self.stop()
        form = urllib.parse.parse_qs(self.requests[0].partition("\r\n\r\n")[2])
        return parts_of(form["client_assertion"][0])

    def stop(self):
        # Its thread leaves first: it would accept from whatever gets the descriptor's number next.
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.listener.close()
        for connection in self.open:
            connection.close()


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


class Token(Case):
    @classmethod
    def setUpClass(cls):
        cls.server = Server("--scope", "read write", "--token-lifetime", "7200")

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()

    def test_token_alone(self):
        got = self.server.token("--output", "token")
        self.check(got, 0)
        self.assertRegex(got.stdout, r"\A[!-~]+\n\Z")
        self.assertEqual(got.stderr, "")

    def test_header(self):
        got = self.server.token("-o", "header")
        self.check(got, 0)
        self.assertRegex(got.stdout, r"\AAuthorization: Bearer [!-~]+\n\Z")

    def test_json(self):
        document = self.check_json(self.server.token("--output", "json", "--scope", "read"), 0)
        self.assertRegex(document["access_token"], r"\A[!-~]+\Z")
        self.assertEqual(
            [document[name] for name in ("token_type", "expires_in", "scope", "http_status")],
            ["Bearer", 7200, "read", 200])

    def test_summary_keeps_the_token_to_itself(self):
        whole = self.server.token("--output", "token").stdout.strip()
        got = self.server.token("--scope", "read write")
        self.check(got, 0)
        for part in ("Access token from " + self.server.endpoint, "Bearer", "read write", "in 2 hours",
                     "HTTP 200"):
            self.assertIn(part, got.stdout)
        self.assertNotRegex(got.stdout, r"[!-~]{%d}" % max(len(whole), 70))

    def test_where_the_secret_comes_from(self):
        inputs = {
            "file": ((), "", {}),
            "standard input": (("--client-secret-file", "-"), SECRET, {}),
            "standard input with a line break": (("--client-secret-file", "-"), SECRET + "\r\n", {}),
            "environment": ((), "", {"COAUTH_CLIENT_SECRET": SECRET}),
        }
        for name, (arguments, stdin, env) in inputs.items():
            with self.subTest(name):
                got = self.server.token("-o", "token", *arguments, secret=name == "file", stdin=stdin,
                                        env=env)
                self.check(got, 0)

    def test_client_id_from_the_environment(self):
        got = run("token", "--token-endpoint", self.server.endpoint, "--ca-file",
                  self.server.env["COAUTH_CA_FILE"], "-o", "token",
                  env={"COAUTH_CLIENT_ID": "app", "COAUTH_CLIENT_SECRET": SECRET})
        self.check(got, 0)

    def test_parameters_and_verbose(self):
        got = self.server.token("-v", "--param", "tenant=blue", "--param", "x=a=b", "--audience", "https://api", "--resource", "urn:a",
                                "--resource", "urn:b", "--user-agent", "probe/7", "-o", "token")
        self.check(got, 0)
        for part in ("> POST /", "> User-Agent: probe/7", "> Authorization: Basic ***",
                     "&resource=urn%3Aa&resource=urn%3Ab&audience=https%3A%2F%2Fapi"
                     "&tenant=***&x=***", "< HTTP/1.1 200", '"access_token": "***"'):
            self.assertIn(part, got.stderr)
        self.assertNotIn(got.stdout.strip(), got.stderr)
        for phase in ("lookup", "connect", "tls", "request", "response"):
            self.assertRegex(got.stderr.lower(), r"(?m)^\s*%s\b.*\d+\.\d+ ms" % phase)

    def test_wrong_secret(self):
        got = self.server.token("--client-secret-file", "-", "-o", "json", secret=False,
                                stdin="wrong-word")
        document = self.check_json(got, 1)
        self.assertEqual(
            [document[name] for name in ("error", "kind", "http_status", "oauth_error", "code",
                                         "retry_after")],
            ["invalid_client", "oauth", 401, "invalid_client", None, None])
        self.assertNotIn("wrong-word", got.stdout + got.stderr)

    def test_wrong_scope(self):
        got = self.server.token("--scope", "read everything")
        self.check(got, 1)
        self.assertEqual(got.stdout, "")
        self.assertIn("coauth: no token: the scope is unknown", got.stderr)

    def test_wrong_ca(self):
        other = Server()
        try:
            got = self.server.token("--ca-file", other.env["COAUTH_CA_FILE"])
        finally:
            other.stop()
        # A flag given twice is the user's mistake.
        self.check(got, 2)
        self.assertIn("--ca-file", got.stderr)

    def test_unknown_ca(self):
        got = run("token", "--token-endpoint", self.server.endpoint, "--client-id", "app", "-o", "json",
                  env={"COAUTH_CLIENT_SECRET": SECRET})
        document = self.check_json(got, 3)
        self.assertEqual((document["error"], document["kind"]), ("certificate_verify_failed", "tls"))
        self.assertIn("tls.ca_file", document["message"])

    def test_wrong_host(self):
        got = run("token", "--token-endpoint", "https://nowhere.invalid/token", "--client-id", "app",
                  "-o", "json", env={"COAUTH_CLIENT_SECRET": SECRET})
        document = self.check_json(got, 3)
        self.assertEqual((document["error"], document["kind"]), ("resolve_failed", "resolve"))
        self.assertIn("nowhere.invalid", document["message"])

    def test_closed_port(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
        got = run("token", "--token-endpoint", "https://127.0.0.1:%d/t" % port, "--client-id", "app",
                  "-o", "json", env={"COAUTH_CLIENT_SECRET": SECRET})
        document = self.check_json(got, 3)
        self.assertEqual((document["error"], document["kind"]), ("connect_failed", "connect"))


class Smscx(Case):
    def test_provider_and_its_errors(self):
        server = Server("--flavor", "smscx", "--scope", "sms groups")
        try:
            host = server.endpoint.removesuffix("/oauth/token")
            common = ("token", "--provider", "smscx", "--host", host, "--client-id", "app", "--ca-file",
                      server.env["COAUTH_CA_FILE"], "-o", "json")
            document = self.check_json(run(*common, env={"COAUTH_CLIENT_SECRET": SECRET}), 0)
            self.assertEqual(document["token_type"], "Bearer")
            self.check(run(*common, "--auth", "basic-unencoded", env={"COAUTH_CLIENT_SECRET": SECRET}), 0)
            document = self.check_json(run(*common, env={"COAUTH_CLIENT_SECRET": "wrong"}), 1)
            self.assertEqual((document["oauth_error"], document["code"], document["http_status"]),
                             ("invalid_client", 1600, 401))
            self.assertTrue(document["description"] and document["uri"])
        finally:
            server.stop()


# What a request shows of how the client proves who it is.
BASIC = "> Authorization: Basic ***"
POST = "client_secret=***"
ASSERTION = "client_assertion=***"
NOTHING = ""


class Methods(Case):
    @classmethod
    def setUpClass(cls):
        cls.servers = {
            "all": Server(
                *(flag for name in ("rsa", "p256", "p384", "p521", "ed25519")
                  for flag in ("--key-file", KEYS.public(name))),
                "--cert-file", KEYS.certificate("own")[0], "--client-ca-file", KEYS.certificate("ca")[0],
                "--cert-subject", "CN=issued,O=Example"),
            "smscx": Server("--flavor", "smscx"),
            "public": Server("--public"),
            "nonce": Server("--dpop", "required", "--dpop-nonce"),
        }

    @classmethod
    def tearDownClass(cls):
        for server in cls.servers.values():
            server.stop()

    def check_shown(self, got, evidence):
        self.check(got, 0)
        for each in (BASIC, POST, ASSERTION):
            self.assertEqual(each in got.stderr, each == evidence, (each, got.stderr))

    def test_every_method(self):
        server = self.servers["all"]
        key = ("--key-file", KEYS.private("rsa"))
        rows = [
            ("basic", "client_secret_basic", "all", server.with_secret, BASIC),
            ("basic-unencoded", "client_secret_basic_unencoded", "smscx", server.with_secret, BASIC),
            ("post", "client_secret_post", "all", server.with_secret, POST),
            ("secret-jwt", "client_secret_jwt", "all", server.with_secret, ASSERTION),
            ("key-jwt", "private_key_jwt", "all", key, ASSERTION),
            ("assertion", "client_assertion", "all", None, ASSERTION),
            ("tls", "tls_client_auth", "all", KEYS.shown("issued"), NOTHING),
            ("self-signed-tls", "self_signed_tls_client_auth", "all", KEYS.shown("own"), NOTHING),
            ("none", "none", "public", (), NOTHING),
        ]
        for short, long, where, flags, evidence in rows:
            for name in (short, long):
                with self.subTest(name):
                    proof = flags if flags is not None else (
                        "--assertion-file", KEYS.assertion(server.endpoint))
                    got = self.servers[where].token("--auth", name, "-v", *proof, secret=False)
                    self.check_shown(got, evidence)

    def test_verbose_shows_what_is_sent_and_nothing_else(self):
        """A refused request is not sent again, though a secret that changed would be tried."""
        for flags in (("--auth", "none"), ("--auth", "assertion", "--assertion-file",
                                           KEYS.assertion("https://other"))):
            got = self.servers["all"].token("-v", *flags, secret=False)
            self.check(got, 1)
            self.assertEqual(got.stderr.count("> POST /"), 1, got.stderr)

    def test_basic_is_raw_only_when_it_is_said(self):
        for where, how in (("all", "basic-unencoded"), ("smscx", "basic")):
            with self.subTest(how):
                self.check(self.servers[where].token("--auth", how), 1)

    def test_the_default_fits_the_flags(self):
        server = self.servers["all"]
        rows = {
            "secret": (server.with_secret, BASIC),
            "key": (("--key-file", KEYS.private("p256")), ASSERTION),
            "key and certificate": (("--key-file", KEYS.private("p256"), *KEYS.shown("own")), ASSERTION),
            "certificate": (KEYS.shown("issued"), NOTHING),
            "secret and certificate": (server.with_secret + KEYS.shown("own"), BASIC),
            "assertion": (("--assertion-file", KEYS.assertion(server.issuer)), ASSERTION),
        }
        for name, (flags, evidence) in rows.items():
            with self.subTest(name):
                self.check_shown(server.token("-v", *flags, secret=False), evidence)

    def test_an_assertion_says_who_the_client_is(self):
        server = self.servers["all"]
        got = run("token", "--token-endpoint", server.endpoint, *server.trust, "--assertion-file",
                  KEYS.assertion(server.endpoint))
        self.check(got, 0)

    def test_algorithms(self):
        rows = [
            ("rsa", ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")), ("p256", ("ES256",)),
            ("p384", ("ES384",)), ("p521", ("ES512",)), ("ed25519", ("EdDSA", "Ed25519")),
            (None, ("HS256", "HS384", "HS512")),
        ]
        for key, algorithms in rows:
            for algorithm in algorithms:
                with self.subTest(algorithm):
                    how = ("--key-file", KEYS.private(key)) if key else (
                        "--auth", "secret-jwt", *self.servers["all"].with_secret)
                    self.check(self.servers["all"].token(*how, "--alg", algorithm, secret=False), 0)

    def test_what_an_assertion_says(self):
        key = ("--key-file", KEYS.private("rsa"))
        rows = {
            "key": (key, {"alg": "RS256"}),
            "algorithm": (key + ("--alg", "PS384"), {"alg": "PS384"}),
            "name": (key + ("--kid", "key 1"), {"alg": "RS256", "kid": "key 1"}),
            "secret": (("--auth", "secret-jwt"), {"alg": "HS256"}),
            "secret and algorithm": (("--auth", "secret-jwt", "--alg", "HS512"), {"alg": "HS512"}),
            "certificate": (
                ("--key-file", KEYS.certificate("own")[1], "--assertion-cert-file",
                 KEYS.certificate("own")[0]), {"alg": "ES256", "x5t#S256": KEYS.thumbprint("own")}),
        }
        for name, (flags, expected) in rows.items():
            with self.subTest(name):
                server = RawServer(REFUSAL)
                self.check(server.token(*flags), 1)
                header, claims = server.assertion()
                del header["typ"]
                self.assertEqual(header, expected)
                self.assertEqual([claims[name] for name in ("iss", "sub", "aud")],
                                 ["app", "app", server.endpoint])

    def test_to_whom_an_assertion_is_made_out(self):
        key = ("--key-file", KEYS.private("rsa"))
        rows = {
            "issuer": "token", "token-endpoint": "token", "endpoint": "introspection",
            "https://as.example/": "https://as.example/", "": "token",
        }
        for value, expected in rows.items():
            for how in (key, ("--auth", "secret-jwt")):
                with self.subTest(value + how[0]):
                    server = RawServer(REFUSAL)
                    other = server.endpoint + "/introspect"
                    whom = ("--assertion-audience", value) if value else ()
                    got = run("introspect", "--token-endpoint", server.endpoint,
                              "--introspection-endpoint", other, "--http-loopback", "--client-id", "app",
                              *how, *whom, env={"COAUTH_CLIENT_SECRET": SECRET, "COAUTH_TOKEN": "t"})
                    self.check(got, 1)
                    self.assertEqual(server.assertion()[1]["aud"], {
                        "token": server.endpoint, "introspection": other}.get(expected, expected))

    def test_refusals(self):
        rows = {
            "key of another": ("all", ("--key-file", KEYS.private("other"))),
            "key at a server without keys": ("nonce", ("--key-file", KEYS.private("rsa"))),
            "assertion for another": ("all", ("--assertion-file", KEYS.assertion("https://other"))),
            "certificate of another": ("all", ("--auth", "self-signed-tls", *KEYS.shown("stray"))),
            "subject of another": ("all", ("--auth", "tls", *KEYS.shown("foreign"))),
            "certificate at a server that does not ask": ("smscx", KEYS.shown("own")),
            "nothing": ("all", ("--auth", "none")),
        }
        for name, (where, flags) in rows.items():
            with self.subTest(name):
                got = self.servers[where].token("-o", "json", *flags, secret=False)
                document = self.check_json(got, 1)
                self.assertEqual((document["oauth_error"], document["http_status"]),
                                 ("invalid_client", 401))

    def test_keys_that_cannot_be_used(self):
        def encrypted(phrase):
            return (("--key-file", KEYS.encrypted("rsa")), {"COAUTH_KEY_PASSPHRASE": phrase})

        def of_file(path):
            return (("--key-file", path), {})

        rows = {
            "no pass-phrase": (of_file(KEYS.encrypted("rsa")), "set COAUTH_KEY_PASSPHRASE"),
            "wrong pass-phrase": (encrypted("wrong:phrase"), "not opened by the pass-phrase"),
            "empty pass-phrase": (encrypted(""), "not opened by the pass-phrase"),
            "another algorithm": ((("--key-file", KEYS.private("p256"), "--alg", "RS256"), {}),
                                  "does not fit the algorithm RS256; it signs by ES256"),
            "public key": (of_file(KEYS.public("rsa")), "give the private key"),
            "no key": (of_file(self.servers["all"].secret_from_file), "holds no PEM private key"),
            "short key": (of_file(KEYS.private("short")), "RSA key of 1024 bits"),
            "no file": (of_file("/nonexistent.key"), "'/nonexistent.key' cannot be read"),
            "key of another certificate": (
                (("--cert-file", KEYS.certificate("own")[0], "--cert-key-file", KEYS.private("other")),
                 {}), "key"),
            "certificate without a key": ((("--cert-file", KEYS.certificate("own")[0]), {}), "key"),
            "DPoP by a public key": ((("--dpop", KEYS.public("dpop"), "--auth", "none"), {}),
                                     "give the private key"),
        }
        for name, ((flags, env), message) in rows.items():
            with self.subTest(name):
                got = self.servers["all"].token(*flags, secret=False, env=env)
                self.check(got, 2)
                self.assertIn(message, got.stderr)
                self.assertNotIn("wrong:phrase", got.stderr)

    def test_the_pass_phrase_opens_every_key(self):
        own, own_key = KEYS.certificate("own")
        locked = KEYS.path("own.aes")
        KEYS.openssl("pkey", "-in", own_key, "-aes256", "-passout", "pass:" + KEYS.PASSPHRASE, "-out",
                     locked)
        rows = {
            "assertion": ("--key-file", KEYS.encrypted("rsa")),
            "certificate": ("--cert-file", own, "--cert-key-file", locked),
            "DPoP": ("--dpop", KEYS.encrypted("dpop"), *self.servers["all"].with_secret),
        }
        for name, flags in rows.items():
            with self.subTest(name):
                got = self.servers["all"].token(*flags, secret=False,
                                                env={"COAUTH_KEY_PASSPHRASE": KEYS.PASSPHRASE})
                self.check(got, 0)
                self.assertNotIn(KEYS.PASSPHRASE, got.stdout + got.stderr)

    def test_certificate_and_key_in_one_file(self):
        both = KEYS.path("both.pem")
        with open(both, "w", encoding="ascii") as out:
            for path in KEYS.certificate("own"):
                with open(path, encoding="ascii") as part:
                    out.write(part.read())
        self.check(self.servers["all"].token("--cert-file", both, secret=False), 0)

    def test_dpop(self):
        for where, requests in (("all", 1), ("nonce", 2)):
            with self.subTest(where):
                common = ("--dpop", KEYS.private("dpop"))
                got = self.servers[where].token(*common, "-o", "header", "-v")
                self.check(got, 0)
                self.assertRegex(got.stdout, r"\AAuthorization: DPoP [!-~]+\n\Z")
                self.assertIn("> DPoP: ***", got.stderr)
                self.assertEqual(
                    [got.stderr.count(line) for line in ("> POST /", "< HTTP/1.1 ", "> HTTP", "< POST")],
                    [requests, requests, 0, 0])
                document = self.check_json(self.servers[where].token(*common, "-o", "json"), 0)
                self.assertEqual(document["token_type"], "DPoP")

    def test_what_a_token_is_bound_to(self):
        server = self.servers["all"]
        rows = {
            "nothing": ((), None),
            "key": (("--dpop", KEYS.private("dpop")), {"jkt": None}),
            "certificate": (KEYS.shown("own"), {"x5t#S256": KEYS.thumbprint("own")}),
        }
        for name, (flags, expected) in rows.items():
            with self.subTest(name):
                token = server.token("-o", "token", *flags).stdout
                got = server.ask("introspect", "--token-file", "-", "--auth", "basic",
                                 *server.with_secret, stdin=token)
                self.check(got, 0)
                bound = json.loads(got.stdout).get("cnf")
                if bound and "jkt" in bound:
                    self.assertRegex(bound["jkt"], r"\A[\w-]{43}\Z")
                    bound["jkt"] = None
                self.assertEqual(bound, expected)


class Discovery(Case):
    @classmethod
    def setUpClass(cls):
        cls.server = Server("--key-file", KEYS.public("p256"), "--key-file", KEYS.public("rsa"),
                            "--cert-file", KEYS.certificate("own")[0], "--grant", "token-exchange")
        cls.plain = Server("--dpop", "off", "--http")

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()
        cls.plain.stop()

    def discover(self, server, issuer=None):
        return run("discover", "--issuer", issuer or server.issuer, *server.trust)

    def test_what_is_shown(self):
        rows = {
            "token": "/oauth/token", "introspection": "/oauth/introspect", "revocation": "/oauth/revoke",
            "authentication": "client_secret_basic client_secret_post client_secret_jwt private_key_jwt "
                              "self_signed_tls_client_auth",
            "grants": "client_credentials urn:ietf:params:oauth:grant-type:token-exchange",
        }
        got = self.discover(self.server)
        self.check(got, 0)
        self.assertIn("Authorization server " + self.server.issuer, got.stdout)
        for name, value in rows.items():
            with self.subTest(name):
                shown = self.server.issuer + value if value.startswith("/") else value
                self.assertRegex(got.stdout, r"(?m)^  %s +%s$" % (name, re.escape(shown)))
        self.assertRegex(got.stdout, r"(?m)^  DPoP +.*\bES256\b")
        for name in ("token", "introspection", "revocation"):
            self.assertRegex(got.stdout, r"(?m)^  %s, mTLS +https://127.0.0.1:\d+/oauth/" % name)
        self.assertNotIn("DPoP", self.discover(self.plain).stdout)

    def test_as_json(self):
        got = run("discover", "--issuer", self.server.issuer, *self.server.trust, "-o", "json")
        self.check(got, 0)
        self.assertEqual(got.stdout.count("\n"), 1)
        document = json.loads(got.stdout)
        self.assertEqual(document["issuer"], self.server.issuer)
        self.assertEqual(document["token_endpoint"], self.server.endpoint)
        self.assertIn("private_key_jwt", document["token_endpoint_auth_methods_supported"])
        self.assertIn("private_key_jwt", document["introspection_endpoint_auth_methods_supported"])
        self.assertIn("ES256", document["dpop_signing_alg_values_supported"])
        self.assertEqual(list(document["mtls_endpoint_aliases"]),
                         ["token_endpoint", "introspection_endpoint", "revocation_endpoint"])
        with Metadata() as server:
            got = run("discover", "--issuer", server.issuer, "--http-loopback", "-o", "json")
            self.check(got, 0)
            self.assertEqual(json.loads(got.stdout), server.document)

    def test_verbose_shows_it_all(self):
        got = self.server.ask("token", "-v", *self.server.with_secret)
        self.check(got, 0)
        lines = ["> GET /.well-known/oauth-authorization-server HTTP/1.1", "< HTTP/1.1 200",
                 "> POST /oauth/token HTTP/1.1", "< HTTP/1.1 200"]
        self.assertEqual([line for line in got.stderr.splitlines() if " HTTP/1.1" in line or
                          line.startswith("< HTTP")], lines)
        self.assertIn('"token_endpoint": "%s"' % self.server.endpoint, got.stderr)
        got = run("discover", "--issuer", self.server.issuer, *self.server.trust, "-v")
        self.check(got, 0)
        self.assertIn(lines[0], got.stderr)

    def test_no_secret_is_given(self):
        with Metadata(token_endpoint_auth_methods_supported=["none"]) as server:
            self.check(server.ask("token"), 0)
            self.assertEqual(server.asked[0][2]["client_id"], ["app"])
            for env in ({"COAUTH_CLIENT_SECRET": SECRET}, {}):
                got = server.ask("token", *(() if env else ("--cert-file", "c")), **env)
                self.check(got, 2)
                self.assertIn("what the server knows: none; give --client-secret-file", got.stderr)
            self.check(server.ask("token", "--auth", "none", COAUTH_CLIENT_SECRET=SECRET), 0)
        with Metadata() as server:
            got = server.ask("token")
            self.check(got, 2)
            self.assertIn("client_secret_basic; give --client-secret-file, --key-file", got.stderr)

    def test_the_secret_proves_and_the_certificate_binds(self):
        got = self.server.ask("token", "-v", *self.server.with_secret, *KEYS.shown("own"))
        self.check(got, 0)
        self.assertIn(BASIC, got.stderr)

    def test_the_algorithm_of_dpop(self):
        rows = {
            "first that both know": ((), ["ES256", "PS384"], "PS384"),
            "any": ((), None, "RS256"),
            "named": (("--dpop-alg", "PS256"), ["RS256", "PS256"], "PS256"),
            "named, unknown there": (("--dpop-alg", "PS512"), ["RS256"], "signs by PS512"),
            "none that both know": ((), ["ES256"], "knows: ES256"),
        }
        for name, (flags, known, expected) in rows.items():
            with self.subTest(name):
                more = {"dpop_signing_alg_values_supported": known} if known else {}
                with Metadata({"access_token": "t", "token_type": "DPoP"}, **more) as server:
                    got = server.ask("token", "--dpop", KEYS.private("rsa"), *flags,
                                     COAUTH_CLIENT_SECRET=SECRET)
                    if " " in expected:
                        self.check(got, 2)
                        self.assertIn(expected, got.stderr)
                    else:
                        self.check(got, 0)
                        self.assertEqual(parts_of(server.asked[0][1]["DPoP"])[0]["alg"], expected)

    def test_endpoints_that_the_metadata_lack(self):
        with Metadata({"active": True}) as server:
            for command, name in (("introspect", "introspection"), ("revoke", "revocation")):
                env = {"COAUTH_CLIENT_SECRET": SECRET, "COAUTH_TOKEN": "t"}
                got = server.ask(command, "--%s-endpoint" % name, server.issuer + "/" + name, **env)
                self.check(got, 0)
                self.assertEqual(server.asked[-1][0], "/" + name)
                got = server.ask(command, **env)
                self.check(got, 2)
                self.assertIn("server.%s_endpoint" % name, got.stderr)

    def test_each_endpoint_may_have_methods_of_its_own(self):
        with Metadata({"active": True}, introspection_endpoint="http://127.0.0.1:1/",
                      token_endpoint_auth_methods_supported=["client_secret_basic"],
                      introspection_endpoint_auth_methods_supported=["client_secret_post"]) as server:
            server.document["introspection_endpoint"] = server.issuer + "/introspect"
            self.check(server.ask("introspect", COAUTH_CLIENT_SECRET=SECRET, COAUTH_TOKEN="t"), 0)
            self.assertEqual(server.asked[0][2]["client_secret"], [SECRET])

    def test_one_time_limit_for_all(self):
        """Discovery and token take longer together than either may."""
        with Metadata(delay=0.4) as server:
            got = server.ask("token", "--timeout", "1.0", "-o", "json", COAUTH_CLIENT_SECRET=SECRET)
            self.check_json(got, 4)
            self.check(server.ask("token", "--timeout", "30", COAUTH_CLIENT_SECRET=SECRET), 0)

    def test_failures(self):
        other = "https://localhost:" + self.server.issuer.rpartition(":")[2]
        rows = {
            "nothing there": (self.discover(self.server, self.server.issuer + "/tenant"), 1, "404"),
            "another name": (self.discover(self.server, other), 5, self.server.issuer),
            "unknown CA": (run("discover", "--issuer", self.server.issuer), 3, "tls.ca_file"),
            "plain HTTP": (run("discover", "--issuer", self.plain.issuer), 2, "allow_http_loopback"),
        }
        for name, (got, status, message) in rows.items():
            with self.subTest(name):
                self.check(got, status)
                self.assertIn("coauth: not discovered: ", got.stderr)
                self.assertIn(message, got.stderr)
                self.assertEqual(got.stdout, "")

    def test_a_token_from_an_issuer(self):
        key, own = ("--key-file", KEYS.private("p256")), KEYS.shown("own")
        rows = {
            "secret": (self.server.with_secret, BASIC),
            "secret, the method named": (self.server.with_secret + ("--auth", "post"), POST),
            "key": (key, ASSERTION),
            "key and secret": (key + self.server.with_secret, ASSERTION),
            "certificate": (own, NOTHING),
            "assertion": (("--assertion-file", KEYS.assertion(self.server.issuer)), ASSERTION),
        }
        for name, (flags, evidence) in rows.items():
            with self.subTest(name):
                got = self.server.ask("token", "-v", *flags)
                self.check(got, 0)
                self.assertIn("Access token from " + self.server.issuer, got.stdout)
                for each in (BASIC, POST, ASSERTION):
                    self.assertEqual(each in got.stderr, each == evidence, (each, got.stderr))

    def test_a_secret_serves_where_a_certificate_does_not(self):
        server = Server()
        got = server.ask("token", *KEYS.shown("own"), *server.with_secret)
        server.stop()
        self.check(got, 0)

    def test_nothing_fits(self):
        got = self.plain.ask("token", "--key-file", KEYS.private("rsa"), "-o", "json")
        document = self.check_json(got, 2)
        self.assertIn("client_secret_basic", document["message"])

    def test_no_metadata_no_token(self):
        got = run("token", "--issuer", self.server.issuer + "/tenant", "--client-id", "app",
                  *self.server.trust, *self.server.with_secret)
        self.check(got, 1)
        self.assertIn("coauth: no token: ", got.stderr)


class Known(Case):
    """A token that one has already."""

    @classmethod
    def setUpClass(cls):
        cls.server = Server()

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()

    def new_token(self):
        return self.server.token("-o", "token").stdout.strip()

    def ask(self, command, token, *arguments):
        return self.server.ask(command, *self.server.with_secret, *arguments, env={"COAUTH_TOKEN": token})

    def check_active(self, got, active):
        self.check(got, 0 if active else 1)
        self.assertEqual(got.stderr, "")
        self.assertEqual(got.stdout.count("\n"), 1)
        document = json.loads(got.stdout)
        self.assertIs(document["active"], active)
        return document

    def test_active_and_inactive(self):
        document = self.check_active(self.ask("introspect", self.new_token()), True)
        self.assertEqual((document["client_id"], document["scope"]), ("app", "read write"))
        self.assertEqual(self.check_active(self.ask("introspect", "unknown"), False), {"active": False})

    def test_a_revoked_token_is_not_active(self):
        token = self.new_token()
        got = self.ask("revoke", token)
        self.check(got, 0)
        self.assertEqual((got.stdout, got.stderr), ("The token is revoked.\n", ""))
        self.check_active(self.ask("introspect", token), False)
        # RFC 7009 section 2.2: a token that is not known needs no revoking.
        self.check(self.ask("revoke", token), 0)

    def test_where_the_token_comes_from(self):
        token = self.new_token()
        rows = {
            "file": (("--token-file", self.server.file("token", token + "\n")), "", {}),
            "standard input": (("--token-file", "-"), token + "\r\n", {}),
            "environment": ((), "", {"COAUTH_TOKEN": token}),
            "file before environment": (("--token-file", "-"), token, {"COAUTH_TOKEN": "unknown"}),
        }
        for name, (flags, stdin, env) in rows.items():
            with self.subTest(name):
                self.check_active(self.server.ask("introspect", *self.server.with_secret, *flags,
                                                  stdin=stdin, env=env), True)

    def test_endpoints_without_an_issuer(self):
        token = self.new_token()
        common = ("--token-endpoint", self.server.endpoint, "--client-id", "app", *self.server.trust,
                  *self.server.with_secret)
        for command, endpoint in (("introspect", "introspection"), ("revoke", "revocation")):
            with self.subTest(command):
                url = self.server.issuer + "/oauth/" + command
                env = {"COAUTH_TOKEN": token}
                self.check(run(command, *common, "--%s-endpoint" % endpoint, url, env=env), 0)
                got = run(command, *common, env=env)
                self.check(got, 2)
                self.assertIn("server.%s_endpoint" % endpoint, got.stderr)

    def test_an_endpoint_alone_is_another_server_than_smscx(self):
        for command, endpoint in (("introspect", "introspection"), ("revoke", "revocation")):
            with self.subTest(command):
                server = RawServer(b"HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n"
                                   b'{"active": true}')
                got = run(command, "--%s-endpoint" % endpoint, server.endpoint, "--http-loopback",
                          "--client-id", "a p", env={"COAUTH_CLIENT_SECRET": "s+", "COAUTH_TOKEN": "t"})
                server.stop()
                self.check(got, 0)
                encoded = base64.b64encode(b"a+p:s%2B").decode()
                self.assertIn("Authorization: Basic " + encoded, server.requests[0])

    def test_a_hint(self):
        got = self.ask("introspect", self.new_token(), "--type-hint", "refresh_token", "-v")
        self.check(got, 0)
        self.assertIn("token_type_hint=refresh_token", got.stderr)

    def test_verbose_shows_no_token(self):
        token = self.new_token()
        for command in ("introspect", "revoke"):
            with self.subTest(command):
                got = self.ask(command, token, "-v")
                self.check(got, 0)
                for part in ("> POST /oauth/" + command, "< HTTP/1.1 200", "token=***"):
                    self.assertIn(part, got.stderr)
                self.assertNotIn(token, got.stdout + got.stderr)

    def test_failures(self):
        wrong = ("--client-secret-file", self.server.file("wrong", "wrong-word"))
        for command, what in (("introspect", "nothing known"), ("revoke", "not revoked")):
            with self.subTest(command):
                got = self.server.ask(command, *wrong, env={"COAUTH_TOKEN": "a-token"})
                self.check(got, 1)
                self.assertRegex(got.stderr, r"\Acoauth: %s: .*\n  status +HTTP 401\n" % what)
                self.assertNotRegex(got.stdout + got.stderr, "wrong-word|a-token")
                got = self.server.ask(command, "--token-file", "-", "--client-secret-file", "-")
                self.check(got, 2)
                self.assertIn("standard input", got.stderr)

    def test_the_response_stays_json_and_harmless(self):
        body = '{"active":true,"a\\"b\\u001b[2J":"\\u009b1m","c":"\x7f\u009b"}'.encode()
        server = RawServer(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                           b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        got = run("introspect", "--token-endpoint", server.endpoint, "--introspection-endpoint",
                  server.endpoint, "--http-loopback", "--client-id", "app",
                  env={"COAUTH_CLIENT_SECRET": SECRET, "COAUTH_TOKEN": "a-token"})
        server.stop()
        self.check(got, 0)
        self.assertEqual(list(json.loads(got.stdout)), ["active", 'a"b?[2J', "c"])
        for control in ("\x1b", "\x7f", "\x9b"):
            self.assertNotIn(control, got.stdout)


class Responses(Case):
    def response(self, status, body, headers=""):
        return ("HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n%s\r\n%s" % (
            status, len(body), headers, body)).encode()

    def fetch(self, response, *arguments):
        server = RawServer(response)
        try:
            return server.token(*arguments)
        finally:
            server.stop()

    def test_exit_status_by_kind(self):
        token = '{"access_token":"t","token_type":"Bearer"}'
        rows = {
            "no known end": (self.response("200 OK", token), 0, None),
            "rate limited": (self.response("429 Slow", "", "Retry-After: 30\r\n"), 1, "rate_limited"),
            "server failed": (self.response("502 Bad", ""), 1, "http"),
            "redirect": (self.response("302 Found", "", "Location: http://127.0.0.1/\r\n"), 1, "http"),
            "not JSON": (self.response("200 OK", "<html>"), 5, "protocol"),
            "not HTTP": (b"220 mail.example ESMTP\r\n", 5, "protocol"),
            "cut": (self.response("200 OK", token)[:-5], 5, "protocol"),
            "empty": (b"", 3, "connect"),
            "silence": (None, 4, "timeout"),
        }
        for name, (response, status, kind) in rows.items():
            with self.subTest(name):
                timeout = "0.3" if response is None else "20"
                document = self.check_json(
                    self.fetch(response, "-o", "json", "--timeout", timeout), status)
                self.assertEqual(document.get("kind"), kind)
                if kind == "rate_limited":
                    self.assertIn(document["retry_after"], (29, 30))
                if kind is None:
                    self.assertIsNone(document["expires_in"])

    def test_decode(self):
        web = web_token({"alg": "RS256", "kid": "1"}, {"iss": "https://as", "exp": 2000000000})
        opaque = "\nThe token is no JSON Web Token: "
        rows = {
            "JWT": (web + ".c2ln", r"\nHeader\n  alg +\"RS256\"\n  kid +\"1\"\n"
                                   r"\nClaims\n  iss +\"https://as\"\n  exp +2000000000\n"
                                   r"\nNot verified: "),
            "opaque": ("opaque-token", opaque),
            "dots alone": ("..", opaque),
            "parts that are not JSON": ("e30.bm8.c2ln", opaque),
        }
        for name, (token, shown) in rows.items():
            with self.subTest(name):
                body = json.dumps({"access_token": token, "token_type": "Bearer"})
                got = self.fetch(self.response("200 OK", body), "--decode")
                self.check(got, 0)
                self.assertRegex(got.stdout, shown)
                self.assertEqual("Not verified" in got.stdout, name == "JWT")
                if name == "JWT":
                    self.assertNotIn(token, got.stdout)

    def test_a_decoded_token_is_harmless(self):
        token = web_token({"\x1b[2J": "\x9b1m"}, {"a": "\x1b]0;x\x07"}) + ".c2ln"
        body = json.dumps({"access_token": token, "token_type": "Bearer"})
        got = self.fetch(self.response("200 OK", body), "--decode")
        self.check(got, 0)
        self.assertNotRegex(got.stdout, "[\x1b\x9b\x07]")

    def test_interrupt(self):
        server = RawServer(None)
        try:
            process = subprocess.Popen(
                [COAUTH, "token", "--token-endpoint", server.endpoint, "--http-loopback", "--client-id",
                 "app", "-o", "json"], stdout=subprocess.PIPE, text=True,
                env=clean_environment(COAUTH_CLIENT_SECRET=SECRET))
            while not server.open:
                time.sleep(0.01)
            process.send_signal(signal.SIGINT)
            out, _ = process.communicate(timeout=20)
            self.assertEqual(process.returncode, 3)
            self.assertEqual(json.loads(out)["kind"], "cancelled")
        finally:
            server.stop()

    def test_a_terminal_is_safe_from_the_server(self):
        body = '{"error":"invalid_client","error_description":"\\u001b[2J\\u009b1m"}'
        for arguments in ((), ("-v",), ("-o", "json")):
            with self.subTest(arguments):
                got = self.fetch(self.response("400 Bad", body), *arguments)
                self.check(got, 1)
                for control in ("\x1b", "\x9b"):
                    self.assertNotIn(control, got.stdout + got.stderr)


class Usage(Case):
    COMPLETE = ("token", "--client-id", "app", "--token-endpoint", "https://127.0.0.1:1/t")

    def test_mistakes(self):
        complete = self.COMPLETE
        rows = {
            "no command": ((), "Usage: coauth"),
            "unknown command": (("fetch",), "the commands are token, introspect, revoke, discover and serve"),
            "unknown flag": (complete + ("--colour",), "--colour"),
            "abbreviated flag": (complete + ("--tim", "3"), "--tim"),
            "secret as an argument": (complete + ("--client-secret", SECRET), "--client-secret"),
            "stray word": (complete + ("extra",), "without a flag"),
            "missing value": (complete + ("--scope",), "--scope"),
            "output": (complete + ("--output", "xml"),
                       "--output is summary, token, header or json, not 'xml'"),
            "auth": (complete + ("--auth", "digest"),
                     "--auth is one of basic, basic-unencoded, post, secret-jwt, key-jwt, assertion, tls, "
                     "self-signed-tls, none, not 'digest'"),
            "timeout text": (complete + ("--timeout", "soon"), "--timeout is a number of seconds"),
            "timeout zero": (complete + ("--timeout", "0"), "it must be from 1 ms to 1 hour"),
            "timeout nan": (complete + ("--timeout", "nan"), "--timeout is a number of seconds"),
            "parameter": (complete + ("--param", "x"), "--param takes NAME=VALUE"),
            "reserved parameter": (complete + ("--param", "scope=x"), "meaning of its own"),
            "scope": (complete + ("--scope", 'a"b'), "scope contains a character"),
            "no client id": (("token",), "give --client-id ID"),
            "provider": (complete + ("--provider", "other"), "there is no provider 'other'"),
            "host and endpoint": (complete + ("--host", "https://x"), "exclude each other"),
            "issuer and endpoint": (complete + ("--issuer", "https://x"), "excludes"),
            "key and another way": (complete + ("--auth", "basic", "--key-file", "k"),
                                    "--key-file goes with --auth key-jwt"),
            "key-jwt without a key": (complete + ("--auth", "key-jwt"), "give --key-file FILE"),
            "assertion and another way": (
                complete + ("--auth", "post", "--assertion-file", "a"),
                "--assertion-file goes with --auth assertion"),
            "assertion and key": (complete + ("--assertion-file", "a", "--key-file", "k"), "--key-file"),
            "assertion without one": (complete + ("--auth", "assertion"), "give --assertion-file FILE"),
            "no such assertion": (complete + ("--assertion-file", "/nonexistent"), "/nonexistent"),
            "tls without a certificate": (complete + ("--auth", "tls"), "give --cert-file FILE"),
            "self-signed-tls without one": (complete + ("--auth", "self-signed-tls"),
                                            "give --cert-file FILE"),
            "key of no certificate": (complete + ("--cert-key-file", "k"), "give --cert-file FILE"),
            "no such certificate": (complete + ("--cert-file", "/nonexistent.crt"), "/nonexistent.crt"),
            "algorithm of nothing": (complete + ("--alg", "RS256"), "--alg goes with --key-file"),
            "unknown algorithm": (complete + ("--key-file", "k", "--alg", "RS1"), "not 'RS1'"),
            "no algorithm at all": (complete + ("--key-file", "k", "--alg", "none"), "not 'none'"),
            "secret that signs by RSA": (complete + ("--auth", "secret-jwt", "--alg", "RS256"),
                                         "HS256, HS384 or HS512, not RS256"),
            "name of no key": (complete + ("--kid", "1"), "give --key-file FILE"),
            "secret for nothing": (complete + ("--auth", "none", "--client-secret-file", "s"),
                                   "nothing else needs a secret"),
            "no such DPoP key": (complete + ("--dpop", "/nonexistent.key"), "/nonexistent.key"),
            "decode and json": (complete + ("--decode", "-o", "header"), "--decode goes with"),
            "discover nothing": (("discover",), "give --issuer URL"),
            "discover in another form": (("discover", "--issuer", "https://x", "-o", "xml"),
                                         "--output is summary or json, not 'xml'"),
            "certificate of no key": (complete + ("--assertion-cert-file", "c"), "give --key-file FILE"),
            "audience of nothing": (complete + ("--assertion-audience", "endpoint"),
                                    "--assertion-audience goes with"),
            "DPoP algorithm of no key": (complete + ("--dpop-alg", "ES256"), "give --dpop FILE"),
            "unknown DPoP algorithm": (complete + ("--dpop", "k", "--dpop-alg", "x"), "not 'x'"),
            "no token": (("introspect",) + complete[1:], "--token-file FILE"),
            "plain http": (("token", "--client-id", "a", "--token-endpoint", "http://127.0.0.1/"),
                           "allow_http_loopback"),
            "not a URL": (("token", "--client-id", "a", "--token-endpoint", "example"),
                          "not an absolute URL"),
            "no CA file": (complete + ("--ca-file", "/nonexistent.pem"), "/nonexistent.pem"),
            "no secret file": (complete + ("--client-secret-file", "/nonexistent"), "/nonexistent"),
            "directory as secret file": (complete + ("--client-secret-file", "/"), "'/'"),
        }
        for name, (arguments, message) in rows.items():
            with self.subTest(name):
                got = run(*arguments, env={"COAUTH_CLIENT_SECRET": SECRET})
                self.check(got, 2)
                self.assertIn(message, got.stderr)
                self.assertEqual(got.stdout, "")

    def test_an_empty_value_is_not_an_absent_flag(self):
        """A variable that is not set in a script must not send the credentials elsewhere."""
        server = RawServer(REFUSAL)
        usual = {"--client-id": "app", "--token-endpoint": server.endpoint, "--timeout": "5"}
        tried = set()
        for command in ("token", "introspect", "revoke", "discover", "serve"):
            takes_value = r"(?m)^  (?:(-\w) \[ )?(--[\w-]+)(?: \])? [A-Z]+(?:=VALUE)?(?: |$)"
            for short, long in re.findall(takes_value, run(command, "--help").stdout):
                forms = {(long, ""), (long + "=",), *({(short, "")} if short else ())}
                loopback = ("--http-loopback",) if command != "serve" else ()
                rest = [f"{flag}={value}" for flag, value in usual.items()
                        if command == "token" and flag != long]
                for empty in forms - tried if command != "serve" else forms:
                    tried.add(empty)
                    with self.subTest((command, *empty)):
                        got = run(command, *rest, *loopback, *empty, env={
                            "COAUTH_CLIENT_ID": "app", "COAUTH_CLIENT_SECRET": SECRET, "COAUTH_TOKEN": "t"})
                        self.check(got, 2)
                        self.assertRegex(got.stderr, long + r"\b.* (has an empty|needs a) value")
        server.stop()
        self.assertEqual(server.requests, [])
        self.assertGreater(len(tried), 60)
        for flag in ("--token-endpoint", "--issuer", "--host", "--revocation-endpoint", "--ca-file"):
            self.assertIn((flag, ""), tried)

    def test_no_secret(self):
        self.check(run(*self.COMPLETE), 2)
        self.assertIn("--client-secret-file FILE", run(*self.COMPLETE).stderr)
        got = run(*self.COMPLETE, "--client-secret-file", "-", stdin="\n")
        self.check(got, 2)
        self.assertIn("standard input holds no client secret", got.stderr)

    def test_mistakes_in_json(self):
        document = self.check_json(run("token", "-o", "json"), 2)
        self.assertEqual((document["error"], document["kind"]),
                         ("invalid_configuration", "configuration"))

    def test_help_and_version(self):
        for arguments in (("--help",), ("-h",), ("help",)):
            got = run(*arguments)
            self.check(got, 0)
            self.assertIn("coauth token", got.stdout)
        token = run("token", "--help")
        self.check(token, 0)
        for flag in ("--provider", "--token-endpoint", "--client-id", "--client-secret-file", "--auth",
                     "--scope", "--param", "--ca-file", "--timeout", "--output", "--verbose"):
            self.assertIn(flag, token.stdout)
        self.assertIn("Exit status", token.stdout)
        self.check(run("serve", "--help"), 0)
        version = run("--version")
        self.check(version, 0)
        self.assertRegex(version.stdout, r"\Acoauth \d+\.\d+\.\d+\n\Z")

    def test_the_commands_that_documents_show(self):
        """Their flags are known."""
        shown = 0
        for name in ("README.md", "src/doc/servers.md", "src/doc/command.md"):
            with open(os.path.join(ROOT, name), encoding="utf-8") as file:
                blocks = re.findall(r"(?ms)^```sh\n(.*?)^```$", file.read())
            lines = "".join(blocks).replace("\\\n", " ").splitlines()
            for line in lines:
                found = re.match(r"coauth (.*)", line)
                if found and "..." not in line:
                    with self.subTest(line):
                        shown += 1
                        self.check(run(*shlex.split(found[1]), "--help"), 0)
        self.assertGreater(shown, 10)

    def test_help_fits_a_terminal(self):
        commands = ("token", "introspect", "revoke", "discover", "serve")
        for arguments in (("--help",), *((command, "--help") for command in commands)):
            for line in run(*arguments).stdout.splitlines():
                self.assertLessEqual(len(line), 80, line)

    def test_full_disk(self):
        with open("/dev/full", "w", encoding="utf-8") as full:
            got = subprocess.run([COAUTH, "--version"], stdout=full, stderr=subprocess.PIPE, text=True,
                                 timeout=60, check=False)
        self.assertEqual(got.returncode, 2)
        self.assertIn("standard output cannot be written", got.stderr)


class Serve(Case):
    def test_ends_on_a_signal_and_leaves_nothing(self):
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            with self.subTest(number):
                server = Server()
                self.check(server.token("-o", "token"), 0)
                directory = os.path.dirname(server.env["COAUTH_CA_FILE"])
                self.assertEqual(os.stat(directory).st_mode & 0o777, 0o700)
                self.assertEqual(server.stop(number), 0)
                self.assertFalse(os.path.exists(directory))

    def test_plain_http(self):
        server = Server("--http")
        try:
            self.assertTrue(server.endpoint.startswith("http://127.0.0.1:"))
            self.assertEqual(server.env["COAUTH_CA_FILE"], "")
            self.check(server.token("-o", "token"), 0)
        finally:
            server.stop()

    def summary(self, *arguments, stdin=None):
        """What the server shows, and the server."""
        server = subprocess.Popen([COAUTH, "serve", *arguments], stdin=stdin, stdout=subprocess.PIPE,
                                  text=True, env=clean_environment())
        shown = ""
        while "Ctrl-C" not in shown and server.poll() is None:
            shown += server.stdout.readline()
        return shown, server

    def end(self, server):
        server.terminate()
        server.wait(timeout=20)
        server.stdout.close()

    def test_the_command_that_it_shows_works(self):
        rows = {
            "default": (), "plain HTTP": ("--http",), "SMS.CX": ("--flavor", "smscx"),
            "public": ("--public",), "proof required": ("--dpop", "required", "--dpop-nonce"),
            "asks for certificates": ("--cert-file", KEYS.certificate("own")[0]),
            "id with a quote": ("--client-id", "it's"),
        }
        for name, arguments in rows.items():
            with self.subTest(name), tempfile.TemporaryDirectory() as directory:
                shown, server = self.summary(*arguments)
                commands = re.search(r"(?s)another terminal:\n\n(.*?)\n\n", shown).group(1)
                got = subprocess.run(
                    ["bash", "-ec", 'coauth() { "$0" "$@"; }\n' + commands, COAUTH], cwd=directory,
                    capture_output=True, text=True, timeout=60, env=clean_environment(), check=False)
                self.end(server)
                self.check(got, 0)
                self.assertIn("Access token from", got.stdout)

    def test_the_endpoints_that_it_shows(self):
        shown, server = self.summary()
        self.end(server)
        for name, path in (("issuer", ""), ("token endpoint", "/oauth/token"),
                           ("introspection", "/oauth/introspect"), ("revocation", "/oauth/revoke")):
            self.assertRegex(shown, r"(?m)^  %s +https://127\.0\.0\.1:\d+%s$" % (name, path))

    def test_own_secret_is_not_shown(self):
        with tempfile.NamedTemporaryFile("w", suffix=" it's") as file:
            file.write(SECRET)
            file.flush()
            for name in (file.name, "-"):
                with self.subTest(name), open(file.name, encoding="utf-8") as stdin:
                    shown, server = self.summary("--secret-file", name, stdin=stdin)
                    self.end(server)
                    self.assertIn("client secret", shown)
                    self.assertNotIn(SECRET, shown)

    def test_grants(self):
        assertion = {"assertion": "any"}
        exchange = {"subject_token": "t", "subject_token_type": "urn:x"}
        prefix = "urn:ietf:params:oauth:grant-type:"
        rows = {"refresh-token": ("refresh_token", {}), "jwt-bearer": (prefix + "jwt-bearer", assertion),
                "token-exchange": (prefix + "token-exchange", exchange)}
        without = Server()
        for name, (grant, form) in rows.items():
            for flag in (name, grant):
                with self.subTest(flag):
                    server = Server("--grant", flag)
                    if grant == "refresh_token":
                        form = {"refresh_token": server.env["COAUTH_REFRESH_TOKEN"]}
                    self.assertIn("access_token", server.post(grant_type=grant, **form))
                    self.assertIn("access_token", server.post(grant_type="client_credentials"))
                    self.assertEqual(without.post(grant_type=grant, **form)["error"],
                                     "unsupported_grant_type")
                    server.stop()
        without.stop()

    def test_whose_assertions_are_grants(self):
        grant = "urn:ietf:params:oauth:grant-type:jwt-bearer"
        server = Server("--grant", "jwt-bearer", "--assertion-issuer", "app", "--assertion-key-file",
                        KEYS.public("rsa"))
        with open(KEYS.assertion(server.endpoint), encoding="ascii") as file:
            good = file.read().strip()
        self.assertIn("access_token", server.post(grant_type=grant, assertion=good))
        self.assertEqual(server.post(grant_type=grant, assertion="any")["error"], "invalid_grant")
        server.stop()

    def test_certificates_at_a_port_of_their_own(self):
        server = Server("--cert-file", KEYS.certificate("own")[0], "--mtls-alias")
        alias = server.env["COAUTH_MTLS_TOKEN_ENDPOINT"]
        self.assertNotEqual(alias, server.endpoint)
        got = server.ask("token", "-v", *KEYS.shown("own"))
        self.check(got, 0)
        self.assertIn("> Host: " + alias.split("/")[2], got.stderr)
        self.check(server.ask("token", "--auth", "basic", *server.with_secret), 0)
        self.check(server.token(*KEYS.shown("own"), secret=False), 1)
        server.stop()

    def test_dpop(self):
        proof = ("--dpop", KEYS.private("dpop"))
        rows = {
            "off": (("--dpop", "off"), proof, "unsupported_token_type"),
            "not proven": (("--dpop", "required"), (), "invalid_dpop_proof"),
            "proven": (("--dpop", "required"), proof, None),
            "accepted": ((), proof, None),
        }
        for name, (arguments, flags, error) in rows.items():
            with self.subTest(name):
                server = Server(*arguments)
                got = server.token("-o", "json", *flags)
                server.stop()
                self.assertEqual(json.loads(got.stdout).get("error"), error)

    def test_mistakes(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = str(taken.getsockname()[1])
            rows = {
                "port in use": (("--port", port), 3),
                "port": (("--port", "65536"), 2),
                "flavor": (("--flavor", "saml"), 2),
                "lifetime": (("--token-lifetime", "0"), 2),
                "output": (("--output", "json"), 2),
                "client id": (("--client-id", ""), 2),
                "secret file": (("--secret-file", "/nonexistent"), 2),
                "unknown flag": (("--tls",), 2),
                "grant": (("--grant", "password"), 2),
                "dpop": (("--dpop", "always"), 2),
                "nonce of no proof": (("--dpop", "off", "--dpop-nonce"), 2),
                "private key": (("--key-file", KEYS.private("rsa")), 2),
                "no key": (("--key-file", "/nonexistent"), 2),
                "key in place of a certificate": (("--cert-file", KEYS.public("rsa")), 2),
                "directory in place of a CA": (("--client-ca-file", "/", "--cert-subject", "CN=a"), 2),
                "subject without a CA": (("--cert-subject", "CN=a"), 2),
                "CA without a subject": (("--client-ca-file", KEYS.certificate("ca")[0]), 2),
                "certificate without TLS": (("--http", "--cert-file", KEYS.certificate("own")[0]), 2),
                "public with a key": (("--public", "--key-file", KEYS.public("rsa")), 2),
                "alias without a certificate": (("--mtls-alias",), 2),
                "issuer of no grant": (("--assertion-issuer", "i", "--assertion-key-file",
                                        KEYS.public("rsa")), 2),
                "issuer without a key": (("--grant", "jwt-bearer", "--assertion-issuer", "i"), 2),
                "private key of an issuer": (("--grant", "jwt-bearer", "--assertion-issuer", "i",
                                              "--assertion-key-file", KEYS.private("rsa")), 2),
            }
            for name, (arguments, status) in rows.items():
                with self.subTest(name):
                    got = run("serve", *arguments)
                    self.check(got, status)
                    self.assertIn("coauth: no server: ", got.stderr)


if __name__ == "__main__":
    with KEYS.directory:
        unittest.main()
