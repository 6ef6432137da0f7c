#ifndef COAUTH_TEST_INTEGRATION_OPERATIONS_FIXTURE_HPP
#define COAUTH_TEST_INTEGRATION_OPERATIONS_FIXTURE_HPP

#include "fixture.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

#include <chrono>

namespace test
{

inline response late_response(std::chrono::milliseconds delay = 60s)
{
    auto late = response::json(200, token_body);
    late.delay = delay;
    return late;
}

// A server that responds at once, and its client on an event loop that the test runs.
struct client_on_one_thread
{
    authorization_server server = start();
    boost::asio::io_context context;
    coauth::client client{context.get_executor(), with_log_scan(server.config())};
};

// A function, because GCC 12 miscompiles some awaited expressions in lambdas.
inline boost::asio::awaitable<token_result> await_one(coauth::client& client)
{
    auto got = co_await client.async_get_access_token();
    co_return got;
}

} // namespace test

#endif
