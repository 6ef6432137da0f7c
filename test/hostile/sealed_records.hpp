#ifndef COAUTH_TEST_HOSTILE_SEALED_RECORDS_HPP
#define COAUTH_TEST_HOSTILE_SEALED_RECORDS_HPP

#include <openssl/ssl.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace test
{

// The kinds of records (RFC 8446 section 5.1).
inline constexpr char alert_record = 21;
inline constexpr char handshake_record = 22;
inline constexpr char data_record = 23;

// Makes encrypted records of any content and length, which OpenSSL's server would not send. They
// continue the record numbers of the handshake, so nothing may have been sent since, not even
// tickets.
class sealed_records
{
public:
    // Makes the server log its keys and use AES-128-GCM with SHA-256 alone.
    static void prepare(SSL_CTX& server);

    explicit sealed_records(SSL& connection);

    // `padding`: the number of zeros after the content, in TLS 1.3 only.
    std::string seal(char kind, std::string_view content, std::size_t padding = 0);

private:
    [[nodiscard]] std::string
    encrypt(std::string const& nonce, std::string const& header, std::string const& content) const;

    bool is_1_3_;
    std::string key_;
    std::string iv_;
    std::uint64_t number_;
};

} // namespace test

#endif
