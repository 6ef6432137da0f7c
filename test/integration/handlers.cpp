// What users' handlers do and where they run: one that throws harms nobody else, and an executor
// may be of any kind.

#include "fixture.hpp"

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/execution/context.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/query.hpp>
#include <boost/asio/system_context.hpp>
#include <boost/asio/system_executor.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <functional>
#include <stdexcept>

using namespace test;
namespace asio = boost::asio;
using coauth::secret;

namespace
{

// Throws what a careless program would: all that it was told.
struct throwing
{
    template <class T>
    void operator()(coauth::result<T> const& got) const
    {
        throw std::runtime_error(got ? "mine" : got.error().message());
    }
};

struct on_one_thread
{
    coauth::client_config config()
    {
        auto made = with_log_scan(server.config());
        made.connections.max_connections = 1;
        return made;
    }

    // Runs until nothing is left to do, and yields how often a handler threw.
    int run()
    {
        int thrown = 0;
        for (context.restart(); !context.stopped();)
            try
            {
                context.run();
            }
            catch (std::runtime_error const& mine)
            {
                ++thrown;
                BOOST_TEST(std::string(mine.what()).find(client_secret) == std::string::npos);
            }
        return thrown;
    }

    authorization_server server = start();
    asio::io_context context;
    coauth::client client{context.get_executor(), config()};
};

// Runs whatever it is given at once, where it is given.
struct at_once
{
    asio::execution_context* context;

    asio::execution_context& query(asio::execution::context_t) const noexcept { return *context; }
    template <class F>
    void execute(F&& f) const
    {
        std::forward<F>(f)();
    }
    friend bool operator==(at_once const&, at_once const&) noexcept = default;
};

// After all tests. Else the threads of the system's executor outlive OpenSSL, and so does what that
// keeps for each.
struct end_of_the_systems_threads
{
    ~end_of_the_systems_threads()
    {
        auto& everywhere = asio::query(asio::system_executor(), asio::execution::context);
        everywhere.stop();
        everywhere.join();
    }
};
BOOST_TEST_GLOBAL_FIXTURE(end_of_the_systems_threads);

} // namespace

BOOST_AUTO_TEST_SUITE(handlers)

BOOST_FIXTURE_TEST_CASE(that_throw_harm_no_later_operation, on_one_thread)
{
    for (auto const& begin :
         std::vector<std::function<void()>>{
             [&] { client.async_get_access_token(coauth::token_request(), throwing()); },
             [&] { client.async_introspect(secret("t"), {}, throwing()); },
             [&] { client.async_revoke(secret("t"), {}, throwing()); },
             [&]
             {
                 coauth::discovery_options options;
                 options.tls = config().tls;
                 coauth::async_discover(
                     context.get_executor(), server.issuer(), options, throwing());
             }})
    {
        begin();
        BOOST_TEST(run() == 1);
        std::string later;
        client.async_get_access_token(
            coauth::token_request(), [&](token_result const& r) { later = outcome(r); });
        BOOST_TEST(run() == 0);
        BOOST_TEST(later == "success");
    }
}

BOOST_FIXTURE_TEST_CASE(that_throw_harm_nobody_in_line, on_one_thread)
{
    std::vector<std::string> others;
    client.async_get_access_token(coauth::token_request(), throwing());
    for (int i = 0; i < 2; ++i)
        client.async_get_access_token(
            coauth::token_request(), [&](token_result const& r) { others.push_back(outcome(r)); });
    BOOST_TEST(run() == 1);
    BOOST_TEST(
        others == (std::vector<std::string>{"success", "success"}),
        boost::test_tools::per_element());
}

BOOST_FIXTURE_TEST_CASE(that_throw_at_the_end_of_the_client_harm_nobody, on_one_thread)
{
    server.set_response(response::bytes("HTTP/1.1 200 OK\r\n", response_end::stall));
    std::vector<std::string> others;
    for (int i = 0; i < 2; ++i)
    {
        client.async_get_access_token(coauth::token_request(), throwing());
        client.async_get_access_token(
            coauth::token_request(), [&](token_result const& r) { others.push_back(outcome(r)); });
    }
    context.run_for(100ms);
    BOOST_CHECK_NO_THROW(client.close());
    BOOST_TEST(run() == 2);
    BOOST_TEST(
        others == (std::vector<std::string>{"cancelled", "cancelled"}),
        boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(run_on_the_systems_executor)
{
    auto const server = start();
    coauth::client client(asio::system_executor(), with_log_scan(server.config()));
    coauth::token_source source(client);
    BOOST_TEST(
        outcome(client.async_get_access_token(coauth::token_request(), asio::use_future).get()) ==
        "success");
    BOOST_TEST(outcome(source.async_get_access_token(asio::use_future).get()) == "success");
}

BOOST_FIXTURE_TEST_CASE(run_on_an_executor_that_does_not_wait, on_one_thread)
{
    coauth::token_source source(client);
    at_once const here{&context};
    std::vector<std::string> ends;
    auto const keep = [&]
    {
        return asio::bind_executor(
            here, [&](token_result const& got) { ends.push_back(outcome(got)); });
    };
    client.async_get_access_token(coauth::token_request(), keep());
    client.async_get_access_token(coauth::token_request().parameter("scope", "x"), keep());
    source.async_get_access_token(keep());
    // Not even then within the initiating function.
    BOOST_TEST(ends.empty());
    BOOST_TEST(run() == 0);
    source.async_get_access_token(keep());
    BOOST_TEST(ends.size() == 3U);
    BOOST_TEST(run() == 0);
    BOOST_TEST(ends.size() == 4U);
    BOOST_TEST(std::count(ends.begin(), ends.end(), "success") == 3);
    BOOST_TEST(std::count(ends.begin(), ends.end(), "invalid_parameter") == 1);
}

BOOST_AUTO_TEST_SUITE_END()
