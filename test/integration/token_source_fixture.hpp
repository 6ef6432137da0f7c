#ifndef COAUTH_TEST_INTEGRATION_TOKEN_SOURCE_FIXTURE_HPP
#define COAUTH_TEST_INTEGRATION_TOKEN_SOURCE_FIXTURE_HPP

#include "fixture.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace test
{

inline std::string token_document(std::string const& token, int expires_in = 3600)
{
    return R"({"access_token":")" + token + R"(","token_type":"Bearer","expires_in":)" +
           std::to_string(expires_in) + "}";
}

inline response
late(std::chrono::milliseconds delay, response base = response::json(200, token_body))
{
    base.delay = delay;
    return base;
}

// A server, and a token source on an event loop that the test runs.
struct token_source_fixture
{
    explicit token_source_fixture(coauth::token_source_options const& options = {})
        : client(context.get_executor(), with_log_scan(config()))
        , tokens(std::in_place, client, coauth::token_request(), options)
    {
    }

    coauth::client_config config()
    {
        auto single = server.config();
        single.retry.max_attempts = 1;
        return single;
    }
    // Runs until no work is left.
    void run()
    {
        context.restart();
        context.run();
    }
    auto into_results()
    {
        return [this](token_result r) { results.push_back(std::move(r)); };
    }
    template <class Condition>
    void run_until(Condition const& holds)
    {
        context.restart();
        for (stopwatch const watch; !holds() && watch.elapsed() < 20s;)
            context.run_one_for(5ms);
        BOOST_REQUIRE(holds());
    }
    // Runs until the server has received `count` requests.
    void run_until_requests(std::size_t count)
    {
        run_until([&] { return requests() >= count; });
        BOOST_REQUIRE_EQUAL(requests(), count);
    }
    void fetch_first(std::string const& token, int expires_in = 3600)
    {
        server.push_response(response::json(200, token_document(token, expires_in)));
        tokens->async_get_access_token(into_results());
        run();
        BOOST_REQUIRE_EQUAL(results.size(), 1U);
        BOOST_REQUIRE_EQUAL(require_token(results.front()).value(), token);
        results.clear();
    }
    [[nodiscard]] std::size_t requests() const { return server.requests().size(); }

    authorization_server server = start();
    boost::asio::io_context context;
    coauth::client client;
    std::optional<coauth::token_source> tokens;
    std::vector<token_result> results;
};

// Records the events of a token source.
class fetch_events : public coauth::observer
{
public:
    void on_fetch_started(coauth::fetch_started const& e) override
    {
        log += "started:" + std::string(to_string(e.reason)) + ' ';
    }
    void on_fetch_succeeded(coauth::fetch_succeeded const& e) override
    {
        log +=
            "succeeded:" + std::string(to_string(e.reason)) + ':' + std::to_string(e.waiting) + ' ';
        usable_for = e.usable_for;
    }
    void on_fetch_failed(coauth::fetch_failed const& e) override
    {
        log += "failed:" + std::string(to_string(e.reason)) + ':' + std::to_string(e.waiting) +
               ':' + std::string(to_string(e.error.value())) + ' ';
        next_in = e.retry_in;
        took = e.duration;
        usable_for = e.usable_for;
    }
    void on_fetch_abandoned(coauth::fetch_abandoned const& e) override
    {
        log += "abandoned:" + std::string(to_string(e.reason)) + ' ';
    }
    void on_token_served(coauth::token_served const& e) override { served.push_back(e); }
    void on_token_invalidated(coauth::token_invalidated const& e) override
    {
        log += "invalidated ";
        age = e.age;
    }
    std::string log;
    std::vector<coauth::token_served> served;
    std::optional<std::chrono::steady_clock::duration> usable_for;
    std::chrono::steady_clock::duration next_in{};
    std::chrono::steady_clock::duration took{};
    std::chrono::system_clock::duration age{};
};

} // namespace test

#endif
