// A token for a whole fleet: one process fetches it.

#include "fleet_fixture.hpp"
#include "token_fetcher_fixture.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/test/unit_test.hpp>

#include <functional>
#include <stdexcept>

using namespace test;
namespace asio = boost::asio;

BOOST_AUTO_TEST_SUITE(shared_tokens)

using coauth::errc;

BOOST_AUTO_TEST_CASE(fifty_processes_that_start_at_once_fetch_one_token)
{
    fleet_fixture fleet;
    fleet.add_many(50);
    auto const got = fleet.get_all();
    BOOST_TEST(fleet.requests() == 1U);
    BOOST_TEST(values(got).size() == 1U);
    auto const& token = require_token(got.front());
    BOOST_TEST(token.token_type() == "Bearer");
    BOOST_TEST(token.scope() == "read write");
    BOOST_TEST((token.lifetime() == 3600s));
    std::uint64_t hits = 0;
    std::uint64_t won = 0;
    std::uint64_t waits = 0;
    for (auto const& node : fleet.nodes)
    {
        auto const counters = node->shared.counters();
        hits += counters.hits;
        won += counters.claims_won;
        waits += counters.waits;
        BOOST_TEST(counters.bypasses == 0U);
        BOOST_TEST(counters.claims_held == counters.waits);
    }
    BOOST_TEST(hits == 49U);
    BOOST_TEST(waits <= 49U);
    // One may claim when the first has just published.
    BOOST_TEST(won >= 1U);
    // A process that starts later.
    fleet.events->log.clear();
    BOOST_TEST(values({fleet.get(fleet.add())}) == values(got));
    BOOST_TEST(fleet.events->log == "load found ");
    BOOST_TEST(fleet.requests() == 1U);
}

BOOST_AUTO_TEST_CASE(a_token_at_hand_touches_no_store)
{
    fleet_fixture fleet;
    auto& node = fleet.add();
    auto const first = fleet.get(node);
    auto const operations = fleet.store->count();
    BOOST_TEST(operations == 4U); // load, claim, load, publish
    for (int i = 0; i < 100; ++i)
    {
        BOOST_TEST((node.tokens.try_get() == require_token(first)));
        BOOST_TEST((require_token(fleet.get(node)) == require_token(first)));
    }
    BOOST_TEST(fleet.store->count() == operations);
}

BOOST_AUTO_TEST_CASE(the_store_sees_no_text_of_the_token_and_its_request)
{
    fleet_fixture fleet;
    auto const token = require_token(fleet.get(fleet.add()));
    BOOST_REQUIRE_EQUAL(fleet.store->names().size(), 1U);
    auto const name = fleet.store->names().front();
    BOOST_TEST(name.starts_with("coauth:{"));
    BOOST_TEST(name.size() == 52U);
    auto const record = fleet.store->record(name);
    for (auto const& secret :
         std::vector<std::string>{std::string(token.value()), "read", "127.0.0.1", client_id})
    {
        BOOST_TEST(record.find(secret) == std::string::npos);
        BOOST_TEST(name.find(secret) == std::string::npos);
    }
}

BOOST_AUTO_TEST_CASE(a_token_that_an_api_rejects_everywhere_is_replaced_once)
{
    fleet_fixture fleet;
    fleet.add_many(20);
    auto const old = values(fleet.get_all());
    BOOST_TEST(fleet.requests() == 1U);
    for (auto const& node : fleet.nodes)
        BOOST_TEST(node->tokens.invalidate(node->tokens.try_get()));
    auto const got = values(fleet.get_all());
    BOOST_TEST(fleet.requests() == 2U);
    BOOST_TEST(got.size() == 1U);
    BOOST_TEST(got != old);
    // One that hears of it late takes the new one.
    auto& late = fleet.add();
    require_token(fleet.get(late));
    BOOST_TEST(fleet.requests() == 2U);
}

