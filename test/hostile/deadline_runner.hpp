#ifndef COAUTH_TEST_HOSTILE_DEADLINE_RUNNER_HPP
#define COAUTH_TEST_HOSTILE_DEADLINE_RUNNER_HPP

#include "fixture.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace test
{

inline constexpr std::chrono::milliseconds deadline = 200ms;
inline constexpr std::chrono::milliseconds tolerance = 50ms;
// Between the pieces that a slow server sends.
inline constexpr std::chrono::milliseconds send_interval = 20ms;
// A loaded machine may be late, so that the operation is repeated. It must never end early or with
// another error.
inline constexpr int tries = 4;

// Runs one operation and measures it. The event loop outlives the servers, whose lookup may still
// run.
class deadline_runner
{
public:
    // Starts an operation and calls the function with its outcome.
    using operation = std::function<void(coauth::client&, std::function<void(std::string)>)>;

    void run(coauth::client_config config, operation const& begin = get_token)
    {
        config.timeout = deadline;
        coauth::client client(context_.get_executor(), with_log_scan(std::move(config)));
        measure([&](auto const& done) { begin(client, done); });
    }

    // May be called several times; the last call counts.
    void measure(std::function<void(std::function<void(std::string)>)> const& begin)
    {
        outcome_.reset();
        context_.restart();
        auto const from = std::chrono::steady_clock::now();
        begin(
            [&](std::string outcome)
            {
                elapsed_ = std::chrono::steady_clock::now() - from;
                outcome_ = std::move(outcome);
            });
        while (!outcome_)
            BOOST_REQUIRE(context_.run_one() == 1U);
    }

    static void get_token(coauth::client& client, std::function<void(std::string)> const& done)
    {
        client.async_get_access_token(
            coauth::token_request(), [done](token_result const& got) { done(outcome(got)); });
    }

    [[nodiscard]] boost::asio::io_context& context() { return context_; }
    [[nodiscard]] std::string result() const { return outcome_.value_or("not started"); }
    [[nodiscard]] std::chrono::steady_clock::duration elapsed() const { return elapsed_; }

private:
    boost::asio::io_context context_;
    std::optional<std::string> outcome_;
    std::chrono::steady_clock::duration elapsed_{};
};

struct deadline_case
{
    std::string name;
    // Starts the servers and runs one operation.
    std::function<void(deadline_runner&)> execute;
};

inline void check_all(std::vector<deadline_case> const& rows)
{
    for (auto const& row : rows)
        BOOST_TEST_CONTEXT(row.name)
        {
            bool late = true;
            for (int i = 0; late && i < tries; ++i)
            {
                deadline_runner runner;
                row.execute(runner);
                BOOST_TEST(runner.result() == "timeout");
                BOOST_TEST((runner.elapsed() >= deadline));
                late = runner.elapsed() > deadline + tolerance;
                BOOST_TEST_MESSAGE(row.name << ": " << runner.elapsed() / 1us << " us");
            }
            BOOST_TEST(!late);
        }
}

} // namespace test

#endif
