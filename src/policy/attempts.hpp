#ifndef COAUTH_SRC_POLICY_ATTEMPTS_HPP
#define COAUTH_SRC_POLICY_ATTEMPTS_HPP

#include "policy/retry.hpp"

#include <chrono>
#include <optional>

namespace coauth::policy
{

// What is known of a request before it is sent.
struct request_traits
{
    // The grant may be valid for one use, as a refresh token is: a second use looks like theft
    // (RFC 9700 section 4.14.2).
    bool is_single_use_grant = false;
    // The request carries a DPoP proof.
    bool has_dpop_proof = false;
};

// Decides after each attempt of one operation whether there is another, and when.
//
// The events of an attempt, in this order: `begin`, `on_sent`, `on_response`, `on_failure`. An
// attempt that fails early skips those between. One attempt may send its request twice, when a
// reused connection turns out to be closed.
class attempts
{
public:
    enum class action
    {
        give_up,
        // After `decision::delay`.
        retry,
        retry_now,
        // Load the credentials again and call `on_credentials_loaded`.
        load_credentials,
    };

    struct decision
    {
        attempts::action action = attempts::action::give_up;
        std::chrono::nanoseconds delay{};
    };

    attempts(retry_options const& options, request_traits traits)
        : options_(options)
        , traits_(traits)
    {
    }

    // An attempt begins. Returns its number, counted from 1.
    unsigned begin() noexcept;
    // The request is about to be written.
    void on_sent() noexcept;
    void on_response(unsigned status, bool has_dpop_nonce) noexcept;

    // The attempt failed.
    [[nodiscard]] decision on_failure(error const& failure, retry_context const& context) noexcept;
    // Follows `action::load_credentials`. `changed`: they differ from those that were sent.
    [[nodiscard]] decision on_credentials_loaded(bool changed) noexcept;

    // True if an exchange on a reused connection failed only because the server had closed the
    // connection: the request is then sent on a new one, within the same attempt. `status`: of the
    // response, if there was one.
    [[nodiscard]] bool is_stale_connection_failure(
        std::optional<unsigned> status, bool closed_before_response) const noexcept;

    // True if the request may be sent a second time before the first had a response.
    [[nodiscard]] bool may_hedge() const noexcept { return !traits_.is_single_use_grant; }
    // True if the request may be sent on a connection that was idle for this time. What must not be
    // sent twice needs a connection that is alive.
    [[nodiscard]] bool may_reuse(std::chrono::nanoseconds idle) const noexcept
    {
        return !traits_.is_single_use_grant || idle <= std::chrono::seconds(1);
    }

    // True if the request was sent with the present credentials, so that one that is valid once
    // has to be replaced.
    [[nodiscard]] bool credentials_were_sent() const noexcept { return credentials_were_sent_; }
    // The number of attempts begun.
    [[nodiscard]] unsigned count() const noexcept { return count_; }

private:
    [[nodiscard]] bool may_have_consumed_grant() const noexcept
    {
        return traits_.is_single_use_grant && may_be_processed_;
    }

    retry_options const options_;
    request_traits const traits_;
    unsigned count_ = 0;
    bool credentials_were_sent_ = false;
    // The server may have processed the last request that was sent.
    bool may_be_processed_ = false;
    // The last response had a nonce for the next DPoP proof.
    bool has_dpop_nonce_ = false;
    // Each of these reasons allows one attempt more.
    bool retried_with_nonce_ = false;
    bool retried_with_credentials_ = false;
};

} // namespace coauth::policy

#endif
