"""coauth serve."""

import json
import os
import re
import signal
import socket
import subprocess
import tempfile

from command import COAUTH, KEYS, SECRET, Case, Server, clean_environment, main, run


class Serve(Case):
    def test_serve_ends_on_a_signal_and_leaves_no_files(self):
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            with self.subTest(number):
                server = Server()
                self.check(server.token("-o", "token"), 0)
                directory = os.path.dirname(server.env["COAUTH_CA_FILE"])
                self.assertEqual(os.stat(directory).st_mode & 0o777, 0o700)
                self.assertEqual(server.stop(number), 0)
                self.assertFalse(os.path.exists(directory))

    def test_serve_without_tls(self):
        server = Server("--http")
        try:
            self.assertTrue(server.endpoint.startswith("http://127.0.0.1:"))
            self.assertEqual(server.env["COAUTH_CA_FILE"], "")
            self.check(server.token("-o", "token"), 0)
        finally:
            server.stop()

    def summary(self, *arguments, stdin=None):
        """Returns the output of the server, and the server."""
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

    def test_the_command_that_serve_prints_works(self):
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

    def test_serve_prints_its_endpoints(self):
        shown, server = self.summary()
        self.end(server)
        for name, path in (("issuer", ""), ("token endpoint", "/oauth/token"),
                           ("introspection", "/oauth/introspect"), ("revocation", "/oauth/revoke")):
            self.assertRegex(shown, r"(?m)^  %s +https://127\.0\.0\.1:\d+%s$" % (name, path))

    def test_a_given_secret_is_not_printed(self):
        with tempfile.NamedTemporaryFile("w", suffix=" it's") as file:
            file.write(SECRET)
            file.flush()
            for name in (file.name, "-"):
                with self.subTest(name), open(file.name, encoding="utf-8") as stdin:
                    shown, server = self.summary("--secret-file", name, stdin=stdin)
                    self.end(server)
                    self.assertIn("client secret", shown)
                    self.assertNotIn(SECRET, shown)

    def test_the_grants_flag_enables_grants(self):
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

    def test_only_trusted_issuers_may_issue_assertion_grants(self):
        grant = "urn:ietf:params:oauth:grant-type:jwt-bearer"
        server = Server("--grant", "jwt-bearer", "--assertion-issuer", "app", "--assertion-key-file",
                        KEYS.public("rsa"))
        with open(KEYS.assertion(server.endpoint), encoding="ascii") as file:
            good = file.read().strip()
        self.assertIn("access_token", server.post(grant_type=grant, assertion=good))
        self.assertEqual(server.post(grant_type=grant, assertion="any")["error"], "invalid_grant")
        server.stop()

    def test_client_certificates_are_requested_at_the_mtls_port(self):
        server = Server("--cert-file", KEYS.certificate("own")[0], "--mtls-alias")
        alias = server.env["COAUTH_MTLS_TOKEN_ENDPOINT"]
        self.assertNotEqual(alias, server.endpoint)
        got = server.run("token", "-v", *KEYS.shown("own"))
        self.check(got, 0)
        self.assertIn("> Host: " + alias.split("/")[2], got.stderr)
        self.check(server.run("token", "--auth", "basic", *server.with_secret), 0)
        self.check(server.token(*KEYS.shown("own"), secret=False), 1)
        server.stop()

    def test_the_dpop_flag_requires_proofs(self):
        proof = ("--dpop", KEYS.private("dpop"))
        rows = {
            "off": (("--dpop", "off"), proof, "unexpected_token_type"),
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

    def test_invalid_options_of_serve_are_usage_errors(self):
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


main()
