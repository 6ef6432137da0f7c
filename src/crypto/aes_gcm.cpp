#include "crypto/aes_gcm.hpp"

#include "crypto/openssl_error.hpp"
#include "crypto/openssl_ptr.hpp"
#include "values/make_error.hpp"
#include "values/wipe.hpp"

#include <openssl/evp.h>
#include <openssl/rand.h>

#include <limits>
#include <new>
#include <vector>

namespace coauth::crypto
{
namespace
{

constexpr std::size_t nonce_size = 12;
constexpr std::size_t tag_size = 16;

unsigned char const* in(std::string_view text)
{
    return reinterpret_cast<unsigned char const*>(text.data());
}

unsigned char* out(std::string& text, std::size_t at)
{
    return reinterpret_cast<unsigned char*>(text.data()) + at;
}

int length(std::string_view text)
{
    return static_cast<int>(text.size());
}

bool fits(std::string_view text)
{
    return text.size() < static_cast<std::size_t>(std::numeric_limits<int>::max());
}

openssl_ptr<EVP_CIPHER_CTX> make_context()
{
    openssl_ptr<EVP_CIPHER_CTX> context(EVP_CIPHER_CTX_new());
    if (!context)
        throw std::bad_alloc();
    return context;
}

bool encrypt(
    EVP_CIPHER_CTX* context, secret const& key, std::string_view additional, std::string_view plain,
    std::string& sealed)
{
    int size = 0;
    auto* const text = out(sealed, nonce_size);
    auto* const tag = out(sealed, nonce_size + plain.size());
    return EVP_EncryptInit_ex(
               context, EVP_aes_256_gcm(), nullptr, in(key.view()), out(sealed, 0)) == 1 &&
           EVP_EncryptUpdate(context, nullptr, &size, in(additional), length(additional)) == 1 &&
           EVP_EncryptUpdate(context, text, &size, in(plain), length(plain)) == 1 &&
           EVP_EncryptFinal_ex(context, tag, &size) == 1 &&
           EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, tag_size, tag) == 1;
}

bool decrypt(
    EVP_CIPHER_CTX* context, secret const& key, std::string_view additional,
    std::string_view sealed, unsigned char* plain)
{
    int size = 0;
    auto const text = sealed.substr(nonce_size, sealed.size() - nonce_size - tag_size);
    // OpenSSL wants a pointer to what it does not change.
    std::string tag(sealed.substr(sealed.size() - tag_size));
    return EVP_DecryptInit_ex(context, EVP_aes_256_gcm(), nullptr, in(key.view()), in(sealed)) ==
               1 &&
           EVP_DecryptUpdate(context, nullptr, &size, in(additional), length(additional)) == 1 &&
           EVP_DecryptUpdate(context, plain, &size, in(text), length(text)) == 1 &&
           EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_SET_TAG, tag_size, tag.data()) == 1 &&
           EVP_DecryptFinal_ex(context, plain + text.size(), &size) == 1;
}

} // namespace

result<std::string> seal(secret const& key, std::string_view additional, std::string_view plain)
{
    clear_errors();
    std::string sealed(nonce_size + plain.size() + tag_size, '\0');
    if (RAND_bytes(out(sealed, 0), static_cast<int>(nonce_size)) != 1)
    {
        throw_if_out_of_memory();
        return detail::make_error(errc::random_failed, "for the nonce of an encrypted record");
    }
    auto const context = make_context();
    if (key.size() == aes_key_size && fits(additional) && fits(plain) &&
        encrypt(context.get(), key, additional, plain, sealed))
        return sealed;
    throw_if_out_of_memory();
    return detail::make_error(errc::internal_error, "AES-256-GCM could not encrypt a record");
}

std::optional<secret> open(secret const& key, std::string_view additional, std::string_view sealed)
{
    if (sealed.size() < nonce_size + tag_size || key.size() != aes_key_size || !fits(additional) ||
        !fits(sealed))
        return std::nullopt;
    clear_errors();
    auto const context = make_context();
    // One byte more: never an empty buffer.
    std::vector<unsigned char, detail::wiping_allocator<unsigned char>> plain(
        sealed.size() - nonce_size - tag_size + 1);
    if (decrypt(context.get(), key, additional, sealed, plain.data()))
        return secret(
            std::string_view(reinterpret_cast<char const*>(plain.data()), plain.size() - 1));
    throw_if_out_of_memory();
    return std::nullopt;
}

} // namespace coauth::crypto
