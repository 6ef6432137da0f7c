// A token for a whole fleet: no fault of the store harms anybody.

#include "fleet_fixture.hpp"
#include "token_fetcher_fixture.hpp"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/test/unit_test.hpp>

#include <functional>
#include <stdexcept>
#include <thread>

using namespace test;
namespace asio = boost::asio;

BOOST_AUTO_TEST_SUITE(shared_tokens_faults)

using coauth::errc;

namespace
{

// A store that the test completes.
class manual_store final : public coauth::token_store
{
public:
    explicit manual_store(executor_type executor) : token_store(std::move(executor)) {}

    std::vector<load_handler> loads;
    std::vector<store_handler> others;

private:
    void start_load(std::string, time_point, load_handler handler) override
    {
        loads.push_back(std::move(handler));
    }
    void keep(store_handler handler) { others.push_back(std::move(handler)); }
    void start_claim(
        std::string, std::string, std::chrono::milliseconds, time_point,
        store_handler handler) override
    {
        keep(std::move(handler));
    }
    void start_renew(
        std::string, std::string, std::chrono::milliseconds, time_point,
        store_handler handler) override
    {
        keep(std::move(handler));
    }
    void start_publish(
        std::string, std::string, std::string, std::chrono::milliseconds, time_point,
        store_handler handler) override
    {
        keep(std::move(handler));
    }
    void start_release(std::string, std::string, time_point, store_handler handler) override
    {
        keep(std::move(handler));
    }
    void start_remove_if(std::string, std::string, time_point, store_handler handler) override
    {
        keep(std::move(handler));
    }
};

// A store one of whose operations throws.
class throwing_store final : public coauth::token_store
{
public:
    throwing_store(executor_type const& executor, store_operation throws)
        : token_store(executor)
        , inner_(executor)
        , throws_(throws)
    {
    }

    bool has_thrown = false;

private:
    using milliseconds = std::chrono::milliseconds;

    void on(store_operation operation)
    {
        if (operation != throws_)
            return;
        has_thrown = true;
        throw std::runtime_error("mine");
    }
    void start_load(std::string name, time_point deadline, load_handler handler) override
    {
        on(store_operation::load);
        inner_.async_load(std::move(name), deadline, std::move(handler));
    }
    void start_claim(
        std::string name, std::string owner, milliseconds lease, time_point deadline,
        store_handler handler) override
    {
        on(store_operation::claim);
        inner_.async_claim(std::move(name), std::move(owner), lease, deadline, std::move(handler));
    }
    void start_renew(
        std::string name, std::string owner, milliseconds lease, time_point deadline,
        store_handler handler) override
    {
        on(store_operation::renew);
        inner_.async_renew(std::move(name), std::move(owner), lease, deadline, std::move(handler));
    }
    void start_publish(
        std::string name, std::string owner, std::string record, milliseconds life,
        time_point deadline, store_handler handler) override
    {
        on(store_operation::publish);
        inner_.async_publish(
            std::move(name), std::move(owner), std::move(record), life, deadline,
            std::move(handler));
    }
    void start_release(
        std::string name, std::string owner, time_point deadline, store_handler handler) override
    {
        on(store_operation::release);
        inner_.async_release(std::move(name), std::move(owner), deadline, std::move(handler));
    }
    void start_remove_if(
        std::string name, std::string digest, time_point deadline, store_handler handler) override
    {
        on(store_operation::remove_if);
        inner_.async_remove_if(std::move(name), std::move(digest), deadline, std::move(handler));
    }

    memory_token_store inner_;
    store_operation const throws_;
};

} // namespace

