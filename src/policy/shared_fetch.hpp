#ifndef COAUTH_SRC_POLICY_SHARED_FETCH_HPP
#define COAUTH_SRC_POLICY_SHARED_FETCH_HPP

#include <coauth/observer.hpp>

#include <chrono>
#include <optional>

namespace coauth::policy
{

// What a record in the store says to one fetch.
struct shared_record
{
    // Somebody holds the claim to the name.
    bool claimed = false;
    // A token that may be used for a while.
    bool has_token = false;
    // The token is the one that an API has rejected.
    bool is_rejected = false;
    // The token may replace the one that the source has.
    bool is_better = true;
    // Since the token was published.
    std::chrono::nanoseconds age{0};
    // Until the next request to the authorization server, after a failure.
    std::chrono::nanoseconds back_off{0};
    // The tokens of this name cannot be shared.
    bool unshareable = false;
};

// Decides the steps of one fetch for which a fleet shares a token: load, claim, fetch, publish. A
// fetch by two at the same time is a waste and no fault, so every doubt ends in a fetch.
class shared_fetch
{
public:
    using time_point = std::chrono::steady_clock::time_point;
    using duration = std::chrono::steady_clock::duration;

    enum class action
    {
        // Operations of the store, each until `step::until`.
        load,
        claim,
        remove,
        // Until `step::until`. Then `on_waited`.
        wait,
        // Get a token from the authorization server.
        fetch,
        // Return the token of the record.
        serve,
        // Return the failure of the record.
        fail,
    };
    struct step
    {
        action what = action::fetch;
        time_point until = {};
    };
    // Who has the claim.
    enum class claim_state
    {
        none,
        // The store may have lost its response, not the claim.
        unknown,
        owned,
    };

    struct options
    {
        // `refresh`: the source can go on with its token meanwhile.
        fetch_reason reason = fetch_reason::empty;
        // Until then it waits for others.
        time_point wait_until = time_point::max();
        // Of one operation of the store.
        duration store_timeout{};
        // Before a claim: this process has failed of late, so another may be first.
        duration claim_delay{};
    };

    // Begins with a load.
    shared_fetch(options const& chosen, time_point now);

    [[nodiscard]] step begin() const noexcept { return {action::load, limit(began_)}; }
    step on_loaded(time_point now, shared_record const& record, double random);
    step on_removed(time_point now);
    step on_claimed(time_point now, bool won, double random);
    step on_waited(time_point now);
    // The operation that the last step named failed.
    step on_store_error(time_point now, double random);

    [[nodiscard]] claim_state claim() const noexcept { return claim_; }
    // It fetches because of an error of the store.
    [[nodiscard]] bool failed_open() const noexcept { return failed_open_; }
    // It found that another holds the claim.
    [[nodiscard]] bool was_held() const noexcept { return was_held_; }

private:
    [[nodiscard]] bool has_usable_token() const noexcept
    {
        return options_.reason == fetch_reason::refresh;
    }
    [[nodiscard]] time_point limit(time_point now) const noexcept;
    [[nodiscard]] bool accepts(time_point now, shared_record const& record) const noexcept;
    step next_operation(action what, time_point now);
    step claim_or_wait(time_point now, bool claimed, double random);
    step wait(time_point now, double random);
    step fetch_without_store() noexcept;

    options const options_;
    time_point const began_;
    // The operations before the fetch take no longer together.
    time_point budget_end_;
    // The one that runs.
    action operation_ = action::load;
    claim_state claim_ = claim_state::none;
    bool failed_open_ = false;
    bool was_held_ = false;
    bool removed_ = false;
    bool has_delayed_ = false;
    bool has_retried_ = false;
};

// When the holder of a claim renews it: at half of its lease.
class claim_renewal
{
public:
    using time_point = std::chrono::steady_clock::time_point;
    using duration = std::chrono::steady_clock::duration;

    // `end`: that of the fetch, beyond which the claim is not renewed.
    claim_renewal(time_point claimed, duration lease, time_point end) noexcept
        : lease_(lease)
        , end_(end)
        , next_(claimed + lease / 2)
    {
    }

    // None: never.
    [[nodiscard]] std::optional<time_point> next() const noexcept
    {
        return next_ < end_ ? std::optional(next_) : std::nullopt;
    }
    void on_renewed(time_point now) noexcept { next_ = now + lease_ / 2; }

private:
    duration lease_;
    time_point end_;
    time_point next_;
};

} // namespace coauth::policy

#endif
