#ifndef COAUTH_TEST_UNIT_REFRESH_SIMULATION_HPP
#define COAUTH_TEST_UNIT_REFRESH_SIMULATION_HPP

#include "back_off_model.hpp"
#include "fetch_interval_checks.hpp"
#include "simulated_server.hpp"
#include "simulation_support.hpp"

#include <algorithm>
#include <cstdint>
#include <deque>
#include <optional>
#include <utility>

// Simulates a refresh policy with servers that fail, throttle, respond late or return the same
// token again; tokens of one second and tokens without a known end; clocks that jump both ways;
// machines that are suspended; and calls that are made, cancelled and forced. Checks the invariants
// after each step.
namespace test
{

using coauth::policy::refresh_policy;
using decision_kind = refresh_policy::decision_kind;

class waiter final : public coauth::detail::waiter_base
{
public:
    bool waits = false;
};

// `Rng` is the source of random numbers: `below(n)` is from 0 to n - 1, `choices_.fraction()` in
// [0, 1).
template <class Rng>
class refresh_simulation
{
public:
    explicit refresh_simulation(Rng rng)
        : choices_(std::move(rng))
        , options_(choices_.options())
        , policy_(options_)
        , server_(choices_, clock_)
        , back_off_(options_)
        , intervals_(options_)
    {
        waiters_.resize(40);
        credentials_change_ = choices_.one_in(2);
    }

    void step()
    {
        auto const choice = choices_.below(100);
        if (choice < 40)
            get();
        else if (choice < 44)
            get_new();
        else if (choice < 50)
            check_usable();
        else if (choice < 55)
            invalidate();
        else if (choice < 60)
            cancel_waiter();
        else if (choice < 63)
            next_action(choices_.one_in(2));
        else if (choice < 90)
            pass_time();
        else if (choice < 92)
            jump();
        else if (choice < 94)
            suspend();
        else if (choice < 95)
            change_credentials();
        else
            end_fetch_if_due(true);
        end_fetch_if_due(false);
        expire();
        if (credentials_change_ && choices_.one_in(4))
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
        require(policy_.usable_token(clock_.now()) == nullptr, "a closed source returns no token");
        if (planned_)
        {
            planned_.reset();
            complete(policy_.on_fetch_complete(clock_.now(), error(errc::cancelled), 0.5));
        }
        require(waiting_count_ == 0, "closing completes every operation");
        waiter late;
        require(
            policy_.get(clock_.now(), late).kind == decision_kind::refuse,
            "a closed source refuses");
    }

    [[nodiscard]] nanoseconds simulated() const { return clock_.time(); }
    std::uint64_t fetches = 0;
    std::uint64_t served = 0;

private:
    // Events of a timer happen at their time. With a back-off of a millisecond there may be too
    // many of them: then less time passes.
    void pass_time()
    {
        auto const end = clock_.time() + choices_.time();
        arm();
        for (int events = 0; timer_ || (planned_ && options_.refresh_when_idle); ++events)
        {
            if (events == 1000)
                return;
            auto const next =
                planned_ ? planned_->arrives_at : clock_.time() + (*timer_ - clock_.now().steady);
            if (next >= end)
                break;
            clock_.advance_to(std::max(clock_.time(), next));
            end_fetch_if_due(false);
            expire();
            fire();
            arm();
        }
        clock_.advance_to(end);
    }

    // Like the source's own timer: set by the clocks of that moment, for 30 s at most, and not set
    // again when they jump.
    void arm()
    {
        if (!options_.refresh_when_idle || !was_used_)
            return;
        auto const next = policy_.next_refresh(clock_.now());
        if (next && !(timer_ && *timer_ <= *next))
            timer_ = std::min(*next, clock_.now().steady + 30s);
    }

