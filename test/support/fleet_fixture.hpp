#ifndef COAUTH_TEST_SUPPORT_FLEET_FIXTURE_HPP
#define COAUTH_TEST_SUPPORT_FLEET_FIXTURE_HPP

#include <coauth/testing/memory_token_store.hpp>

#include "fixture.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace test
{

using coauth::store_operation;
using coauth::testing::memory_token_store;
using coauth::testing::store_fault_kind;

inline constexpr char const* key_a = "a:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
inline constexpr char const* key_b = "b:ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA=";

// Records the events of shared fetches as words.
class shared_events : public coauth::observer
{
public:
    void on_store_operation_ended(coauth::store_operation_ended const& e) override
    {
        add(std::string(to_string(e.operation)) + (e.error != nullptr ? "! " : " "));
    }
    void on_shared_token_found(coauth::shared_token_found const& e) override
    {
        add(e.wait.count() == 0 ? "found " : "found-later ");
    }
    void on_claim_ended(coauth::claim_ended const& e) override
    {
        add("claim-" + std::string(to_string(e.outcome)) + ' ');
    }
    void on_store_bypassed(coauth::store_bypassed const& e) override
    {
        add(e.error != nullptr ? "bypass " : "breaker ");
    }
    void on_record_unusable(coauth::record_unusable const& e) override
    {
        add("unusable ");
        last_message = e.error.message();
    }

    std::string log;
    std::string last_message;

private:
    void add(std::string const& word) { log += word; }
};

// A process of a fleet: a client, and one token source.
struct shared_node
{
    shared_node(
        boost::asio::io_context& context, coauth::client_config const& config,
        std::shared_ptr<coauth::token_store> store, coauth::shared_tokens_options options)
        : client(context, config)
        , shared(client, std::move(store), std::move(options))
        , tokens(shared)
    {
    }

    coauth::client client;
    coauth::shared_tokens shared;
    coauth::token_source tokens;
};

// Processes that share a token, on one event loop that the test runs. They may have any store.
struct shared_fleet
{
    // Without time limits of the store that a busy machine could exceed.
    static coauth::shared_tokens_options patient()
    {
        coauth::shared_tokens_options options;
        options.keys = [] { return coauth::secret(key_a); };
        options.store_timeout = 5s;
        return options;
    }
    static coauth::shared_tokens_options impatient()
    {
        auto options = patient();
        options.store_timeout = 40ms;
        return options;
    }

    shared_node&
    add_to(std::shared_ptr<coauth::token_store> store, coauth::shared_tokens_options options)
    {
        auto config = server.config();
        config.retry.max_attempts = 1;
        config.observer = events;
        nodes.push_back(
            std::make_unique<shared_node>(context, config, std::move(store), std::move(options)));
        return *nodes.back();
    }
    // Runs until no work is left.
    void run()
    {
        context.restart();
        context.run();
    }
    token_result get(shared_node& from)
    {
        token_result got = coauth::error(coauth::errc::internal_error);
        from.tokens.async_get_access_token([&](token_result r) { got = std::move(r); });
        run();
        return got;
    }
    // Of all nodes at once.
    std::vector<token_result> get_all()
    {
        std::vector<token_result> got;
        for (auto const& one : nodes)
            one->tokens.async_get_access_token([&](token_result r)
                                               { got.push_back(std::move(r)); });
        run();
        BOOST_TEST(got.size() == nodes.size());
        return got;
    }
    [[nodiscard]] std::size_t requests() const { return server.requests().size(); }

    authorization_server server = start();
    boost::asio::io_context context;
    std::shared_ptr<shared_events> events = std::make_shared<shared_events>();
    std::vector<std::unique_ptr<shared_node>> nodes;
};

// With a store in memory.
struct fleet_fixture : shared_fleet
{
    shared_node& add(coauth::shared_tokens_options options = patient())
    {
        return add_to(store, std::move(options));
    }
    void add_many(std::size_t count, coauth::shared_tokens_options const& options = patient())
    {
        for (std::size_t i = 0; i < count; ++i)
            add(options);
    }

    std::shared_ptr<memory_token_store> store = std::make_shared<memory_token_store>(context);
};

// The different tokens; "error" for each that is none.
inline std::set<std::string> values(std::vector<token_result> const& all)
{
    std::set<std::string> found;
    for (auto const& one : all)
        found.insert(one ? std::string(one->value()) : "error: " + one.error().message());
    return found;
}

} // namespace test

#endif
