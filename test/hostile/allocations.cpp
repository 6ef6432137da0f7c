// The n-th allocation fails, for every n of a request and of a token source's life: what is asked
// for ends once, with the right token or a typed error, or was never begun.

#include "failing_memory.hpp"
#include "fixture.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <functional>
#include <map>
#include <memory>
#include <new>
#include <optional>

using namespace test;
namespace asio = boost::asio;

namespace
{

// One run, and how it ends.
struct world
{
    asio::io_context context;
    std::vector<token_result> got;
    // A function that begins something threw.
    bool refused = false;
    // Asio had no memory for what it was to call next, and let that out of its loop.
    int thrown = 0;

    auto handler()
    {
        return [this](token_result one) { got.push_back(std::move(one)); };
    }
    void begin(auto const& what)
    {
        try
        {
            what();
        }
        catch (std::bad_alloc const&)
        {
            refused = true;
        }
    }
};

// What is begun, and lives as long as it runs.
using program = std::function<std::shared_ptr<void>(world&)>;

void run(program const& what, world& in)
{
    std::shared_ptr<void> held;
    in.begin([&] { held = what(in); });
    while (!in.context.stopped())
    {
        try
        {
            in.context.run_for(5s);
            break;
        }
        catch (std::bad_alloc const&)
        {
            ++in.thrown;
        }
    }
}

// `calls`: how often the program is answered.
void fail_each(program const& what, std::size_t calls)
{
    std::map<std::string, std::size_t> outcomes;
    bool any = true;
    std::size_t n = 0;
    while (any)
    {
        ++n;
        world in;
        in.got.reserve(calls);
        {
            failing_allocation const failing(n);
            run(what, in);
            any = failing.happened();
        }
        BOOST_TEST_CONTEXT("allocation " << n)
        {
            BOOST_TEST(in.context.stopped(), "something still waits");
            if (in.refused)
                BOOST_TEST(in.got.size() < calls);
            else
                BOOST_TEST(in.got.size() == calls);
            BOOST_TEST(in.thrown <= 1);
            for (auto const& got : in.got)
            {
                ++outcomes[outcome(got)];
                if (got)
                    BOOST_TEST(got->value().starts_with("tok.en-"));
            }
            outcomes["refused"] += in.refused ? 1U : 0U;
            outcomes["thrown"] += in.thrown != 0 ? 1U : 0U;
        }
    }
    std::string text = std::to_string(n - 1) + " allocations:";
    for (auto const& [how, count] : outcomes)
        text += ' ' + how + ' ' + std::to_string(count);
    BOOST_TEST_MESSAGE(text);
}

coauth::client_config config_for(authorization_server const& server)
{
    auto config = server.config();
    config.timeout = 1s;
    config.retry.max_attempts = 1;
    return config;
}

} // namespace

BOOST_AUTO_TEST_SUITE(allocations)

BOOST_AUTO_TEST_CASE(of_a_request)
{
    auto server = start();
    server.always(answer::json(200, token_body));
    auto const config = config_for(server);
    fail_each(
        [&](world& in)
        {
            auto client = std::make_shared<coauth::client>(in.context.get_executor(), config);
            client->async_get_access_token(coauth::token_request(), in.handler());
            return client;
        },
        1);
}

// Several that wait in line for one connection.
BOOST_AUTO_TEST_CASE(of_requests_in_line)
{
    auto server = start();
    server.always(answer::json(200, token_body));
    auto config = config_for(server);
    config.connections.max_connections = 1;
    fail_each(
        [&](world& in)
        {
            auto client = std::make_shared<coauth::client>(in.context.get_executor(), config);
            for (int i = 0; i < 3; ++i)
                client->async_get_access_token(coauth::token_request(), in.handler());
            return client;
        },
        3);
}

BOOST_AUTO_TEST_CASE(of_a_token_source)
{
    auto server = start();
    server.always(answer::json(200, token_body));
    auto const config = config_for(server);
    struct owner
    {
        coauth::client client;
        coauth::token_source source;
    };
    fail_each(
        [&](world& in)
        {
            auto const executor = in.context.get_executor();
            auto client = coauth::client(executor, config);
            auto source = coauth::token_source(client);
            auto held = std::make_shared<owner>(owner{std::move(client), std::move(source)});
            held->source.async_get_access_token(
                [weak = std::weak_ptr(held), &in](token_result first)
                {
                    auto const owner = weak.lock();
                    if (owner && first)
                        owner->source.invalidate(*first);
                    in.got.push_back(std::move(first));
                    if (owner)
                        in.begin([&] { owner->source.async_get_access_token(in.handler()); });
                });
            held->source.async_get_access_token(in.handler());
            return held;
        },
        3);
}

BOOST_AUTO_TEST_SUITE_END()
