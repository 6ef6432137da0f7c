// Every operation is ended at every step of its life, in every way there is: it completes once, at
// once, with its result or as cancelled, and leaves nothing behind in the event loop.

#include "fixture.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/test/unit_test.hpp>

#include <functional>
#include <memory>
#include <optional>

using namespace test;
namespace asio = boost::asio;
using coauth::secret;

namespace
{

constexpr auto promptly = 50ms;

// One operation and all that it needs. What owns comes first, so that it goes last.
class world
{
public:
    explicit world(coauth::client_config const& config) : config_(config)
    {
        client.emplace(context->get_executor(), config_);
    }

    // What is to be called when the operation under test ends.
    auto handler()
    {
        return asio::bind_cancellation_slot(signal.slot(), [this](auto const& got) { end(got); });
    }

    void end(auto const& got)
    {
        ++ended;
        how = got ? "success" : to_string(got.error().value());
        when = std::chrono::steady_clock::now();
    }

    // Runs until nothing is left to do.
    void settle()
    {
        context->restart();
        context->run();
    }

    asio::cancellation_signal signal;
    std::unique_ptr<asio::io_context> context = std::make_unique<asio::io_context>();
    std::optional<coauth::client> client;
    std::optional<coauth::token_source> source;
    int ended = 0;
    std::string_view how;
    std::chrono::steady_clock::time_point when;

private:
    coauth::client_config const config_;
};

struct operation
{
    char const* name;
    // Makes what the operation meets.
    std::function<void(world&)> prepare;
    std::function<void(world&)> start;
};

struct ending_of_it
{
    char const* name;
    std::function<void(world&)> act;
    bool completes = true;
};

void nothing(world&) {}

void get_token(world& in)
{
    in.client->async_get_access_token(coauth::token_request(), in.handler());
}

void get_one_before(world& in)
{
    in.client->async_get_access_token(coauth::token_request(), [](token_result const&) {});
    in.settle();
}

void make_source(world& in)
{
    in.source.emplace(*in.client);
}

asio::awaitable<int> call_api(coauth::access_token)
{
    co_return 7;
}

void call_with_token(world& in)
{
    auto call = coauth::async_with_token(*in.source, call_api, [](int) { return false; });
    asio::co_spawn(
        *in.context, std::move(call),
        asio::bind_cancellation_slot(
            in.signal.slot(),
            [&in](std::exception_ptr const&, coauth::result<int> const& got) { in.end(got); }));
}

std::vector<operation> operations()
{
    return {
        {"a token, over a new connection", nothing, get_token},
        {"a token, over a kept connection", get_one_before, get_token},
        {"a token, in line",
         [](world& in)
         {
             in.client->async_get_access_token(coauth::token_request(), [](token_result const&) {});
         },
         get_token},
        {"introspection", nothing,
         [](world& in) { in.client->async_introspect(secret("t"), {}, in.handler()); }},
        {"revocation", nothing,
         [](world& in) { in.client->async_revoke(secret("t"), {}, in.handler()); }},
        {"a source's token", make_source,
         [](world& in) { in.source->async_get_access_token(in.handler()); }},
        {"a source's token, with a limit", make_source,
         [](world& in) { in.source->async_get_access_token(1s, in.handler()); }},
        {"a source's fresh token",
         [](world& in)
         {
             make_source(in);
             in.source->async_get_access_token([](token_result const&) {});
             in.settle();
         },
         [](world& in) { in.source->async_refresh(in.handler()); }},
        {"a call with a token", make_source, call_with_token},
    };
}

std::vector<ending_of_it> endings()
{
    auto const cancel = [](asio::cancellation_type type)
    { return [type](world& in) { in.signal.emit(type); }; };
    return {
        {"terminal cancellation", cancel(asio::cancellation_type::terminal)},
        {"partial cancellation", cancel(asio::cancellation_type::partial)},
        {"total cancellation", cancel(asio::cancellation_type::total)},
        {"closing the client", [](world& in) { in.client->close(); }},
        {"destroying the client", [](world& in) { in.client.reset(); }},
        {"closing the source",
         [](world& in)
         {
             if (in.source)
                 in.source->close();
             else
                 in.client->close();
         }},
        {"destroying the source",
         [](world& in)
         {
             if (in.source)
                 in.source.reset();
             else
                 in.client.reset();
         }},
        {"destroying the context", [](world& in) { in.context.reset(); }, false},
        {"destroying the context after the client",
         [](world& in)
         {
             in.client.reset();
             in.context.reset();
         },
         false},
    };
}

class scan
{
public:
    explicit scan(std::function<void(coauth::client_config&)> const& change)
        : server_(start())
        , config_(server_.config())
    {
        config_.server.introspection_endpoint = server_.introspection_endpoint();
        config_.server.revocation_endpoint = server_.revocation_endpoint();
        change(config_);
    }

