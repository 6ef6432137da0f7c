// Name resolution and connecting.

#include "client_fixture.hpp"
#include "fixture.hpp"
#include "full_backlog.hpp"
#include "hanging_lookup.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <atomic>
#include <functional>
#include <optional>
#include <thread>

using namespace test;

BOOST_AUTO_TEST_SUITE(connecting)

namespace
{

constexpr char const* name = "localhost";

coauth::client_config by_name(authorization_server const& server)
{
    auto config = server.config();
    config.retry.max_attempts = 1;
    config.server.token_endpoint = server.token_endpoint(name);
    return config;
}

// A resolver that returns these addresses for every name at once.
coauth::resolver_function always(std::vector<coauth::ip_endpoint> addresses)
{
    return [addresses = std::move(addresses)](auto const&, auto, auto const& done)
    { done({}, addresses); };
}

coauth::client_config by_name_each_time(authorization_server const& server)
{
    auto config = by_name(server);
    config.connections.idle_timeout = 0ms;
    return config;
}

constexpr auto unreachable = boost::system::errc::host_unreachable;

using response_lookup =
    std::function<void(boost::system::error_code, std::vector<coauth::ip_endpoint>)>;

} // namespace

BOOST_AUTO_TEST_CASE(an_unreachable_first_address_costs_only_the_connection_attempt_delay)
{
    full_backlog const hole;
    auto const server = start();
    auto config = by_name(server);
    config.timeout = 5s;
    config.connections.resolver =
        always({{"127.0.0.1", hole.port()}, {"127.0.0.1", server.port()}});
    stopwatch const watch;
    BOOST_TEST(outcome(fetch(config)) == "success");
    BOOST_TEST(watch.elapsed() >= 240ms);
}

BOOST_AUTO_TEST_CASE(an_unlimited_connection_attempt_delay_ends_with_a_failure)
{
    full_backlog const hole;
    auto const server = start();
    auto config = by_name(server);
    config.connections.connection_attempt_delay = std::chrono::milliseconds::max();
    config.connections.resolver = always({{"127.0.0.1", 1}, {"127.0.0.1", server.port()}});
    BOOST_TEST(outcome(fetch(config)) == "success");
    config.timeout = 400ms;
    config.connections.resolver =
        always({{"127.0.0.1", hole.port()}, {"127.0.0.1", server.port()}});
    BOOST_TEST(outcome(fetch(config)) == "timeout");
    BOOST_TEST(server.connections() == 1U);
}

BOOST_AUTO_TEST_CASE(the_next_address_is_tried_at_once_after_a_refused_one)
{
    auto const server = start();
    auto config = by_name(server);
    config.connections.connection_attempt_delay = 60s;
    config.connections.resolver =
        always({{"127.0.0.1", 1}, {"::1", 1}, {"127.0.0.1", server.port()}});
    BOOST_TEST(outcome(fetch(config)) == "success");
}

BOOST_AUTO_TEST_CASE(an_error_is_returned_if_all_addresses_refuse)
{
    auto const server = start();
    auto config = by_name(server);
    config.connections.resolver = always({{"127.0.0.1", 1}, {"::1", 1}});
    auto const got = fetch(config);
    BOOST_TEST(outcome(got) == "connect_failed");
    BOOST_TEST((got.error().cause() == boost::system::errc::connection_refused));
}

BOOST_AUTO_TEST_CASE(concurrent_operations_share_one_lookup_and_its_cached_result)
{
    auto const server = start();
    auto config = by_name(server);
    config.connections.idle_timeout = 0ms;
    std::atomic<int> lookups = 0;
    config.connections.resolver = [&](std::string const& host, std::uint16_t port, auto done)
    {
        BOOST_TEST(host == name);
        BOOST_TEST(port == server.port());
        ++lookups;
        done({}, {{"127.0.0.1", port}});
    };
    for (auto const& got : fetch_many(config, 10))
        BOOST_TEST(outcome(got) == "success");
    BOOST_TEST(lookups == 1);
    BOOST_TEST(server.connections() == 10U);
}

BOOST_AUTO_TEST_CASE(a_lookup_may_be_cached_without_limit)
{
    auto const server = start();
    auto config = by_name_each_time(server);
    config.connections.dns_cache_ttl = std::chrono::milliseconds::max();
    int lookups = 0;
    config.connections.resolver = [&](std::string const&, std::uint16_t port, auto done)
    {
        ++lookups;
        done({}, {{"127.0.0.1", port}});
    };
    client_fixture kept(config);
    for (int i = 0; i < 3; ++i)
        BOOST_TEST(outcome(kept.fetch()) == "success");
    BOOST_TEST(lookups == 1);
    BOOST_TEST(server.connections() == 3U);
}

