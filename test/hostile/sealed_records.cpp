#include "sealed_records.hpp"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include <array>
#include <memory>
#include <stdexcept>
#include <vector>

namespace test
{

namespace
{

constexpr std::size_t key_size = 16;
constexpr std::size_t tag_size = 16;

void check_encryption(bool ok)
{
    if (!ok)
        throw std::runtime_error("OpenSSL cannot encrypt a record");
}

// The secret from which the keys of the connection are derived; in TLS 1.2 the master secret.
std::string& secret_of_thread()
{
    thread_local std::string secret;
    return secret;
}

std::string from_hex(std::string_view hex)
{
    std::string out;
    for (std::size_t i = 0; i + 2 <= hex.size(); i += 2)
        out += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
    return out;
}

void store_secret(SSL const*, char const* line)
{
    std::string_view const text(line);
    if (text.starts_with("SERVER_TRAFFIC_SECRET_0 ") || text.starts_with("CLIENT_RANDOM "))
        secret_of_thread() = from_hex(text.substr(text.rfind(' ') + 1));
}

OSSL_PARAM octets(char const* name, std::string& value)
{
    return OSSL_PARAM_construct_octet_string(name, value.data(), value.size());
}

OSSL_PARAM text(char const* name, char const* value)
{
    return OSSL_PARAM_construct_utf8_string(name, const_cast<char*>(value), 0);
}

std::string derive(char const* function, std::vector<OSSL_PARAM> parameters, std::size_t size)
{
    parameters.push_back(text(OSSL_KDF_PARAM_DIGEST, "SHA256"));
    parameters.push_back(OSSL_PARAM_construct_end());
    std::shared_ptr<EVP_KDF> const kdf(EVP_KDF_fetch(nullptr, function, nullptr), EVP_KDF_free);
    std::shared_ptr<EVP_KDF_CTX> const context(EVP_KDF_CTX_new(kdf.get()), EVP_KDF_CTX_free);
    std::string out(size, '\0');
    check_encryption(
        EVP_KDF_derive(
            context.get(), reinterpret_cast<unsigned char*>(out.data()), size, parameters.data()) ==
        1);
    return out;
}

// HKDF-Expand-Label (RFC 8446 section 7.1).
std::string expand(std::string label, std::size_t size)
{
    std::string prefix = "tls13 ";
    int mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY;
    return derive(
        "TLS13-KDF",
        {OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode),
         octets(OSSL_KDF_PARAM_KEY, secret_of_thread()), octets(OSSL_KDF_PARAM_PREFIX, prefix),
         octets(OSSL_KDF_PARAM_LABEL, label)},
        size);
}

// The keys of TLS 1.2 (RFC 5246 section 6.3).
std::string key_block(SSL& connection, std::size_t size)
{
    std::string seed = "key expansion";
    std::array<unsigned char, 32> random{};
    SSL_get_server_random(&connection, random.data(), random.size());
    seed.append(random.begin(), random.end());
    SSL_get_client_random(&connection, random.data(), random.size());
    seed.append(random.begin(), random.end());
    return derive(
        "TLS1-PRF",
        {octets(OSSL_KDF_PARAM_SECRET, secret_of_thread()), octets(OSSL_KDF_PARAM_SEED, seed)},
        size);
}

std::string big_endian(std::uint64_t number, std::size_t size)
{
    std::string out(size, '\0');
    for (std::size_t i = size; i-- != 0; number >>= 8U)
        out[i] = static_cast<char>(number & 0xFFU);
    return out;
}

unsigned char const* bytes(std::string const& of)
{
    return reinterpret_cast<unsigned char const*>(of.data());
}

} // namespace

void sealed_records::prepare(SSL_CTX& server)
{
    check_encryption(SSL_CTX_set_ciphersuites(&server, "TLS_AES_128_GCM_SHA256") == 1);
    check_encryption(SSL_CTX_set_cipher_list(&server, "ECDHE-ECDSA-AES128-GCM-SHA256") == 1);
    SSL_CTX_set_options(&server, SSL_OP_NO_TICKET);
    check_encryption(SSL_CTX_set_num_tickets(&server, 0) == 1);
    SSL_CTX_set_keylog_callback(&server, store_secret);
}

// In TLS 1.2 the Finished was the first record under this key; TLS 1.3 changes the key after it.
sealed_records::sealed_records(SSL& connection)
    : is_1_3_(SSL_version(&connection) == TLS1_3_VERSION)
    , number_(is_1_3_ ? 0 : 1)
{
    if (is_1_3_)
    {
        key_ = expand("key", key_size);
        iv_ = expand("iv", 12);
        return;
    }
    constexpr std::size_t size_of_iv = 4;
    auto const block = key_block(connection, 2 * key_size + 2 * size_of_iv);
    key_ = block.substr(key_size, key_size);
    iv_ = block.substr(2 * key_size + size_of_iv);
}

std::string sealed_records::seal(char kind, std::string_view content, std::size_t padding)
{
    auto const number = big_endian(number_++, 8);
    std::string const version = "\x03\x03";
    if (!is_1_3_)
    {
        std::string const head = kind + version;
        auto const body = encrypt(
            iv_ + number, number + head + big_endian(content.size(), 2), std::string(content));
        return head + big_endian(number.size() + body.size(), 2) + number + body;
    }
    auto nonce = iv_;
    for (std::size_t i = 0; i < number.size(); ++i)
        nonce[iv_.size() - number.size() + i] ^= number[i];
    auto const inner = std::string(content) + kind + std::string(padding, '\0');
    auto const head = data_record + version + big_endian(inner.size() + tag_size, 2);
    return head + encrypt(nonce, head, inner);
}

std::string sealed_records::encrypt(
    std::string const& nonce, std::string const& header, std::string const& content) const
{
    std::shared_ptr<EVP_CIPHER_CTX> const context(EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free);
    std::string out(content.size() + tag_size, '\0');
    auto* const into = reinterpret_cast<unsigned char*>(out.data());
    int size = 0;
    check_encryption(
        EVP_EncryptInit_ex(context.get(), EVP_aes_128_gcm(), nullptr, bytes(key_), bytes(nonce)) ==
        1);
    check_encryption(
        EVP_EncryptUpdate(
            context.get(), nullptr, &size, bytes(header), static_cast<int>(header.size())) == 1);
    check_encryption(
        EVP_EncryptUpdate(
            context.get(), into, &size, bytes(content), static_cast<int>(content.size())) == 1);
    check_encryption(EVP_EncryptFinal_ex(context.get(), into + size, &size) == 1);
    check_encryption(
        EVP_CIPHER_CTX_ctrl(
            context.get(), EVP_CTRL_AEAD_GET_TAG, tag_size, into + content.size()) == 1);
    return out;
}

} // namespace test