BOOST_AUTO_TEST_CASE(every_fault_of_the_store_leaves_every_caller_with_a_token)
{
    struct row
    {
        char const* what;
        coauth::testing::store_fault fault;
    };
    using kind = store_fault_kind;
    std::vector<row> rows;
    for (auto const& [what, fault] :
         {row{"refused", {kind::refused}}, row{"slow", {kind::slow, 80ms}},
          row{"without responses", {kind::lost_response}}, row{"gone", {kind::partition}}})
    {
        rows.push_back({what, fault});
        for (int i = 0; i < 6; ++i)
        {
            auto of_one = fault;
            of_one.operation = static_cast<store_operation>(i);
            rows.push_back({what, of_one});
        }
    }
    fleet_fixture fleet;
    for (auto const& [what, fault] : rows)
        BOOST_TEST_CONTEXT(
            what << ' '
                 << (fault.operation ? to_string(*fault.operation) : std::string_view("all")))
        {
            auto const before = fleet.requests();
            fleet.nodes.clear();
            fleet.store->evict();
            fleet.store->set_fault(fault);
            fleet.add_many(3, fleet.impatient());
            stopwatch const watch;
            auto const got = fleet.get_all();
            for (auto const& one : got)
                require_token(one);
            BOOST_TEST(fleet.requests() - before <= 3U);
            BOOST_TEST(fleet.requests() - before >= 1U);
            BOOST_TEST(watch.elapsed() < 5s);
            fleet.store->set_fault({});
        }
}

BOOST_AUTO_TEST_CASE(a_lost_response_to_a_claim_costs_no_second_fetch)
{
    fleet_fixture fleet;
    auto options = fleet.impatient();
    fleet.store->set_fault({store_fault_kind::lost_response, 0ms, store_operation::claim, 1});
    auto const first = fleet.get(fleet.add(options));
    // It was won, so the token is published.
    auto const second = fleet.get(fleet.add(fleet.patient()));
    BOOST_TEST(values({first}) == values({second}));
    BOOST_TEST(fleet.requests() == 1U);
}

BOOST_AUTO_TEST_CASE(a_store_that_fails_is_left_alone_for_a_while)
{
    fleet_fixture fleet;
    fleet.store->set_fault({store_fault_kind::refused});
    auto& node = fleet.add();
    for (int i = 0; i < 4; ++i)
    {
        require_token(fleet.get(node));
        node.tokens.invalidate(node.tokens.try_get());
    }
    BOOST_TEST(fleet.store->count() == 3U);
    BOOST_TEST(node.shared.counters().bypasses == 4U);
    BOOST_TEST(fleet.events->log == "load! bypass load! bypass load! bypass breaker ");
    // Back to sharing.
    fleet.store->set_fault({});
    asio::steady_timer timer(fleet.context, 1100ms);
    timer.async_wait([](auto) {});
    fleet.run();
    fleet.events->log.clear();
    require_token(fleet.get(node));
    BOOST_TEST(fleet.events->log == "load claim claim-won load publish ");
    auto const counters = node.shared.counters();
    auto const& loads = counters.operations.at(std::size_t(store_operation::load));
    BOOST_TEST(loads.ended == 5U);
    BOOST_TEST(loads.failed == 3U);
    BOOST_TEST((loads.duration.count() > 0));
    BOOST_TEST(counters.published == 1U);
}

