"""coauth token --store: processes that share a token through a real redis-server."""

import base64
import contextlib
import json
import os
import pathlib
import re
import signal
import subprocess
import tempfile
import time

from command import COAUTH, KEYS, REFUSAL, SECRET, Case, RawServer, clean_environment, main, run
from redis_server import PASSWORD, Distance, RedisServer, free_port

TOKEN = "shared-token-of-the-fleet"
LIFETIME = 3600


def response(status, headers="", **members):
    body = json.dumps(members)
    return ("HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n%s\r\n%s" % (
        status, len(body), headers, body)).encode()


GOOD = response("200 OK", access_token=TOKEN, token_type="Bearer", expires_in=LIFETIME, scope="read")


class Store(Case):
    @classmethod
    def setUpClass(cls):
        cls.redis = RedisServer()
        cls.directory = tempfile.TemporaryDirectory()
        cls.key = cls.file("key", base64.b64encode(os.urandom(32)).decode() + "\n")
        cls.password_file = cls.file("password", PASSWORD + "\n")
        cls.secret = ("--client-secret-file", cls.file("secret", SECRET))
        cls.url = "redis://coauth@127.0.0.1:%d" % cls.redis.port

    @classmethod
    def tearDownClass(cls):
        cls.redis.stop()
        cls.directory.cleanup()

    @classmethod
    def file(cls, name, text):
        path = os.path.join(cls.directory.name, name)
        with open(path, "w", encoding="utf-8") as out:
            out.write(text)
        return path

    def setUp(self):
        self.redis.command("FLUSHALL")

    @contextlib.contextmanager
    def server(self, answer=GOOD):
        server = RawServer(answer)
        try:
            yield server
        finally:
            server.stop()

    def arguments(self, server, *more, url=None, key=None):
        return ("token", "--token-endpoint", server.endpoint, "--http-loopback", "--client-id", "app",
                *self.secret, "--store", url or self.url, "--store-key-file", key or self.key, *more)

    def token(self, server, *more, env=None, **store):
        return run(*self.arguments(server, *more, **store),
                   env={"COAUTH_STORE_PASSWORD": PASSWORD} if env is None else env)

    def check(self, got, status):
        super().check(got, status)
        self.assertNotIn("hush", got.stdout + got.stderr)

    def check_token(self, got, warning=None):
        """A token alone is printed, and a warning if one is expected."""
        self.check(got, 0)
        self.assertEqual(got.stdout, TOKEN + "\n")
        if warning is None:
            self.assertEqual(got.stderr, "")
        else:
            self.assertRegex(got.stderr, r"\Acoauth: %s[^\n]*\n\Z" % warning)

    def test_the_second_run_gets_the_token_of_the_first(self):
        with self.server() as server:
            for _ in range(3):
                self.check_token(self.token(server, "-o", "token"))
            self.assertEqual(len(server.requests), 1)
            # Another token is another matter.
            self.check_token(self.token(server, "-o", "token", "--scope", "write"))
            self.assertEqual(len(server.requests), 2)
        # Nothing in the store is readable, and nobody holds a claim.
        keys = self.redis.keys()
        self.assertEqual(len(keys), 2)
        for key in keys:
            self.assertRegex(key, r"\Acoauth:\{[\w-]{43}\}\Z")
            record = self.redis.command("GET", key)
            for text in (TOKEN, "Bearer", "read", "app"):
                self.assertNotIn(text, record)

    def test_of_runs_at_the_same_time_one_fetches(self):
        with self.server() as server:
            runs = [subprocess.Popen([COAUTH, *self.arguments(server, "-o", "token")], text=True,
                                     stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                     env=clean_environment(COAUTH_STORE_PASSWORD=PASSWORD))
                    for _ in range(3)]
            for each in runs:
                out, err = each.communicate(timeout=60)
                self.assertEqual((out, err, each.returncode), (TOKEN + "\n", "", 0))
            self.assertEqual(len(server.requests), 1)

    def test_a_token_from_the_store_has_the_rest_of_its_life(self):
        with self.server() as server:
            first = self.check_json(self.token(server, "-o", "json"), 0)
            self.assertEqual(first["expires_in"], LIFETIME)
            # As if it had been fetched earlier: the store's remaining time is without a margin of 30 s.
            self.redis.command("PEXPIRE", self.redis.keys()[0], str((600 - 30) * 1000))
            second = self.check_json(self.token(server, "-o", "json"), 0)
            self.assertEqual({**first, "expires_in": 0, "elapsed_ms": 0},
                             {**second, "expires_in": 0, "elapsed_ms": 0})
            self.assertIn(second["expires_in"], range(570, 601))
            got = self.token(server)
            self.check(got, 0)
            self.assertRegex(got.stdout, r"\n  expires   in (10|9) minutes")
            self.assertRegex(got.stdout, r"\n  store     found in \d+ ms, requested 5\d minutes.* ago\n")
            self.assertNotIn("HTTP 200", got.stdout)
            self.assertEqual(len(server.requests), 1)

    def test_verbose_shows_who_fetched(self):
        with self.server() as server:
            first = self.token(server, "-v", "-o", "token")
            second = self.token(server, "-v", "-o", "json")
        self.check(first, 0)
        self.check_json(second, 0)
        for part in ("token store: load took", "claim to fetch a shared token: won", "> POST /token",
                     "token store: publish took"):
            self.assertIn(part, first.stderr)
        self.assertIn("shared token found at once", second.stderr)
        self.assertNotIn("POST", second.stderr)
        self.assertNotIn(TOKEN, first.stderr + second.stderr)

    def test_a_distant_redis_is_used(self):
        relay = Distance(self.redis.port, 0.12)
        self.addCleanup(relay.stop)
        with self.server() as server:
            for _ in range(2):
                self.check_token(self.token(server, "-o", "token",
                                            url="redis://coauth@127.0.0.1:%d" % relay.port))
            self.assertEqual(len(server.requests), 1)

    def test_no_fault_of_redis_costs_the_token(self):
        redis = self.redis
        rows = {
            "down": ({"url": "redis://127.0.0.1:%d" % free_port()}, "no connection to 127.0.0.1:", None),
            "stopped": ({}, "the token store did not respond in time|did not complete in time",
                        (lambda: redis.process.send_signal(signal.SIGSTOP),
                         lambda: redis.process.send_signal(signal.SIGCONT))),
            "wrong password": (
                {"env": {"COAUTH_STORE_PASSWORD": "hush"}},
                "the login with WRONGPASS; check the user in --store, and COAUTH_STORE_PASSWORD or "
                "--store-password-file", None),
            "no password": ({"url": self.url.replace("coauth@", ""), "env": {}},
                            "Set COAUTH_STORE_PASSWORD or --store-password-file", None),
            "no such database": ({"url": self.url + "/99"}, "change the number in --store", None),
            "no right": ({}, "give the user in --store this right",
                         (lambda: redis.command("ACL", "SETUSER", "coauth", "-get", "-set"),
                          lambda: redis.command("ACL", "SETUSER", "coauth", "+get", "+set"))),
            "full": ({}, "OOM", (lambda: redis.command("CONFIG", "SET", "maxmemory", "1"),
                                 lambda: redis.command("CONFIG", "SET", "maxmemory", "0"))),
        }
        for name, (options, reason, spoil) in rows.items():
            with self.subTest(name), self.server() as server, contextlib.ExitStack() as mended:
                if spoil:
                    spoil[0]()
                    mended.callback(spoil[1])
                begin = time.monotonic()
                got = self.token(server, "-o", "token", **options)
                self.assertLess(time.monotonic() - begin, 10)
                self.check_token(got, "the token is not shared: .*(%s)" % reason)
                self.assertEqual(len(server.requests), 1)
                self.assertNotRegex(got.stderr, r"_options|tls\.|[a-z]::[a-z]")

    def test_a_token_that_cannot_be_published_is_printed_all_the_same(self):
        # Redis becomes read-only for the user while the token is fetched.
        with self.server() as server:
            accept = server.receive

            def receive(connection):
                self.redis.command("ACL", "SETUSER", "coauth", "-set")
                return accept(connection)

            server.receive = receive
            try:
                got = self.token(server, "-o", "token")
            finally:
                self.redis.command("ACL", "SETUSER", "coauth", "+set")
        self.check_token(got, "the token is not shared: .*give the user in --store this right")
        # Nor does anybody wait for it.
        self.assertEqual(self.redis.keys(), [])

    def test_a_wrong_key_is_a_miss(self):
        other = self.file("other", "other:" + base64.b64encode(os.urandom(32)).decode())
        # With the same id, and so without a word about which key it needs.
        same_id = self.file("same-id", "other:" + base64.b64encode(os.urandom(32)).decode())
        replaced = "a token in the store is replaced: the stored record "
        with self.server() as server:
            self.check_token(self.token(server, "-o", "token"))
            for count, (key, reason) in enumerate({other: "is encrypted with the key", same_id: "was changed",
                                                   self.key: "is encrypted with the key"}.items(), 2):
                self.check_token(self.token(server, "-o", "token", key=key), replaced + reason)
                self.assertEqual(len(server.requests), count)
                self.check_token(self.token(server, "-o", "token", key=key))
                self.assertEqual(len(server.requests), count)
            # All decrypt.
            texts = [pathlib.Path(name).read_text(encoding="utf-8") for name in (same_id, self.key)]
            ring = self.file("ring", "\n# old\n\n".join(texts))
            self.check_token(self.token(server, "-o", "token", key=ring))
            self.assertEqual(len(server.requests), count)

    def test_tls_needs_a_trusted_certificate(self):
        url = "rediss://coauth@localhost:%d" % self.redis.tls_port
        password = ("--store-password-file", self.password_file)
        trust = ("--store-ca-file", KEYS.certificate("ca")[0])
        with self.server() as server:
            for _ in range(2):
                self.check_token(self.token(server, "-o", "token", *password, *trust, url=url, env={}))
            self.assertEqual(len(server.requests), 1)
            rows = {
                "the system's trust": ((), url, "give its certificate in --store-ca-file"),
                "another CA": (("--store-ca-file", KEYS.certificate("own")[0]), url,
                               "give its certificate in --store-ca-file"),
                "another host": (trust, url.replace("localhost", "127.0.0.2"), "no connection to|check the host"),
                "no TLS": (trust, url.replace("rediss", "redis"), ""),
                "TLS without a server": (trust, "rediss://127.0.0.1:%d" % self.redis.port, ""),
            }
            for count, (name, (arguments, other, reason)) in enumerate(rows.items(), 2):
                with self.subTest(name):
                    got = self.token(server, "-o", "token", *password, *arguments, url=other, env={})
                    self.check_token(got, "the token is not shared: .*(%s)" % reason)
                    self.assertEqual(len(server.requests), count)
                    self.assertNotRegex(got.stderr, r"_options|tls\.|[a-z]::[a-z]| --ca-file")

    def test_a_password_file_is_taken_before_the_environment(self):
        with self.server() as server:
            for _ in range(2):
                self.check_token(self.token(server, "-o", "token", "--store-password-file",
                                            self.password_file, env={"COAUTH_STORE_PASSWORD": "hush"}))
            self.assertEqual(len(server.requests), 1)

    def test_the_failure_of_the_server_is_shared(self):
        refusal = response("503 Slow", "Retry-After: 30\r\n", error="temporarily_unavailable")
        with self.server(refusal) as server:
            for _ in range(2):
                document = self.check_json(self.token(server, "-o", "json"), 1)
                self.assertEqual(document["http_status"], 503)
                self.assertIn(document["retry_after"], range(20, 31))
            self.assertIn("another process that shares the token failed to get it", document["message"])
            self.assertEqual(len(server.requests), 1)

    def test_who_ends_without_a_token_leaves_no_claim_behind(self):
        with self.subTest("own credentials"), self.server(response("401 No", error="invalid_client")) as server:
            self.check(self.token(server), 1)
            self.assertEqual(len(server.requests), 1)
            self.assertEqual(self.redis.keys(), [])
        with self.subTest("time limit"), self.server(None) as server:
            self.check(self.token(server, "--timeout", "0.3"), 4)
            self.assertEqual([key for key in self.redis.keys() if key.endswith(":claim")], [])
        self.redis.command("FLUSHALL")
        with self.subTest("interrupt"), self.server(None) as server:
            process = subprocess.Popen([COAUTH, *self.arguments(server, "-o", "json")], text=True,
                                       stdout=subprocess.PIPE,
                                       env=clean_environment(COAUTH_STORE_PASSWORD=PASSWORD))
            while not server.requests:
                time.sleep(0.005)
            self.assertEqual(len(self.redis.keys()), 1)
            process.send_signal(signal.SIGINT)
            out, _ = process.communicate(timeout=20)
            self.assertEqual((process.returncode, json.loads(out)["kind"]), (3, "cancelled"))
            self.assertEqual(self.redis.keys(), [])


