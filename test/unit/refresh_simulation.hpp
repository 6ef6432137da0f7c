#ifndef COAUTH_TEST_UNIT_REFRESH_SIMULATION_HPP
#define COAUTH_TEST_UNIT_REFRESH_SIMULATION_HPP

#include "policy/refresh_policy.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <deque>
#include <stdexcept>
#include <string>
#include <utility>

// Simulates a refresh policy with servers that fail, throttle, respond late or return the same
// token again; tokens of one second and tokens without a known end; clocks that jump both ways;
// machines that are suspended; and calls that are made, cancelled and forced. Checks the invariants
// after each step.
namespace test
{

using namespace std::chrono_literals;
using coauth::access_token;
using coauth::errc;
using coauth::error;
using coauth::fetch_reason;
using coauth::policy::clock_pair;
using coauth::policy::refresh_policy;
using decision_kind = refresh_policy::decision_kind;
using std::chrono::nanoseconds;

struct invariant_violated : std::runtime_error
{
    using std::runtime_error::runtime_error;
};

inline void require(bool holds, char const* what)
{
    if (!holds)
        throw invariant_violated(what);
}

class waiter final : public coauth::detail::waiter_base
{
public:
    bool waits = false;
};

// How the server will respond to the running fetch.
struct planned_response
{
    enum class kind_type
    {
        token,
        same_token,
        transient,
        throttled,
        refused,
    };
    kind_type kind = kind_type::token;
    // In simulated time.
    nanoseconds arrives_at{};
    clock_pair sent;
};

inline constexpr clock_pair never{
    std::chrono::system_clock::time_point::max(), std::chrono::steady_clock::time_point::max()};

// A token that the server issued.
struct issued_token
{
    access_token token;
    clock_pair sent;
    std::optional<std::chrono::seconds> life;
    // The shortest lifetime that the server returned for it.
    std::chrono::seconds shortest{};
    // The earliest end that the server returned for it.
    clock_pair end = never;
    bool invalidated = false;
};

// `Rng` is the source of random numbers: `below(n)` is from 0 to n - 1, `fraction()` in [0, 1).
template <class Rng>
class refresh_simulation
{
public:
    explicit refresh_simulation(Rng rng)
        : rng_(std::move(rng))
        , options_(draw_options())
        , policy_(options_)
    {
        waiters_.resize(40);
        credentials_change_ = one_in(2);
    }

    void step()
    {
        auto const dice = rng_.below(100);
        if (dice < 40)
            get();
        else if (dice < 44)
            get_new();
        else if (dice < 50)
            check_usable();
        else if (dice < 55)
            invalidate();
        else if (dice < 60)
            cancel_waiter();
        else if (dice < 63)
            next_action(one_in(2));
        else if (dice < 90)
            pass_time();
        else if (dice < 92)
            jump();
        else if (dice < 94)
            suspend();
        else if (dice < 95)
            change_credentials();
        else
            end_fetch_if_due(true);
        end_fetch_if_due(false);
        expire();
        if (credentials_change_ && one_in(4))
            change_credentials();
        require(
            policy_.is_fetching() == planned_.has_value(),
            "the policy and the simulation agree whether a fetch runs");
        require(
            policy_.waiter_count() == waiting_count_,
            "every operation that was not completed or cancelled waits");
        require(waiting_count_ == 0 || planned_, "operations wait only while a fetch runs");
    }

    // Every operation is completed at the end.
    void close()
    {
        policy_.close(error(errc::cancelled));
        require(policy_.usable_token(now()) == nullptr, "a closed source returns no token");
        if (planned_)
        {
            planned_.reset();
            complete(policy_.on_fetch_complete(now(), error(errc::cancelled), 0.5));
        }
        require(waiting_count_ == 0, "closing completes every operation");
        waiter late;
        require(policy_.get(now(), late).kind == decision_kind::refuse, "a closed source refuses");
    }

