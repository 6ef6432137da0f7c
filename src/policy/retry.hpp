#ifndef COAUTH_SRC_POLICY_RETRY_HPP
#define COAUTH_SRC_POLICY_RETRY_HPP

#include <coauth/client_config.hpp>
#include <coauth/error.hpp>

#include <chrono>
#include <optional>
#include <string_view>

namespace coauth::policy
{

// When and with which random number a retry is decided.
struct retry_context
{
    std::chrono::system_clock::time_point now;
    // Until the deadline of the operation.
    std::chrono::nanoseconds time_left{};
    // Uniform in [0, 1).
    double random = 0;
};

// True for a status by which the server says that it did not process the request.
bool is_unprocessed_status(unsigned status);

// True for an RFC 6749 error (section 5.2) that refuses client, grant or scope. `invalid_request`
// is not among them: gateways use it for any 4xx.
bool is_refusal(std::string_view oauth_error);

// True if the same request may succeed within seconds: a transient failure. Status 408, 425, 429
// and 5xx count whatever the body says, but for an RFC 6749 refusal with one of the 4xx: a client
// that is throttled for wrong credentials must not send them again.
bool is_retryable(error const& failure);

// The delay before the next attempt; none: there is no further attempt. `attempts` were made.
//
// Exponential back-off with full jitter. A longer delay that the server requests is used in full. A
// delay that leaves no time for a response is not started.
std::optional<std::chrono::nanoseconds> retry_delay(
    error const& failure, retry_options const& options, unsigned attempts,
    retry_context const& context);

} // namespace coauth::policy

#endif
