#ifndef COAUTH_SRC_POLICY_RETRY_HPP
#define COAUTH_SRC_POLICY_RETRY_HPP

#include <coauth/client_config.hpp>
#include <coauth/error.hpp>

#include <chrono>
#include <optional>

namespace coauth::policy
{

// What is known when an attempt has failed.
struct failed_attempt
{
    // How many attempts were made, this one included.
    unsigned made = 1;
    std::chrono::system_clock::time_point now;
    // Until the operation's deadline.
    std::chrono::nanoseconds left{};
    // Uniform in [0, 1).
    double random = 0;
    // What was presented may be good once, as a refresh token, and the server may have taken it:
    // presented again, it looks stolen (RFC 9700 section 4.14.2).
    bool is_single_use_grant = false;
};

// Whether a server with this HTTP status says that it did not do what it was asked for.
bool is_unprocessed_status(unsigned status);

// How long to wait before the next attempt; none: the error is the operation's result.
//
// Exponential back-off with full jitter; a time that the server names is waited for in full, and
// where the wait would leave no time for a response there is no point in waiting at all.
std::optional<std::chrono::nanoseconds>
next_attempt(error const& why, retry_options const& options, failed_attempt const& state);

} // namespace coauth::policy

#endif
