// Handlers that throw do not affect others, and handlers may run on any kind of executor.

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

BOOST_AUTO_TEST_SUITE(handlers)

using coauth::secret;

namespace
{

// A handler that throws the error's message.
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
        auto result = with_log_scan(server.config());
        result.connections.max_connections = 1;
        return result;
    }

    // Runs until the context has no work, and returns the number of exceptions.
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

// An executor that runs functions inline.
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

// Runs after all tests. Otherwise the threads of the system executor, and OpenSSL's data of each
// thread, would outlive OpenSSL.
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

BOOST_FIXTURE_TEST_CASE(a_throwing_handler_does_not_affect_later_operations, on_one_thread)
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

BOOST_FIXTURE_TEST_CASE(a_throwing_handler_does_not_affect_queued_operations, on_one_thread)
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

BOOST_FIXTURE_TEST_CASE(
    a_throwing_handler_during_the_clients_destruction_does_not_affect_others, on_one_thread)
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

BOOST_AUTO_TEST_CASE(handlers_run_on_the_system_executor)
{
    auto const server = start();
    coauth::client client(asio::system_executor(), with_log_scan(server.config()));
    coauth::token_source source(client);
    BOOST_TEST(
        outcome(client.async_get_access_token(coauth::token_request(), asio::use_future).get()) ==
        "success");
    BOOST_TEST(outcome(source.async_get_access_token(asio::use_future).get()) == "success");
}

BOOST_FIXTURE_TEST_CASE(handlers_run_on_an_inline_executor, on_one_thread)
{
    coauth::token_source source(client);
    at_once const here{&context};
    std::vector<std::string> ends;
    auto const make_handler = [&]
    {
        return asio::bind_executor(
            here, [&](token_result const& got) { ends.push_back(outcome(got)); });
    };
    client.async_get_access_token(coauth::token_request(), make_handler());
    client.async_get_access_token(coauth::token_request().parameter("scope", "x"), make_handler());
    source.async_get_access_token(make_handler());
    // Even this executor does not call the handler within the initiating function.
    BOOST_TEST(ends.empty());
    BOOST_TEST(run() == 0);
    source.async_get_access_token(make_handler());
    BOOST_TEST(ends.size() == 3U);
    BOOST_TEST(run() == 0);
    BOOST_TEST(ends.size() == 4U);
    BOOST_TEST(std::count(ends.begin(), ends.end(), "success") == 3);
    BOOST_TEST(std::count(ends.begin(), ends.end(), "invalid_parameter") == 1);
}

BOOST_AUTO_TEST_SUITE_END()
