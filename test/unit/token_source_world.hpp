#ifndef COAUTH_TEST_UNIT_TOKEN_SOURCE_WORLD_HPP
#define COAUTH_TEST_UNIT_TOKEN_SOURCE_WORLD_HPP

#include "policy/refresh_policy.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <deque>
#include <stdexcept>
#include <string>
#include <utility>

// A model of the world around a token source: servers that fail, throttle, response late, give the
// same token again, tokens of one second and tokens without end, clocks that jump both ways,
// machines that sleep, callers that come, leave and force; and after each step what must always be
// so.
namespace test
{

using namespace std::chrono_literals;
using coauth::access_token;
using coauth::errc;
using coauth::error;
using coauth::fetch_reason;
using coauth::policy::moment;
using source = coauth::policy::refresh_policy;
using verdict = source::verdict;
using std::chrono::nanoseconds;

struct broken : std::runtime_error
{
    using std::runtime_error::runtime_error;
};

inline void require(bool holds, char const* what)
{
    if (!holds)
        throw broken(what);
}

// A caller, with what it saw.
class caller final : public coauth::detail::waiter_base
{
public:
    bool waits = false;
};

// What the server has in mind for the fetch under way.
struct plan
{
    enum class kind
    {
        token,
        same_token,
        transient,
        throttled,
        refused,
    };
    kind what = kind::token;
    // On the true clock.
    nanoseconds ends_at{};
    moment sent;
};

inline constexpr moment never{
    std::chrono::system_clock::time_point::max(), std::chrono::steady_clock::time_point::max()};

// What is known of a token that the server gave.
struct given_token
{
    access_token token;
    moment sent;
    std::optional<std::chrono::seconds> life;
    // Of the lives that the server said it has.
    std::chrono::seconds shortest{};
    // The earliest of the ends that it gave.
    moment end = never;
    bool invalidated = false;
};

// What is left to chance comes of `Lots`: `below(n)` is a number from 0 to n - 1, `chance()` one in
// [0, 1).
template <class Lots>
class world
{
public:
    explicit world(Lots lots) : lots_(std::move(lots)), options_(draw_options()), source_(options_)
    {
        callers_.resize(40);
        changing_ = one_in(2);
    }

    void step()
    {
        auto const dice = lots_.below(100);
        if (dice < 40)
            get();
        else if (dice < 44)
            refresh();
        else if (dice < 50)
            look();
        else if (dice < 55)
            invalidate();
        else if (dice < 60)
            leave();
        else if (dice < 63)
            next_action(one_in(2));
        else if (dice < 90)
            pass_time();
        else if (dice < 92)
            jump();
        else if (dice < 94)
            sleep();
        else if (dice < 95)
            change_credentials();
        else
            end_fetch_if_due(true);
        end_fetch_if_due(false);
        expire();
        if (changing_ && one_in(4))
            change_credentials();
        require(source_.fetching() == plan_.has_value(), "a fetch is under way, or none is");
        require(source_.waiting() == waiting_, "as many wait as came and did not go");
        require(waiting_ == 0 || plan_, "whoever waits, waits for a fetch");
    }

    // Nobody is forgotten at the end.
    void close()
    {
        source_.close(error(errc::cancelled));
        require(source_.usable(now()) == nullptr, "a closed source hands out nothing");
        if (plan_)
        {
            plan_.reset();
            settle(source_.on_fetch_complete(now(), error(errc::cancelled), 0.5));
        }
        require(waiting_ == 0, "closing completes everybody");
        caller late;
        require(source_.get(now(), late).what == verdict::refuse, "a closed source refuses");
    }

    [[nodiscard]] nanoseconds simulated() const { return time_; }
    std::uint64_t fetches = 0;
    std::uint64_t served = 0;

private:
    double chance() { return lots_.chance(); }
    bool one_in(unsigned n) { return lots_.below(n) == 0; }

