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

// Makes encrypted records such as OpenSSL's server never sends: what is in them, and how long they
// are, is the test's own choice. They go on where the handshake has ended, so nothing may have been
// sent since, not even tickets.
class sealed_records
{
public:
    // Of this server; one cipher of each version, AES-128-GCM with SHA-256.
    static void prepare(SSL_CTX& server);

    explicit sealed_records(SSL& connection);

    // With so many zeros behind it, which TLS 1.2 does not know.
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