BOOST_AUTO_TEST_CASE(the_systems_resolver_is_the_default)
{
    auto const server = start();
    BOOST_TEST(outcome(fetch(by_name(server))) == "success");
}

BOOST_AUTO_TEST_CASE(the_error_of_a_resolver_is_returned)
{
    struct row
    {
        char const* message;
        coauth::resolver_function resolver;
    };
    auto const server = start();
    for (auto const& row :
         std::vector<row>{
             {"an error",
              [](auto const&, auto, auto const& done)
              {
                  done(
                      boost::system::errc::make_error_code(boost::system::errc::host_unreachable),
                      {});
              }},
             {"no address", always({})},
             {"no proper address", always({{"here", 1}})},
             {"an exception", [](auto const&, auto, auto const&) { throw std::runtime_error(""); }},
         })
        BOOST_TEST_CONTEXT(row.message)
        {
            auto config = by_name(server);
            config.connections.resolver = row.resolver;
            BOOST_TEST(outcome(fetch(config)) == "resolve_failed");
        }
}

BOOST_AUTO_TEST_CASE(a_resolver_without_memory_is_an_error)
{
    auto const server = start();
    auto config = by_name(server);
    config.connections.resolver = [](auto const&, auto, auto const& done)
    { done(make_error_code(boost::system::errc::not_enough_memory), {}); };
    BOOST_TEST(outcome(fetch(config)) == "out_of_memory");
}

BOOST_AUTO_TEST_CASE(a_failed_lookup_does_not_use_an_expired_result)
{
    auto const server = start();
    auto config = by_name_each_time(server);
    config.connections.dns_cache_ttl = 200ms;
    int lookups = 0;
    bool failing = false;
    config.connections.resolver = [&](auto const&, std::uint16_t port, auto const& done)
    {
        ++lookups;
        if (failing)
            done(make_error_code(unreachable), {});
        else
            done({}, {{"127.0.0.1", port}});
    };
    client_fixture kept(config);
    BOOST_TEST(outcome(kept.fetch()) == "success");
    failing = true;
    // The result is cached.
    BOOST_TEST(outcome(kept.fetch()) == "success");
    BOOST_TEST(lookups == 1);
    std::this_thread::sleep_for(210ms);
    // But not beyond its lifetime, and a failure is not cached.
    for (int i = 2; i <= 4; ++i)
    {
        auto const got = kept.fetch();
        BOOST_TEST(outcome(got) == "resolve_failed");
        BOOST_TEST((got || got.error().cause() == unreachable));
        BOOST_TEST((got || got.error().transient()));
        BOOST_TEST(lookups == i);
    }
    failing = false;
    BOOST_TEST(outcome(kept.fetch()) == "success");
    BOOST_TEST(outcome(kept.fetch()) == "success");
    BOOST_TEST(lookups == 5);
}

BOOST_AUTO_TEST_CASE(without_a_cache_every_connection_resolves_the_host)
{
    auto const server = start();
    auto config = by_name_each_time(server);
    config.connections.dns_cache_ttl = 0ms;
    int lookups = 0;
    config.connections.resolver = [&](auto const&, std::uint16_t port, auto const& done)
    {
        ++lookups;
        done({}, {{"127.0.0.1", port}});
    };
    client_fixture kept(config);
    for (int i = 1; i <= 3; ++i)
    {
        BOOST_TEST(outcome(kept.fetch()) == "success");
        BOOST_TEST(lookups == i);
    }
}

BOOST_AUTO_TEST_CASE(a_failed_lookup_fails_all_waiting_operations)
{
    auto const server = start();
    auto config = by_name_each_time(server);
    std::vector<response_lookup> lookups;
    config.connections.resolver = [&](auto const&, auto, auto const& done)
    { lookups.push_back(done); };
    client_fixture kept(config);
    std::vector<token_result> got;
    auto const call = [&](int operations)
    {
        for (int i = 0; i < operations; ++i)
            kept.client.async_get_access_token(
                coauth::token_request(), [&](token_result r) { got.push_back(std::move(r)); });
        kept.context.restart();
        kept.context.poll();
    };
    call(6);
    call(4);
    BOOST_REQUIRE_EQUAL(lookups.size(), 1U);
    BOOST_TEST(got.empty());
    lookups[0](make_error_code(unreachable), {});
    kept.context.run();
    BOOST_TEST(count(got, "resolve_failed") == 10U);

    // A later operation starts a new lookup.
    got.clear();
    call(3);
    BOOST_REQUIRE_EQUAL(lookups.size(), 2U);
    lookups[1]({}, {{"127.0.0.1", server.port()}});
    kept.context.run();
    BOOST_TEST(count(got, "success") == 3U);
    BOOST_TEST(lookups.size() == 2U);
}

