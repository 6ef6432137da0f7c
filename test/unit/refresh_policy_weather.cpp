// A refresh policy in mixed weather: hiccups, outages and refusals over weeks of simulated time,
// with calls at intervals of a fraction of a second. The options are the defaults.
//
// COAUTH_SEED=n repeats the random numbers of an earlier run.

#include "policy/refresh_policy.hpp"
#include "support.hpp"

#include <algorithm>
#include <cstdlib>
#include <deque>
#include <iostream>
#include <random>
#include <vector>

using namespace test;

BOOST_AUTO_TEST_SUITE(refresh_policy_weather)

using coauth::access_token;
using coauth::errc;
using coauth::error;
using coauth::policy::clock_pair;
using coauth::policy::refresh_policy;
using std::chrono::nanoseconds;

namespace
{

// An odd response, and the number of requests that the client makes of it: it repeats what the
// server reports as temporary.
struct odd_response
{
    char const* name;
    errc code;
    unsigned status;
    unsigned requests;
};
constexpr odd_response odd_responses[] = {
    {"200 with an empty body", errc::malformed_response, 200, 1},
    {"404 of an ingress", errc::http_error, 404, 1},
    {"403 of a firewall", errc::http_error, 403, 1},
    {"302 to a maintenance page", errc::redirect_refused, 302, 1},
    {"invalid_client", errc::invalid_client, 401, 1},
    {"401 without a document", errc::http_error, 401, 1},
    {"invalid_scope", errc::invalid_scope, 400, 1},
    {"unauthorized_client", errc::unauthorized_client, 400, 1},
    {"an unknown OAuth error", errc::other_oauth_error, 400, 1},
    {"the error of a gateway", errc::other_oauth_error, 404, 1},
    {"503", errc::http_error, 503, 3},
    {"500 with an error word", errc::server_error, 500, 3},
    {"connection reset", errc::connection_lost, 0, 3},
    {"certificate of another host", errc::certificate_verify_failed, 0, 1},
    {"not HTTP", errc::malformed_http, 0, 1},
    {"unknown token type", errc::unexpected_token_type, 200, 1}};

std::uint64_t seed()
{
    static std::uint64_t const value = []
    {
        char const* const text = std::getenv("COAUTH_SEED");
        auto const chosen = text != nullptr ? std::strtoull(text, nullptr, 10)
                                            : std::uint64_t(std::random_device{}());
        std::cout << "COAUTH_SEED=" << chosen << std::endl;
        return chosen;
    }();
    return value;
}

class waiter final : public coauth::detail::waiter_base
{
};

class weather
{
public:
    explicit weather(std::uint64_t number, coauth::token_source_options const& options = {})
        : policy(options)
        , random_(seed() + number)
    {
    }

    double fraction() { return std::uniform_real_distribution<double>(0, 1)(random_); }
    odd_response const& any_odd_response()
    {
        return odd_responses[random_() % std::size(odd_responses)];
    }

