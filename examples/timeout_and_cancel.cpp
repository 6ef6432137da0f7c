// Three ways to stop waiting for a token. Each ends the wait promptly in every phase.
//
//   COAUTH_TOKEN_ENDPOINT, COAUTH_CLIENT_ID, COAUTH_CLIENT_SECRET   required
//   COAUTH_CA_FILE                                                  empty: the system's CAs

#include <coauth/coauth.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <cstdlib>
#include <iostream>

namespace asio = boost::asio;
using namespace asio::experimental::awaitable_operators;
using namespace std::chrono_literals;

coauth::client_config config_from_environment()
{
    coauth::client_config config;
    if (char const* const url = std::getenv("COAUTH_TOKEN_ENDPOINT"))
        config.server.token_endpoint = url;
    config.authentication = coauth::client_authentication::client_secret_basic(
        std::getenv("COAUTH_CLIENT_ID"), std::getenv("COAUTH_CLIENT_SECRET"));
    if (char const* const file = std::getenv("COAUTH_CA_FILE"))
        config.tls.ca_file = file;
    return config;
}

void print(char const* what, coauth::result<coauth::access_token> const& token)
{
    std::cout << what << ": ";
    if (token)
        std::cout << *token << '\n';
    else
        std::cout << token.error() << '\n';
}

// 1. The deadline of the client: lookup, connect, TLS, request and response together.
asio::awaitable<void> with_timeout(coauth::client_config config)
{
    auto executor = co_await asio::this_coro::executor;
    config.timeout = 1ms; // the default is 10 s
    auto token = co_await coauth::async_get_access_token(executor, config);
    print("a deadline of 1 ms", token);
}

// 2. A race with a timer. The operation that ends first wins, and the other is cancelled.
asio::awaitable<void> with_race(coauth::token_source& tokens)
{
    asio::steady_timer timer(tokens.get_executor(), 5s);
    auto winner =
        co_await (tokens.async_get_access_token() || timer.async_wait(asio::use_awaitable));
    if (winner.index() == 0)
        print("a race against 5 s", std::get<0>(winner));
    else
        std::cout << "a race against 5 s: the timer won\n";
}

// 3. A cancellation signal for one operation, which it must outlive. Other operations that wait for
// the same token still get it.
asio::awaitable<void> with_signal(coauth::token_source& tokens, asio::cancellation_signal& stop)
{
    auto token = co_await tokens.async_get_access_token(
        asio::bind_cancellation_slot(stop.slot(), asio::use_awaitable));
    print("a cancelled operation", token);
}

int main()
{
    auto const config = config_from_environment();
    asio::io_context context;
    coauth::client client(context, config);
    coauth::token_source tokens(client);

    asio::co_spawn(context, with_timeout(config), asio::detached);
    asio::co_spawn(context, with_race(tokens), asio::detached);

    asio::cancellation_signal stop;
    asio::co_spawn(context, with_signal(tokens, stop), asio::detached);
    asio::steady_timer soon(context, 1ms);
    soon.async_wait([&stop](auto) { stop.emit(asio::cancellation_type::terminal); });

    context.run();
    return EXIT_SUCCESS;
}