    void fire()
    {
        if (!timer_ || clock_.now().steady < *timer_)
            return;
        timer_.reset();
        next_action(true);
        auto const next = policy_.next_refresh(clock_.now());
        require(
            planned_ || !next || *next > clock_.now().steady, "a timer that fires starts a fetch");
    }
    void jump()
    {
        intervals_.allow_next();
        clock_.jump(choices_.one_in(2) ? choices_.time() : -choices_.time());
    }
    void suspend()
    {
        intervals_.allow_next();
        clock_.suspend(choices_.time());
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
        waiter->limit =
            choices_.one_in(3) ? clock_.now().steady + choices_.time() : waiter::no_limit;
        bool const was_usable = policy_.usable_token(clock_.now()) != nullptr;
        bool const was_fetching = planned_.has_value();
        auto const decision = policy_.get(clock_.now(), *waiter);
        require((decision.kind == decision_kind::serve) == was_usable, "a usable token is served");
        if (decision.kind == decision_kind::serve)
            check_served(decision.token);
        else if (decision.kind == decision_kind::wait)
            add_waiter(*waiter);
        else
        {
            require(!was_fetching, "no call is refused while a fetch runs");
            back_off_.check_refusal(decision.failure, clock_.now().steady);
        }
        if (decision.fetch)
            on_fetch_started(*decision.fetch, was_usable);
        require(decision.kind != decision_kind::wait || planned_, "an operation waits for a fetch");
    }

    void get_new()
    {
        auto* const waiter = idle_waiter();
        if (waiter == nullptr)
            return;
        was_used_ = true;
        waiter->limit = waiter::no_limit;
        auto const decision = policy_.get_new(clock_.now(), *waiter);
        require(decision.kind == decision_kind::wait, "a forced fetch starts at once");
        add_waiter(*waiter);
        if (decision.fetch)
            on_fetch_started(*decision.fetch, false);
    }

    void add_waiter(waiter& one)
    {
        one.waits = true;
        ++waiting_count_;
    }

    void check_usable()
    {
        if (auto const* const token = policy_.usable_token(clock_.now()))
            check_served(*token);
    }