    [[nodiscard]] clock_pair now() const
    {
        return {
            std::chrono::system_clock::time_point(1'800'000'000s) + time,
            std::chrono::steady_clock::time_point(1'000s) + time};
    }

    // A call. True if it has a token at once.
    bool call()
    {
        finish();
        waiters_.emplace_back();
        auto const decision = policy.get(now(), waiters_.back());
        if (decision.kind != refresh_policy::decision_kind::wait)
            waiters_.pop_back();
        if (decision.fetch)
            start();
        return decision.kind == refresh_policy::decision_kind::serve;
    }
    // The timer of `refresh_when_idle`.
    void tick()
    {
        finish();
        if (policy.next_action(now(), true))
            start();
    }

    refresh_policy policy;
    nanoseconds time{};
    std::chrono::seconds lifetime{60};
    // The response to the next fetches; null: a token.
    odd_response const* response = nullptr;
    bool response_once = false;
    // Whether each check finds new credentials.
    bool always_new_credentials = false;
    std::vector<nanoseconds> requests;

private:
    void start()
    {
        sent_ = now();
        for (unsigned i = 0; i < (response != nullptr ? response->requests : 1U); ++i)
            requests.push_back(time);
        pending_ = response;
        if (response_once)
            response = nullptr;
        arrives_at_ =
            time + nanoseconds(static_cast<std::int64_t>((0.01 + 0.5 * fraction()) * 1e9));
        fetching_ = true;
    }
    void finish()
    {
        if (always_new_credentials)
            (void)policy.credentials_changed(now());
        if (!fetching_ || time < arrives_at_)
            return;
        fetching_ = false;
        coauth::result<access_token> outcome = error(errc::cancelled);
        if (pending_ == nullptr)
        {
            coauth::access_token_info info;
            info.value = coauth::secret("t" + std::to_string(requests.size()));
            info.requested_at = sent_.wall;
            info.requested_at_steady = sent_.steady;
            info.lifetime = lifetime;
            outcome = access_token(std::move(info));
        }
        else
        {
            coauth::error_info info;
            info.http_status = pending_->status;
            outcome = error(pending_->code, std::move(info));
        }
        (void)policy.on_fetch_complete(now(), std::move(outcome), fraction());
        waiters_.clear();
    }

    std::mt19937_64 random_;
    std::deque<waiter> waiters_;
    bool fetching_ = false;
    odd_response const* pending_ = nullptr;
    clock_pair sent_;
    nanoseconds arrives_at_{};
};

double in_seconds(nanoseconds span)
{
    return std::chrono::duration<double>(span).count();
}

std::size_t requests_between(weather const& w, nanoseconds begin, nanoseconds end)
{
    return static_cast<std::size_t>(std::count_if(
        w.requests.begin(), w.requests.end(),
        [&](nanoseconds time) { return begin <= time && time < end; }));
}

} // namespace

BOOST_AUTO_TEST_CASE(a_source_without_a_token_recovers_soon_after_one_odd_response)
{
    std::uint64_t number = 0;
    for (auto const& odd : odd_responses)
    {
        nanoseconds longest{};
        for (int i = 0; i < 500; ++i)
        {
            weather w(++number);
            w.response = &odd;
            w.response_once = true;
            while (!w.call())
                w.time += 50ms;
            longest = std::max(longest, w.time);
        }
        std::cout << odd.name << ": token after " << in_seconds(longest) << " s at most\n";
        BOOST_TEST(in_seconds(longest) < 5, odd.name);
    }
}

// Each refresh meets one odd response, for two weeks of each lifetime.
BOOST_AUTO_TEST_CASE(a_source_with_a_token_survives_odd_responses)
{
    std::uint64_t number = 10'000;
    for (auto const lifetime : {60s, 90s, 300s, 3600s})
    {
        weather w(++number);
        w.lifetime = lifetime;
        while (!w.call())
            w.time += 50ms;
        std::uint64_t hiccups = 0;
        std::uint64_t calls = 0;
        std::uint64_t without = 0;
        auto const step = std::clamp<nanoseconds>(lifetime / 120, 500ms, 5s);
        std::size_t seen = w.requests.size();
        for (; w.time < std::chrono::hours(24 * 14); w.time += step)
        {
            // A hiccup for the next fetch, once a token was fetched since the last one.
            if (w.response == nullptr && w.requests.size() != seen &&
                w.policy.status(w.now()).state == coauth::token_source_state::fresh)
            {
                seen = w.requests.size();
                w.response = &w.any_odd_response();
                w.response_once = true;
                ++hiccups;
            }
            ++calls;
            without += w.call() ? 0U : 1U;
        }
        std::cout << "tokens of " << lifetime.count() << " s: " << hiccups << " hiccups, "
                  << without << " of " << calls << " calls without a token\n";
        BOOST_TEST(hiccups > 14U * 24);
        BOOST_TEST(without == 0U, lifetime.count());
    }
}

// A server that always refuses, for a week each.
BOOST_AUTO_TEST_CASE(a_server_that_always_refuses_receives_few_requests)
{
    std::uint64_t number = 20'000;
    struct setup
    {
        char const* name;
        bool when_idle;
        bool new_credentials;
        bool warm;
    };
    for (auto const& [name, when_idle, new_credentials, warm] :
         {setup{"cold", false, false, false}, setup{"refresh_when_idle", true, false, false},
          setup{"new credentials at each call", false, true, false},
          setup{"a token of 60 s", false, false, true}})
    {
        std::size_t first_hour = 0;
        std::size_t day = 0;
        for (auto const& odd : odd_responses)
        {
            coauth::error_info info;
            info.http_status = odd.status;
            if (coauth::policy::kind_of_failure(error(odd.code, info)) !=
                coauth::policy::failure_kind::refused)
                continue;
            for (int i = 0; i < 5; ++i)
            {
                coauth::token_source_options options;
                options.refresh_when_idle = when_idle;
                weather w(++number, options);
                if (warm)
                    while (!w.call())
                        w.time += 50ms;
                w.requests.clear();
                w.always_new_credentials = new_credentials;
                w.response = &odd;
                nanoseconds const begin = w.time;
                nanoseconds step{};
                for (; w.time < begin + std::chrono::hours(24 * 7); w.time += step)
                {
                    // Calls within the back-off change nothing, unless the credentials do.
                    step = new_credentials ? (w.time < begin + 1h ? 1s : 30s)
                                           : w.policy.back_off_remaining(w.now());
                    step = std::max<nanoseconds>(step, 1s);

                    (void)w.call();
                    if (when_idle)
                        w.tick();
                }
                nanoseconds const first = w.requests.at(0);
                first_hour = std::max(first_hour, requests_between(w, first, first + 1h));
                for (auto at = first; at < first + std::chrono::hours(24 * 6); at += 1h)
                    day = std::max(day, requests_between(w, at, at + 24h));
            }
        }
        std::cout << name << ": " << first_hour << " requests in the first hour, " << day
                  << " in a day at most\n";
        BOOST_TEST(first_hour <= 10U, name);
        BOOST_TEST(day <= 30U, name);
    }
}

// Four weeks of tokens of five minutes: a hiccup every ten minutes or so, and an outage of up to
// ten minutes every few hours, in which the server responds with anything.
BOOST_AUTO_TEST_CASE(weeks_of_hiccups_and_outages_cost_little_availability)
{
    weather w(30'000);
    w.lifetime = 300s;
    nanoseconds outage_end{};
    nanoseconds next_outage = 3h;
    std::vector<nanoseconds> recoveries;
    bool recovering = false;
    std::uint64_t calls = 0;
    std::uint64_t without = 0;
    std::uint64_t outages = 0;
    constexpr nanoseconds end = std::chrono::hours(24 * 28);
    for (; w.time < end; w.time += 500ms)
    {
        if (w.time >= next_outage)
        {
            ++outages;
            outage_end = w.time + nanoseconds(static_cast<std::int64_t>(w.fraction() * 600e9));
            next_outage =
                outage_end + nanoseconds(static_cast<std::int64_t>(w.fraction() * 6 * 3600e9));
            recovering = true;
        }
        bool const is_out = w.time < outage_end;
        if (is_out)
        {
            w.response = &w.any_odd_response();
            w.response_once = false;
        }
        else if (!w.response_once || w.response == nullptr)
        {
            w.response = w.fraction() < 1.0 / 1200 ? &w.any_odd_response() : nullptr;
            w.response_once = true;
        }
        bool const served = w.call();
        ++calls;
        without += served ? 0U : 1U;
        if (is_out || !recovering)
            continue;
        if (served && w.policy.status(w.now()).failing_since == std::nullopt)
        {
            recoveries.push_back(w.time - outage_end);
            recovering = false;
        }
    }
    BOOST_TEST_REQUIRE(outages > 100U);
    std::sort(recoveries.begin(), recoveries.end());
    auto const median = recoveries.at(recoveries.size() / 2);
    auto const usual = recoveries.at(recoveries.size() * 95 / 100);
    std::cout << outages << " outages, " << without << " of " << calls
              << " calls without a token; after an outage all is well in " << in_seconds(median)
              << " s (median), " << in_seconds(usual) << " s (95 %), "
              << in_seconds(recoveries.back()) << " s (the longest)\n";
    // The token covers some of an outage.
    BOOST_TEST(static_cast<double>(without) < 0.05 * static_cast<double>(calls));
    // One back-off, and a hiccup.
    BOOST_TEST(in_seconds(usual) < 150);
}

BOOST_AUTO_TEST_SUITE_END()
