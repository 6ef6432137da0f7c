#ifndef COAUTH_SRC_TOKEN_STORE_RECORD_HPP
#define COAUTH_SRC_TOKEN_STORE_RECORD_HPP

#include <coauth/access_token.hpp>
#include <coauth/error.hpp>
#include <coauth/result.hpp>

#include "token_store/key_ring.hpp"
#include "values/token_times.hpp"

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace coauth::detail
{

inline constexpr std::size_t max_record_size = 64 * std::size_t(1024);
// What stands in front of a record in the clear, for `token_store::async_remove_if`.
inline constexpr std::size_t record_digest_size = 16;

// A failure of the authorization server, for those that would send the next request.
struct shared_failure
{
    error failure;
    // The time until the next fetch may start.
    std::chrono::milliseconds back_off{0};
    // The failures in a row.
    unsigned count = 0;
};

// What a record says.
struct record_content
{
    // Empty: there is none.
    access_token token;
    // The back-off is counted from the publication, or after `open_record` from when it was loaded.
    std::optional<shared_failure> failure;
    // The tokens of this name cannot be shared: each process fetches its own.
    bool unshareable = false;
    // From the publication until the store deletes the record.
    std::chrono::milliseconds life{0};
    // Since the publication. Set by `open_record`.
    std::chrono::milliseconds age{0};
};

// Encrypts a record with the first key of the ring. `name` is that in the store, and is
// authenticated. A refresh token, and the header fields of the response, are left out. Fails with
// errc::response_too_large if the record has more than `max_record_size` bytes.
result<std::string> seal_record(
    key_ring const& keys, std::string_view name, record_content const& content, clock_pair now);

// The reverse. `remaining`: the time until the store deletes the record. `now`: before it was
// loaded. The error says why it cannot be used.
result<record_content> open_record(
    key_ring const& keys, std::string_view name, std::string_view record,
    std::chrono::milliseconds remaining, clock_pair now);

// What `open_record` decrypts, but for the version and the key.
result<record_content>
read_record(std::string_view plain, std::chrono::milliseconds remaining, clock_pair now);

} // namespace coauth::detail

#endif