BOOST_AUTO_TEST_CASE(a_failed_lookup_of_the_system_fails_all_waiting_operations)
{
    auto const server = start();
    auto config = by_name_each_time(server);
    config.server.token_endpoint = server.token_endpoint(hanging_lookup::host);
    config.connections.dns_cache_ttl = 100ms;
    client_fixture kept(config);
    std::vector<token_result> got;
    {
        hanging_lookup const hang;
        for (int i = 0; i < 10; ++i)
            kept.client.async_get_access_token(
                coauth::token_request(), [&](token_result r) { got.push_back(std::move(r)); });
        kept.context.poll();
        BOOST_REQUIRE(hang.wait());
    }
    kept.context.run();
    BOOST_TEST(count(got, "resolve_failed") == 10U);
    BOOST_TEST(hanging_lookup::lookups() == 1);
    {
        // The error about the certificate's name shows that the server was reached.
        successful_lookup const responded;
        BOOST_TEST(outcome(kept.fetch()) == "certificate_verify_failed");
        BOOST_TEST(hanging_lookup::lookups() == 2);
    }
    std::this_thread::sleep_for(110ms);
    auto const failed = kept.fetch();
    BOOST_TEST(outcome(failed) == "resolve_failed");
    BOOST_TEST((failed || failed.error().cause() == boost::asio::error::host_not_found_try_again));
    successful_lookup const again;
    BOOST_TEST(outcome(kept.fetch()) == "certificate_verify_failed");
}

BOOST_AUTO_TEST_CASE(only_the_first_result_of_a_resolver_counts)
{
    auto const server = start();
    auto config = by_name_each_time(server);
    std::vector<response_lookup> lookups;
    config.connections.resolver = [&](auto const&, std::uint16_t port, auto const& done)
    {
        lookups.push_back(done);
        done({}, {{"127.0.0.1", port}});
        done(make_error_code(unreachable), {});
        throw std::runtime_error("");
    };
    client_fixture kept(config);
    BOOST_TEST(outcome(kept.fetch()) == "success");
    lookups.front()({}, {{"127.0.0.1", 1}});
    BOOST_TEST(outcome(kept.fetch()) == "success");
    // The first result was used and cached.
    BOOST_TEST(lookups.size() == 1U);
}

// The resolver destroys its callback without calling it.
BOOST_AUTO_TEST_CASE(a_resolver_that_drops_its_callback_is_an_error)
{
    auto const server = start();
    auto config = by_name_each_time(server);
    config.connections.resolver = [](auto const&, auto, auto const&) {};
    client_fixture kept(config);
    BOOST_TEST(count(kept.fetch_at_once(3), "resolve_failed") == 3U);
    BOOST_TEST(kept.client.counters().open == 0U);
}

BOOST_AUTO_TEST_CASE(a_resolver_may_complete_on_its_own_thread)
{
    auto const server = start();
    auto config = by_name_each_time(server);
    config.connections.dns_cache_ttl = 0ms;
    std::thread thread;
    config.connections.resolver = [&](auto const&, std::uint16_t port, auto done)
    {
        if (thread.joinable())
            thread.join();
        thread = std::thread([port, done = std::move(done)] { done({}, {{"127.0.0.1", port}}); });
    };
    client_fixture kept(config);
    for (int i = 0; i < 10; ++i)
        BOOST_TEST(count(kept.fetch_at_once(3), "success") == 3U);
    thread.join();
}

// The operation was destroyed with its context; the late result has no effect.
BOOST_AUTO_TEST_CASE(a_resolver_may_complete_after_the_context_is_destroyed)
{
    auto const server = start();
    auto config = by_name(server);
    for (bool const responded : {true, false})
    {
        response_lookup lookup;
        config.connections.resolver = [&](auto const&, auto, auto done)
        { lookup = std::move(done); };
        std::optional<coauth::client> client;
        int completions = 0;
        {
            boost::asio::io_context context;
            client.emplace(context.get_executor(), config);
            client->async_get_access_token(
                coauth::token_request(), [&](token_result const&) { ++completions; });
            context.poll();
            BOOST_REQUIRE(lookup);
        }
        if (responded)
            lookup({}, {{"127.0.0.1", server.port()}});
        lookup = nullptr;
        client.reset();
        BOOST_TEST(completions == 0);
    }
}

BOOST_AUTO_TEST_CASE(a_resolver_that_never_completes_is_abandoned_at_the_deadline)
{
    auto const server = start();
    auto config = by_name(server);
    config.timeout = 100ms;
    std::function<void(boost::system::error_code, std::vector<coauth::ip_endpoint>)> kept;
    config.connections.resolver = [&](auto const&, auto, auto done) { kept = std::move(done); };
    BOOST_TEST(outcome(fetch(config)) == "timeout");
    // The result arrives after the client was destroyed.
    kept({}, {{"127.0.0.1", server.port()}});
}

BOOST_AUTO_TEST_SUITE_END()
