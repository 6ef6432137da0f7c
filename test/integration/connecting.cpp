// How an address is found and reached.

#include "fixture.hpp"
#include "full_backlog.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <atomic>

using namespace test;

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

// Gives these addresses for every name, at once.
coauth::resolver_function always(std::vector<coauth::ip_endpoint> addresses)
{
    return [addresses = std::move(addresses)](auto const&, auto, auto const& done)
    { done({}, addresses); };
}

} // namespace

BOOST_AUTO_TEST_SUITE(connecting)

BOOST_AUTO_TEST_CASE(a_black_holed_first_address_costs_its_head_start_alone)
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

BOOST_AUTO_TEST_CASE(a_refused_address_is_followed_by_the_next_at_once)
{
    auto const server = start();
    auto config = by_name(server);
    config.connections.connect_stagger = 60s;
    config.connections.resolver =
        always({{"127.0.0.1", 1}, {"::1", 1}, {"127.0.0.1", server.port()}});
    BOOST_TEST(outcome(fetch(config)) == "success");
}

BOOST_AUTO_TEST_CASE(all_addresses_refused)
{
    auto const server = start();
    auto config = by_name(server);
    config.connections.resolver = always({{"127.0.0.1", 1}, {"::1", 1}});
    auto const got = fetch(config);
    BOOST_TEST(outcome(got) == "connect_failed");
    BOOST_TEST((got.error().cause() == boost::system::errc::connection_refused));
}

BOOST_AUTO_TEST_CASE(one_lookup_serves_all_and_is_kept)
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

BOOST_AUTO_TEST_CASE(the_systems_resolver_is_asked_by_default)
{
    auto const server = start();
    BOOST_TEST(outcome(fetch(by_name(server))) == "success");
}

BOOST_AUTO_TEST_CASE(a_resolver_that_fails)
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

BOOST_AUTO_TEST_CASE(a_resolver_that_never_answers_is_left_at_the_deadline)
{
    auto const server = start();
    auto config = by_name(server);
    config.timeout = 100ms;
    std::function<void(boost::system::error_code, std::vector<coauth::ip_endpoint>)> kept;
    config.connections.resolver = [&](auto const&, auto, auto done) { kept = std::move(done); };
    BOOST_TEST(outcome(fetch(config)) == "timeout");
    // Too late, and the client is gone.
    kept({}, {{"127.0.0.1", server.port()}});
}

BOOST_AUTO_TEST_SUITE_END()
