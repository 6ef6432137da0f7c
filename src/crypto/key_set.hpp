#ifndef COAUTH_SRC_CRYPTO_KEY_SET_HPP
#define COAUTH_SRC_CRYPTO_KEY_SET_HPP

#include <coauth/result.hpp>
#include <coauth/signing_key.hpp>

#include "crypto/openssl_ptr.hpp"
#include "values/reloadable.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace coauth::crypto
{

// A JSON Web Key Set (RFC 7517 section 5): the public keys that verify a server's signatures.
// Immutable; may be used from any thread.
class key_set
{
public:
    // Reads the keys for signatures. Others, and those of unknown types, are left out (RFC 7517
    // section 5). `subject` names the set in messages.
    static result<std::shared_ptr<key_set const>>
    parse(std::string_view text, std::string const& subject);

    // True if the signature of the text is that of one of the keys: the one with this id, or any of
    // them if the id is empty.
    [[nodiscard]] bool verifies(
        signature_algorithm algorithm, std::string_view key_id, std::string_view text,
        std::string_view signature) const;
    [[nodiscard]] bool has_key(std::string_view key_id) const noexcept;

private:
    struct entry
    {
        openssl_ptr<EVP_PKEY> key;
        std::string id;
        // Of its `alg`. None: any that fits.
        std::optional<signature_algorithm> algorithm;
    };

    std::vector<entry> keys_;
};

// A key set as text or in a file, which is read again when it has changed. Thread-safe.
class key_set_source
{
public:
    using set_ptr = std::shared_ptr<key_set const>;
    using clock = detail::last_good<set_ptr>::clock;

    // `subject` names it in messages.
    key_set_source(std::string text, std::string path, std::string subject);

    // The set in force: the previous one for a time while the new file cannot be used.
    [[nodiscard]] result<set_ptr> current(clock::time_point now = clock::now());

private:
    [[nodiscard]] result<set_ptr> load() const;

    std::string const text_;
    std::string const path_;
    std::string const subject_;
    detail::reloadable<key_set const> set_;
    detail::last_good<set_ptr> last_good_;
};

} // namespace coauth::crypto

#endif