    [[nodiscard]] nanoseconds simulated() const { return time_; }
    std::uint64_t fetches = 0;
    std::uint64_t served = 0;

private:
    double fraction() { return rng_.fraction(); }
    bool one_in(unsigned n) { return rng_.below(n) == 0; }

    coauth::token_source_options draw_options()
    {
        coauth::token_source_options options;
        options.cancel_when_unwaited = one_in(2);
        if (one_in(4))
            options.refresh_at = 0.1 + 0.9 * fraction();
        options.refresh_jitter = std::min(options.refresh_jitter, options.refresh_at / 2);
        if (one_in(4))
            options.max_age = std::chrono::seconds(rng_.below(7200) + 1);
        if (one_in(8))
            options.expiry_margin = std::chrono::milliseconds(rng_.below(2) * rng_.below(100'000));
        if (one_in(8))
            options.refresh_jitter = 0;
        if (one_in(4))
            options.min_refresh_interval =
                std::chrono::milliseconds(rng_.below(60'000) * rng_.below(2));
        if (one_in(4))
        {
            options.initial_back_off = std::chrono::milliseconds(rng_.below(10'000) + 1);
            options.max_back_off = options.initial_back_off * static_cast<int>(rng_.below(100) + 1);
            options.back_off_factor = 1 + fraction() * 4;
        }
        if (one_in(4))
            options.refused_back_off = std::min<std::chrono::milliseconds>(
                options.initial_back_off * static_cast<int>(rng_.below(10'000) + 1), 24h);
        if (one_in(4))
            options.max_retry_after = std::chrono::seconds(rng_.below(600));
        options.refresh_when_idle = one_in(3);
        return options;
    }

    [[nodiscard]] clock_pair now() const
    {
        return {
            std::chrono::system_clock::time_point(1'800'000'000s) + time_ + wall_offset_,
            std::chrono::steady_clock::time_point(1'000s) + time_ - suspended_};
    }

    nanoseconds draw_time()
    {
        static constexpr nanoseconds scales[] = {1ms, 100ms, 1s, 10s, 60s, 600s, 3600s};
        auto const scale = scales[rng_.below(std::size(scales))];
        return nanoseconds(
            static_cast<std::int64_t>(fraction() * static_cast<double>(scale.count())));
    }

    // Events of a timer happen at their time. With a back-off of a millisecond there may be too
    // many of them: then less time passes.
    void pass_time()
    {
        auto const end = time_ + draw_time();
        arm();
        for (int events = 0; timer_ || (planned_ && options_.refresh_when_idle); ++events)
        {
            if (events == 1000)
                return;
            auto const next = planned_ ? planned_->arrives_at : time_ + (*timer_ - now().steady);
            if (next >= end)
                break;
            time_ = std::max(time_, next);
            end_fetch_if_due(false);
            expire();
            fire();
            arm();
        }
        time_ = end;
    }

    // Like the source's own timer: set by the clocks of that moment, for 30 s at most, and not set
    // again when they jump.
    void arm()
    {
        if (!options_.refresh_when_idle || !was_used_)
            return;
        auto const next = policy_.next_refresh(now());
        if (next && !(timer_ && *timer_ <= *next))
            timer_ = std::min(*next, now().steady + 30s);
    }

    void fire()
    {
        if (!timer_ || now().steady < *timer_)
            return;
        timer_.reset();
        next_action(true);
        auto const next = policy_.next_refresh(now());
        require(planned_ || !next || *next > now().steady, "a timer that fires starts a fetch");
    }
    void jump()
    {
        disturbed_ = true;
        wall_offset_ += one_in(2) ? draw_time() : -draw_time();
    }
    void suspend()
    {
        disturbed_ = true;
        auto const span = draw_time();
        time_ += span;
        suspended_ += span;
    }

    waiter* idle_waiter()
    {
        for (auto& one : waiters_)
            if (!one.waits)
                return &one;
        return nullptr;
    }

    void get()
    {
        auto* const waiter = idle_waiter();
        if (waiter == nullptr)
            return;
        was_used_ = true;
        waiter->limit = one_in(3) ? now().steady + draw_time() : waiter::no_limit;
        bool const was_usable = policy_.usable_token(now()) != nullptr;
        bool const was_fetching = planned_.has_value();
        auto const decision = policy_.get(now(), *waiter);
        require((decision.kind == decision_kind::serve) == was_usable, "a usable token is served");
        if (decision.kind == decision_kind::serve)
            check_served(decision.token);
        else if (decision.kind == decision_kind::wait)
            add_waiter(*waiter);
        else
            check_refused(
                decision.failure, was_fetching,
                std::max(last_failure_ + longest_wait_, server_retry_after_));
        if (decision.fetch)
            begin(*decision.fetch, was_usable);
        require(decision.kind != decision_kind::wait || planned_, "an operation waits for a fetch");
    }

    void get_new()
    {
        auto* const waiter = idle_waiter();
        if (waiter == nullptr)
            return;
        was_used_ = true;
        waiter->limit = waiter::no_limit;
        auto const decision = policy_.get_new(now(), *waiter);
        require(decision.kind == decision_kind::wait, "a forced fetch starts at once");
        add_waiter(*waiter);
        if (decision.fetch)
            begin(*decision.fetch, false);
    }

    void add_waiter(waiter& one)
    {
        one.waits = true;
        ++waiting_count_;
    }

    void
    check_refused(error const& why, bool was_fetching, std::chrono::steady_clock::time_point until)
    {
        require(!was_fetching, "no call is refused while a fetch runs");
        require(failed_, "a refusal follows a failure");
        require(why == last_error_, "a refusal carries the last error");
        require(why.retry_at().has_value(), "a refusal has a retry time");
        require(now().steady < until, "no call is refused after the back-off");
    }

    void check_usable()
    {
        if (auto const* const token = policy_.usable_token(now()))
            check_served(*token);
    }

    // Computed from the documentation: the end less the margin, by either clock.
    void check_served(access_token const& token)
    {
        ++served;
        auto const& known = find(token);
        require(!known.invalidated, "an invalidated token is not served");
        require(now().wall < known.end.wall, "not past its end by the wall clock");
        require(now().steady < known.end.steady, "not past its end by the steady clock");
    }

    [[nodiscard]] clock_pair end_of(access_token const& token) const
    {
        auto life = token.lifetime();
        if (options_.max_age && (!life || *options_.max_age < *life))
            life = options_.max_age;
        if (!life)
            return never;
        auto const usable = usable_of(*life);
        return {token.requested_at() + usable, token.requested_at_steady() + usable};
    }

    [[nodiscard]] nanoseconds usable_of(std::chrono::seconds life) const
    {
        return life - std::min<nanoseconds>(options_.expiry_margin, nanoseconds(life) / 10);
    }

    issued_token& find(access_token const& token)
    {
        for (auto& one : issued_)
            if (one.token == token)
                return one;
        throw invariant_violated("a token that the server did not issue");
    }

    void invalidate()
    {
        if (issued_.empty())
            return;
        auto& one =
            issued_[issued_.size() - 1 - rng_.below(std::min<std::size_t>(issued_.size(), 3))];
        auto const* const present = policy_.usable_token(now());
        auto const before = present != nullptr ? *present : access_token();
        bool const dropped = policy_.invalidate(now(), one.token);
        auto const* const after = policy_.usable_token(now());
        if (dropped)
        {
            one.invalidated = true;
            disturbed_ = true;
            require(after == nullptr, "a dropped token is not returned");
        }
        else
            require(
                (after != nullptr ? *after : access_token()) == before,
                "only the current token is dropped");
    }

    void cancel_waiter()
    {
        auto& one = waiters_[rng_.below(waiters_.size())];
        bool const left = policy_.remove(one);
        require(left == one.waits, "exactly the waiting operations can be cancelled");
        if (!left)
            return;
        one.waits = false;
        --waiting_count_;
        should_cancel_fetch();
    }

    void should_cancel_fetch()
    {
        bool const ended = policy_.should_cancel_fetch();
        require(
            !ended || (planned_ && waiting_count_ == 0),
            "only a fetch without waiters is cancelled");
        require(
            !ended || options_.cancel_when_unwaited,
            "a fetch is cancelled only with cancel_when_unwaited");
        require(
            !ended || !options_.refresh_when_idle,
            "a fetch is not cancelled with refresh_when_idle");
        fetch_cancelled_ = fetch_cancelled_ || ended;
        disturbed_ = disturbed_ || ended;
    }

    void expire()
    {
        bool any = false;
        while (auto* const one = policy_.pop_expired(now().steady))
        {
            auto& waiter = static_cast<test::waiter&>(*one);
            require(waiter.waits, "an expired operation was waiting");
            require(waiter.limit <= now().steady, "no operation expires early");
            waiter.waits = false;
            --waiting_count_;
            any = true;
        }
        for (auto const& one : waiters_)
            require(!one.waits || one.limit > now().steady, "no operation waits beyond its limit");
        if (any)
            should_cancel_fetch();
    }

    void next_action(bool wanted)
    {
        was_used_ = was_used_ || wanted;
        bool const was_usable = policy_.usable_token(now()) != nullptr;
        auto const next = policy_.next_refresh(now());
        auto const why = policy_.next_action(now(), wanted);
        require(!why || (next && *next <= now().steady), "the timer and the started fetch agree");
        if (!why)
            return;
        check_background_fetch(*why);
        begin(*why, was_usable);
    }

    // Background fetches keep a distance, however short the lifetimes are and fast the server is.
    void check_background_fetch(fetch_reason why)
    {
        // A token that is returned again still ends at the same time.
        bool const issued_again = why == fetch_reason::expired && stored_again_;
        require(
            now().steady >= background_fetch_not_before_,
            "a single-use token is not fetched in advance");
        auto const interval = std::min<nanoseconds>(
            {nanoseconds(options_.min_refresh_interval), 50ms, options_.initial_back_off / 10});
        require(
            disturbed_ || issued_again || now().steady >= last_start_ + interval,
            "background fetches keep their distance");
    }

    void begin(fetch_reason why, bool was_usable)
    {
        ++fetches;
        require(!planned_, "never two fetches at a time");
        bool const forced = why == fetch_reason::forced;
        require(
            forced || now().steady >= server_retry_after_,
            "never before the time that the server requested");
        require(
            forced || now().steady >= last_failure_ + shortest_wait_,
            "never within the back-off of a failure");
        last_start_ = now().steady;
        disturbed_ = false;
        require(was_usable == (why == fetch_reason::refresh), "only a usable token is refreshed");
        if (why == fetch_reason::refresh)
            check_refresh();
        send(why);
    }

    void send(fetch_reason why)
    {
        bool const forced = why == fetch_reason::forced;
        planned_ = draw_response();
        // It may be delayed, for single-use tokens alone and by a second at most.
        auto const delay =
            std::max<nanoseconds>(policy_.fetch_start() - now().steady, nanoseconds(0));
        require(delay <= (forced ? 0s : 1s), "no fetch is delayed by more than a second");
        require(
            forced || now().steady + delay >= send_not_before_,
            "single-use tokens are requested once a second");
        require(delay == 0s || send_not_before_ > now().steady, "other fetches are not delayed");
        planned_->sent = {now().wall + delay, now().steady + delay};
        planned_->arrives_at += delay;
        sent_at_ = planned_->sent.steady;
    }

    void check_refresh()
    {
        auto const& known = find(*policy_.usable_token(now()));
        require(known.life || options_.max_age, "a token with no known end is not refreshed");
        auto life = known.life.value_or(std::chrono::seconds::max());
        if (options_.max_age)
            life = std::min(life, *options_.max_age);
        auto const early = nanoseconds(static_cast<std::int64_t>(
            static_cast<double>(nanoseconds(life).count()) *
            (options_.refresh_at - options_.refresh_jitter)));
        require(
            now().wall >= known.sent.wall + early || now().steady >= known.sent.steady + early,
            "not refreshed before its time");
        if (refreshed_ == known.token)
            require(
                now().steady >=
                    last_refresh_ + std::min<nanoseconds>(
                                        options_.min_refresh_interval,
                                        nanoseconds(std::min(life, known.shortest)) / 20),
                "the refreshes of one token keep their distance");
        refreshed_ = known.token;
        last_refresh_ = now().steady;
    }

    planned_response draw_response()
    {
        planned_response planned;
        auto const dice = rng_.below(20);
        planned.kind = dice < 10                       ? planned_response::kind_type::token
                       : dice < 12 && !issued_.empty() ? planned_response::kind_type::same_token
                       : dice < 16                     ? planned_response::kind_type::transient
                       : dice < 18                     ? planned_response::kind_type::throttled
                                                       : planned_response::kind_type::refused;
        planned.sent = now();
        planned.arrives_at =
            time_ + (one_in(10)
                         ? draw_time()
                         : nanoseconds(static_cast<std::int64_t>(rng_.below(2'000'000'000))));
        fetch_cancelled_ = false;
        return planned;
    }

    void end_fetch_if_due(bool at_once)
    {
        if (!planned_ || (!at_once && planned_->arrives_at > time_ && !fetch_cancelled_))
            return;
        // A cancellation may arrive too late.
        bool const cancelled = fetch_cancelled_ && one_in(2);
        auto const outcome = cancelled ? result_of(errc::cancelled) : outcome_of(*planned_);
        bool const stays = cancelled && waiting_count_ != 0;
        fetch_cancelled_ = false;
        auto const was = waiting_count_;
        planned_.reset();
        auto const* const present = policy_.usable_token(now());
        auto const before = present != nullptr ? *present : access_token();
        auto ended = policy_.on_fetch_complete(now(), outcome, fraction());
        require(ended.abandoned == cancelled, "a cancelled fetch is abandoned, not failed");
        if (cancelled)
        {
            require(ended.waiters.empty(), "a cancelled fetch completes no operation");
            require(
                ended.fetch.has_value() == stays,
                "an operation that arrived since then gets another fetch");
            if (ended.fetch)
            {
                ++fetches;
                send(*ended.fetch);
            }
            return;
        }
        require(ended.waiters.size() == was, "the end of a fetch completes every waiter");
        note(outcome, ended.outcome, before);
        complete(std::move(ended));
    }

    static coauth::result<access_token> result_of(errc code) { return error(code); }

    coauth::result<access_token> outcome_of(planned_response const& planned)
    {
        switch (planned.kind)
        {
        case planned_response::kind_type::token:
            return new_token(planned.sent);
        case planned_response::kind_type::same_token:
            return same_token(planned.sent);
        case planned_response::kind_type::transient:
            return error(one_in(2) ? errc::timeout : errc::connect_failed);
        case planned_response::kind_type::throttled:
        {
            coauth::error_info info;
            info.retry_at = now().wall + draw_time();
            return error(errc::rate_limited, std::move(info));
        }
        case planned_response::kind_type::refused:
            break;
        }
        coauth::error_info info;
        info.http_status = 400;
        if (one_in(4))
            info.retry_at = now().wall + draw_time();
        return error(one_in(2) ? errc::invalid_client : errc::invalid_scope, std::move(info));
    }

    std::optional<std::chrono::seconds> draw_life()
    {
        static constexpr std::chrono::seconds lives[] = {0s, 1s, 2s, 10s, 60s, 300s, 3600s, 86400s};
        auto const dice = rng_.below(std::size(lives) + 1);
        if (dice == std::size(lives))
            return std::nullopt;
        return lives[dice];
    }

    access_token make(std::string value, clock_pair sent, std::optional<std::chrono::seconds> life)
    {
        coauth::access_token_info info;
        info.value = coauth::secret(std::move(value));
        info.requested_at = sent.wall;
        info.requested_at_steady = sent.steady;
        info.lifetime = life;
        return access_token(std::move(info));
    }

    access_token new_token(clock_pair sent)
    {
        issued_token issued;
        issued.sent = sent;
        issued.life = draw_life();
        issued.shortest = issued.life.value_or(std::chrono::seconds::max());
        issued.token = make("t" + std::to_string(++tokens_), sent, issued.life);
        issued_.push_back(issued);
        if (issued_.size() > 8)
            issued_.erase(std::find_if(
                issued_.begin(), issued_.end(),
                [&](auto const& one) { return !(one.token == stored_); }));
        return issued.token;
    }

    access_token same_token(clock_pair sent)
    {
        return make(std::string(issued_.back().token.value()), sent, draw_life());
    }

    // A usable token that is returned again does not live longer.
    void note_stored(access_token const& token, access_token const& before)
    {
        auto& one = find(token);
        auto const life = token.lifetime();
        stored_again_ = token == before;
        if (!stored_again_)
        {
            one.sent = {token.requested_at(), token.requested_at_steady()};
            one.life = life;
            one.shortest = std::chrono::seconds::max();
            one.end = never;
            one.invalidated = false;
        }
        auto const end = end_of(token);
        one.end = {std::min(one.end.wall, end.wall), std::min(one.end.steady, end.steady)};
        one.shortest = std::min(one.shortest, life.value_or(std::chrono::seconds::max()));
        stored_ = token;
    }

    void note(
        coauth::result<access_token> const& outcome, coauth::result<access_token> const& passed_on,
        access_token const& before)
    {
        failed_ = !passed_on;
        if (!failed_)
        {
            server_retry_after_ = {};
            last_failure_ = {};
            failures_ = refusals_ = repeated_ = 0;
            credentials_changed_ = false;
            back_off_start_ = {};
            send_not_before_ = {};
            failing_since_.reset();
            credential_change_not_before_ = {};
            background_fetch_not_before_ = {};
            if (outcome->lifetime() != 0s)
            {
                note_stored(*passed_on, before);
                check_arrival(*passed_on);
            }
            else
            {
                background_fetch_not_before_ =
                    now().steady + std::max(options_.min_refresh_interval, options_.max_back_off);
                send_not_before_ = std::min(sent_at_, now().steady) + 1s;
            }
            return;
        }
        note_failure(passed_on.error());
        if (!outcome && outcome.error().retry_at())
        {
            auto const named = std::min<nanoseconds>(
                *outcome.error().retry_at() - now().wall, options_.max_retry_after);
            if (named <= 0ns)
                return;
            server_retry_after_ = now().steady + named;
            longest_wait_ = std::max<nanoseconds>(longest_wait_, named);
        }
    }

    static nanoseconds at_most(nanoseconds limit, double span)
    {
        return nanoseconds(
            static_cast<std::int64_t>(std::min(static_cast<double>(limit.count()), span)));
    }

    // Computed from the documentation: grows with each failure, or each refusal, up to its limit.
    void note_failure(error const& why)
    {
        ++failures_;
        bool const refused =
            why.value() == errc::invalid_client || why.value() == errc::invalid_scope;
        refusals_ += refused ? 1 : 0;
        bool const same = failing_since_ && last_error_ == why.value();
        repeated_ = !refused ? 0 : same ? repeated_ + 1 : 1;
        if (!failing_since_)
            failing_since_ = now().wall;
        require(
            policy_.status(now()).failing_since == failing_since_,
            "failing_since is the first failure after the last success");
        last_failure_ = now().steady;
        last_error_ = why.value();
        double const initial = static_cast<double>(nanoseconds(options_.initial_back_off).count());
        double const grown =
            initial * std::pow(options_.back_off_factor, std::min(failures_, 300) - 1);
        longest_wait_ = at_most(options_.max_back_off, grown);
        shortest_wait_ = options_.initial_back_off / 10;
        if (refused)
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
        auto const later = std::max<nanoseconds>(back_off_start_ - now().steady, nanoseconds(0));
        longest_wait_ += later;
        shortest_wait_ += later;
        back_off_start_ = {};
        // Tolerance for rounding.
        longest_wait_ += 10ns;
        shortest_wait_ -= 10ns;
    }

    // A token returned to waiters is as usable as one that is served at once.
    void check_arrival(access_token const& token)
    {
        auto const end = end_of(token);
        require(now().wall < end.wall, "usable on arrival by the wall clock");
        require(now().steady < end.steady, "usable on arrival by the steady clock");
    }

    void complete(refresh_policy::fetch_result ended)
    {
        while (auto* const one = ended.waiters.pop())
        {
            auto& waiter = static_cast<test::waiter&>(*one);
            require(waiter.waits, "no operation is completed twice");
            waiter.waits = false;
            --waiting_count_;
        }
        for (auto const& one : waiters_)
            require(!one.waits, "every operation is completed");
    }

    void change_credentials()
    {
        if (!policy_.wants_new_credentials())
            return;
        require(
            last_error_ == errc::invalid_client,
            "new credentials are wanted only after invalid_client");
        auto const before = policy_.back_off_remaining(now());
        if (!policy_.credentials_changed(now()))
            return;
        require(
            now().steady >= credential_change_not_before_, "new credentials end a back-off once");
        credential_change_not_before_ = last_failure_ + shortest_wait_;
        last_failure_ = {};
        if (credentials_changed_)
            back_off_start_ = now().steady + before;
        else
            failures_ = refusals_ = repeated_ = 0;
        credentials_changed_ = true;
        disturbed_ = true;
    }

    Rng rng_;
    coauth::token_source_options options_;
    refresh_policy policy_;
    // The credentials change very often.
    bool credentials_change_ = false;
    std::deque<waiter> waiters_;
    std::size_t waiting_count_ = 0;

    nanoseconds time_{};
    nanoseconds wall_offset_{};
    nanoseconds suspended_{};

    std::optional<planned_response> planned_;
    bool fetch_cancelled_ = false;
    std::uint64_t tokens_ = 0;
    std::deque<issued_token> issued_;
    access_token stored_;
    bool stored_again_ = false;

    // With a timer: when it fires, and whether there was a call before.
    std::optional<std::chrono::steady_clock::time_point> timer_;
    bool was_used_ = false;

    bool failed_ = false;
    // Since the last success or change of credentials; `failing_since_`: since the last success.
    int failures_ = 0;
    int refusals_ = 0;
    int repeated_ = 0;
    bool credentials_changed_ = false;
    // The end of the back-off that the last change of credentials ended.
    std::chrono::steady_clock::time_point back_off_start_{};
    // When the running fetch was sent, and before when no other is sent.
    std::chrono::steady_clock::time_point sent_at_{};
    std::chrono::steady_clock::time_point send_not_before_{};
    std::optional<std::chrono::system_clock::time_point> failing_since_;
    errc last_error_{};
    std::chrono::steady_clock::time_point last_failure_{};
    std::chrono::steady_clock::time_point server_retry_after_{};
    nanoseconds longest_wait_{};
    nanoseconds shortest_wait_{};
    std::chrono::steady_clock::time_point background_fetch_not_before_{};
    std::chrono::steady_clock::time_point credential_change_not_before_{};
    std::chrono::steady_clock::time_point last_start_{};
    // Since the last fetch started, something happened after which another may start at once.
    bool disturbed_ = true;
    access_token refreshed_;
    std::chrono::steady_clock::time_point last_refresh_{};
};

} // namespace test

#endif
