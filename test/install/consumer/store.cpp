// Uses the store on Redis without a server: its operations report that there is none.
#include <coauth/redis_token_store.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>

#include <chrono>
#include <iostream>

int main()
{
    boost::asio::io_context context;
    coauth::redis_options options;
    options.url = "redis://127.0.0.1:1";
    coauth::redis_token_store store(context, options);
    auto const deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    auto loaded = store.async_load("name", deadline, boost::asio::use_future);
    context.run();
    auto const outcome = loaded.get();
    if (outcome)
        return 1;
    std::cout << outcome.error() << '\n';
    return outcome.error() == coauth::errc::connect_failed ? 0 : 1;
}
