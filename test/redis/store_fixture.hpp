#ifndef COAUTH_TEST_REDIS_STORE_FIXTURE_HPP
#define COAUTH_TEST_REDIS_STORE_FIXTURE_HPP

#include <coauth/redis_token_store.hpp>

#include "fixture.hpp"
#include "redis_process.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <chrono>
#include <optional>
#include <string>

namespace test
{

// A store, and its operations one after the other. Each runs the context until it has no more work:
// an idle connection must not be any.
struct store_fixture
{
    explicit store_fixture(coauth::redis_options options) : store(context, std::move(options)) {}

    template <class T, class Start>
    coauth::result<T> run(Start const& start)
    {
        std::optional<coauth::result<T>> outcome;
        start([&](coauth::result<T> got) { outcome = std::move(got); });
        BOOST_TEST(!outcome.has_value(), "it completed inside its call");
        context.restart();
        context.run();
        BOOST_TEST_REQUIRE(outcome.has_value());
        return std::move(*outcome);
    }

    [[nodiscard]] std::chrono::steady_clock::time_point deadline() const
    {
        return std::chrono::steady_clock::now() + limit;
    }

    coauth::result<coauth::stored_record> load(std::string const& name)
    {
        return run<coauth::stored_record>([&](auto handler)
                                          { store.async_load(name, deadline(), handler); });
    }
    coauth::result<bool>
    claim(std::string const& name, std::string const& owner, std::chrono::milliseconds lease = 10s)
    {
        return run<bool>([&](auto handler)
                         { store.async_claim(name, owner, lease, deadline(), handler); });
    }
    coauth::result<bool>
    renew(std::string const& name, std::string const& owner, std::chrono::milliseconds lease = 10s)
    {
        return run<bool>([&](auto handler)
                         { store.async_renew(name, owner, lease, deadline(), handler); });
    }
    coauth::result<bool> publish(
        std::string const& name, std::string const& owner, std::string const& record,
        std::chrono::milliseconds life = 60s)
    {
        return run<bool>([&](auto handler)
                         { store.async_publish(name, owner, record, life, deadline(), handler); });
    }
    coauth::result<bool> release(std::string const& name, std::string const& owner)
    {
        return run<bool>([&](auto handler)
                         { store.async_release(name, owner, deadline(), handler); });
    }
    coauth::result<bool> remove_if(std::string const& name, std::string const& digest)
    {
        return run<bool>([&](auto handler)
                         { store.async_remove_if(name, digest, deadline(), handler); });
    }
    // Claims the name and publishes the record.
    void put(std::string const& name, std::string const& record)
    {
        BOOST_TEST(text(claim(name, "putter")) == "true");
        BOOST_TEST(text(publish(name, "putter", record)) == "true");
    }

    static std::string text(coauth::result<bool> const& outcome)
    {
        if (outcome)
            return *outcome ? "true" : "false";
        return outcome.error().message();
    }
    static std::string text(coauth::result<coauth::stored_record> const& outcome)
    {
        if (!outcome)
            return outcome.error().message();
        return outcome->record.empty() ? "none" : outcome->record;
    }

    // Ample, for busy machines; each operation ends when its reply comes.
    std::chrono::milliseconds limit = 10s;
    boost::asio::io_context context;
    coauth::redis_token_store store;
};

} // namespace test

#endif
