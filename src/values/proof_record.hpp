#ifndef COAUTH_SRC_VALUES_PROOF_RECORD_HPP
#define COAUTH_SRC_VALUES_PROOF_RECORD_HPP

#include <coauth/access_token.hpp>

#include <mutex>
#include <string>
#include <string_view>

namespace coauth::detail
{

// For which URL a DPoP proof was made last with a token, or a copy of it: the nonce in the response
// is one of that server. Thread-safe.
class proof_record
{
public:
    // The same token with a record of its own.
    static access_token attach(access_token const& token);
    // Null: the token has none.
    static proof_record* of(access_token const& token) noexcept;

    void set(std::string_view url)
    {
        std::lock_guard const lock(mutex_);
        url_ = url;
    }
    // Empty: no proof was made.
    [[nodiscard]] std::string url() const
    {
        std::lock_guard const lock(mutex_);
        return url_;
    }

private:
    std::mutex mutable mutex_;
    std::string url_;
};

} // namespace coauth::detail

#endif