BOOST_AUTO_TEST_CASE(evicted_and_unusable_records_are_replaced)
{
    fleet_fixture fleet;
    auto const first = require_token(fleet.get(fleet.add()));
    auto const name = fleet.store->names().front();
    auto const old = fleet.store->record(name);
    struct row
    {
        char const* what;
        std::function<void()> spoil;
        char const* log;
    };
    for (auto const& [what, spoil, log] :
         std::vector<row>{
             {"evicted", [&] { fleet.store->evict(); }, "load claim claim-won load publish "},
             {"corrupted", [&] { fleet.store->corrupt(); },
              "load unusable claim claim-won load publish "},
             {"truncated", [&] { fleet.store->put(name, old.substr(0, old.size() / 2), 1h); },
              "load unusable claim claim-won load publish "},
             {"of another name",
              [&]
              {
                  coauth::token_source other(
                      fleet.nodes.front()->shared, coauth::token_request().scope("read"));
                  other.async_get_access_token([](token_result const&) {});
                  fleet.run();
                  for (auto const& one : fleet.store->names())
                      if (one != name)
                          fleet.store->put(name, fleet.store->record(one), 1h);
              },
              "load unusable claim claim-won load publish "}})
        BOOST_TEST_CONTEXT(what)
        {
            auto const before = fleet.requests();
            spoil();
            auto const by_spoiling = fleet.requests() - before;
            fleet.events->log.clear();
            auto const got = fleet.get(fleet.add());
            BOOST_TEST((require_token(got) == first) == false);
            BOOST_TEST(fleet.events->log == log);
            BOOST_TEST(fleet.requests() == before + by_spoiling + 1);
            fleet.events->log.clear();
            BOOST_TEST(values({fleet.get(fleet.add())}) == values({got}));
            BOOST_TEST(fleet.events->log == "load found ");
        }
    BOOST_TEST(fleet.events->last_message.find("another name") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_rejected_token_is_not_taken_again_although_its_removal_failed)
{
    fleet_fixture fleet;
    auto& node = fleet.add();
    auto const old = require_token(fleet.get(node));
    fleet.store->set_fault({store_fault_kind::refused, 0ms, store_operation::remove_if});
    node.tokens.invalidate(old);
    auto const next = require_token(fleet.get(node));
    BOOST_TEST(!(next == old));
    // The same process, another source, which has not heard of it.
    coauth::token_source other(node.shared);
    other.async_get_access_token([&](token_result const& got)
                                 { BOOST_TEST(!(require_token(got) == old)); });
    fleet.run();
}

BOOST_AUTO_TEST_CASE(a_store_that_throws_costs_no_token)
{
    auto const token = response::token("t");
    auto slow = token;
    slow.delay = 400ms;
    struct row
    {
        store_operation throws;
        response answer;
        std::string log;
    };
    row const rows[] = {
        {store_operation::load, token, "load! bypass "},
        {store_operation::claim, token, "load claim! bypass publish "},
        {store_operation::renew, slow, "load claim claim-won load publish "},
        {store_operation::publish, token, "load claim claim-won load publish! release "},
        {store_operation::release, response::json(401, R"({"error":"invalid_client"})"),
         "load claim claim-won load "},
    };
    for (auto const& row : rows)
        BOOST_TEST_CONTEXT(to_string(row.throws))
        {
            shared_fleet fleet;
            fleet.server.set_response(row.answer);
            auto const store =
                std::make_shared<throwing_store>(fleet.context.get_executor(), row.throws);
            auto options = fleet.impatient();
            options.lease = 600ms;
            auto& node = fleet.add_to(store, options);
            auto const got = fleet.get(node);
            BOOST_TEST(store->has_thrown);
            BOOST_TEST(fleet.events->log == row.log);
            if (row.throws == store_operation::release)
                BOOST_TEST((got.error() == errc::invalid_client));
            else
                BOOST_TEST(require_token(got).value() == "t");
        }
}

BOOST_AUTO_TEST_CASE(a_store_may_drop_its_handlers)
{
    shared_fleet fleet;
    auto const store = std::make_shared<manual_store>(fleet.context.get_executor());
    auto& node = fleet.add_to(store, fleet.impatient());
    token_result got = coauth::error(errc::internal_error);
    node.tokens.async_get_access_token([&](token_result r) { got = std::move(r); });
    fleet.context.restart();
    while (store->loads.empty())
        fleet.context.run_one_for(5ms);
    store->loads.clear();
    fleet.run();
    require_token(got);
    BOOST_TEST(node.shared.counters().bypasses == 1U);
}

// In another thread, after the fetch has gone on without it, and after the context is destroyed.
BOOST_AUTO_TEST_CASE(a_store_may_complete_late_and_after_the_context_is_destroyed)
{
    asio::io_context other;
    auto const store = std::make_shared<manual_store>(other.get_executor());
    bool called = false;
    {
        asio::io_context context;
        coauth::token_fetcher const function(
            context, [](coauth::token_fetch const&, coauth::token_fetch_handler const& handler)
            { handler(make_token("f")); });
        auto options = fleet_fixture::impatient();
        options.identity = "mine";
        coauth::shared_tokens const shared(function, store, options);
        coauth::token_fetcher const fetcher = shared;
        auto got = fetcher.async_fetch({}, asio::use_future);
        context.run();
        BOOST_TEST(require_token(got.get()).value() == "f");
        BOOST_REQUIRE_EQUAL(store->loads.size(), 1U);
        fetcher.async_fetch({}, [&](token_result const&) { called = true; });
        context.restart();
        while (store->loads.size() < 2)
            context.run_one();
    }
    std::thread(
        [&]
        {
            for (auto& handler : store->loads)
                std::move(handler)(coauth::stored_record());
        })
        .join();
    BOOST_TEST(!called);
}

BOOST_AUTO_TEST_SUITE_END()
