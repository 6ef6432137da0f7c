// What goes wrong with a real server, and how the store comes back.

#include "store_fixture.hpp"

#include <memory>
#include <thread>

using namespace test;
using coauth::errc;

namespace
{

struct failure_fixture
{
    redis_process server;
    store_fixture store{server.options()};

    // Operations until one succeeds.
    bool recovers(std::chrono::milliseconds within = 10s)
    {
        stopwatch const since;
        while (since.elapsed() < within)
        {
            if (store.load("a"))
                return true;
            std::this_thread::sleep_for(20ms);
        }
        return false;
    }
    // The result of a load that has this time.
    std::string load_within(std::chrono::milliseconds limit)
    {
        auto const before = std::exchange(store.limit, limit);
        auto const got = outcome(store.load("a"));
        store.limit = before;
        return got;
    }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(redis_failures, failure_fixture)

BOOST_AUTO_TEST_CASE(a_stopped_server_costs_the_time_limit_and_no_more)
{
    store.put("a", "record");
    server.stop();
    stopwatch const since;
    BOOST_TEST(load_within(100ms) == "timeout");
    BOOST_TEST(since.elapsed() < 2s);
    server.resume();
    BOOST_TEST(store.text(store.load("a")) == "record");
}

BOOST_AUTO_TEST_CASE(a_server_that_was_stopped_before_the_connection_too)
{
    server.stop();
    BOOST_TEST(load_within(100ms) == "timeout");
    BOOST_TEST(load_within(50ms) == "timeout");
    server.resume();
    BOOST_TEST(recovers());
}

BOOST_AUTO_TEST_CASE(late_replies_belong_to_nobody)
{
    store.put("a", "record of a");
    store.put("b", "record of b");
    server.command({"CLIENT", "PAUSE", "300", "ALL"});
    BOOST_TEST(load_within(50ms) == "timeout");
    BOOST_TEST(load_within(50ms) == "timeout");
    BOOST_TEST(store.text(store.load("b")) == "record of b");
    BOOST_TEST(store.text(store.load("a")) == "record of a");
}

BOOST_AUTO_TEST_CASE(a_slow_server_serves_who_has_the_time)
{
    store.put("a", "record");
    server.command({"CLIENT", "PAUSE", "300", "ALL"});
    BOOST_TEST(load_within(50ms) == "timeout");
    BOOST_TEST(load_within(10s) == "success");
}

BOOST_AUTO_TEST_CASE(a_killed_server_fails_at_once_and_is_found_again)
{
    store.put("a", "record");
    server.kill();
    stopwatch const since;
    BOOST_TEST(outcome(store.load("a")) == "connect_failed");
    // Within the back-off, without another attempt.
    BOOST_TEST(outcome(store.load("a")) == "connect_failed");
    BOOST_TEST(since.elapsed() < 2s);
    server.start();
    BOOST_TEST(recovers());
    BOOST_TEST(store.text(store.load("a")) == "none");
    store.put("a", "new");
    BOOST_TEST(store.text(store.load("a")) == "new");
}

BOOST_AUTO_TEST_CASE(a_restart_loses_the_claims)
{
    store.claim("a", "me");
    server.kill();
    server.start();
    BOOST_TEST(recovers());
    BOOST_TEST(store.text(store.claim("a", "you")) == "true");
    BOOST_TEST(store.text(store.publish("a", "me", "record")) == "false");
}

BOOST_AUTO_TEST_CASE(a_server_without_memory_is_an_error_that_passes)
{
    store.put("a", "record");
    server.command({"CONFIG", "SET", "maxmemory", "1"});
    BOOST_TEST(outcome(store.claim("b", "me")) == "temporarily_unavailable");
    BOOST_TEST(outcome(store.load("a")) == "success");
    server.command({"CONFIG", "SET", "maxmemory", "0"});
    BOOST_TEST(store.text(store.claim("b", "me")) == "true");
    server.command({"CONFIG", "SET", "maxmemory", "1"});
    BOOST_TEST(outcome(store.publish("b", "me", "record")) == "temporarily_unavailable");
}

BOOST_AUTO_TEST_CASE(an_evicted_record_is_a_miss)
{
    store.put("a", "record");
    server.command({"DEL", "coauth:{a}"});
    BOOST_TEST(store.text(store.load("a")) == "none");
}

BOOST_AUTO_TEST_CASE(a_busy_server_is_an_error_that_passes)
{
    server.command({"CONFIG", "SET", "min-replicas-to-write", "1"});
    auto const claimed = store.claim("a", "me");
    BOOST_TEST(outcome(claimed) == "temporarily_unavailable");
    server.command({"CONFIG", "SET", "min-replicas-to-write", "0"});
    BOOST_TEST(store.text(store.claim("a", "me")) == "true");
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(redis_failover)

// The name leads to the old primary, which becomes a replica, and then to the new one.
BOOST_AUTO_TEST_CASE(a_read_only_server_is_left_when_its_name_has_moved)
{
    redis_process old_primary;
    redis_process new_primary;
    auto const leads_to = std::make_shared<std::uint16_t>(old_primary.tls_port());
    auto options = old_primary.options();
    options.tls.ca_pem += new_primary.ca_pem();
    options.resolver = [leads_to](std::string const&, std::uint16_t, auto done)
    { done({}, std::vector<coauth::ip_endpoint>{{"127.0.0.1", *leads_to}}); };
    store_fixture store(options);
    store.put("a", "record");
    BOOST_TEST(store.text(store.claim("a", "me")) == "true");
    old_primary.command({"REPLICAOF", "127.0.0.1", std::to_string(new_primary.port())});

    // Still the old one: the error says so, for plain commands and for scripts.
    BOOST_TEST(outcome(store.claim("b", "me")) == "temporarily_unavailable");
    BOOST_TEST(outcome(store.publish("a", "me", "record")) == "temporarily_unavailable");
    *leads_to = new_primary.tls_port();
    BOOST_TEST(store.text(store.claim("b", "me")) == "true");
    BOOST_TEST(new_primary.command({"EXISTS", "coauth:{b}:claim"}) == "1");
    BOOST_TEST(store.text(store.publish("b", "me", "record")) == "true");
}

BOOST_AUTO_TEST_SUITE_END()
