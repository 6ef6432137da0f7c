// Gets one access token from SMS.CX and prints its type, scope and expiry, not the token itself.

#include <coauth/coauth.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

#include <cstdlib>
#include <iostream>

namespace asio = boost::asio;

asio::awaitable<void> run(coauth::client_config config, bool& ok)
{
    auto executor = co_await asio::this_coro::executor;
    auto token = co_await coauth::async_get_access_token(executor, config);
    ok = token.has_value();
    if (token)
        std::cout << *token << '\n';
    else
        std::cerr << token.error() << '\n';
}

int main()
{
    auto config = coauth::smscx::config(
        std::getenv("SMSCX_APPLICATION_ID"), std::getenv("SMSCX_APPLICATION_SECRET"));
    if (char const* const host = std::getenv("SMSCX_HOST"))
        config.server = coauth::smscx::server(host); // not the real server
    if (char const* const file = std::getenv("COAUTH_CA_FILE"))
        config.tls.ca_file = file; // in place of the system's certificates

    bool ok = false;
    asio::io_context context;
    asio::co_spawn(context, run(config, ok), asio::detached);
    context.run();
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
