#ifndef COAUTH_TEST_UNIT_FETCH_INTERVAL_CHECKS_HPP
#define COAUTH_TEST_UNIT_FETCH_INTERVAL_CHECKS_HPP

#include "simulated_server.hpp"

namespace test
{

using coauth::fetch_reason;

// Checks the intervals between fetches, however short the lifetimes are and however fast the server
// is.
class fetch_interval_checks
{
public:
    using steady_time = std::chrono::steady_clock::time_point;

    explicit fetch_interval_checks(coauth::token_source_options const& options) : options_(options)
    {
    }

    // Something happened after which the next fetch may start at once.
    void allow_next() { next_allowed_ = true; }

    void on_start(steady_time now)
    {
        last_start_ = now;
        next_allowed_ = false;
    }

    void on_token()
    {
        send_not_before_ = {};
        background_fetch_not_before_ = {};
    }

    void on_single_use_token(steady_time now)
    {
        background_fetch_not_before_ =
            now + std::max(options_.min_refresh_interval, options_.max_back_off);
        send_not_before_ = std::min(sent_at_, now) + 1s;
    }

    // `returned_again`: the server returned the stored token again, which keeps its end.
    void check_background(steady_time now, fetch_reason reason, bool returned_again) const
    {
        require(
            now >= background_fetch_not_before_, "a single-use token is not fetched in advance");
        bool const may_expire_soon = reason == fetch_reason::expired && returned_again;
        auto const interval = std::min<nanoseconds>(
            {nanoseconds(options_.min_refresh_interval), 50ms, options_.initial_back_off / 10});
        require(
            next_allowed_ || may_expire_soon || now >= last_start_ + interval,
            "background fetches keep their distance");
    }

    // Only fetches of single-use tokens are delayed, by a second at most.
    void check_delay(steady_time now, nanoseconds delay, bool forced)
    {
        require(delay <= (forced ? 0s : 1s), "no fetch is delayed by more than a second");
        require(
            forced || now + delay >= send_not_before_,
            "single-use tokens are requested once a second");
        require(delay == 0s || send_not_before_ > now, "other fetches are not delayed");
        sent_at_ = now + delay;
    }

    void check_refresh(clock_pair now, issued_token const& issued)
    {
        require(issued.life || options_.max_age, "a token with no known end is not refreshed");
        auto life = issued.life.value_or(std::chrono::seconds::max());
        if (options_.max_age)
            life = std::min(life, *options_.max_age);
        auto const early = nanoseconds(static_cast<std::int64_t>(
            static_cast<double>(nanoseconds(life).count()) *
            (options_.refresh_at - options_.refresh_jitter)));
        require(
            now.wall >= issued.sent.wall + early || now.steady >= issued.sent.steady + early,
            "not refreshed before its time");
        if (refreshed_ == issued.token)
            require(
                now.steady >=
                    last_refresh_ + std::min<nanoseconds>(
                                        options_.min_refresh_interval,
                                        nanoseconds(std::min(life, issued.shortest)) / 20),
                "the refreshes of one token keep their distance");
        refreshed_ = issued.token;
        last_refresh_ = now.steady;
    }

private:
    coauth::token_source_options const& options_;
    // The time of sending of the last fetch, and the earliest time of the next one.
    steady_time sent_at_{};
    steady_time send_not_before_{};
    steady_time background_fetch_not_before_{};
    steady_time last_start_{};
    bool next_allowed_ = true;
    access_token refreshed_;
    steady_time last_refresh_{};
};

} // namespace test

#endif
