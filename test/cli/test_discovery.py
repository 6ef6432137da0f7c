"""coauth discover, and tokens of a server that is discovered by its issuer."""

import json
import re

from command import (ASSERTION, BASIC, KEYS, NOTHING, POST, SECRET, Case, MetadataServer, decode_jwt, Server,
                     main, run)


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

    def test_the_metadata_are_shown_as_text(self):
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

    def test_the_metadata_are_shown_as_json(self):
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
        with MetadataServer() as server:
            got = run("discover", "--issuer", server.issuer, "--http-loopback", "-o", "json")
            self.check(got, 0)
            self.assertEqual(json.loads(got.stdout), server.document)

    def test_verbose_shows_the_whole_exchange(self):
        got = self.server.run("token", "-v", *self.server.with_secret)
        self.check(got, 0)
        lines = ["> GET /.well-known/oauth-authorization-server HTTP/1.1", "< HTTP/1.1 200",
                 "> POST /oauth/token HTTP/1.1", "< HTTP/1.1 200"]
        self.assertEqual([line for line in got.stderr.splitlines() if " HTTP/1.1" in line or
                          line.startswith("< HTTP")], lines)
        self.assertIn('"token_endpoint": "%s"' % self.server.endpoint, got.stderr)
        got = run("discover", "--issuer", self.server.issuer, *self.server.trust, "-v")
        self.check(got, 0)
        self.assertIn(lines[0], got.stderr)

    def test_a_missing_secret_is_an_error_unless_the_server_needs_none(self):
        with MetadataServer(token_endpoint_auth_methods_supported=["none"]) as server:
            self.check(server.run("token"), 0)
            self.assertEqual(server.requests[0][2]["client_id"], ["app"])
            for env in ({"COAUTH_CLIENT_SECRET": SECRET}, {}):
                got = server.run("token", *(() if env else ("--cert-file", "c")), **env)
                self.check(got, 2)
                self.assertIn("what the server supports: none; give --client-secret-file", got.stderr)
            self.check(server.run("token", "--auth", "none", COAUTH_CLIENT_SECRET=SECRET), 0)
        with MetadataServer() as server:
            got = server.run("token")
            self.check(got, 2)
            self.assertIn("client_secret_basic; give --client-secret-file, --key-file", got.stderr)

    def test_a_secret_authenticates_and_a_certificate_binds_the_token(self):
        got = self.server.run("token", "-v", *self.server.with_secret, *KEYS.shown("own"))
        self.check(got, 0)
        self.assertIn(BASIC, got.stderr)

    def test_the_dpop_algorithm_is_one_of_the_metadata(self):
        rows = {
            "first that both know": ((), ["ES256", "PS384"], "PS384"),
            "any": ((), None, "RS256"),
            "named": (("--dpop-alg", "PS256"), ["RS256", "PS256"], "PS256"),
            "named, unknown there": (("--dpop-alg", "PS512"), ["RS256"], "signs by PS512"),
            "none that both know": ((), ["ES256"], "supports: ES256"),
        }
        for name, (flags, known, expected) in rows.items():
            with self.subTest(name):
                more = {"dpop_signing_alg_values_supported": known} if known else {}
                with MetadataServer({"access_token": "t", "token_type": "DPoP"}, **more) as server:
                    got = server.run("token", "--dpop", KEYS.private("rsa"), *flags,
                                     COAUTH_CLIENT_SECRET=SECRET)
                    if " " in expected:
                        self.check(got, 2)
                        self.assertIn(expected, got.stderr)
                    else:
                        self.check(got, 0)
                        self.assertEqual(decode_jwt(server.requests[0][1]["DPoP"])[0]["alg"], expected)

    def test_an_endpoint_missing_in_the_metadata_is_an_error(self):
        with MetadataServer({"active": True}) as server:
            for command, name in (("introspect", "introspection"), ("revoke", "revocation")):
                env = {"COAUTH_CLIENT_SECRET": SECRET, "COAUTH_TOKEN": "t"}
                got = server.run(command, "--%s-endpoint" % name, server.issuer + "/" + name, **env)
                self.check(got, 0)
                self.assertEqual(server.requests[-1][0], "/" + name)
                got = server.run(command, **env)
                self.check(got, 2)
                self.assertIn("--%s-endpoint" % name, got.stderr)

    def test_each_endpoint_uses_its_own_authentication_methods(self):
        with MetadataServer({"active": True}, introspection_endpoint="http://127.0.0.1:1/",
                      token_endpoint_auth_methods_supported=["client_secret_basic"],
                      introspection_endpoint_auth_methods_supported=["client_secret_post"]) as server:
            server.document["introspection_endpoint"] = server.issuer + "/introspect"
            self.check(server.run("introspect", COAUTH_CLIENT_SECRET=SECRET, COAUTH_TOKEN="t"), 0)
            self.assertEqual(server.requests[0][2]["client_secret"], [SECRET])

    def test_one_time_limit_covers_discovery_and_token(self):
        """Discovery and token request together exceed the limit, each alone does not."""
        with MetadataServer(delay=0.4) as server:
            got = server.run("token", "--timeout", "1.0", "-o", "json", COAUTH_CLIENT_SECRET=SECRET)
            self.check_json(got, 4)
            self.check(server.run("token", "--timeout", "30", COAUTH_CLIENT_SECRET=SECRET), 0)

    def test_failures_of_discovery_are_reported(self):
        other = "https://localhost:" + self.server.issuer.rpartition(":")[2]
        rows = {
            "nothing there": (self.discover(self.server, self.server.issuer + "/tenant"), 1, "404"),
            "another name": (self.discover(self.server, other), 5, self.server.issuer),
            "unknown CA": (run("discover", "--issuer", self.server.issuer), 3, "--ca-file"),
            "plain HTTP": (run("discover", "--issuer", self.plain.issuer), 2, "--http-loopback"),
        }
        for name, (got, status, message) in rows.items():
            with self.subTest(name):
                self.check(got, status)
                self.assertIn("coauth: not discovered: ", got.stderr)
                self.assertIn(message, got.stderr)
                self.assertEqual(got.stdout, "")

    def test_failures_of_discovery_are_json_with_json_output(self):
        got = run("discover", "--issuer", self.server.issuer, "-o", "json")
        document = self.check_json(got, 3)
        self.assertEqual(document["error"], "certificate_verify_failed")
        self.assertIn("--ca-file", document["message"])
        self.assertEqual(got.stderr, "")

    def test_a_failure_of_metadata_is_repeated(self):
        with MetadataServer() as server:
            server.failures = 3
            self.check(server.run("token", COAUTH_CLIENT_SECRET=SECRET), 0)
            self.assertEqual(server.failures, 0)

    def test_a_request_is_repeated_as_often_as_asked(self):
        for retries, status in ((None, 1), ("1", 1), ("2", 0)):
            with self.subTest(retries), MetadataServer() as server:
                server.token_failures = 2
                flags = ("--retry", retries) if retries else ()
                self.check(server.run("token", *flags, COAUTH_CLIENT_SECRET=SECRET), status)

    def test_another_word_for_bearer_is_accepted(self):
        body = {"access_token": "t", "token_type": "JWT"}
        for flags, status in (((), 5), (("--bearer-name", "jwt"), 0),
                              (("--bearer-name", "x", "--bearer-name", "JWT"), 0)):
            with self.subTest(flags), MetadataServer(body) as server:
                got = server.run("token", *flags, "-o", "header", COAUTH_CLIENT_SECRET=SECRET)
                self.check(got, status)
                self.assertEqual(got.stdout, "Authorization: Bearer t\n" if status == 0 else "")
                got = run("token", "--token-endpoint", server.issuer + "/token", "--http-loopback",
                          "--client-id", "app", *flags, env={"COAUTH_CLIENT_SECRET": SECRET})
                self.check(got, status)

    def test_an_anonymous_client_sends_no_client_id(self):
        with MetadataServer() as server:
            got = run("token", "--issuer", server.issuer, "--http-loopback", "--auth", "anonymous",
                      env={"COAUTH_CLIENT_ID": "app"})
            self.check(got, 0)
            _, fields, form = server.requests[0]
            self.assertNotIn("Authorization", fields)
            self.assertEqual(form, {"grant_type": ["client_credentials"]})

    def test_a_token_of_a_discovered_server(self):
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
                got = self.server.run("token", "-v", *flags)
                self.check(got, 0)
                self.assertIn("Access token from " + self.server.issuer, got.stdout)
                for each in (BASIC, POST, ASSERTION):
                    self.assertEqual(each in got.stderr, each == evidence, (each, got.stderr))

    def test_a_secret_is_used_if_the_server_accepts_no_certificate(self):
        server = Server()
        got = server.run("token", *KEYS.shown("own"), *server.with_secret)
        server.stop()
        self.check(got, 0)

    def test_no_common_authentication_method_is_an_error(self):
        got = self.plain.run("token", "--key-file", KEYS.private("rsa"), "-o", "json")
        document = self.check_json(got, 2)
        self.assertIn("client_secret_basic", document["message"])

    def test_without_metadata_no_token_is_requested(self):
        got = run("token", "--issuer", self.server.issuer + "/tenant", "--client-id", "app",
                  *self.server.trust, *self.server.with_secret)
        self.check(got, 1)
        self.assertIn("coauth: no token: ", got.stderr)


main()
