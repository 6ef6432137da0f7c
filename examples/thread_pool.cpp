// One token for a thread pool: coroutines run on the pool, and a thread outside it waits for a
// future. The first caller fetches the token for all.
//
//   COAUTH_TOKEN_ENDPOINT, COAUTH_CLIENT_ID, COAUTH_CLIENT_SECRET   required
//   COAUTH_CA_FILE                                                  empty: the system's CAs

#include <coauth/token_source.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>

#include <atomic>
#include <cstdlib>
#include <iostream>

namespace asio = boost::asio;

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

// Runs on any thread of the pool. The token source needs neither a lock nor a strand here.
asio::awaitable<void> work(coauth::token_source& tokens, std::atomic<int>& served)
{
    auto token = co_await tokens.async_get_access_token();
    if (token)
        ++served;
    else
        std::cerr << token.error() << '\n';
}

int main()
{
    asio::thread_pool pool(4);
    coauth::client client(pool, config_from_environment());
    coauth::token_source tokens(client, coauth::token_request().scope("read"));

    constexpr int jobs = 8;
    std::atomic<int> served = 0;
    for (int i = 0; i < jobs; ++i)
        asio::co_spawn(pool, work(tokens, served), asio::detached);

    // A thread outside the pool may block. The future holds a result, so get() does not throw.
    auto const token = tokens.async_get_access_token(asio::use_future).get();
    if (token)
        std::cout << "the waiting thread: " << *token << '\n';
    else
        std::cerr << token.error() << '\n';

    pool.join();
    auto const fetches = tokens.counters().fetches;
    std::cout << "the pool: " << served << " of " << jobs << " jobs, " << fetches << " fetch\n";
    return token && served == jobs && fetches == 1 ? EXIT_SUCCESS : EXIT_FAILURE;
}
