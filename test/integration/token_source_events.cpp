// Observer events and counters of a token source.

#include "token_source_fixture.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

using namespace test;

BOOST_AUTO_TEST_SUITE(token_source_events)

using coauth::fetch_reason;
using coauth::token_source_options;

namespace
{

// Records whose each event is.
class event_owners : public coauth::observer
{
public:
    void on_phase_ended(coauth::phase_ended const& e) override { add("phase", e.context); }
    void on_connection_opened(coauth::connection_opened const& e) override
    {
        add("opened", e.context);
    }
    void on_connection_reused(coauth::connection_reused const& e) override
    {
        add("reused", e.context);
    }
    void on_connection_closed(coauth::connection_closed const& e) override
    {
        add("closed", e.context);
    }
    void on_attempt_started(coauth::attempt_started const& e) override
    {
        add("attempt", e.context);
    }
    void on_attempt_failed(coauth::attempt_failed const& e) override { add("failed", e.context); }
    void on_token_received(coauth::token_received const& e) override { add("received", e.context); }
    void on_fetch_started(coauth::fetch_started const& e) override { add("fetch", e.context); }
    void on_fetch_succeeded(coauth::fetch_succeeded const& e) override
    {
        add("fetched", e.context);
    }
    void on_fetch_failed(coauth::fetch_failed const& e) override { add("unfetched", e.context); }
    void on_fetch_abandoned(coauth::fetch_abandoned const& e) override
    {
        add("abandoned", e.context);
    }
    void on_token_served(coauth::token_served const& e) override { add("served", e.context); }
    void on_token_invalidated(coauth::token_invalidated const& e) override
    {
        add("invalidated", e.context);
    }

    struct owner
    {
        std::string event;
        std::string client;
        std::string endpoint;
        std::uint64_t operation = 0;
    };
    std::vector<owner> owners;

private:
    void add(std::string event, coauth::event_context const& context)
    {
        owners.push_back(
            {std::move(event), std::string(context.client), std::string(context.endpoint),
             context.operation});
    }
};

bool is_part_of_none(std::string const& event)
{
    return event == "closed" || event == "invalidated";
}

} // namespace

BOOST_AUTO_TEST_CASE(events_name_the_client_the_endpoint_and_the_operation)
{
    auto const seen = std::make_shared<event_owners>();
    std::uint16_t port = 0;
    {
        token_source_fixture t;
        port = t.server.port();
        auto config = t.config();
        config.observer = seen;
        config.name = "billing";
        auto const url = config.server.token_endpoint;
        config.server.token_endpoint += "?key=hidden";
        config.retry.max_attempts = 2;
        config.retry.initial_back_off = 1ms;
        coauth::client observed(t.context.get_executor(), with_log_scan(config));
        t.tokens.emplace(observed);
        t.server.push_response(response::json(503, "{}"));
        t.server.push_response(response::json(200, token_document("a")));
        t.tokens->async_get_access_token(t.into_results());
        t.run();
        auto const first = seen->owners.front().operation;
        BOOST_TEST(t.tokens->invalidate(t.tokens->try_get()));
        t.server.push_response(response::json(400, R"({"error":"invalid_scope"})"));
        t.tokens->async_get_access_token(t.into_results());
        t.run();
        auto const second = seen->owners.back().operation;
        BOOST_TEST(second > first);
        for (auto const& one : seen->owners)
            BOOST_TEST_CONTEXT(one.event)
            {
                BOOST_TEST(one.client == "billing");
                // A connection serves all endpoints of an origin.
                BOOST_TEST(one.endpoint == (one.event == "closed" ? t.server.issuer() : url));
                if (is_part_of_none(one.event))
                    BOOST_TEST(one.operation == 0U);
                else
                    BOOST_TEST((one.operation == first || one.operation == second));
            }
        auto const has = [&](std::string const& event, std::uint64_t operation)
        {
            return std::any_of(
                seen->owners.begin(), seen->owners.end(),
                [&](auto const& one) { return one.event == event && one.operation == operation; });
        };
        for (auto const* const event :
             {"fetch", "attempt", "phase", "opened", "failed", "received", "fetched", "served"})
            BOOST_TEST(has(event, first), event);
        for (auto const* const event : {"fetch", "attempt", "reused", "failed", "unfetched"})
            BOOST_TEST(has(event, second), event);
        BOOST_TEST(has("invalidated", 0));
        seen->owners.clear();
        t.tokens.reset();
    }
    BOOST_TEST_REQUIRE(!seen->owners.empty());
    BOOST_TEST(seen->owners.back().event == "closed");
    BOOST_TEST(seen->owners.back().client == "billing");
    BOOST_TEST(seen->owners.back().endpoint.ends_with(std::to_string(port)));
}

// Two clients with one observer.
BOOST_AUTO_TEST_CASE(operations_of_different_clients_have_different_numbers)
{
    auto const seen = std::make_shared<event_owners>();
    token_source_fixture t;
    std::vector<coauth::client> clients;
    for (auto const* const name : {"one", "two"})
    {
        auto config = t.config();
        config.observer = seen;
        config.name = name;
        clients.emplace_back(t.context.get_executor(), with_log_scan(config));
    }
    for (auto& each : clients)
        each.async_get_access_token(t.into_results());
    t.run();
    std::map<std::uint64_t, std::set<std::string>> names;
    for (auto const& one : seen->owners)
        if (one.operation != 0)
            names[one.operation].insert(one.client);
    BOOST_TEST_REQUIRE(names.size() == 2U);
    for (auto const& [operation, of] : names)
        BOOST_TEST(of.size() == 1U);
}

// The client discovers its endpoint: its source knows the issuer alone.
BOOST_AUTO_TEST_CASE(events_of_a_client_of_an_issuer_name_the_endpoint_that_was_found)
{
    auto const seen = std::make_shared<event_owners>();
    token_source_fixture t;
    auto config = t.config();
    auto const url = config.server.token_endpoint;
    auto const issuer = t.server.issuer();
    config.server = {};
    config.issuer = issuer;
    config.observer = seen;
    config.name = "found";
    coauth::client observed(t.context.get_executor(), with_log_scan(config));
    t.tokens.emplace(observed);
    t.tokens->async_get_access_token(t.into_results());
    t.run();
    BOOST_TEST_REQUIRE(!seen->owners.empty());
    for (auto const& one : seen->owners)
        BOOST_TEST_CONTEXT(one.event)
        {
            bool const of_source = one.event.starts_with("fetch") || one.event == "served";
            BOOST_TEST(one.client == "found");
            BOOST_TEST(one.endpoint == (of_source ? issuer : url));
            BOOST_TEST(one.operation == seen->owners.front().operation);
        }
}

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
