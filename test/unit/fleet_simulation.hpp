#ifndef COAUTH_TEST_UNIT_FLEET_SIMULATION_HPP
#define COAUTH_TEST_UNIT_FLEET_SIMULATION_HPP

#include "policy/refresh_policy.hpp"
#include "policy/shared_fetch.hpp"
#include "policy/shared_life.hpp"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

// Simulates a fleet of processes that share one token through a store: each with the policies of a
// token source and of a shared fetch, all on one simulated clock.
namespace test
{

using coauth::access_token;
using coauth::fetch_reason;
using coauth::policy::shared_fetch;
using std::chrono::milliseconds;
using std::chrono::seconds;

struct fleet_options
{
    std::size_t nodes = 50;
    seconds token_life{3600};
    // Of the authorization server.
    milliseconds fetch_time{300};
    // Of claims that were won: the store forgets them.
    double lost_claims = 0;
    // Of the responses of the store, which take effect all the same.
    double lost_responses = 0;
    std::uint64_t seed = 1;
};

class fleet_simulation
{
public:
    using time_point = std::chrono::steady_clock::time_point;
    using duration = std::chrono::steady_clock::duration;

    explicit fleet_simulation(fleet_options chosen) : options(chosen), random_(chosen.seed)
    {
        for (std::size_t i = 0; i < options.nodes; ++i)
            nodes_.push_back(std::make_unique<node>());
    }

    // All nodes want a token within `spread`.
    void start(duration spread)
    {
        for (auto& one : nodes_)
            at(now_ + duration(static_cast<duration::rep>(fraction() * double(spread.count()))),
               [this, &one = *one] { wake(one); });
    }
    void run_for(duration span)
    {
        auto const end = now_ + span;
        while (!events_.empty() && events_.front().when <= end)
        {
            std::pop_heap(events_.begin(), events_.end());
            auto const next = std::move(events_.back());
            events_.pop_back();
            now_ = next.when;
            next.run();
        }
        now_ = end;
    }
    // An API rejects the token of every node.
    void reject_everywhere()
    {
        for (auto& one : nodes_)
            if (one->policy.invalidate(now(), one->policy.current_token()))
                wake(*one);
    }
    // Ends the process that fetches now.
    void kill_holder()
    {
        for (auto& one : nodes_)
            if (one->is_fetching)
                one->dead = true;
    }
    [[nodiscard]] bool all_have_a_token() const
    {
        return std::all_of(
            nodes_.begin(), nodes_.end(), [this](auto const& one)
            { return one->dead || one->policy.usable_token(now()) != nullptr; });
    }
    // The tokens in use.
    [[nodiscard]] std::size_t different_tokens() const
    {
        std::vector<std::string> values;
        for (auto const& one : nodes_)
            if (!one->dead)
                values.emplace_back(one->policy.current_token().value());
        std::sort(values.begin(), values.end());
        return static_cast<std::size_t>(std::unique(values.begin(), values.end()) - values.begin());
    }

    fleet_options options;
    bool server_is_down = false;
    // What came to pass.
    std::vector<time_point> fetches;
    std::size_t most_in_flight = 0;
    std::size_t store_operations = 0;
    // Of nodes without a token that had one before.
    std::size_t gaps = 0;
    std::size_t claims_lost = 0;

private:
    struct node
    {
        coauth::policy::refresh_policy policy{coauth::token_source_options()};
        std::optional<shared_fetch> fetch;
        access_token rejected;
        fetch_reason reason = fetch_reason::empty;
        time_point wakes = time_point::max();
        std::uint64_t owner = 0;
        bool is_fetching = false;
        bool dead = false;
    };
    struct event
    {
        time_point when;
        std::uint64_t number;
        std::function<void()> run;

        friend bool operator<(event const& a, event const& b)
        {
            return a.when != b.when ? a.when > b.when : a.number > b.number;
        }
    };
    struct record
    {
        access_token token;
        time_point published;
        time_point ends;
        time_point back_off_ends;
        unsigned failures = 0;
    };

    [[nodiscard]] coauth::detail::clock_pair now() const
    {
        return {std::chrono::system_clock::time_point(now_.time_since_epoch()), now_};
    }
    double fraction() { return double(random_() >> 11U) / 9007199254740992.0; }
    void at(time_point when, std::function<void()> run)
    {
        events_.push_back({when, ++events_made_, std::move(run)});
        std::push_heap(events_.begin(), events_.end());
    }

    // Fetches if it is time, and comes back when it is.
    void wake(node& one)
    {
        if (one.dead || one.fetch)
            return;
        if (auto const reason = one.policy.next_action(now(), true))
            return begin(one, *reason);
        if (auto const next = one.policy.next_refresh(now()))
        {
            auto const when = std::max(*next, now_ + milliseconds(1));
            one.wakes = when;
            at(when,
               [this, &one, when]
               {
                   if (one.wakes == when)
                       wake(one);
               });
        }
    }

    void begin(node& one, fetch_reason reason)
    {
        bool const has_token = one.policy.usable_token(now()) != nullptr;
        gaps += !has_token && reason == fetch_reason::expired ? 1U : 0U;
        one.rejected = one.policy.rejected_token();
        one.reason = reason;
        one.fetch.emplace(
            shared_fetch::options{reason, now_ + seconds(20), milliseconds(100), {}}, now_);
        take(one, one.fetch->begin());
    }

