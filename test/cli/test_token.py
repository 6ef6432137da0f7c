"""coauth token: output, sources of the secret, and responses of the server."""

import json
import signal
import socket
import subprocess
import tempfile
import time

from command import COAUTH, SECRET, Case, RawServer, Server, clean_environment, jwt, main, run


class Token(Case):
    @classmethod
    def setUpClass(cls):
        cls.server = Server("--scope", "read write", "--token-lifetime", "7200")

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()

    def test_token_output_is_the_token_alone(self):
        got = self.server.token("--output", "token")
        self.check(got, 0)
        self.assertRegex(got.stdout, r"\A[!-~]+\n\Z")
        self.assertEqual(got.stderr, "")

    def test_header_output_is_an_authorization_header(self):
        got = self.server.token("-o", "header")
        self.check(got, 0)
        self.assertRegex(got.stdout, r"\AAuthorization: Bearer [!-~]+\n\Z")

    def test_json_output_has_the_members_of_the_token(self):
        document = self.check_json(self.server.token("--output", "json", "--scope", "read"), 0)
        self.assertRegex(document["access_token"], r"\A[!-~]+\Z")
        self.assertEqual(
            [document[name] for name in ("token_type", "expires_in", "scope", "http_status")],
            ["Bearer", 7200, "read", 200])

    def test_the_summary_does_not_contain_the_token(self):
        whole = self.server.token("--output", "token").stdout.strip()
        got = self.server.token("--scope", "read write")
        self.check(got, 0)
        for part in ("Access token from " + self.server.endpoint, "Bearer", "read write", "in 2 hours",
                     "HTTP 200"):
            self.assertIn(part, got.stdout)
        self.assertNotRegex(got.stdout, r"[!-~]{%d}" % max(len(whole), 70))

    def test_the_secret_is_read_from_file_standard_input_or_environment(self):
        inputs = {
            "file": ((), "", {}),
            "standard input": (("--client-secret-file", "-"), SECRET, {}),
            "standard input with a line break": (("--client-secret-file", "-"), SECRET + "\r\n", {}),
            "standard input with a byte order mark": (("--client-secret-file", "-"), "\ufeff" + SECRET, {}),
            "environment": ((), "", {"COAUTH_CLIENT_SECRET": SECRET}),
        }
        for name, (arguments, stdin, env) in inputs.items():
            with self.subTest(name):
                got = self.server.token("-o", "token", *arguments, secret=name == "file", stdin=stdin,
                                        env=env)
                self.check(got, 0)

    def test_a_secret_in_utf_16_is_a_usage_error(self):
        with tempfile.NamedTemporaryFile() as file:
            file.write((SECRET + "\r\n").encode("utf-16"))
            file.flush()
            got = self.server.token("--client-secret-file", file.name, secret=False)
        self.assertEqual(got.returncode, 2)
        self.assertIn("contains UTF-16 text: save it as UTF-8", got.stderr)

    def test_the_client_id_is_read_from_the_environment(self):
        got = run("token", "--token-endpoint", self.server.endpoint, "--ca-file",
                  self.server.env["COAUTH_CA_FILE"], "-o", "token",
                  env={"COAUTH_CLIENT_ID": "app", "COAUTH_CLIENT_SECRET": SECRET})
        self.check(got, 0)

    def test_parameters_are_sent_and_shown_by_verbose(self):
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

    def test_another_grant_has_its_parameters_and_header_fields(self):
        grant = "urn:ietf:params:oauth:grant-type:jwt-bearer"
        server = Server("--grant", "jwt-bearer")
        got = server.token(
            "-v", "--grant", grant, "--param-file", "assertion=" + server.file("a", "hush.asser.tion\n"),
            "--param", "tenant=blue", "--audience", "a", "--audience", "b",
            "--authorization-details", '[{"type":"x"}]', "--header", "traceparent: 00-1-2-01",
            "--header", "x-api-key:hush-key", "-o", "token")
        server.stop()
        self.check(got, 0)
        for part in ("grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=***"
                     "&audience=a&audience=b&authorization_details=***&tenant=***",
                     "> traceparent: 00-1-2-01", "> x-api-key: ***"):
            self.assertIn(part, got.stderr)
        self.assertNotIn("hush", got.stderr)

    def test_a_wrong_secret_is_an_error(self):
        got = self.server.token("--client-secret-file", "-", "-o", "json", secret=False,
                                stdin="wrong-word")
        document = self.check_json(got, 1)
        self.assertEqual(
            [document[name] for name in ("error", "kind", "http_status", "oauth_error", "code",
                                         "retry_after")],
            ["invalid_client", "oauth", 401, "invalid_client", None, None])
        self.assertNotIn("wrong-word", got.stdout + got.stderr)

    def test_a_wrong_scope_is_an_error(self):
        got = self.server.token("--scope", "read everything")
        self.check(got, 1)
        self.assertEqual(got.stdout, "")
        self.assertIn("coauth: no token: the scope is unknown", got.stderr)

    def test_a_wrong_ca_is_an_error(self):
        other = Server()
        try:
            got = self.server.token("--ca-file", other.env["COAUTH_CA_FILE"])
        finally:
            other.stop()
        # A repeated flag is a usage error.
        self.check(got, 2)
        self.assertIn("--ca-file", got.stderr)

    def test_an_unknown_ca_is_an_error(self):
        got = run("token", "--token-endpoint", self.server.endpoint, "--client-id", "app", "-o", "json",
                  env={"COAUTH_CLIENT_SECRET": SECRET})
        document = self.check_json(got, 3)
        self.assertEqual((document["error"], document["kind"]), ("certificate_verify_failed", "tls"))
        self.assertIn("--ca-file", document["message"])

    def test_a_certificate_of_another_host_is_an_error(self):
        got = run("token", "--token-endpoint", "https://nowhere.invalid/token", "--client-id", "app",
                  "-o", "json", env={"COAUTH_CLIENT_SECRET": SECRET})
        document = self.check_json(got, 3)
        self.assertEqual((document["error"], document["kind"]), ("resolve_failed", "resolve"))
        self.assertIn("nowhere.invalid", document["message"])

    def test_a_closed_port_is_an_error(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
        got = run("token", "--token-endpoint", "https://127.0.0.1:%d/t" % port, "--client-id", "app",
                  "-o", "json", env={"COAUTH_CLIENT_SECRET": SECRET})
        document = self.check_json(got, 3)
        self.assertEqual((document["error"], document["kind"]), ("connect_failed", "connect"))


class Smscx(Case):
    def test_provider_smscx_gets_tokens_and_shows_its_errors(self):
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

    def test_decode_prints_the_claims_of_the_token(self):
        web = jwt({"alg": "RS256", "kid": "1"}, {"iss": "https://as", "exp": 2000000000})
        opaque = "\nThe token is not a JSON Web Token: "
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

    def test_a_decoded_token_has_no_control_characters(self):
        token = jwt({"\x1b[2J": "\x9b1m"}, {"a": "\x1b]0;x\x07"}) + ".c2ln"
        body = json.dumps({"access_token": token, "token_type": "Bearer"})
        got = self.fetch(self.response("200 OK", body), "--decode")
        self.check(got, 0)
        self.assertNotRegex(got.stdout, "[\x1b\x9b\x07]")

    def test_an_interrupt_ends_the_command_promptly(self):
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

    def test_texts_of_the_server_have_no_control_characters(self):
        body = '{"error":"invalid_client","error_description":"\\u001b[2J\\u009b1m"}'
        for arguments in ((), ("-v",), ("-o", "json")):
            with self.subTest(arguments):
                got = self.fetch(self.response("400 Bad", body), *arguments)
                self.check(got, 1)
                for control in ("\x1b", "\x9b"):
                    self.assertNotIn(control, got.stdout + got.stderr)


main()
