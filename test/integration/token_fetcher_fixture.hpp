#ifndef COAUTH_TEST_INTEGRATION_TOKEN_FETCHER_FIXTURE_HPP
#define COAUTH_TEST_INTEGRATION_TOKEN_FETCHER_FIXTURE_HPP

#include "fixture.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/test/unit_test.hpp>

#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace test
{

inline coauth::access_token make_token(std::string value, std::chrono::seconds lifetime = 3600s)
{
    coauth::access_token_info info;
    info.value = std::move(value);
    info.lifetime = lifetime;
    return coauth::access_token(std::move(info));
}

inline coauth::error make_error(coauth::errc code, unsigned attempts = 0)
{
    coauth::error_info info;
    info.attempts = attempts;
    return {code, std::move(info)};
}

// An event loop that the test runs, and a function that records its calls.
struct token_fetcher_fixture
{
    using function = std::function<void(coauth::token_fetch, coauth::token_fetch_handler)>;

    coauth::token_fetcher
    fetcher(function then, coauth::token_fetcher_options options = single_attempt())
    {
        return {
            context,
            [this,
             then = std::move(then)](coauth::token_fetch what, coauth::token_fetch_handler handler)
            {
                calls.push_back(what);
                then(std::move(what), std::move(handler));
            },
            std::move(options)};
    }
    static coauth::token_fetcher_options single_attempt()
    {
        coauth::token_fetcher_options options;
        options.retry.max_attempts = 1;
        return options;
    }
    auto into_results()
    {
        return [this](token_result r) { results.push_back(std::move(r)); };
    }
    // The result of one fetch, once nothing is left to do.
    token_result fetch(coauth::token_fetcher const& from, coauth::token_fetch what = {})
    {
        results.clear();
        from.async_fetch(std::move(what), into_results());
        BOOST_TEST(results.empty());
        run();
        BOOST_REQUIRE_EQUAL(results.size(), 1U);
        return results.front();
    }
    // Runs until no work is left.
    void run()
    {
        context.restart();
        context.run();
    }
    template <class Condition>
    void run_until(Condition const& holds)
    {
        context.restart();
        for (stopwatch const watch; !holds() && watch.elapsed() < 20s;)
            context.run_one_for(5ms);
        BOOST_REQUIRE(holds());
    }

    boost::asio::io_context context;
    std::vector<coauth::token_fetch> calls;
    std::vector<token_result> results;
};

} // namespace test

#endif
