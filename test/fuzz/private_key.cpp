// Private keys as people paste them: PEM and what became of it, JSON Web Keys, DER.

#include "crypto/jwk.hpp"
#include "crypto/key_text.hpp"
#include "crypto/pkcs12.hpp"
#include "crypto/read_private_key.hpp"
#include "fuzz.hpp"

#include <openssl/evp.h>

namespace
{

namespace crypto = coauth::crypto;

// Lines of base64 alone, between lines with five hyphens.
void check_normal(std::string_view text)
{
    auto const normal = crypto::normalize_key_text(text);
    // Header fields may hold what looks like another encoding.
    if (!normal.view().starts_with("-----BEGIN ") ||
        normal.view().find_first_of("\r%\\") != std::string_view::npos)
        return;
    auto const again = crypto::normalize_key_text(normal.view());
    fuzz::require(again.view() == normal.view(), "normal text does not change");
}

void check_message(coauth::error const& failure, std::string_view text)
{
    auto const message = failure.message();
    fuzz::require(message.size() <= 1024, "a message has at most 1 KiB");
    for (char const c : message)
        fuzz::require(c >= ' ' && c <= '~', "a message is ASCII");
    fuzz::require(!fuzz::holds(message, "open-sesame"), "no message holds the pass-phrase");
    // Nothing of ours is so long without a space.
    constexpr std::size_t part = 40;
    for (std::size_t i = 0; i + part <= text.size(); i += part)
        if (text.substr(i, part).find_first_of(" -\n") == text.npos)
            fuzz::require(
                !fuzz::holds(message, text.substr(i, part)), "no message holds a part of the key");
}

void check_key(crypto::jwk_key const& read, std::string_view text)
{
    fuzz::require(read.key != nullptr, "a key that was read is there");
    auto const again = crypto::read_signing_key(text, {}, "the key", "the function");
    fuzz::require(
        again && EVP_PKEY_eq(read.key.get(), again->key.get()) == 1 &&
            read.key_id == again->key_id && read.algorithm == again->algorithm,
        "the same text is the same key");
}

} // namespace

int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    std::string_view const text(reinterpret_cast<char const*>(data), size);
    check_normal(text);
    // The file says how often its password is digested, which OpenSSL does not limit.
    if (crypto::is_pkcs12(crypto::normalize_key_text(text).view()))
        return 0;
    // Without a pass-phrase, for the same reason.
    auto const read =
        crypto::read_signing_key(text, {}, "the key", "the function of the pass-phrase");
    if (read)
        check_key(*read, text);
    else
        check_message(read.error(), text);
    return 0;
}