BOOST_AUTO_TEST_CASE(keys_are_rotated_without_a_failure)
{
    fleet_fixture fleet;
    std::string ring = key_a;
    auto options = fleet.patient();
    options.keys = [&]() -> coauth::result<coauth::secret>
    {
        if (ring.empty())
            return coauth::error(errc::invalid_configuration);
        return coauth::secret(ring);
    };
    auto const first = values({fleet.get(fleet.add(options))});
    auto get_another = [&] { return values({fleet.get(fleet.add(options))}); };
    ring = std::string(key_a) + "\n" + key_b;
    BOOST_TEST(get_another() == first);
    ring = std::string(key_b) + "\n" + key_a;
    BOOST_TEST(get_another() == first);
    BOOST_TEST(fleet.requests() == 1U);
    // Without the key of the record: one fetch for the new key.
    ring = key_b;
    auto const second = get_another();
    BOOST_TEST(second != first);
    BOOST_TEST(get_another() == second);
    BOOST_TEST(fleet.requests() == 2U);
    // Nothing usable: the last keys remain in use, but only where there are some.
    auto& node = *fleet.nodes.back();
    for (auto const* const unusable : {"", "no key"})
    {
        ring = unusable;
        node.tokens.invalidate(node.tokens.try_get());
        require_token(fleet.get(node));
        BOOST_TEST(outcome(node.shared.validate()) == "success");
        BOOST_TEST(outcome(fleet.get(fleet.add(options))) == "invalid_configuration");
    }
}

BOOST_AUTO_TEST_CASE(a_dead_holder_costs_one_fetch_after_its_lease)
{
    fleet_fixture fleet;
    require_token(fleet.get(fleet.add()));
    auto const name = fleet.store->names().front();
    fleet.store->evict();
    fleet.nodes.clear();
    auto options = fleet.patient();
    options.store_timeout = 250ms;
    options.lease = 500ms;
    stopwatch const watch;
    fleet.store->async_claim(
        name, "dead", 500ms, std::chrono::steady_clock::time_point::max(),
        [](coauth::result<bool> const& won) { BOOST_TEST(*won); });
    fleet.add_many(10, options);
    auto const got = fleet.get_all();
    BOOST_TEST(watch.elapsed() >= 500ms);
    BOOST_TEST(values(got).size() == 1U);
    BOOST_TEST(fleet.requests() == 2U);
}

BOOST_AUTO_TEST_CASE(a_slow_fetch_renews_its_claim)
{
    fleet_fixture fleet;
    auto options = fleet.patient();
    options.store_timeout = 200ms;
    options.lease = 400ms;
    auto slow = response::token("slow");
    slow.delay = 1000ms;
    fleet.server.push_response(slow);
    fleet.add_many(3, options);
    auto const got = fleet.get_all();
    BOOST_TEST(values(got) == std::set<std::string>{"slow"});
    BOOST_TEST(fleet.requests() == 1U);
    BOOST_TEST(fleet.store->count(store_operation::renew) >= 2U);
}

BOOST_AUTO_TEST_CASE(a_failure_of_the_server_is_shared_until_its_back_off_ends)
{
    fleet_fixture fleet;
    fleet.server.set_response(response::json(503, R"({"error":"temporarily_unavailable"})"));
    fleet.add_many(10);
    auto const got = fleet.get_all();
    BOOST_TEST(fleet.requests() == 1U);
    std::uint64_t shared = 0;
    for (auto const& one : got)
    {
        BOOST_TEST(outcome(one) == "temporarily_unavailable");
        BOOST_TEST(one.error().http_status() == 503U);
        BOOST_TEST((one.error().retry_at() > std::chrono::system_clock::now()));
    }
    for (auto const& node : fleet.nodes)
        shared += node->shared.counters().shared_failures;
    BOOST_TEST(shared == 9U);
    // Who insists is not held back.
    fleet.server.clear_responses();
    bool called = false;
    fleet.nodes.front()->tokens.async_get_new_access_token(
        [&](token_result const& forced)
        {
            require_token(forced);
            called = true;
        });
    fleet.run();
    BOOST_TEST(called);
    BOOST_TEST(fleet.requests() == 2U);
}

