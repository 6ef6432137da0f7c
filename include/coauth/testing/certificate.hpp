#ifndef COAUTH_TESTING_CERTIFICATE_HPP
#define COAUTH_TESTING_CERTIFICATE_HPP

namespace coauth::testing
{

/// The kind of certificate that the server makes for itself. A client should accept only `valid`.
/// For other kinds, give the server a certificate of your own: `server_options::certificate_pem`.
enum class certificate
{
    /// For localhost, 127.0.0.1 and ::1; ECDSA; issued by the server's own CA through an
    /// intermediate.
    valid,
    /// Expired.
    expired,
    /// Issued by a CA that is not the one in `ca_pem()`.
    unknown_ca,
    /// For another host.
    wrong_host,
};

} // namespace coauth::testing

#endif
