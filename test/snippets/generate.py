#!/usr/bin/env python3
"""Makes programs from the C++ code of the documentation: generate.py OUT SOURCE...

A block with a main() becomes a program of its own, program_N.cpp. All others are statements of a
coroutine: they go into fragments.cpp, which runs those of one flavor of server and fails unless
each reaches its end. Those of a page about servers elsewhere are compiled alone; each may take for
granted what the page says first, a configuration and a request.
"""

import pathlib
import re
import sys

BEGIN = """\
#include <coauth/coauth.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/io_context.hpp>

#include <cstdlib>
#include <iostream>
#include <map>
#include <string_view>

namespace asio = boost::asio;

void log(std::string_view) {}
void call_api(std::string_view) {}
void wait_until(std::chrono::system_clock::time_point) {}
struct api_response
{
    unsigned result_int() const { return 200; }
    std::string_view operator[](std::string_view) const { return {}; }
};
asio::awaitable<api_response> get(std::string_view, coauth::access_token)
{
    co_return api_response();
}
asio::awaitable<coauth::secret> read_from_vault(std::string)
{
    co_return coauth::secret("t");
}
void save(std::string_view) {}
"""

# Declarations that every block may use.
FRAGMENT = """
asio::awaitable<void> fragment_{number}(
    asio::any_io_executor executor, coauth::client& client, coauth::token_source& tokens,
    coauth::secret secret,
    std::string application_id, coauth::secret application_secret, std::string host,
    std::string issuer, coauth::discovery_options discovery, std::string url,
    std::string www_authenticate, std::shared_ptr<coauth::token_store> store, bool& ended)
{{
    {{
#line {line} "{source}"
{text}
    }}
    ended = true;
    co_return;
}}
"""

MAIN = """
int main(int, char** arguments)
{{
    std::string const flavor = arguments[1];
    std::string const id = std::getenv("COAUTH_CLIENT_ID");
    coauth::secret const secret(std::getenv("COAUTH_CLIENT_SECRET"));
    coauth::client_config config;
    config.server.token_endpoint = std::getenv("COAUTH_TOKEN_ENDPOINT");
    config.tls.ca_file = std::getenv("COAUTH_CA_FILE");
    config.authentication = coauth::client_authentication::client_secret_basic(id, secret);
    auto const& endpoint = config.server.token_endpoint;
    std::string const issuer = endpoint.substr(0, endpoint.find('/', endpoint.find("://") + 3));
    coauth::discovery_options discovery;
    discovery.tls = config.tls;
    struct row
    {{
        char const* flavor;
        char const* where;
        decltype(&fragment_1) run;
    }};
    row const rows[] = {{
{rows}    }};
    int failures = 0;
    for (auto const& row : rows)
    {{
        if (row.flavor != flavor)
            continue;
        asio::io_context context;
        coauth::client client(context.get_executor(), config);
        coauth::token_source tokens(client);
        bool ended = false;
        asio::co_spawn(
            context,
            row.run(
                context.get_executor(), client, tokens, secret, id, secret, std::getenv("SMSCX_HOST"),
                issuer, discovery, issuer + "/api", std::string(), nullptr, ended),
            asio::detached);
        context.run();
        std::cout << row.where << (ended ? ": ran\\n" : ": did not reach its end\\n");
        failures += !ended;
    }}
    return failures;
}}
"""


def blocks(source):
    """(line, heading, text) of each block."""
    text = pathlib.Path(source).read_text(encoding="utf-8")
    if source.endswith(".md"):
        found = re.finditer(r"^```cpp\n(.*?)^```$", text, re.M | re.S)
    else:
        found = re.finditer(r"^ */// \\code\n(.*?)^ */// \\endcode$", text, re.M | re.S)
    for block in found:
        before = text[:block.start(1)]
        headings = re.findall(r"^## (.*)$", before, re.M)
        code = re.sub(r"^ *///? ?", "", block[1], flags=re.M) if not source.endswith(".md") else block[1]
        yield before.count("\n") + 1, headings[-1] if headings else "", code


def write(path, text):
    """Leaves an unchanged file alone, so that it is not compiled again."""
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def main():
    out = pathlib.Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    programs, fragments, rows = 0, "", ""
    number = 0
    for source in sys.argv[2:]:
        for line, heading, text in blocks(source):
            if "int main(" in text:
                programs += 1
                write(out / f"program_{programs}.cpp", text)
                continue
            number += 1
            elsewhere = pathlib.Path(source).name == "servers.md"
            for name, kind in (("config", "client_config"), ("request", "token_request")):
                if elsewhere and not re.search(rf"^(auto|coauth::{kind}) {name}\b", text, re.M):
                    text = f"coauth::{kind} {name}; {text}"
            # The block runs against a server on this machine, not against the real host.
            text = text.replace("(application_id, application_secret)",
                                "(application_id, application_secret, host)")
            text = text.replace("async_discover(executor, issuer)",
                                "async_discover(executor, issuer, discovery)")
            text = text.replace("resource_discovery_options options;",
                                "resource_discovery_options options; options.discovery = discovery;")
            if "smscx::config" in text:
                text = text.replace("coauth::client sms", 'config.tls.ca_file = std::getenv("COAUTH_CA_FILE");'
                                    " coauth::client sms")
            fragments += FRAGMENT.format(number=number, line=line, source=source, text=text)
            flavor = "smscx" if "smscx::config" in text else "rfc6749"
            where = f"{pathlib.Path(source).name}:{line}"
            rows += "" if elsewhere else f'        {{"{flavor}", "{where}", fragment_{number}}},\n'
    write(out / "fragments.cpp", BEGIN + fragments + MAIN.format(rows=rows))
    print(programs)


main()