BOOST_AUTO_TEST_CASE(wrong_credentials_of_one_process_hold_no_other_back)
{
    fleet_fixture fleet;
    auto config = fleet.server.config();
    config.authentication = config.authentication.with_secret("wrong");
    shared_node wrong(fleet.context, config, fleet.store, fleet.patient());
    BOOST_TEST(outcome(fleet.get(wrong)) == "invalid_client");
    require_token(fleet.get(fleet.add()));
}

BOOST_AUTO_TEST_CASE(what_cannot_be_shared_is_fetched_by_each)
{
    fleet_fixture fleet;
    fleet.server.push_response(response::token("once-1", 0s));
    fleet.server.push_response(response::token("once-2", 0s));
    BOOST_TEST(values({fleet.get(fleet.add())}) == std::set<std::string>{"once-1"});
    BOOST_TEST(values({fleet.get(fleet.add())}) == std::set<std::string>{"once-2"});
    // A refresh token.
    auto const operations = fleet.store->count();
    coauth::token_source other(
        fleet.nodes.front()->shared, coauth::token_request::refresh_token(coauth::secret("r")));
    fleet.server.push_response(response::token("refreshed"));
    other.async_get_access_token([](token_result const& got)
                                 { BOOST_TEST(require_token(got).value() == "refreshed"); });
    fleet.run();
    BOOST_TEST(fleet.store->count() == operations);
}

BOOST_AUTO_TEST_CASE(forced_fetches_share_a_token_that_is_new)
{
    fleet_fixture fleet;
    fleet.add_many(5);
    auto const old = values(fleet.get_all());
    auto slow = response::token("new");
    slow.delay = 200ms;
    fleet.server.push_response(slow);
    std::vector<token_result> got;
    for (auto const& node : fleet.nodes)
        node->tokens.async_get_new_access_token([&](token_result r) { got.push_back(r); });
    fleet.run();
    BOOST_TEST(values(got) == std::set<std::string>{"new"});
    BOOST_TEST(fleet.requests() == 2U);
}

BOOST_AUTO_TEST_CASE(a_cancelled_holder_leaves_its_claim_to_others)
{
    fleet_fixture fleet;
    auto slow = response::token("slow");
    slow.delay = 5s;
    fleet.server.push_response(slow);
    auto& holder = fleet.add();
    coauth::token_fetcher const fetcher = holder.shared;
    asio::cancellation_signal stop;
    std::string ended;
    fetcher.async_fetch(
        {}, asio::bind_cancellation_slot(
                stop.slot(), [&](token_result const& r) { ended = outcome(r); }));
    while (fleet.requests() == 0)
        fleet.context.run_one_for(5ms);
    stop.emit(asio::cancellation_type::terminal);
    BOOST_TEST(require_token(fleet.get(fleet.add())).value() != "slow");
    BOOST_TEST(ended == "cancelled");
    BOOST_TEST(fleet.store->count(store_operation::release) == 1U);
}

BOOST_AUTO_TEST_CASE(any_fetcher_may_be_shared_if_it_says_what_its_tokens_are)
{
    asio::io_context context;
    auto const store = std::make_shared<memory_token_store>(context);
    int calls = 0;
    coauth::token_fetcher const function(
        context, [&](coauth::token_fetch const&, coauth::token_fetch_handler const& handler)
        { handler(make_token("f" + std::to_string(++calls))); });
    auto options = fleet_fixture::patient();
    auto get = [&]
    {
        coauth::token_source tokens{coauth::shared_tokens(function, store, options)};
        auto got = tokens.async_get_access_token(asio::use_future);
        context.restart();
        context.run();
        return got.get();
    };
    BOOST_TEST(outcome(get()) == "invalid_configuration");
    options.identity = "mine";
    BOOST_TEST(require_token(get()).value() == "f1");
    BOOST_TEST(require_token(get()).value() == "f1");
    options.identity = "another";
    BOOST_TEST(require_token(get()).value() == "f2");
}

