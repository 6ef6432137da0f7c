#include "net/tls_settings.hpp"

#include "crypto/openssl_error.hpp"
#include "values/make_error.hpp"

#include <openssl/ssl.h>

#include <algorithm>
#include <string>
#include <vector>

namespace coauth::net
{
namespace
{

// RFC 9325 and RFC 10015: no static RSA, no anonymous or null suites, and no DHE, whose group the
// server chooses: one of 8192 bits would block the event loop for a third of a second.
constexpr char const* ciphers = "DEFAULT:!kRSA:!kDHE:!kPSK:!aPSK:!kSRP:!aNULL:!eNULL";
// Level 2 refuses keys and signatures that are too weak.
constexpr int security_level = 2;
constexpr unsigned char alpn[] = "\x08http/1.1";

// For TLS up to 1.2: `Ciphersuites` of the system is the rule for 1.3.
std::vector<std::string> cipher_names(SSL_CTX* context)
{
    std::vector<std::string> names;
    auto const* const list = SSL_CTX_get_ciphers(context);
    for (int i = 0; i < sk_SSL_CIPHER_num(list); ++i)
    {
        std::string const name = SSL_CIPHER_get_name(sk_SSL_CIPHER_value(list, i));
        if (!name.starts_with("TLS_"))
            names.push_back(name);
    }
    return names;
}

// Keeps those of the system's ciphers that are among ours, in the system's order. False: none.
bool restrict_ciphers(SSL_CTX* context)
{
    auto const allowed_by_system = cipher_names(context);
    if (SSL_CTX_set_cipher_list(context, ciphers) != 1)
        return false;
    auto const ours = cipher_names(context);
    std::string both;
    for (auto const& name : allowed_by_system)
        if (std::find(ours.begin(), ours.end(), name) != ours.end())
            both += name + ":";
    return !both.empty() && SSL_CTX_set_cipher_list(context, both.c_str()) == 1;
}

// 0: no limit.
bool restrict_versions(SSL_CTX* context, long min_version)
{
    auto const system_min = SSL_CTX_get_min_proto_version(context);
    auto const system_max = SSL_CTX_get_max_proto_version(context);
    auto const min = std::max(system_min, min_version);
    return (system_max == 0 || system_max >= min) &&
           SSL_CTX_set_min_proto_version(context, static_cast<int>(min)) == 1;
}

} // namespace

result<void> apply_tls_settings(SSL_CTX* context, std::string const& groups)
{
    if (!groups.empty() && SSL_CTX_set1_groups_list(context, groups.c_str()) != 1)
    {
        crypto::throw_if_out_of_memory();
        return detail::config_error(
            "tls.groups '" + groups +
            "' is not a list of groups that this OpenSSL knows, such as X25519:P-256");
    }
    auto const level = std::max(SSL_CTX_get_security_level(context), security_level);
    bool const tls_1_2 = restrict_ciphers(context);
    crypto::throw_if_out_of_memory();
    // After the ciphers, which may contain a level.
    SSL_CTX_set_security_level(context, level);
    SSL_CTX_set_options(
        context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_CLEANSE_PLAINTEXT);
    SSL_CTX_clear_options(
        context, SSL_OP_LEGACY_SERVER_CONNECT | SSL_OP_ALLOW_UNSAFE_LEGACY_RENEGOTIATION);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
    bool const applied = restrict_versions(context, tls_1_2 ? TLS1_2_VERSION : TLS1_3_VERSION) &&
                         SSL_CTX_set_alpn_protos(context, alpn, sizeof(alpn) - 1) == 0;
    // Also if all calls succeeded: OpenSSL may have left out algorithms.
    crypto::throw_if_out_of_memory();
    if (applied)
        return {};
    return detail::config_error(
        "OpenSSL and its configuration (openssl.cnf) allow none of the TLS versions and ciphers "
        "that are required (TLS 1.3, or 1.2 with ECDHE)");
}

} // namespace coauth::net
