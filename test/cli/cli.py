#!/usr/bin/env python3
"""The coauth command as scripts and people meet it: cli.py COAUTH [TEST...]"""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

COAUTH = sys.argv.pop(1)

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


class Server:
    """`coauth serve` with the secret above."""

    def __init__(self, *arguments):
        self.directory = tempfile.TemporaryDirectory()
        self.secret_file = self.file("secret", SECRET + "\n")
        self.process = subprocess.Popen(
            [COAUTH, "serve", "--client-id", "app", "--secret-file", self.secret_file,
             "--output", "env", *arguments],
            stdout=subprocess.PIPE, text=True, env=clean_environment())
        self.env = dict(self.process.stdout.readline().rstrip("\n").split("=", 1) for _ in range(4))
        self.endpoint = self.env["COAUTH_TOKEN_ENDPOINT"]

    def file(self, name, text):
        path = os.path.join(self.directory.name, name)
        with open(path, "w", encoding="utf-8") as out:
            out.write(text)
        return path

    def token(self, *arguments, secret=True, **options):
        where = ["--ca-file", self.env["COAUTH_CA_FILE"]] if self.env["COAUTH_CA_FILE"] else [
            "--http-loopback"]
        who = ["--client-secret-file", self.secret_file] if secret else []
        return run("token", "--token-endpoint", self.endpoint, "--client-id", "app", *where, *who,
                   *arguments, **options)

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        status = self.process.wait(timeout=20)
        self.process.stdout.close()
        self.directory.cleanup()
        return status


class RawServer:
    """Answers the first request of each connection with the given bytes, or never."""

    def __init__(self, answer):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.answer = answer
        self.endpoint = "http://127.0.0.1:%d/token" % self.listener.getsockname()[1]
        self.open = []
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.open.append(connection)
            connection.recv(65536)
            if self.answer is not None:
                connection.sendall(self.answer)
                connection.shutdown(socket.SHUT_WR)

    def token(self, *arguments):
        return run("token", "--token-endpoint", self.endpoint, "--http-loopback", "--client-id", "app",
                   *arguments, env={"COAUTH_CLIENT_SECRET": SECRET})

    def stop(self):
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

    def test_every_method(self):
        for how in ("basic", "post"):
            with self.subTest(how):
                self.check(self.server.token("--auth", how, "-o", "token"), 0)

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
        for phase in ("lookup", "connect", "tls", "request", "answer"):
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
        self.assertEqual((document["error"], document["kind"]), ("certificate_rejected", "tls"))
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
        server = Server("--dialect", "smscx", "--scope", "sms groups")
        try:
            host = server.endpoint.removesuffix("/oauth/token")
            common = ("token", "--provider", "smscx", "--host", host, "--client-id", "app", "--ca-file",
                      server.env["COAUTH_CA_FILE"], "-o", "json")
            document = self.check_json(run(*common, env={"COAUTH_CLIENT_SECRET": SECRET}), 0)
            self.assertEqual(document["token_type"], "Bearer")
            self.check(run(*common, "--auth", "basic-raw", env={"COAUTH_CLIENT_SECRET": SECRET}), 0)
            document = self.check_json(run(*common, env={"COAUTH_CLIENT_SECRET": "wrong"}), 1)
            self.assertEqual((document["oauth_error"], document["code"], document["http_status"]),
                             ("invalid_client", 1600, 401))
            self.assertTrue(document["description"] and document["uri"])
        finally:
            server.stop()


class Answers(Case):
    def answer(self, status, body, headers=""):
        return ("HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n%s\r\n%s" % (
            status, len(body), headers, body)).encode()

    def fetch(self, answer, *arguments):
        server = RawServer(answer)
        try:
            return server.token(*arguments)
        finally:
            server.stop()

    def test_exit_status_by_kind(self):
        token = '{"access_token":"t","token_type":"Bearer"}'
        rows = {
            "no known end": (self.answer("200 OK", token), 0, None),
            "rate limited": (self.answer("429 Slow", "", "Retry-After: 30\r\n"), 1, "rate_limited"),
            "server failed": (self.answer("502 Bad", ""), 1, "http"),
            "redirect": (self.answer("302 Found", "", "Location: http://127.0.0.1/\r\n"), 1, "http"),
            "not JSON": (self.answer("200 OK", "<html>"), 5, "protocol"),
            "not HTTP": (b"220 mail.example ESMTP\r\n", 5, "protocol"),
            "cut": (self.answer("200 OK", token)[:-5], 5, "protocol"),
            "empty": (b"", 3, "connect"),
            "silence": (None, 4, "timeout"),
        }
        for name, (answer, status, kind) in rows.items():
            with self.subTest(name):
                timeout = "0.3" if answer is None else "20"
                document = self.check_json(
                    self.fetch(answer, "-o", "json", "--timeout", timeout), status)
                self.assertEqual(document.get("kind"), kind)
                if kind == "rate_limited":
                    self.assertIn(document["retry_after"], (29, 30))
                if kind is None:
                    self.assertIsNone(document["expires_in"])

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
                got = self.fetch(self.answer("400 Bad", body), *arguments)
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
                     "--auth is one of basic, basic-raw, post, secret-jwt, key-jwt, assertion, tls, "
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

    def test_help_fits_a_terminal(self):
        for arguments in (("--help",), ("token", "--help"), ("serve", "--help")):
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
            self.assertEqual(server.env["COAUTH_CA_FILE"], "''")
            server.env["COAUTH_CA_FILE"] = ""
            self.check(server.token("-o", "token"), 0)
        finally:
            server.stop()

    def test_the_command_that_it_shows_works(self):
        process = subprocess.Popen([COAUTH, "serve"], stdout=subprocess.PIPE, text=True,
                                   env=clean_environment())
        try:
            shown = ""
            while "Ctrl-C" not in shown:
                shown += process.stdout.readline()
            command = re.search(r"(?s)  coauth (token.*?)\n\n", shown).group(1)
            got = subprocess.run(["bash", "-c", '"$0" ' + command, COAUTH], capture_output=True,
                                 text=True, timeout=60, env=clean_environment(), check=False)
            self.check(got, 0)
            self.assertIn("Access token from", got.stdout)
        finally:
            process.terminate()
            process.wait(timeout=20)
            process.stdout.close()

    def test_own_secret_is_not_shown(self):
        with tempfile.NamedTemporaryFile("w", suffix=" it's") as file:
            file.write(SECRET)
            file.flush()
            process = subprocess.Popen([COAUTH, "serve", "--secret-file", file.name],
                                       stdout=subprocess.PIPE, text=True, env=clean_environment())
            shown = ""
            while "Ctrl-C" not in shown:
                shown += process.stdout.readline()
            process.terminate()
            process.wait(timeout=20)
            process.stdout.close()
        self.assertNotIn(SECRET, shown)

    def test_mistakes(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = str(taken.getsockname()[1])
            rows = {
                "port in use": (("--port", port), 3),
                "port": (("--port", "65536"), 2),
                "dialect": (("--dialect", "saml"), 2),
                "lifetime": (("--token-lifetime", "0"), 2),
                "output": (("--output", "json"), 2),
                "client id": (("--client-id", ""), 2),
                "secret file": (("--secret-file", "/nonexistent"), 2),
                "unknown flag": (("--tls",), 2),
            }
            for name, (arguments, status) in rows.items():
                with self.subTest(name):
                    got = run("serve", *arguments)
                    self.check(got, status)
                    self.assertIn("coauth: no server: ", got.stderr)


if __name__ == "__main__":
    unittest.main()
