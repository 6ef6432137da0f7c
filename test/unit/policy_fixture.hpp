#ifndef COAUTH_TEST_UNIT_POLICY_FIXTURE_HPP
#define COAUTH_TEST_UNIT_POLICY_FIXTURE_HPP

#include "policy/refresh_policy.hpp"
#include "support.hpp"

#include <chrono>
#include <deque>
#include <optional>
#include <string>
#include <utility>

namespace test
{

using coauth::access_token;
using coauth::errc;
using coauth::error;
using coauth::fetch_reason;
using coauth::policy::clock_pair;
using policy = coauth::policy::refresh_policy;
using decision_kind = policy::decision_kind;
using state = coauth::token_source_state;

// A policy with clocks and fetches that the test controls.
struct policy_fixture
{
    class waiter final : public coauth::detail::waiter_base
    {
    };

    explicit policy_fixture(coauth::token_source_options const& options = {}) : tested(options) {}

    [[nodiscard]] clock_pair now() const
    {
        return {
            std::chrono::system_clock::time_point(1'800'000'000s) + wall,
            std::chrono::steady_clock::time_point(1'000s) + steady};
    }
    void pass(std::chrono::milliseconds span)
    {
        wall += span;
        steady += span;
    }
    [[nodiscard]] access_token
    token(std::string value, std::optional<std::chrono::seconds> life = 3600s) const
    {
        coauth::access_token_info info;
        info.value = coauth::secret(std::move(value));
        info.requested_at = now().wall;
        info.requested_at_steady = now().steady;
        info.lifetime = life;
        return access_token(std::move(info));
    }
    policy::decision get()
    {
        waiters.emplace_back();
        return tested.get(now(), waiters.back());
    }
    policy::decision get_new()
    {
        waiters.emplace_back();
        return tested.get_new(now(), waiters.back());
    }
    // The token, "wait", or the name of the error.
    std::string outcome_of_get()
    {
        auto const decision = get();
        if (decision.kind == decision_kind::serve)
            return std::string(decision.token.value());
        return decision.kind == decision_kind::wait
                   ? "wait"
                   : std::string(to_string(decision.failure.value()));
    }
    policy::fetch_result
    on_fetch_complete(coauth::result<access_token> outcome, double random = 0.5)
    {
        return tested.on_fetch_complete(now(), std::move(outcome), random);
    }
    // Fetches the first token.
    void start_with(access_token const& first, double random = 0.5)
    {
        BOOST_TEST_REQUIRE((get().kind == decision_kind::wait));
        (void)on_fetch_complete(first, random);
    }
    [[nodiscard]] state current_state() const { return tested.status(now()).state; }

    policy tested;
    std::deque<waiter> waiters;
    std::chrono::milliseconds wall{};
    std::chrono::milliseconds steady{};
};

} // namespace test

#endif