    void visit(operation const& what)
    {
        for (auto const& end : endings())
        {
            bool over = false;
            for (std::size_t step = 0; !over; ++step)
                BOOST_TEST_CONTEXT(what.name << ", " << end.name << " at step " << step)
            over = visit(what, end, step);
        }
    }

    authorization_server& server() { return server_; }
    [[nodiscard]] std::size_t runs() const { return runs_; }

private:
    // True: the operation was over before.
    bool visit(operation const& what, ending_of_it const& end, std::size_t step)
    {
        ++runs_;
        auto outcome = run(what, end, step);
        // Another program may have had the processor.
        for (int again = 0; outcome.took > promptly && again < 3; ++again)
            outcome = run(what, end, step);
        BOOST_TEST((outcome.took <= promptly));
        return outcome.over;
    }

    struct seen
    {
        std::chrono::milliseconds took{0};
        bool over = false;
    };

    seen run(operation const& what, ending_of_it const& end, std::size_t step)
    {
        world in(config_);
        what.prepare(in);
        what.start(in);
        in.context->restart();
        for (std::size_t i = 0; i < step && in.ended == 0; ++i)
            in.context->run_one_for(5s);
        bool const over = in.ended != 0;
        auto const began = std::chrono::steady_clock::now();
        end.act(in);
        BOOST_TEST((over || in.ended == 0 || !end.completes));
        if (in.context)
        {
            in.context->restart();
            in.context->run_for(5s);
            // Nothing of it is left.
            BOOST_TEST(in.context->stopped());
        }
        BOOST_TEST(in.ended == (end.completes || over ? 1 : 0));
        if (in.ended == 0)
            return {0ms, over};
        BOOST_TEST((in.how == "success" || in.how == "cancelled"), in.how);
        auto const took = std::chrono::duration_cast<std::chrono::milliseconds>(in.when - began);
        return {took, over};
    }

    authorization_server server_;
    coauth::client_config config_;
    std::size_t runs_ = 0;
};

void scan_all(std::function<void(coauth::client_config&)> const& change)
{
    scan one(change);
    for (auto const& what : operations())
        one.visit(what);
    BOOST_TEST_MESSAGE(one.runs() << " runs");
}

} // namespace

BOOST_AUTO_TEST_SUITE(cancellation_scan)

BOOST_AUTO_TEST_CASE(of_every_operation)
{
    scan_all([](coauth::client_config& config) { config.connections.max_connections = 1; });
}

BOOST_AUTO_TEST_CASE(of_operations_without_tls_sessions)
{
    scan_all(
        [](coauth::client_config& config)
        {
            config.connections.max_connections = 1;
            config.tls.session_resumption = false;
            config.connections.idle_timeout = 0ms;
        });
}

// A signer that answers later, and a server that fails at first: the waits between attempts.
BOOST_AUTO_TEST_CASE(of_operations_that_wait_for_others)
{
    scan one(
        [](coauth::client_config& config)
        {
            config.retry.first_delay = 10ms;
            config.retry.max_attempts = 2;
        });
    operation const repeated{
        "a token, repeated",
        [&](world&)
        {
            one.server().unscript();
            one.server().push(answer::json(503, ""));
        },
        get_token};
    one.visit(repeated);
}

BOOST_AUTO_TEST_SUITE_END()
