// A fleet that shares a token, simulated: how many requests it sends to the authorization server.

#include "fleet_simulation.hpp"

#include "support.hpp"

#include <algorithm>
#include <cmath>
#include <iomanip>
#include <iostream>
#include <string>

using namespace test;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(fleet_simulation)

namespace
{

constexpr auto day = std::chrono::hours(24);

// The tokens of a day, one after the other: a fleet replaces each after 70 % of its lifetime, when
// the first of its nodes does.
std::size_t lives(std::chrono::seconds lifetime)
{
    return static_cast<std::size_t>(
        std::ceil(std::chrono::duration<double>(day) / (lifetime * 0.7)));
}

void print_chart(char const* name, test::fleet_simulation const& fleet, std::size_t expected)
{
    std::cout << name << ": " << fleet.fetches.size() << " fetches for " << expected
              << " lives of the token, " << fleet.store_operations << " operations of the store, "
              << fleet.claims_lost << " claims lost\n";
    // The fetches of each hour.
    auto const begin =
        fleet.fetches.empty() ? test::fleet_simulation::time_point() : fleet.fetches.front();
    for (int hour = 0; hour < 24; ++hour)
    {
        auto const count = std::count_if(
            fleet.fetches.begin(), fleet.fetches.end(), [&](auto at)
            { return std::chrono::floor<std::chrono::hours>(at - begin).count() == hour; });
        std::cout << std::setw(4) << hour << " h "
                  << std::string(static_cast<std::size_t>(count), '#') << ' ' << count << '\n';
    }
}

} // namespace

BOOST_AUTO_TEST_CASE(a_thousand_nodes_fetch_each_token_of_a_day_once)
{
    test::fleet_simulation fleet({.nodes = 1000});
    fleet.start(1s);
    fleet.run_for(day);
    auto const expected = lives(3600s);
    print_chart("no faults", fleet, expected);
    BOOST_TEST(fleet.fetches.size() <= expected);
    BOOST_TEST(fleet.fetches.size() >= expected * 9 / 10);
    BOOST_TEST(fleet.most_in_flight == 1U);
    BOOST_TEST(fleet.gaps == 0U);
    BOOST_TEST(fleet.all_have_a_token());
}

BOOST_AUTO_TEST_CASE(a_lost_claim_costs_at_most_one_fetch)
{
    struct row
    {
        char const* name;
        fleet_options options;
    };
    for (auto const& [name, options] : std::vector<row>{
             {"claims lost", {.nodes = 1000, .token_life = 900s, .lost_claims = 0.01, .seed = 9}},
             {"responses lost",
              {.nodes = 100, .token_life = 1800s, .lost_responses = 0.001, .seed = 1}}})
        BOOST_TEST_CONTEXT(name)
        {
            test::fleet_simulation fleet(options);
            fleet.start(1s);
            fleet.run_for(day);
            auto const expected = lives(options.token_life);
            print_chart(name, fleet, expected);
            BOOST_TEST(fleet.fetches.size() <= expected + fleet.claims_lost);
            BOOST_TEST(
                static_cast<double>(fleet.fetches.size()) <= 1.01 * static_cast<double>(expected));
            BOOST_TEST(fleet.gaps == 0U);
            BOOST_TEST(fleet.all_have_a_token());
        }
}

BOOST_AUTO_TEST_CASE(a_killed_holder_costs_one_fetch_after_its_lease)
{
    test::fleet_simulation fleet({});
    fleet.start(0s);
    fleet.run_for(100ms);
    BOOST_TEST(fleet.fetches.size() == 1U);
    fleet.kill_holder();
    fleet.run_for(9s);
    BOOST_TEST(fleet.fetches.size() == 1U);
    fleet.run_for(4s);
    BOOST_REQUIRE_EQUAL(fleet.fetches.size(), 2U);
    BOOST_TEST((fleet.fetches.at(1) - fleet.fetches.at(0) > 9900ms));
    BOOST_TEST(fleet.all_have_a_token());
}

BOOST_AUTO_TEST_CASE(a_token_rejected_everywhere_costs_one_fetch)
{
    test::fleet_simulation fleet({});
    fleet.start(0s);
    fleet.run_for(600ms);
    BOOST_TEST(fleet.all_have_a_token());
    BOOST_TEST(fleet.fetches.size() == 1U);
    fleet.reject_everywhere();
    fleet.run_for(700ms);
    BOOST_TEST(fleet.fetches.size() == 2U);
    BOOST_TEST(fleet.all_have_a_token());
    BOOST_TEST(fleet.different_tokens() == 1U);
}

BOOST_AUTO_TEST_CASE(a_server_that_is_down_gets_one_attempt_at_a_time_and_rarely)
{
    for (auto const before : {0h, 1h})
        BOOST_TEST_CONTEXT((before == 0h ? "without a token" : "with a token"))
        {
            test::fleet_simulation fleet({.nodes = 100});
            fleet.server_is_down = before == 0h;
            fleet.start(0s);
            fleet.run_for(before / 2);
            auto const until_now = fleet.fetches.size();
            fleet.server_is_down = true;
            fleet.run_for(1h);
            auto const attempts = fleet.fetches.size() - until_now;
            std::cout << "an hour without the server: " << attempts << " attempts\n";
            BOOST_TEST(fleet.most_in_flight == 1U);
            BOOST_TEST(attempts <= 4 * 60U);
            BOOST_TEST(attempts >= 10U);
            fleet.server_is_down = false;
            fleet.run_for(5min);
            BOOST_TEST(fleet.all_have_a_token());
            // Those that have met the failure last have perhaps not tried again yet.
            BOOST_TEST(fleet.fetches.size() - until_now - attempts <= 1U);
        }
}

BOOST_AUTO_TEST_SUITE_END()
