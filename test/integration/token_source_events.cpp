// Observer events and counters of a token source.

#include "token_source_fixture.hpp"

#include <boost/test/unit_test.hpp>

#include <memory>
#include <thread>

using namespace test;
using coauth::fetch_reason;
using coauth::token_source_options;

BOOST_AUTO_TEST_SUITE(token_source_events)

BOOST_AUTO_TEST_CASE(failures_are_reported_to_observer_and_counters)
{
    auto const events = std::make_shared<fetch_events>();
    token_source_fixture t;
    auto config = t.config();
    config.observer = events;
    coauth::client observed(t.context.get_executor(), with_log_scan(config));
    t.tokens.emplace(observed);
    t.server.push_response(late(100ms, response::json(400, R"({"error":"invalid_scope"})")));
    t.tokens->async_get_access_token(t.into_results());
    t.run();
    t.tokens->async_get_access_token(t.into_results());
    t.run();
    BOOST_TEST(events->log == "started:empty failed:empty:1:invalid_scope ");
    BOOST_TEST((events->next_in >= 1s && events->next_in <= 2s));
    BOOST_TEST((events->took >= 100ms && events->took < 60s));
    BOOST_TEST(!events->usable_for);
    auto const counters = t.tokens->counters();
    BOOST_TEST(counters.failures == 1U);
    BOOST_TEST(counters.fast_failures == 1U);
    t.results.clear();
    t.server.push_response(response::json(200, token_document("a")));
    t.tokens->async_get_new_access_token(t.into_results());
    t.run();
    t.server.push_response(response::json(503, "{}"));
    t.tokens->async_get_new_access_token(t.into_results());
    t.run();
    BOOST_TEST_REQUIRE(events->usable_for.has_value());
    BOOST_TEST((*events->usable_for > 3500s && *events->usable_for <= 3570s));
    std::this_thread::sleep_for(10ms);
    BOOST_TEST(t.tokens->invalidate(t.tokens->try_get()));
    BOOST_TEST((events->age >= 10ms && events->age < 60s));
    BOOST_TEST(
        events->log == "started:empty failed:empty:1:invalid_scope started:forced "
                       "succeeded:forced:1 started:forced failed:forced:1:http_error invalidated ");
    auto const by_reason = t.tokens->counters().by_reason;
    BOOST_TEST(by_reason.at(std::size_t(fetch_reason::empty)).started == 1U);
    BOOST_TEST(by_reason.at(std::size_t(fetch_reason::forced)).started == 2U);
}

BOOST_AUTO_TEST_CASE(served_tokens_are_reported_and_cache_hits_on_request)
{
    for (bool const hits : {false, true})
    {
        auto const events = std::make_shared<fetch_events>();
        token_source_options options;
        options.observe_cache_hits = hits;
        token_source_fixture t;
        auto config = t.config();
        config.observer = events;
        coauth::client observed(t.context.get_executor(), with_log_scan(config));
        t.tokens.emplace(observed, coauth::token_request(), options);
        t.server.push_response(late(100ms, response::json(200, token_document("a", 1000))));
        t.tokens->async_get_access_token(t.into_results());
        t.tokens->async_get_access_token(10s, t.into_results());
        t.run();
        BOOST_REQUIRE_EQUAL(events->served.size(), 2U);
        for (auto const& e : events->served)
        {
            BOOST_TEST_REQUIRE(e.wait.has_value());
            BOOST_TEST((*e.wait >= 100ms && *e.wait < 60s));
            BOOST_TEST((e.age >= 100ms && e.age < 60s));
            BOOST_TEST((*e.usable_for > 900s && *e.usable_for < 970s));
        }
        // The hits that the fast path served.
        for (int i = 0; i < 10; ++i)
            BOOST_TEST(!t.tokens->try_get().empty());
        t.tokens->async_get_access_token(t.into_results());
        t.run();
        BOOST_REQUIRE_EQUAL(events->served.size(), hits ? 13U : 2U);
        if (!hits)
            continue;
        BOOST_TEST(!events->served.back().wait.has_value());
        BOOST_TEST((events->served.back().age >= events->served.front().age));
        BOOST_TEST((*events->served.back().usable_for <= *events->served.front().usable_for));
        // A single-use token, and one without a known end.
        t.server.push_response(response::json(200, token_document("once", 0)));
        t.tokens->async_get_new_access_token(t.into_results());
        t.run();
        BOOST_TEST((events->served.back().usable_for == 0s));
        BOOST_TEST((events->usable_for == 0s));
        t.server.push_response(
            response::json(200, R"({"access_token":"b","token_type":"Bearer"})"));
        t.tokens->async_get_new_access_token(t.into_results());
        t.run();
        BOOST_TEST(!events->served.back().usable_for.has_value());
        BOOST_TEST(!events->usable_for.has_value());
    }
}

BOOST_AUTO_TEST_CASE(closing_during_a_fetch_counts_as_abandoned)
{
    auto const events = std::make_shared<fetch_events>();
    token_source_fixture t;
    auto config = t.config();
    config.observer = events;
    coauth::client observed(t.context.get_executor(), with_log_scan(config));
    t.tokens.emplace(observed);
    t.server.push_response(late(60s));
    t.tokens->async_get_access_token(t.into_results());
    t.run_until_requests(1);
    t.tokens->close();
    t.run();
    BOOST_TEST(outcome(t.results.at(0)) == "cancelled");
    BOOST_TEST(events->log == "started:empty abandoned:empty ");
    BOOST_TEST(t.tokens->counters().failures == 0U);
}

BOOST_AUTO_TEST_SUITE_END()
