#ifndef COAUTH_SRC_VALUES_SIGNING_KEY_DATA_HPP
#define COAUTH_SRC_VALUES_SIGNING_KEY_DATA_HPP

#include <coauth/signing_key.hpp>

#include <memory>
#include <optional>
#include <string>

namespace coauth::detail
{

// Where a key is and how it signs, as the functions of `signing_key` set it.
struct signing_key_data
{
    // The file of the key; empty: `pem` or `sign`.
    std::string path;
    secret pem;
    secret_provider passphrase;
    // Signs in place of a key.
    signer_function sign;
    // None: the key's default.
    std::optional<signature_algorithm> algorithm;
    // The `kid`.
    std::string key_id;
    // The public half of the key of `sign`.
    std::string public_key;
    // The certificate of the key, as PEM text or in a file.
    std::string certificate_pem;
    std::string certificate_path;
    // Whether assertions have these headers besides `x5t#S256`.
    bool x5t = false;
    bool x5c = false;
};

// Gives the library access to the private parts of a `signing_key`.
struct signing_key_access
{
    // Null: the key is empty.
    [[nodiscard]] static std::shared_ptr<signing_key_data const> const&
    data(signing_key const& key) noexcept
    {
        return key.data_;
    }
};

} // namespace coauth::detail

#endif
