#ifndef COAUTH_TEST_SUPPORT_SERVER_CERTIFICATES_HPP
#define COAUTH_TEST_SUPPORT_SERVER_CERTIFICATES_HPP

#include <coauth/testing/server_options.hpp>

namespace test
{

// The server's certificate. A client should reject all but `valid` and `valid_rsa`.
enum class server_certificate
{
    // These are kinds of coauth::testing::certificate.
    valid,
    expired,
    unknown_ca,
    wrong_host,

    // `valid` with an RSA key of 2048 bits.
    valid_rsa,
    not_yet_valid,
    self_signed,
    // The common name is correct, but the subject alternative name is that of another host.
    wrong_alternative_name,
    // The common name is correct, but there is no subject alternative name (RFC 9525 section 2).
    common_name_only,
    // "127.0.0.1" written as a DNS name.
    ip_as_dns_name,
    // A bare "*" as the host name.
    bare_wildcard,
    // The host name is "localhost" followed by a NUL and more text.
    nul_in_name,
    // The intermediate is not sent.
    missing_intermediate,
    expired_intermediate,
    // Issued by a certificate that is not a CA.
    issued_by_leaf,
    // One CA more than the intermediate's path length allows.
    path_too_long,
    // The intermediate may issue for other hosts only.
    name_constraint,
    // Usable for clients only (extended key usage).
    client_only,
    // A 1024-bit RSA key.
    weak_key,
    sha1_signature,
};

// Makes the server use a certificate of this kind. Throws std::runtime_error if OpenSSL fails.
void use_certificate(coauth::testing::server_options& options, server_certificate kind);

} // namespace test

#endif