    // Computed from the documentation: the end less the margin, by either clock.
    void check_served(access_token const& token)
    {
        ++served;
        auto const& known = server_.find(token);
        require(!known.invalidated, "an invalidated token is not served");
        require(clock_.now().wall < known.end.wall, "not past its end by the wall clock");
        require(clock_.now().steady < known.end.steady, "not past its end by the steady clock");
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

    void invalidate()
    {
        auto* const issued = server_.recent_token();
        if (issued == nullptr)
            return;
        auto const* const current = policy_.usable_token(clock_.now());
        auto const before = current != nullptr ? *current : access_token();
        bool const dropped = policy_.invalidate(clock_.now(), issued->token);
        auto const* const after = policy_.usable_token(clock_.now());
        if (dropped)
        {
            issued->invalidated = true;
            intervals_.allow_next();
            require(after == nullptr, "a dropped token is not returned");
        }
        else
            require(
                (after != nullptr ? *after : access_token()) == before,
                "only the current token is dropped");
    }

    void cancel_waiter()
    {
        auto& one = waiters_[choices_.below(waiters_.size())];
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
        if (ended)
            intervals_.allow_next();
    }

    void expire()
    {
        bool any = false;
        while (auto* const one = policy_.pop_expired(clock_.now().steady))
        {
            auto& waiter = static_cast<test::waiter&>(*one);
            require(waiter.waits, "an expired operation was waiting");
            require(waiter.limit <= clock_.now().steady, "no operation expires early");
            waiter.waits = false;
            --waiting_count_;
            any = true;
        }
        for (auto const& one : waiters_)
            require(
                !one.waits || one.limit > clock_.now().steady,
                "no operation waits beyond its limit");
        if (any)
            should_cancel_fetch();
    }

    void next_action(bool wanted)
    {
        was_used_ = was_used_ || wanted;
        bool const was_usable = policy_.usable_token(clock_.now()) != nullptr;
        auto const next = policy_.next_refresh(clock_.now());
        auto const reason = policy_.next_action(clock_.now(), wanted);
        require(
            !reason || (next && *next <= clock_.now().steady),
            "the timer and the started fetch agree");
        if (!reason)
            return;
        intervals_.check_background(clock_.now().steady, *reason, server_.stored_again());
        on_fetch_started(*reason, was_usable);
    }

    void on_fetch_started(fetch_reason reason, bool was_usable)
    {
        ++fetches;
        require(!planned_, "never two fetches at a time");
        bool const forced = reason == fetch_reason::forced;
        if (!forced)
            back_off_.check_start(clock_.now().steady);
        intervals_.on_start(clock_.now().steady);
        require(
            was_usable == (reason == fetch_reason::refresh), "only a usable token is refreshed");
        if (reason == fetch_reason::refresh)
            intervals_.check_refresh(
                clock_.now(), server_.find(*policy_.usable_token(clock_.now())));
        send(reason);
    }

    void send(fetch_reason reason)
    {
        bool const forced = reason == fetch_reason::forced;
        planned_ = server_.draw_response();
        fetch_cancelled_ = false;
        auto const delay =
            std::max<nanoseconds>(policy_.fetch_start() - clock_.now().steady, nanoseconds(0));
        intervals_.check_delay(clock_.now().steady, delay, forced);
        planned_->sent = {clock_.now().wall + delay, clock_.now().steady + delay};
        planned_->arrives_at += delay;
    }

    void end_fetch_if_due(bool at_once)
    {
        if (!planned_ || (!at_once && planned_->arrives_at > clock_.time() && !fetch_cancelled_))
            return;
        // A cancellation may arrive too late.
        bool const cancelled = fetch_cancelled_ && choices_.one_in(2);
        coauth::result<access_token> const outcome =
            cancelled ? error(errc::cancelled) : server_.outcome_of(*planned_);
        bool const stays = cancelled && waiting_count_ != 0;
        fetch_cancelled_ = false;
        auto const waiting_before = waiting_count_;
        planned_.reset();
        auto const* const current = policy_.usable_token(clock_.now());
        auto const before = current != nullptr ? *current : access_token();
        auto ended = policy_.on_fetch_complete(clock_.now(), outcome, choices_.fraction());
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
        require(
            ended.waiters.size() == waiting_before, "the end of a fetch completes every waiter");
        on_outcome(outcome, ended.outcome, before);
        complete(std::move(ended));
    }

    void on_outcome(
        coauth::result<access_token> const& outcome, coauth::result<access_token> const& passed_on,
        access_token const& before)
    {
        if (passed_on)
            on_success(outcome, *passed_on, before);
        else
        {
            back_off_.on_failure(
                clock_.now(), passed_on.error(),
                outcome ? std::nullopt : outcome.error().retry_at());
            require(
                policy_.status(clock_.now()).failing_since == back_off_.failing_since(),
                "failing_since is the first failure after the last success");
        }
    }

    void on_success(
        coauth::result<access_token> const& outcome, access_token const& token,
        access_token const& before)
    {
        back_off_.on_success();
        intervals_.on_token();
        if (outcome->lifetime() != 0s)
        {
            server_.store(token, before, end_of(token));
            check_arrival(token);
            return;
        }
        intervals_.on_single_use_token(clock_.now().steady);
    }

    // A token returned to waiters is as usable as one that is served at once.
    void check_arrival(access_token const& token)
    {
        auto const end = end_of(token);
        require(clock_.now().wall < end.wall, "usable on arrival by the wall clock");
        require(clock_.now().steady < end.steady, "usable on arrival by the steady clock");
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
            back_off_.last_error() == errc::invalid_client,
            "new credentials are wanted only after invalid_client");
        auto const remaining = policy_.back_off_remaining(clock_.now());
        if (!policy_.credentials_changed(clock_.now()))
            return;
        back_off_.on_credentials_changed(clock_.now(), remaining);
        intervals_.allow_next();
    }

    random_choices<Rng> choices_;
    coauth::token_source_options options_;
    refresh_policy policy_;
    simulated_clock clock_;
    simulated_server<random_choices<Rng>> server_;
    back_off_model back_off_;
    fetch_interval_checks intervals_;
    // Whether the credentials change very often.
    bool credentials_change_ = false;
    std::deque<waiter> waiters_;
    std::size_t waiting_count_ = 0;

    std::optional<planned_response> planned_;
    bool fetch_cancelled_ = false;

    // With a timer: when it fires, and whether there was a call before.
    std::optional<std::chrono::steady_clock::time_point> timer_;
    bool was_used_ = false;
};

} // namespace test

#endif
