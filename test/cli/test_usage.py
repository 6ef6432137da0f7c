"""Mistakes on the command line, help, and the commands in the documentation."""

import os
import re
import shlex
import subprocess

from command import COAUTH, REFUSAL, SECRET, Case, RawServer, main, run

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")

OPTIONS_OF_THE_LIBRARY = (r"\b(tls|server|proxy|retry|connections|limits)\.[a-z]|allow_http_loopback|user_agent"
                          r"|[a-z]::[a-z]|_pem\b")


class Usage(Case):
    COMPLETE = ("token", "--client-id", "app", "--token-endpoint", "https://127.0.0.1:1/t")

    def test_mistakes_are_usage_errors_with_advice(self):
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
                     "self-signed-tls, none, anonymous, not 'digest'"),
            "timeout text": (complete + ("--timeout", "soon"), "--timeout is a number of seconds"),
            "timeout zero": (complete + ("--timeout", "0"), "it must be from 1 ms to 1 hour"),
            "timeout nan": (complete + ("--timeout", "nan"), "--timeout is a number of seconds"),
            "parameter": (complete + ("--param", "x"), "--param takes NAME=VALUE"),
            "reserved parameter": (complete + ("--param", "scope=x"), "is reserved"),
            "parameter file": (complete + ("--param-file", "x="), "--param-file takes NAME=FILE"),
            "header": (complete + ("--header", "x-api-key"), "--header takes 'NAME: VALUE'"),
            "reserved header": (complete + ("--header", "Host: x"), "'Host' is reserved"),
            "details": (complete + ("--authorization-details", "{}"),
                        "--authorization-details is not the text of a JSON array of objects"),
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
            "client id of nobody": (complete + ("--auth", "anonymous"), "leave out --client-id"),
            "not a number of retries": (complete + ("--retry", "often"), "--retry"),
            "introspect in another form": (("introspect", "-o", "xml"),
                                           "--output is summary or json, not 'xml'"),
            "PEM in place of a file": (complete + ("--ca-file", "-----BEGIN CERTIFICATE-----"),
                                       "--ca-file is PEM text, not a path; give the name of a file"),
            "PEM key in place of a file": (
                complete + ("--auth", "key-jwt", "--key-file", "-----BEGIN PRIVATE KEY-----"),
                "give the name of a file"),
            "user information": (("token", "--client-id", "a", "--token-endpoint", "https://a:b@c/"),
                                 "use the flags of client authentication"),
            "user agent": (complete + ("--user-agent", "a\nb"), "--user-agent contains"),
            "issuer with a query": (("discover", "--issuer", "https://a/?b"), "--issuer contains a query"),
            "no issuer": (("token", "--client-id", "a", "--issuer", "x"), "--issuer is not an absolute"),
            "no token": (("introspect",) + complete[1:], "--token-file FILE"),
            "plain http": (("token", "--client-id", "a", "--token-endpoint", "http://127.0.0.1/"),
                           "--http-loopback"),
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
                # Its own words, not the library's.
                self.assertNotRegex(got.stderr, OPTIONS_OF_THE_LIBRARY)

    def test_an_empty_value_is_an_error_and_not_an_absent_flag(self):
        """An unset variable in a script must not send the credentials to another server."""
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

    def test_a_missing_secret_is_a_usage_error(self):
        self.check(run(*self.COMPLETE), 2)
        self.assertIn("--client-secret-file FILE", run(*self.COMPLETE).stderr)
        got = run(*self.COMPLETE, "--client-secret-file", "-", stdin="\n")
        self.check(got, 2)
        self.assertIn("standard input contains no client secret", got.stderr)

    def test_usage_errors_are_printed_as_json_with_json_output(self):
        for command in ("token", "introspect", "revoke", "discover"):
            with self.subTest(command):
                got = run(command, "-o", "json")
                document = self.check_json(got, 2)
                self.assertEqual((document["error"], document["kind"]),
                                 ("invalid_configuration", "configuration"))
                self.assertIn("coauth: not " if command != "token" else "coauth: no token: ", got.stderr)

    def test_help_and_version_are_printed(self):
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

    def test_the_commands_in_the_documentation_are_valid(self):
        """Checks that their flags exist."""
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

    def test_help_fits_in_80_columns(self):
        commands = ("token", "introspect", "revoke", "discover", "serve")
        for arguments in (("--help",), *((command, "--help") for command in commands)):
            for line in run(*arguments).stdout.splitlines():
                self.assertLessEqual(len(line), 80, line)

    def test_a_full_disk_is_an_error(self):
        with open("/dev/full", "w", encoding="utf-8") as full:
            got = subprocess.run([COAUTH, "--version"], stdout=full, stderr=subprocess.PIPE, text=True,
                                 timeout=60, check=False)
        self.assertEqual(got.returncode, 2)
        self.assertIn("standard output cannot be written", got.stderr)


main()
