"""coauth introspect and coauth revoke."""

import base64
import json

from command import SECRET, Case, RawServer, Server, main, run


class ExistingToken(Case):
    """Introspection and revocation of a token."""

    @classmethod
    def setUpClass(cls):
        cls.server = Server()

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()

    def new_token(self):
        return self.server.token("-o", "token").stdout.strip()

    def send(self, command, token, *arguments):
        return self.server.run(command, *self.server.with_secret, *arguments, env={"COAUTH_TOKEN": token})

    def check_active(self, got, active):
        self.check(got, 0 if active else 1)
        self.assertEqual(got.stderr, "")
        self.assertEqual(got.stdout.count("\n"), 1)
        document = json.loads(got.stdout)
        self.assertIs(document["active"], active)
        return document

    def test_introspection_shows_active_and_inactive_tokens(self):
        document = self.check_active(self.send("introspect", self.new_token()), True)
        self.assertEqual((document["client_id"], document["scope"]), ("app", "read write"))
        self.assertEqual(self.check_active(self.send("introspect", "unknown"), False), {"active": False})

    def test_a_revoked_token_is_not_active(self):
        token = self.new_token()
        got = self.send("revoke", token)
        self.check(got, 0)
        self.assertEqual((got.stdout, got.stderr), ("The token is revoked.\n", ""))
        self.check_active(self.send("introspect", token), False)
        # RFC 7009 section 2.2: revoking an unknown token succeeds.
        self.check(self.send("revoke", token), 0)

    def test_the_token_is_read_from_file_standard_input_or_environment(self):
        token = self.new_token()
        rows = {
            "file": (("--token-file", self.server.file("token", token + "\n")), "", {}),
            "standard input": (("--token-file", "-"), token + "\r\n", {}),
            "environment": ((), "", {"COAUTH_TOKEN": token}),
            "file before environment": (("--token-file", "-"), token, {"COAUTH_TOKEN": "unknown"}),
        }
        for name, (flags, stdin, env) in rows.items():
            with self.subTest(name):
                self.check_active(self.server.run("introspect", *self.server.with_secret, *flags,
                                                  stdin=stdin, env=env), True)

    def test_endpoints_may_be_given_without_an_issuer(self):
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
                self.assertIn("--%s-endpoint" % endpoint, got.stderr)

    def test_an_endpoint_without_an_issuer_does_not_use_smscx(self):
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

    def test_the_token_type_hint_is_sent(self):
        got = self.send("introspect", self.new_token(), "--type-hint", "refresh_token", "-v")
        self.check(got, 0)
        self.assertIn("token_type_hint=refresh_token", got.stderr)

    def test_verbose_shows_no_token(self):
        token = self.new_token()
        for command in ("introspect", "revoke"):
            with self.subTest(command):
                got = self.send(command, token, "-v")
                self.check(got, 0)
                for part in ("> POST /oauth/" + command, "< HTTP/1.1 200", "token=***"):
                    self.assertIn(part, got.stderr)
                self.assertNotIn(token, got.stdout + got.stderr)

    def test_failures_of_introspection_and_revocation_are_reported(self):
        wrong = ("--client-secret-file", self.server.file("wrong", "wrong-word"))
        for command, what in (("introspect", "not introspected"), ("revoke", "not revoked")):
            with self.subTest(command):
                got = self.server.run(command, *wrong, env={"COAUTH_TOKEN": "a-token"})
                self.check(got, 1)
                self.assertRegex(got.stderr, r"\Acoauth: %s: .*\n  status +HTTP 401\n" % what)
                self.assertNotRegex(got.stdout + got.stderr, "wrong-word|a-token")
                got = self.server.run(command, "--token-file", "-", "--client-secret-file", "-")
                self.check(got, 2)
                self.assertIn("standard input", got.stderr)

    def test_failures_are_json_with_json_output(self):
        wrong = ("--client-secret-file", self.server.file("wrong", "wrong-word"))
        for command in ("introspect", "revoke"):
            with self.subTest(command):
                got = self.server.run(command, *wrong, "-o", "json", env={"COAUTH_TOKEN": "a-token"})
                document = self.check_json(got, 1)
                self.assertEqual(document["oauth_error"], "invalid_client")
                self.assertEqual(document["http_status"], 401)
                self.assertEqual(got.stderr, "")
        token = self.new_token()
        got = self.send("revoke", token, "-o", "json")
        self.check(got, 0)
        self.assertEqual(list(json.loads(got.stdout)), ["ok", "elapsed_ms"])
        got = self.send("introspect", token, "-o", "json")
        self.check(got, 1)
        self.assertEqual(json.loads(got.stdout), {"active": False})

    def test_verbose_shows_the_events(self):
        got = self.send("introspect", self.new_token(), "-v")
        self.check(got, 0)
        for part in (r"#\d+: attempt 1 started", r"#\d+: connection opened in"):
            self.assertRegex(got.stderr, r"(?m)^\* https://127\.0\.0\.1:\d+/oauth/introspect " + part)

    def test_the_response_is_printed_as_json_without_control_characters(self):
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


main()
