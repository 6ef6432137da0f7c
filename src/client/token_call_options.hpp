#ifndef COAUTH_SRC_CLIENT_TOKEN_CALL_OPTIONS_HPP
#define COAUTH_SRC_CLIENT_TOKEN_CALL_OPTIONS_HPP

#include <chrono>
#include <cstdint>
#include <memory>

namespace coauth::detail
{

// The options of one operation for a token.
struct token_call_options
{
    // It ends then, or earlier at `client_config::timeout`.
    std::chrono::steady_clock::time_point deadline = std::chrono::steady_clock::time_point::max();
    // If not null, set to the version of the credentials that were sent last.
    std::shared_ptr<std::uint64_t> credentials_version = nullptr;
    // The number of the fetch that it is part of. 0: it gets one of its own.
    std::uint64_t operation = 0;
};

} // namespace coauth::detail

#endif