    // A request to the store and its response, each with its own delay. `effect` returns what to do
    // with the response.
    template <class Effect>
    void call_store(node& one, time_point until, Effect effect)
    {
        ++store_operations;
        bool const lost = fraction() < options.lost_responses;
        at(now_ + network_delay(),
           [this, &one, until, lost, effect]
           {
               auto respond = effect();
               auto const when = lost ? until : now_ + network_delay();
               at(when,
                  [this, &one, lost, respond]
                  {
                      if (!one.dead)
                          take(one, lost ? one.fetch->on_store_error(now_, fraction()) : respond());
                  });
           });
    }
    duration network_delay()
    {
        return std::chrono::microseconds(300 + static_cast<int>(fraction() * 1000));
    }

    void take(node& one, shared_fetch::step const& step)
    {
        using action = shared_fetch::action;
        switch (step.what)
        {
        case action::load:
            return call_store(one, step.until, [this, &one] { return load(one); });
        case action::claim:
            return call_store(one, step.until, [this, &one] { return claim(one); });
        case action::remove:
            return call_store(one, step.until, [this, &one] { return remove(one); });
        case action::wait:
            return at(
                step.until,
                [this, &one]
                {
                    if (!one.dead)
                        take(one, one.fetch->on_waited(now_));
                });
        case action::fetch:
            return fetch(one);
        case action::serve:
            return release_and_end(one, loaded_.token);
        case action::fail:
            return release_and_end(one, failure(loaded_.back_off_ends));
        }
    }

    std::function<shared_fetch::step()> load(node& one)
    {
        auto const seen = stored_ && now_ < stored_->ends ? *stored_ : record();
        bool const claimed = claim_owner_ != 0 && now_ < claim_ends_;
        return [this, &one, seen, claimed]
        {
            coauth::policy::shared_record view;
            view.claimed = claimed;
            view.has_token = coauth::policy::shared_life(seen.token, now_).has_value();
            view.is_rejected = !one.rejected.empty() && seen.token == one.rejected;
            auto const& current = one.policy.current_token();
            view.is_better = one.reason == fetch_reason::refresh
                                 ? coauth::policy::replaces(seen.token, current, now_)
                                 : !(seen.token == current);
            view.age = now_ - seen.published;
            view.back_off = seen.back_off_ends - now_;
            loaded_ = seen;
            return one.fetch->on_loaded(now_, view, fraction());
        };
    }
    std::function<shared_fetch::step()> claim(node& one)
    {
        bool const won = claim_owner_ == 0 || now_ >= claim_ends_;
        if (won)
        {
            one.owner = claim_owner_ = ++owners_;
            claim_ends_ = now_ + seconds(10);
            if (fraction() < options.lost_claims)
            {
                ++claims_lost;
                claim_owner_ = 0;
            }
        }
        return [this, &one, won] { return one.fetch->on_claimed(now_, won, fraction()); };
    }
    std::function<shared_fetch::step()> remove(node& one)
    {
        if (stored_ && stored_->token == one.rejected)
            stored_.reset();
        return [this, &one] { return one.fetch->on_removed(now_); };
    }

    void fetch(node& one)
    {
        one.is_fetching = true;
        fetches.push_back(now_);
        most_in_flight = std::max(most_in_flight, ++in_flight_);
        at(now_ + options.fetch_time,
           [this, &one, sent = now_, down = server_is_down]
           {
               --in_flight_;
               one.is_fetching = false;
               if (!one.dead)
                   down ? publish_failure(one) : publish_token(one, sent);
           });
    }
    bool owns_claim(node const& one) const
    {
        return one.fetch->claim() != shared_fetch::claim_state::none && claim_owner_ == one.owner &&
               now_ < claim_ends_;
    }
    void publish_token(node& one, time_point requested_at)
    {
        coauth::access_token_info info;
        info.value = "token" + std::to_string(fetches.size());
        info.requested_at = std::chrono::system_clock::time_point(requested_at.time_since_epoch());
        info.requested_at_steady = requested_at;
        info.lifetime = options.token_life;
        access_token const token(std::move(info));
        if (owns_claim(one))
        {
            auto const life = coauth::policy::shared_life(token, now_);
            stored_ = record{token, now_, now_ + life.value_or(milliseconds(0)), {}, 0};
            claim_owner_ = 0;
        }
        end(one, token);
    }
    void publish_failure(node& one)
    {
        if (owns_claim(one))
        {
            auto next = stored_ && now_ < stored_->ends ? *stored_ : record();
            ++next.failures;
            next.back_off_ends = now_ + coauth::policy::shared_back_off(
                                            failure(now_), next.failures, now().wall, fraction());
            next.ends = std::max(next.ends, next.back_off_ends + seconds(60));
            stored_ = next;
            claim_owner_ = 0;
        }
        end(one, failure(now_));
    }
    coauth::error failure(time_point retry_at) const
    {
        coauth::error_info info;
        info.attempts = 1;
        if (retry_at > now_)
            info.retry_at = std::chrono::system_clock::time_point(retry_at.time_since_epoch());
        return {coauth::errc::connect_failed, std::move(info)};
    }
    void release_and_end(node& one, coauth::result<access_token> outcome)
    {
        if (owns_claim(one))
            claim_owner_ = 0;
        end(one, std::move(outcome));
    }
    void end(node& one, coauth::result<access_token> outcome)
    {
        one.fetch.reset();
        one.owner = 0;
        (void)one.policy.on_fetch_complete(now(), std::move(outcome), fraction());
        wake(one);
    }

    std::mt19937_64 random_;
    std::vector<std::unique_ptr<node>> nodes_;
    // A heap: the next one is in front.
    std::vector<event> events_;
    std::uint64_t events_made_ = 0;
    time_point now_ = time_point(std::chrono::hours(1000));
    std::size_t in_flight_ = 0;

    // The store.
    std::optional<record> stored_;
    std::uint64_t claim_owner_ = 0;
    std::uint64_t owners_ = 0;
    time_point claim_ends_;
    // What the last load showed.
    record loaded_;
};

} // namespace test

#endif
