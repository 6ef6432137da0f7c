// Operations as senders (P2300), through the Asio adapter of stdexec, where it is installed.

#if __has_include(<exec/asio/use_sender.hpp>)

#include "operations.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/test/unit_test.hpp>

#include <exec/asio/use_sender.hpp>
#include <exec/when_any.hpp>
#include <stdexec/execution.hpp>
#include <thread>
#include <tuple>

namespace asio = boost::asio;
using namespace test;

BOOST_AUTO_TEST_SUITE(senders)

namespace
{

// A thread runs the context while another waits.
struct running
{
    explicit running(asio::io_context& context)
        : work(context.get_executor())
        , thread([&context] { context.run(); })
    {
    }
    ~running()
    {
        work.reset();
        thread.join();
    }
    asio::executor_work_guard<asio::io_context::executor_type> work;
    std::thread thread;
};

} // namespace

BOOST_AUTO_TEST_CASE(an_operation_is_a_sender_of_its_value_or_error)
{
    operations o;
    running const loop(o.context);
    auto const use_sender = coauth::as_error_code(exec::asio::use_sender);

    auto got = stdexec::sync_wait(
        o.tokens.async_get_access_token(use_sender) |
        stdexec::then([](coauth::access_token const& token) { return !token.empty(); }));
    BOOST_REQUIRE(got.has_value());
    BOOST_TEST(std::get<0>(*got));

    o.server.set_response(response::json(400, R"({"error":"invalid_scope"})"));
    auto failing = o.client.async_get_access_token({}, use_sender);
    BOOST_CHECK_EXCEPTION(
        (void)stdexec::sync_wait(std::move(failing)), boost::system::system_error,
        [](auto const& thrown) { return thrown.code() == coauth::errc::invalid_scope; });
}

BOOST_AUTO_TEST_CASE(a_sender_that_is_stopped_cancels_its_operation)
{
    operations o;
    running const loop(o.context);
    o.server.set_response(response::nothing(response_end::stall));
    auto const got = stdexec::sync_wait(exec::when_any(
        o.client.async_get_access_token({}, coauth::as_error_code(exec::asio::use_sender)) |
            stdexec::then([](coauth::access_token const&) { return std::string("token"); }),
        stdexec::just(std::string("other"))));
    BOOST_REQUIRE(got.has_value());
    BOOST_TEST(std::get<0>(*got) == "other");
    BOOST_TEST(o.client.counters().failures == 1U);
}

BOOST_AUTO_TEST_SUITE_END()

#endif