    coauth::token_source_options draw_options()
    {
        coauth::token_source_options made;
        made.cancel_when_unwaited = one_in(2);
        if (one_in(4))
            made.refresh_at = 0.1 + 0.9 * chance();
        made.refresh_jitter = std::min(made.refresh_jitter, made.refresh_at / 2);
        if (one_in(4))
            made.max_age = std::chrono::seconds(lots_.below(7200) + 1);
        if (one_in(8))
            made.expiry_margin = std::chrono::milliseconds(lots_.below(2) * lots_.below(100'000));
        if (one_in(8))
            made.refresh_jitter = 0;
        if (one_in(4))
            made.min_refresh_interval =
                std::chrono::milliseconds(lots_.below(60'000) * lots_.below(2));
        if (one_in(4))
        {
            made.initial_back_off = std::chrono::milliseconds(lots_.below(10'000) + 1);
            made.max_back_off = made.initial_back_off * static_cast<int>(lots_.below(100) + 1);
            made.back_off_factor = 1 + chance() * 4;
        }
        made.refresh_when_idle = one_in(3);
        return made;
    }

    [[nodiscard]] moment now() const
    {
        return {
            std::chrono::system_clock::time_point(1'800'000'000s) + time_ + wall_offset_,
            std::chrono::steady_clock::time_point(1'000s) + time_ - slept_};
    }

    nanoseconds draw_time()
    {
        static constexpr nanoseconds scales[] = {1ms, 100ms, 1s, 10s, 60s, 600s, 3600s};
        auto const scale = scales[lots_.below(std::size(scales))];
        return nanoseconds(
            static_cast<std::int64_t>(chance() * static_cast<double>(scale.count())));
    }

    // Where there is a timer, what happens meanwhile happens at its time. Too much of that, with a
    // back-off of a millisecond, and less time passes.
    void pass_time()
    {
        auto const end = time_ + draw_time();
        arm();
        for (int events = 0; timer_ || (plan_ && options_.refresh_when_idle); ++events)
        {
            if (events == 1000)
                return;
            auto const next = plan_ ? plan_->ends_at : time_ + (*timer_ - now().steady);
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

    // As the source's own: set for what the clocks say then, for 30 s at most, and not set anew
    // when they jump.
    void arm()
    {
        if (!options_.refresh_when_idle || !was_used_)
            return;
        auto const next = source_.next_renewal(now());
        if (next && !(timer_ && *timer_ <= *next))
            timer_ = std::min(*next, now().steady + 30s);
    }

    void fire()
    {
        if (!timer_ || now().steady < *timer_)
            return;
        timer_.reset();
        next_action(true);
        auto const next = source_.next_renewal(now());
        require(
            plan_ || !next || *next > now().steady, "a timer that fires has something to begin");
    }
    void jump()
    {
        disturbed_ = true;
        wall_offset_ += one_in(2) ? draw_time() : -draw_time();
    }
    void sleep()
    {
        disturbed_ = true;
        auto const span = draw_time();
        time_ += span;
        slept_ += span;
    }

    caller* idle_caller()
    {
        for (auto& one : callers_)
            if (!one.waits)
                return &one;
        return nullptr;
    }

    void get()
    {
        auto* const who = idle_caller();
        if (who == nullptr)
            return;
        was_used_ = true;
        who->limit = one_in(3) ? now().steady + draw_time() : caller::no_limit;
        bool const was_usable = source_.usable(now()) != nullptr;
        bool const was_fetching = plan_.has_value();
        auto const made = source_.get(now(), *who);
        require((made.what == verdict::serve) == was_usable, "a usable token is served");
        if (made.what == verdict::serve)
            check_served(made.token);
        else if (made.what == verdict::wait)
            await(*who);
        else
            check_refused(
                made.why, was_fetching, std::max(last_failure_ + longest_wait_, server_until_));
        if (made.fetch)
            begin(*made.fetch, was_usable);
        require(made.what != verdict::wait || plan_, "whoever waits has something to wait for");
    }

    void refresh()
    {
        auto* const who = idle_caller();
        if (who == nullptr)
            return;
        was_used_ = true;
        who->limit = caller::no_limit;
        bool const was_fetching = plan_.has_value();
        auto const made = source_.refresh(now(), *who);
        require(made.what != verdict::serve, "a new token is not the old one");
        if (made.what == verdict::wait)
            await(*who);
        else
            check_refused(made.why, was_fetching, server_until_);
        if (made.fetch)
            begin(*made.fetch, false);
    }

    void await(caller& who)
    {
        who.waits = true;
        ++waiting_;
    }

    void
    check_refused(error const& why, bool was_fetching, std::chrono::steady_clock::time_point until)
    {
        require(!was_fetching, "nobody is refused while a fetch is under way");
        require(failed_, "a refusal follows a failure");
        require(why == last_error_, "a refusal carries the last error");
        require(why.retry_at().has_value(), "a refusal says when to come again");
        require(now().steady < until, "a failure is not kept beyond its back-off");
    }

    void look()
    {
        if (auto const* const token = source_.usable(now()))
            check_served(*token);
    }

    // By the definition, not by the code: the end less the margin, by either clock.
    void check_served(access_token const& token)
    {
        ++served;
        auto const& known = find(token);
        require(!known.invalidated, "an invalidated token is not served");
        require(now().wall < known.end.wall, "not past its end by the wall clock");
        require(now().steady < known.end.steady, "not past its end by the steady clock");
    }

    [[nodiscard]] moment end_of(access_token const& token) const
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

    given_token& find(access_token const& token)
    {
        for (auto& one : given_)
            if (one.token == token)
                return one;
        throw broken("a token that the server never gave");
    }

    void invalidate()
    {
        if (given_.empty())
            return;
        auto& one =
            given_[given_.size() - 1 - lots_.below(std::min<std::size_t>(given_.size(), 3))];
        auto const* const present = source_.usable(now());
        auto const before = present != nullptr ? *present : access_token();
        bool const dropped = source_.invalidate(now(), one.token);
        auto const* const after = source_.usable(now());
        if (dropped)
        {
            one.invalidated = true;
            disturbed_ = true;
            require(after == nullptr, "a dropped token is gone");
        }
        else
            require(
                (after != nullptr ? *after : access_token()) == before,
                "another token, or an insisting server's, stays");
    }

    void leave()
    {
        auto& one = callers_[lots_.below(callers_.size())];
        bool const left = source_.leave(one);
        require(left == one.waits, "who waits can leave, who does not cannot");
        if (!left)
            return;
        one.waits = false;
        --waiting_;
        should_cancel_fetch();
    }

    void should_cancel_fetch()
    {
        bool const ended = source_.should_cancel_fetch();
        require(!ended || (plan_ && waiting_ == 0), "only a fetch that nobody wants is given up");
        require(!ended || options_.cancel_when_unwaited, "and only if so configured");
        require(!ended || !options_.refresh_when_idle, "and not if it is wanted anyway");
        given_up_ = given_up_ || ended;
        disturbed_ = disturbed_ || ended;
    }

    void expire()
    {
        bool any = false;
        while (auto* const one = source_.pop_expired(now().steady))
        {
            auto& who = static_cast<caller&>(*one);
            require(who.waits, "who expires has waited");
            require(who.limit <= now().steady, "nobody expires early");
            who.waits = false;
            --waiting_;
            any = true;
        }
        for (auto const& one : callers_)
            require(!one.waits || one.limit > now().steady, "nobody waits beyond his limit");
        if (any)
            should_cancel_fetch();
    }

    void next_action(bool wanted)
    {
        was_used_ = was_used_ || wanted;
        bool const was_usable = source_.usable(now()) != nullptr;
        auto const next = source_.next_renewal(now());
        auto const why = source_.next_action(now(), wanted);
        require(!why || (next && *next <= now().steady), "what a timer waits for is what is begun");
        if (!why)
            return;
        check_unasked(*why);
        begin(*why, was_usable);
    }

    // What nobody waits for is not fetched in a row, however short the lives and fast the server.
    void check_unasked(fetch_reason why)
    {
        // To be given the same token again does not put off its end.
        bool const given_again = why == fetch_reason::expired && kept_again_;
        require(
            now().steady >= background_fetch_not_before_,
            "a token that is used once is not fetched yet");
        auto const interval = std::min<nanoseconds>(
            {nanoseconds(options_.min_refresh_interval), 50ms, options_.initial_back_off / 10});
        require(
            disturbed_ || given_again || now().steady >= last_begun_ + interval,
            "fetches that nobody waits for keep their distance");
    }

    void begin(fetch_reason why, bool was_usable)
    {
        ++fetches;
        require(!plan_, "never two fetches at a time");
        require(now().steady >= server_until_, "never before the time that the server named");
        bool const forced = why == fetch_reason::forced;
        require(
            forced || now().steady >= last_failure_ + shortest_wait_,
            "never within the back-off of a failure");
        last_begun_ = now().steady;
        disturbed_ = false;
        require(was_usable == (why == fetch_reason::refresh), "only a usable token is renewed");
        if (why == fetch_reason::refresh)
            check_renewal();
        plan_ = draw_plan();
    }

    void check_renewal()
    {
        auto const& known = find(*source_.usable(now()));
        require(known.life || options_.max_age, "a token without end is not renewed");
        auto life = known.life.value_or(std::chrono::seconds::max());
        if (options_.max_age)
            life = std::min(life, *options_.max_age);
        auto const early = nanoseconds(static_cast<std::int64_t>(
            static_cast<double>(nanoseconds(life).count()) *
            (options_.refresh_at - options_.refresh_jitter)));
        require(
            now().wall >= known.sent.wall + early || now().steady >= known.sent.steady + early,
            "not before its time");
        if (renewed_ == known.token)
            require(
                now().steady >=
                    last_renewal_ + std::min<nanoseconds>(
                                        options_.min_refresh_interval,
                                        nanoseconds(std::min(life, known.shortest)) / 20),
                "the renewals of one token keep their distance");
        renewed_ = known.token;
        last_renewal_ = now().steady;
    }

    plan draw_plan()
    {
        plan made;
        auto const dice = lots_.below(20);
        made.what = dice < 10                      ? plan::kind::token
                    : dice < 12 && !given_.empty() ? plan::kind::same_token
                    : dice < 16                    ? plan::kind::transient
                    : dice < 18                    ? plan::kind::throttled
                                                   : plan::kind::refused;
        made.sent = now();
        made.ends_at =
            time_ + (one_in(10)
                         ? draw_time()
                         : nanoseconds(static_cast<std::int64_t>(lots_.below(2'000'000'000))));
        given_up_ = false;
        return made;
    }

    void end_fetch_if_due(bool at_once)
    {
        if (!plan_ || (!at_once && plan_->ends_at > time_ && !given_up_))
            return;
        // A cancellation may come too late.
        bool const cancelled = given_up_ && one_in(2);
        auto const outcome = cancelled ? result_of(errc::cancelled) : response(*plan_);
        bool const stays = cancelled && waiting_ != 0;
        given_up_ = false;
        auto const was = waiting_;
        plan_.reset();
        auto const* const present = source_.usable(now());
        auto const before = present != nullptr ? *present : access_token();
        auto ended = source_.on_fetch_complete(now(), outcome, chance());
        require(ended.abandoned == cancelled, "a fetch that was given up did not fail");
        if (cancelled)
        {
            require(ended.done.empty(), "a fetch that was given up completes nobody");
            require(ended.fetch.has_value() == stays, "who came since then gets another");
            if (ended.fetch)
            {
                ++fetches;
                plan_ = draw_plan();
            }
            return;
        }
        require(ended.done.size() == was, "the end of a fetch completes everybody");
        note(outcome, ended.outcome, before);
        settle(std::move(ended));
    }

    static coauth::result<access_token> result_of(errc code) { return error(code); }

    coauth::result<access_token> response(plan const& made)
    {
        switch (made.what)
        {
        case plan::kind::token:
            return new_token(made.sent);
        case plan::kind::same_token:
            return same_token(made.sent);
        case plan::kind::transient:
            return error(one_in(2) ? errc::timeout : errc::connect_failed);
        case plan::kind::throttled:
        {
            coauth::error_info info;
            info.retry_at = now().wall + draw_time();
            return error(errc::rate_limited, std::move(info));
        }
        case plan::kind::refused:
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
        auto const dice = lots_.below(std::size(lives) + 1);
        if (dice == std::size(lives))
            return std::nullopt;
        return lives[dice];
    }

    access_token make(std::string value, moment sent, std::optional<std::chrono::seconds> life)
    {
        coauth::access_token_info info;
        info.value = coauth::secret(std::move(value));
        info.requested_at = sent.wall;
        info.requested_at_steady = sent.steady;
        info.lifetime = life;
        return access_token(std::move(info));
    }

    access_token new_token(moment sent)
    {
        given_token made;
        made.sent = sent;
        made.life = draw_life();
        made.shortest = made.life.value_or(std::chrono::seconds::max());
        made.token = make("t" + std::to_string(++tokens_), sent, made.life);
        given_.push_back(made);
        if (given_.size() > 8)
            given_.erase(std::find_if(
                given_.begin(), given_.end(),
                [&](auto const& one) { return !(one.token == kept_); }));
        return made.token;
    }

    access_token same_token(moment sent)
    {
        return make(std::string(given_.back().token.value()), sent, draw_life());
    }

    // A token that is still good does not live longer for being given again.
    void note_kept(access_token const& token, access_token const& before)
    {
        auto& one = find(token);
        auto const life = token.lifetime();
        kept_again_ = token == before;
        if (!kept_again_)
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
        kept_ = token;
    }

    void note(
        coauth::result<access_token> const& outcome, coauth::result<access_token> const& passed_on,
        access_token const& before)
    {
        failed_ = !passed_on;
        if (!failed_)
        {
            server_until_ = {};
            last_failure_ = {};
            failures_ = 0;
            failing_since_.reset();
            not_changed_before_ = {};
            background_fetch_not_before_ = {};
            if (outcome->lifetime() != 0s)
            {
                note_kept(*passed_on, before);
                check_arrival(*passed_on);
            }
            else
                background_fetch_not_before_ =
                    now().steady + std::max(options_.min_refresh_interval, options_.max_back_off);
            return;
        }
        note_failure(passed_on.error());
        if (!outcome && outcome.error().retry_at())
        {
            auto const named = *outcome.error().retry_at() - now().wall;
            server_until_ = now().steady + named;
            longest_wait_ = std::max<nanoseconds>(longest_wait_, named);
        }
    }

    // By the definition again: grows with each failure up to its cap, but for what only a change
    // can mend.
    void note_failure(error const& why)
    {
        ++failures_;
        if (!failing_since_)
            failing_since_ = now().wall;
        require(
            source_.status(now()).failing_since == failing_since_,
            "it fails since the first failure after the last success");
        last_failure_ = now().steady;
        last_error_ = why.value();
        nanoseconds const most = options_.max_back_off;
        double const grown = std::pow(options_.back_off_factor, std::min(failures_, 300) - 1);
        longest_wait_ = nanoseconds(static_cast<std::int64_t>(std::min(
            static_cast<double>(most.count()),
            grown * static_cast<double>(nanoseconds(options_.initial_back_off).count()))));
        shortest_wait_ = options_.initial_back_off / 10;
        if (last_error_ == errc::invalid_client || last_error_ == errc::invalid_scope)
        {
            longest_wait_ = most;
            shortest_wait_ = most / 2;
        }
        // What is rounded on the way.
        longest_wait_ += 10ns;
        shortest_wait_ -= 10ns;
    }

    // What is handed to those who waited is as good as what is served.
    void check_arrival(access_token const& token)
    {
        auto const end = end_of(token);
        require(now().wall < end.wall, "usable on arrival by the wall clock");
        require(now().steady < end.steady, "usable on arrival by the steady clock");
    }

    void settle(source::fetch_result ended)
    {
        while (auto* const one = ended.done.pop())
        {
            auto& who = static_cast<caller&>(*one);
            require(who.waits, "nobody is completed twice");
            who.waits = false;
            --waiting_;
        }
        for (auto const& one : callers_)
            require(!one.waits, "nobody is left behind");
    }

    void change_credentials()
    {
        if (!source_.wants_other_credentials())
            return;
        require(last_error_ == errc::invalid_client, "credentials mend what is wrong with them");
        auto const before = source_.back_off_remaining(now());
        source_.credentials_changed(now());
        if (source_.back_off_remaining(now()) == before)
            return;
        require(now().steady >= not_changed_before_, "other credentials end a wait once");
        not_changed_before_ = last_failure_ + shortest_wait_;
        last_failure_ = {};
        failures_ = 0;
        disturbed_ = true;
    }

    Lots lots_;
    coauth::token_source_options options_;
    source source_;
    // There are nearly always other credentials.
    bool changing_ = false;
    std::deque<caller> callers_;
    std::size_t waiting_ = 0;

    nanoseconds time_{};
    nanoseconds wall_offset_{};
    nanoseconds slept_{};

    std::optional<plan> plan_;
    bool given_up_ = false;
    std::uint64_t tokens_ = 0;
    std::deque<given_token> given_;
    access_token kept_;
    bool kept_again_ = false;

    // In worlds with a timer: when it fires, and whether somebody wanted a token before.
    std::optional<std::chrono::steady_clock::time_point> timer_;
    bool was_used_ = false;

    bool failed_ = false;
    // Since the last success; the first of them, also beyond a change of credentials.
    int failures_ = 0;
    std::optional<std::chrono::system_clock::time_point> failing_since_;
    errc last_error_{};
    std::chrono::steady_clock::time_point last_failure_{};
    std::chrono::steady_clock::time_point server_until_{};
    nanoseconds longest_wait_{};
    nanoseconds shortest_wait_{};
    std::chrono::steady_clock::time_point background_fetch_not_before_{};
    std::chrono::steady_clock::time_point not_changed_before_{};
    std::chrono::steady_clock::time_point last_begun_{};
    // Since the last fetch began, something happened after which another may begin at once.
    bool disturbed_ = true;
    access_token renewed_;
    std::chrono::steady_clock::time_point last_renewal_{};
};

} // namespace test

#endif
