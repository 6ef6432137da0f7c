#ifndef COAUTH_SRC_TOKEN_STORE_KEY_RING_HPP
#define COAUTH_SRC_TOKEN_STORE_KEY_RING_HPP

#include <coauth/result.hpp>
#include <coauth/secret.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace coauth::detail
{

// A key of a ring, as two keys for two purposes.
struct record_key
{
    // 1 to 32 characters of `A-Z a-z 0-9 . _ -`.
    std::string id;
    // Encrypts records.
    secret sealing;
    // Makes the digests of tokens.
    secret digest;
};

// The keys of the records in a token store. Immutable.
class key_ring
{
public:
    // Reads `shared_tokens_options::keys`. The error says which line to correct, and repeats
    // nothing of it.
    static result<key_ring> parse(std::string_view text);

    // The key that seals. There is always one.
    [[nodiscard]] record_key const& first() const noexcept { return keys_.front(); }
    // Null: the ring has no such key.
    [[nodiscard]] record_key const* find(std::string_view id) const noexcept;

    // True if `id` may be the id of a key.
    static bool is_id(std::string_view id) noexcept;

private:
    std::vector<record_key> keys_;
};

} // namespace coauth::detail

#endif
