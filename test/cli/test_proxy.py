"""--proxy, and the proxy of the environment."""

import base64
import json

from command import SECRET, Case, Proxy, Server, main, run

ELSEWHERE = "https://server.invalid/token"


class ProxyFlag(Case):
    @classmethod
    def setUpClass(cls):
        cls.server = Server()

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()

    def authority(self):
        return self.server.issuer.removeprefix("https://")

    def token_elsewhere(self, *arguments, **environment):
        return run("token", "--token-endpoint", ELSEWHERE, "--client-id", "app", "-o", "json",
                   *self.server.trust, *arguments,
                   env={"COAUTH_CLIENT_SECRET": SECRET, **environment})

    def check_tunnel(self, proxy, authority, count=1):
        self.assertEqual([request.split("\r\n")[0] for request in proxy.requests],
                         ["CONNECT %s HTTP/1.1" % authority] * count)

    def test_every_command_uses_the_proxy(self):
        token = self.server.token("-o", "token").stdout.strip()
        commands = {
            "token": (("token", *self.server.with_secret), 2),
            "introspect": (("introspect", *self.server.with_secret), 2),
            "revoke": (("revoke", *self.server.with_secret), 2),
        }
        for name, (arguments, connections) in commands.items():
            with self.subTest(name), Proxy(self.server) as proxy:
                got = self.server.run(*arguments, "--proxy", "http://" + proxy.address,
                                      env={"COAUTH_TOKEN": token})
                self.check(got, 0)
                self.check_tunnel(proxy, self.authority(), connections)
        with self.subTest("discover"), Proxy(self.server) as proxy:
            self.check(run("discover", "--issuer", self.server.issuer, *self.server.trust, "--proxy",
                           "http://" + proxy.address), 0)
            self.check_tunnel(proxy, self.authority())

    def test_the_scheme_of_the_proxy_is_optional(self):
        with Proxy(self.server) as proxy:
            self.check(self.server.token("--proxy", proxy.address), 0)
            self.check_tunnel(proxy, self.authority())

    def test_the_proxy_of_the_environment_is_the_default(self):
        for name in ("HTTPS_PROXY", "https_proxy"):
            for scheme in ("http://", ""):
                with self.subTest((name, scheme)), Proxy(self.server) as proxy:
                    got = self.token_elsewhere(**{name: scheme + proxy.address})
                    # The tunnel leads to a server with a certificate for another name.
                    document = self.check_json(got, 3)
                    self.assertEqual(document["error"], "certificate_verify_failed")
                    self.check_tunnel(proxy, "server.invalid:443")

    def test_proxy_credentials_come_from_the_environment(self):
        with Proxy(self.server) as proxy:
            got = self.token_elsewhere("-v", HTTPS_PROXY="http://user:pass-word@" + proxy.address)
            self.check(got, 3)
            credentials = base64.b64encode(b"user:pass-word").decode()
            self.assertIn("Proxy-Authorization: Basic " + credentials, proxy.requests[0])
            for text in ("pass-word", credentials):
                self.assertNotIn(text, got.stdout + got.stderr)

    def test_hosts_in_no_proxy_are_reached_directly(self):
        with Proxy(self.server) as proxy:
            for value in (".invalid", "server.invalid", "*"):
                with self.subTest(value):
                    got = self.token_elsewhere(HTTPS_PROXY=proxy.address, NO_PROXY=value)
                    self.assertEqual(self.check_json(got, 3)["error"], "resolve_failed")
            self.assertEqual(proxy.requests, [])

    def test_proxy_none_ignores_the_environment(self):
        with Proxy(self.server) as proxy:
            got = self.token_elsewhere("--proxy", "none", HTTPS_PROXY=proxy.address)
            self.assertEqual(self.check_json(got, 3)["error"], "resolve_failed")
            self.assertEqual(proxy.requests, [])

    def test_the_flag_takes_precedence_over_the_environment(self):
        with Proxy(self.server) as proxy, Proxy(self.server) as other:
            self.check(self.token_elsewhere("--proxy", proxy.address, HTTPS_PROXY=other.address,
                                            NO_PROXY="*"), 3)
            self.check_tunnel(proxy, "server.invalid:443")
            self.assertEqual(other.requests, [])

    def test_a_loopback_server_is_reached_directly(self):
        """A proxy cannot reach it, and it is rarely listed in NO_PROXY."""
        port = self.authority().split(":")[1]
        with Proxy(status="503 Unavailable") as proxy:
            for host in ("127.0.0.1", "localhost", "LocalHost", "[::1]"):
                with self.subTest(host):
                    got = run("token", "--token-endpoint", "https://%s:%s/oauth/token" % (host, port),
                              "--client-id", "app", "-o", "json", *self.server.trust,
                              *self.server.with_secret, env={"HTTPS_PROXY": proxy.address})
                    # The server does not listen at ::1.
                    self.check(got, 0 if host != "[::1]" else 3)
            self.check(self.server.run("token", *self.server.with_secret,
                                       env={"HTTPS_PROXY": proxy.address}), 0)
            self.assertEqual(proxy.requests, [])
            # Names that only resemble the loopback.
            for host in ("127.0.0.1.invalid", "localhost.invalid", "notlocalhost"):
                with self.subTest(host):
                    self.check(run("token", "--token-endpoint", "https://%s/t" % host, "--client-id",
                                   "app", *self.server.with_secret,
                                   env={"HTTPS_PROXY": proxy.address}), 3)
            self.assertEqual(len(proxy.requests), 3)

    def test_a_refusing_proxy_is_an_error(self):
        for status in ("407 Proxy Authentication Required", "403 Forbidden", "502 Bad Gateway"):
            with self.subTest(status), Proxy(status=status) as proxy:
                document = self.check_json(self.token_elsewhere("--proxy", proxy.address), 3)
                self.assertEqual((document["error"], document["http_status"]),
                                 ("proxy_refused", int(status[:3])))

    def test_invalid_proxies_are_usage_errors(self):
        rows = {
            "credentials": ("http://user:pass-word@127.0.0.1:1", "set HTTPS_PROXY"),
            "user": ("user@127.0.0.1:1", "set HTTPS_PROXY"),
            "scheme": ("ftp://127.0.0.1:1", "--proxy, or HTTPS_PROXY"),
            "port": ("http://127.0.0.1:70000", "--proxy, or HTTPS_PROXY"),
        }
        for name, (value, message) in rows.items():
            with self.subTest(name):
                document = self.check_json(self.token_elsewhere("--proxy", value), 2)
                self.assertIn(message, document["message"])
                self.assertNotIn("pass-word", json.dumps(document))

    def test_help_names_the_environment_variables_of_the_proxy(self):
        for command in ("token", "introspect", "revoke", "discover"):
            text = run(command, "--help").stdout
            for word in ("--proxy URL", "HTTPS_PROXY", "NO_PROXY"):
                self.assertIn(word, text)


main()