class Usage(Case):
    def test_mistakes_are_usage_errors_before_anything_is_sent(self):
        server = RawServer(REFUSAL)
        with tempfile.TemporaryDirectory() as directory:
            def file(name, text):
                path = os.path.join(directory, name)
                with open(path, "w", encoding="utf-8") as out:
                    out.write(text)
                return path

            key = file("key", base64.b64encode(os.urandom(32)).decode())
            guessable = file("guessable", base64.b64encode(b"k" * 32).decode())
            # Nothing listens there.
            url = "redis://127.0.0.1:1"
            good = ("--store", url, "--store-key-file", key)
            keyed = ("--store-key-file", key)
            pem = file("not.pem", "hush")
            rows = {
                "store without a key": (("--store", url), "give --store-key-file FILE"),
                "key without a store": (keyed, "--store-key-file, --store-password-file and --store-ca-file go "
                                               "with --store URL"),
                "password without a store": (("--store-password-file", key), "go with --store URL"),
                "CA without a store": (("--store-ca-file", key), "go with --store URL"),
                "no such key": (("--store", url, "--store-key-file", "/nonexistent.key"),
                                "'/nonexistent.key' of --store-key-file: No such file"),
                "directory as key": (("--store", url, "--store-key-file", directory),
                                     "of --store-key-file: Is a directory"),
                "empty key": (("--store", url, "--store-key-file", file("empty", "")), "--store-key-file"),
                "comment as key": (("--store", url, "--store-key-file", file("comment", "# hush\n")),
                                   "the keys in --store-key-file are empty"),
                "no key": (("--store", url, "--store-key-file", file("no-key", "hush\n")),
                           "line 1 of the keys in --store-key-file is no key of 32 bytes in base64"),
                "short key": (("--store", url, "--store-key-file", file("short", "aHVzaA==")),
                              "line 1 of the keys in --store-key-file is no key of 32 bytes in base64"),
                "guessable key": (("--store", url, "--store-key-file", guessable),
                                  "--store-key-file is a key that anybody can guess"),
                "no such password": (good + ("--store-password-file", "/nonexistent.word"),
                                     "'/nonexistent.word' of --store-password-file: No such file"),
                "empty password": (good + ("--store-password-file", file("empty", "")),
                                   "of --store-password-file contains no password of Redis: it is empty"),
                "no such CA": (("--store", "rediss://127.0.0.1:1", *keyed, "--store-ca-file",
                                "/nonexistent.pem"), "--store-ca-file '/nonexistent.pem' cannot be read"),
                "no CA": (("--store", "rediss://127.0.0.1:1", *keyed, "--store-ca-file", pem),
                          "--store-ca-file '" + pem + "'"),
                "PEM in place of a CA": (("--store", "rediss://127.0.0.1:1", *keyed, "--store-ca-file",
                                          "-----BEGIN CERTIFICATE-----"),
                                         "--store-ca-file is PEM text, not a path; give the name of a file"),
                "other scheme": (("--store", "http://127.0.0.1:1", *keyed),
                                 "--store must begin with redis:// or rediss://"),
                "no scheme": (("--store", "127.0.0.1:1", *keyed), "--store must begin with redis://"),
                "no host": (("--store", "redis://", *keyed), "--store has no host"),
                "port": (("--store", "redis://127.0.0.1:99999", *keyed), "--store has no host, or a bad one"),
                "database": (("--store", url + "/first", *keyed),
                             "--store has a path that is not the number of a database"),
                "query": (("--store", url + "?a=b", *keyed), "--store contains a space, a query"),
                "store twice": (good + ("--store", url), "--store is given twice"),
                **{"password in " + each: (("--store", each, *keyed), "put it into a file and name that with "
                                                                      "--store-password-file FILE")
                   for each in ("redis://user:hush@127.0.0.1:1", "redis://:hush@127.0.0.1:1",
                                "rediss://user:hu:s@h@127.0.0.1:1/2", "user:hush@127.0.0.1:1",
                                "redis://user:hush@[::1]:1")},
            }
            for name, (arguments, message) in rows.items():
                for output in ("token", "json"):
                    with self.subTest(name, output=output):
                        got = run("token", "--issuer", server.endpoint, "--http-loopback", "--client-id", "app",
                                  "--timeout", "1", *arguments, "-o", output, env={"COAUTH_CLIENT_SECRET": SECRET})
                        self.check(got, 2)
                        self.assertIn(message, got.stderr)
                        if output == "json":
                            self.assertIn(message, json.loads(got.stdout)["message"])
                        self.assertNotRegex(got.stderr, r"_options|\btls\.|[a-z]::[a-z]|_pem\b| --ca-file")
                        # No secret: neither a password nor what is in the place of a key.
                        self.assertNotRegex(re.sub(r"'[^']*'", "", got.stdout + got.stderr), "hu:?s@?h|aHVzaA")
        # Not even the metadata were fetched.
        self.assertEqual(server.open, [])
        server.stop()

    def test_help_names_the_flags(self):
        text = run("token", "--help").stdout
        for flag in ("--store URL", "--store-key-file FILE", "--store-password-file FILE",
                     "--store-ca-file FILE", "COAUTH_STORE_PASSWORD"):
            self.assertIn(flag, text)


main()
