// Gets one access token from SMS.CX and prints its type, scope and expiry, not the token itself.

#include <coauth/coauth.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

#include <cstdlib>
#include <iostream>

namespace asio = boost::asio;

std::string env(char const* name, char const* otherwise = "")
{
    char const* const value = std::getenv(name);
    return value != nullptr ? value : otherwise;
}

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
        env("SMSCX_APPLICATION_ID"), env("SMSCX_APPLICATION_SECRET"),
        env("SMSCX_HOST", coauth::smscx::default_host));
    config.tls.ca_file = env("COAUTH_CA_FILE"); // empty: the system's certificates

    bool ok = false;
    asio::io_context context;
    asio::co_spawn(context, run(config, ok), asio::detached);
    context.run();
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
