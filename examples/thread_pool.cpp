// One client shared by a pool of threads: coroutines on the pool, and a plain thread that waits.
//
//   COAUTH_TOKEN_ENDPOINT, COAUTH_CLIENT_ID, COAUTH_CLIENT_SECRET   required
//   COAUTH_CA_FILE                                                  empty: the system's CAs

#include <coauth/client.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>

#include <atomic>
#include <cstdlib>
#include <iostream>

namespace asio = boost::asio;

std::string env(char const* name)
{
    char const* const value = std::getenv(name);
    return value != nullptr ? value : "";
}

coauth::client_config config_from_environment()
{
    coauth::client_config config;
    config.server.token_endpoint = env("COAUTH_TOKEN_ENDPOINT");
    config.authentication = coauth::client_authentication::client_secret_basic(
        env("COAUTH_CLIENT_ID"), env("COAUTH_CLIENT_SECRET"));
    config.tls.ca_file = env("COAUTH_CA_FILE");
    return config;
}

// Runs on whichever thread of the pool is free. The client needs no lock and no strand of ours.
asio::awaitable<void> work(coauth::client& client, std::atomic<int>& tokens)
{
    auto token = co_await client.async_get_access_token();
    if (token)
        ++tokens;
    else
        std::cerr << token.error() << '\n';
}

int main()
{
    asio::thread_pool pool(4);
    coauth::client client(pool.get_executor(), config_from_environment());

    constexpr int jobs = 8;
    std::atomic<int> tokens = 0;
    for (int i = 0; i < jobs; ++i)
        asio::co_spawn(pool, work(client, tokens), asio::detached);

    // A thread outside the pool may block on a future. It holds a result: get() does not throw it.
    auto const request = coauth::token_request().scope("read");
    auto const token = client.async_get_access_token(request, asio::use_future).get();
    if (token)
        std::cout << "the waiting thread: " << *token << '\n';
    else
        std::cerr << token.error() << '\n';

    pool.join();
    std::cout << "the pool: " << tokens << " tokens for " << jobs << " jobs\n";
    return token && tokens == jobs ? EXIT_SUCCESS : EXIT_FAILURE;
}
