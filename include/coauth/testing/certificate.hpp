#ifndef COAUTH_TESTING_CERTIFICATE_HPP
#define COAUTH_TESTING_CERTIFICATE_HPP

namespace coauth::testing
{

/// The server's certificate. A client should reject all but the two valid ones.
enum class certificate
{
    /// For localhost, 127.0.0.1 and ::1; ECDSA; issued by the server's own CA through an
    /// intermediate.
    valid,
    /// The same, with an RSA key of 2048 bits.
    valid_rsa,
    /// Expired.
    expired,
    /// Not valid yet.
    not_yet_valid,
    /// Signed by itself, not by a CA.
    self_signed,
    /// Issued by a CA that is not the one in `ca_pem()`.
    unknown_ca,
    /// For another host.
    wrong_host,
    /// The common name is correct, but the subject alternative name is that of another host.
    wrong_alternative_name,
    /// The common name is correct, but there is no subject alternative name (RFC 9525 section 2).
    common_name_only,
    /// "127.0.0.1" written as a DNS name.
    ip_as_dns_name,
    /// A bare "*" as the host name.
    bare_wildcard,
    /// The host name is "localhost" followed by a NUL and more text.
    nul_in_name,
    /// The intermediate is not sent.
    missing_intermediate,
    /// The intermediate has expired.
    expired_intermediate,
    /// Issued by a certificate that is not a CA.
    issued_by_leaf,
    /// One CA more than the intermediate's path length allows.
    path_too_long,
    /// The intermediate may issue for other hosts only.
    name_constraint,
    /// Usable for clients only (extended key usage).
    client_only,
    /// A 1024-bit RSA key.
    weak_key,
    /// Signed with SHA-1.
    sha1_signature,
};

} // namespace coauth::testing

#endif
