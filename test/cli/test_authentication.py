"""coauth token: client authentication, keys, certificates and DPoP."""

import json

from command import (ASSERTION, BASIC, KEYS, NOTHING, POST, REFUSAL, SECRET, Case, RawServer, Server, main,
                     run)


class Authentication(Case):
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

    def test_every_authentication_method_gets_a_token(self):
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

    def test_verbose_shows_the_requests_without_secrets(self):
        """A refused request is not repeated unless the secret has changed."""
        for flags in (("--auth", "none"), ("--auth", "assertion", "--assertion-file",
                                           KEYS.assertion("https://other"))):
            got = self.servers["all"].token("-v", *flags, secret=False)
            self.check(got, 1)
            self.assertEqual(got.stderr.count("> POST /"), 1, got.stderr)

    def test_basic_is_unencoded_only_with_the_flag(self):
        for where, how in (("all", "basic-unencoded"), ("smscx", "basic")):
            with self.subTest(how):
                self.check(self.servers[where].token("--auth", how), 1)

    def test_the_default_method_follows_from_the_flags(self):
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

    def test_the_client_id_may_come_from_the_assertion(self):
        server = self.servers["all"]
        got = run("token", "--token-endpoint", server.endpoint, *server.trust, "--assertion-file",
                  KEYS.assertion(server.endpoint))
        self.check(got, 0)

    def test_every_signature_algorithm_is_accepted(self):
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

    def test_an_assertion_has_the_claims_of_the_flags(self):
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

    def test_the_audience_of_an_assertion_follows_from_the_flags(self):
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
                    audience = ("--assertion-audience", value) if value else ()
                    got = run("introspect", "--token-endpoint", server.endpoint,
                              "--introspection-endpoint", other, "--http-loopback", "--client-id", "app",
                              *how, *audience, env={"COAUTH_CLIENT_SECRET": SECRET, "COAUTH_TOKEN": "t"})
                    self.check(got, 1)
                    self.assertEqual(server.assertion()[1]["aud"], {
                        "token": server.endpoint, "introspection": other}.get(expected, expected))

    def test_refused_credentials_are_an_error_of_the_server(self):
        rows = {
            "key of another": ("all", ("--key-file", KEYS.private("other"))),
            "key at a server without keys": ("nonce", ("--key-file", KEYS.private("rsa"))),
            "assertion for another": ("all", ("--assertion-file", KEYS.assertion("https://other"))),
            "certificate of another": ("all", ("--auth", "self-signed-tls", *KEYS.shown("stray"))),
            "subject of another": ("all", ("--auth", "tls", *KEYS.shown("foreign"))),
            "certificate at a server that does not request one": ("smscx", KEYS.shown("own")),
            "nothing": ("all", ("--auth", "none")),
        }
        for name, (where, flags) in rows.items():
            with self.subTest(name):
                got = self.servers[where].token("-o", "json", *flags, secret=False)
                document = self.check_json(got, 1)
                self.assertEqual((document["oauth_error"], document["http_status"]),
                                 ("invalid_client", 401))

    def test_unusable_keys_are_a_usage_error(self):
        def encrypted(phrase):
            return (("--key-file", KEYS.encrypted("rsa")), {"COAUTH_KEY_PASSPHRASE": phrase})

        def of_file(path):
            return (("--key-file", path), {})

        rows = {
            "no pass-phrase": (of_file(KEYS.encrypted("rsa")), "set COAUTH_KEY_PASSPHRASE"),
            "wrong pass-phrase": (encrypted("wrong:phrase"), "cannot be decrypted with the pass-phrase"),
            "empty pass-phrase": (encrypted(""), "cannot be decrypted with the pass-phrase"),
            "another algorithm": ((("--key-file", KEYS.private("p256"), "--alg", "RS256"), {}),
                                  "does not fit the algorithm RS256; it signs by ES256"),
            "public key": (of_file(KEYS.public("rsa")), "give the private key"),
            "no key": (of_file(self.servers["all"].secret_file), "holds no PEM private key"),
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

    def test_the_pass_phrase_opens_every_encrypted_key(self):
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

    def test_certificate_and_key_may_be_in_one_file(self):
        both = KEYS.path("both.pem")
        with open(both, "w", encoding="ascii") as out:
            for path in KEYS.certificate("own"):
                with open(path, encoding="ascii") as part:
                    out.write(part.read())
        self.check(self.servers["all"].token("--cert-file", both, secret=False), 0)

    def test_a_dpop_token_is_bound_to_the_key(self):
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

    def test_introspection_shows_the_binding_of_the_token(self):
        server = self.servers["all"]
        rows = {
            "nothing": ((), None),
            "key": (("--dpop", KEYS.private("dpop")), {"jkt": None}),
            "certificate": (KEYS.shown("own"), {"x5t#S256": KEYS.thumbprint("own")}),
        }
        for name, (flags, expected) in rows.items():
            with self.subTest(name):
                token = server.token("-o", "token", *flags).stdout
                got = server.run("introspect", "--token-file", "-", "--auth", "basic",
                                 *server.with_secret, stdin=token)
                self.check(got, 0)
                bound = json.loads(got.stdout).get("cnf")
                if bound and "jkt" in bound:
                    self.assertRegex(bound["jkt"], r"\A[\w-]{43}\Z")
                    bound["jkt"] = None
                self.assertEqual(bound, expected)


main()
