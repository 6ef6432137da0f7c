#ifndef COAUTH_TEST_UNIT_BACK_OFF_MODEL_HPP
#define COAUTH_TEST_UNIT_BACK_OFF_MODEL_HPP

#include "simulation_support.hpp"

#include <cmath>

namespace test
{

using coauth::access_token;
using coauth::errc;
using coauth::error;

// The back-off after failed fetches, computed from the documentation: it grows with each failure,
// or each refusal, up to its limit. A change of credentials ends it once.
class back_off_model
{
public:
    using steady_time = std::chrono::steady_clock::time_point;

    explicit back_off_model(coauth::token_source_options const& options) : options_(options) {}

    void on_success()
    {
        failed_ = false;
        server_retry_after_ = {};
        last_failure_ = {};
        failures_ = refusals_ = repeated_ = 0;
        credentials_changed_ = false;
        back_off_start_ = {};
        failing_since_.reset();
        credential_change_not_before_ = {};
    }

    // `requested`: the retry time of the server, if the fetch itself failed.
    void on_failure(
        clock_pair now, error const& failure,
        std::optional<std::chrono::system_clock::time_point> requested)
    {
        failed_ = true;
        count(now, failure.value());
        set_waits(now, failure.value());
        if (!requested)
            return;
        auto const delay = std::min<nanoseconds>(*requested - now.wall, options_.max_retry_after);
        if (delay <= 0ns)
            return;
        server_retry_after_ = now.steady + delay;
        longest_wait_ = std::max<nanoseconds>(longest_wait_, delay);
    }

    // `remaining`: the rest of the back-off that the change ends.
    void on_credentials_changed(clock_pair now, nanoseconds remaining)
    {
        require(now.steady >= credential_change_not_before_, "new credentials end a back-off once");
        credential_change_not_before_ = last_failure_ + shortest_wait_;
        last_failure_ = {};
        if (credentials_changed_)
            back_off_start_ = now.steady + remaining;
        else
            failures_ = refusals_ = repeated_ = 0;
        credentials_changed_ = true;
    }

    void check_refusal(error const& failure, steady_time now) const
    {
        require(failed_, "a refusal follows a failure");
        require(failure == last_error_, "a refusal carries the last error");
        require(failure.retry_at().has_value(), "a refusal has a retry time");
        require(
            now < std::max(last_failure_ + longest_wait_, server_retry_after_),
            "no call is refused after the back-off");
    }

    // Not for forced fetches.
    void check_start(steady_time now) const
    {
        require(now >= server_retry_after_, "never before the time that the server requested");
        require(now >= last_failure_ + shortest_wait_, "never within the back-off of a failure");
    }

    [[nodiscard]] std::optional<std::chrono::system_clock::time_point> failing_since() const
    {
        return failing_since_;
    }
    [[nodiscard]] errc last_error() const { return last_error_; }

private:
    static bool is_refusal(errc code)
    {
        return code == errc::invalid_client || code == errc::invalid_scope;
    }

    static nanoseconds at_most(nanoseconds limit, double span)
    {
        return nanoseconds(
            static_cast<std::int64_t>(std::min(static_cast<double>(limit.count()), span)));
    }

    void count(clock_pair now, errc code)
    {
        ++failures_;
        bool const refused = is_refusal(code);
        refusals_ += refused ? 1 : 0;
        bool const same = failing_since_ && last_error_ == code;
        repeated_ = !refused ? 0 : same ? repeated_ + 1 : 1;
        if (!failing_since_)
            failing_since_ = now.wall;
        last_failure_ = now.steady;
        last_error_ = code;
    }

    void set_waits(clock_pair now, errc code)
    {
        double const initial = static_cast<double>(nanoseconds(options_.initial_back_off).count());
        double const grown =
            initial * std::pow(options_.back_off_factor, std::min(failures_, 300) - 1);
        longest_wait_ = at_most(options_.max_back_off, grown);
        shortest_wait_ = options_.initial_back_off / 10;
        if (is_refusal(code))
        {
            bool const permanent = repeated_ >= 5;
            nanoseconds const most =
                permanent ? options_.refused_back_off
                          : std::min(options_.max_back_off, options_.refused_back_off);
            auto const limit =
                at_most(most, 2 * initial * std::pow(4, std::min(refusals_, 300) - 1));
            bool const longest = permanent && limit == most;
            longest_wait_ = longest ? most + most / 4 : limit;
            shortest_wait_ = longest ? most : limit / 2;
        }
        auto const later = std::max<nanoseconds>(back_off_start_ - now.steady, nanoseconds(0));
        longest_wait_ += later;
        shortest_wait_ += later;
        back_off_start_ = {};
        // Tolerance for rounding.
        longest_wait_ += 10ns;
        shortest_wait_ -= 10ns;
    }

    coauth::token_source_options const& options_;
    bool failed_ = false;
    // Since the last success or change of credentials.
    int failures_ = 0;
    int refusals_ = 0;
    int repeated_ = 0;
    bool credentials_changed_ = false;
    // The end of the back-off that the last change of credentials ended.
    steady_time back_off_start_{};
    // Since the last success.
    std::optional<std::chrono::system_clock::time_point> failing_since_;
    errc last_error_{};
    steady_time last_failure_{};
    steady_time server_retry_after_{};
    nanoseconds longest_wait_{};
    nanoseconds shortest_wait_{};
    steady_time credential_change_not_before_{};
};

} // namespace test

#endif