BOOST_AUTO_TEST_CASE(a_token_that_the_source_would_refuse_is_not_taken)
{
    struct row
    {
        char const* what;
        std::chrono::seconds age;
        std::function<void(coauth::token_source_options&)> change;
        char const* token;
    };
    for (auto const& [what, age, change, token] :
         std::vector<row>{
             {"old", 3000s, [](auto&) {}, "f1"},
             {"older than its max_age", 3000s, [](auto& o) { o.max_age = 1000s; }, "f2"},
             {"within its margin", 3400s, [](auto& o) { o.expiry_margin = 300s; }, "f2"},
             {"before its margin", 3200s, [](auto& o) { o.expiry_margin = 300s; }, "f1"}})
        BOOST_TEST_CONTEXT(what)
        {
            asio::io_context context;
            auto const store = std::make_shared<memory_token_store>(context);
            int calls = 0;
            coauth::token_fetcher const function(
                context,
                [&](coauth::token_fetch const&, coauth::token_fetch_handler const& handler)
                {
                    coauth::access_token_info info;
                    info.value = "f" + std::to_string(++calls);
                    info.requested_at_steady =
                        std::chrono::steady_clock::now() - (calls == 1 ? age : 0s);
                    info.lifetime = 3600s;
                    handler(coauth::access_token(std::move(info)));
                });
            auto options = fleet_fixture::patient();
            options.identity = "mine";
            coauth::shared_tokens const shared(function, store, options);
            auto get = [&](coauth::token_source_options const& of)
            {
                coauth::token_source tokens(shared, {}, of);
                auto got = tokens.async_get_access_token(asio::use_future);
                context.restart();
                context.run();
                return std::string(require_token(got.get()).value());
            };
            BOOST_TEST(get({}) == "f1");
            coauth::token_source_options strict;
            change(strict);
            BOOST_TEST(get(strict) == token);
        }
}

BOOST_AUTO_TEST_CASE(invalid_options_are_refused_with_advice)
{
    struct row
    {
        char const* message;
        std::function<void(coauth::shared_tokens_options&)> change;
    };
    fleet_fixture fleet;
    auto const store = fleet.store;
    for (auto const& [message, change] :
         std::vector<row>{
             {"keys", [](auto& o) { o.keys = nullptr; }},
             {"no default key", [](auto& o) { o.keys = [] { return coauth::secret(); }; }},
             {"line 1", [](auto& o) { o.keys = [] { return coauth::secret("secret-text"); }; }},
             {"exception",
              [](auto& o)
              {
                  o.keys = []() -> coauth::result<coauth::secret> { throw std::runtime_error(""); };
              }},
             {"prefix", [](auto& o) { o.prefix = ""; }},
             {"prefix", [](auto& o) { o.prefix = "a{b}"; }},
             {"prefix", [](auto& o) { o.prefix = std::string(65, 'a'); }},
             {"store_timeout", [](auto& o) { o.store_timeout = 0ms; }},
             {"store_timeout", [](auto& o) { o.store_timeout = 10'001ms; }},
             {"lease", [](auto& o) { o.lease = 9'999ms; }},
             {"lease", [](auto& o) { o.lease = 601s; }},
             {"token_store", [&](auto&) { fleet.store = nullptr; }}})
        BOOST_TEST_CONTEXT(message)
        {
            auto options = fleet.patient();
            change(options);
            auto& node = fleet.add(options);
            auto const got = fleet.get(node);
            BOOST_TEST(outcome(got) == "invalid_configuration");
            BOOST_TEST(got.error().message().find(message) != std::string::npos);
            BOOST_TEST(got.error().message().find("secret-text") == std::string::npos);
            BOOST_TEST(outcome(node.shared.validate()) == "invalid_configuration");
        }
    BOOST_TEST(store->count() == 0U);
    BOOST_TEST(fleet.requests() == 0U);
}

BOOST_AUTO_TEST_SUITE_END()
