// The identity of the server: with a faulty certificate or TLS configuration, no byte of HTTP is
// sent.

#include "fixture.hpp"
#include "server_certificates.hpp"

#include <boost/test/unit_test.hpp>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <memory>

using namespace test;

BOOST_AUTO_TEST_SUITE(tls)

using certificate = test::server_certificate;
using coauth::testing::connection_fault;

namespace
{

struct certificate_case
{
    certificate kind;
    char const* name;
    // Part of the error message, which shows the right reason.
    char const* reason;
};

constexpr certificate_case certificate_cases[] = {
    {certificate::expired, "expired", "expired"},
    {certificate::not_yet_valid, "not yet valid", "not yet valid"},
    {certificate::self_signed, "self-signed", "self-signed"},
    {certificate::unknown_ca, "unknown CA", "issuer"},
    {certificate::wrong_host, "wrong host", "mismatch"},
    {certificate::wrong_alternative_name, "wrong alternative name", "mismatch"},
    {certificate::common_name_only, "common name only", "mismatch"},
    {certificate::ip_as_dns_name, "address as DNS name", "mismatch"},
    {certificate::bare_wildcard, "bare wildcard", "mismatch"},
    {certificate::nul_in_name, "NUL in name", "mismatch"},
    {certificate::missing_intermediate, "missing intermediate", "issuer"},
    {certificate::expired_intermediate, "expired intermediate", "expired"},
    {certificate::issued_by_leaf, "issued by a leaf", "invalid CA"},
    {certificate::path_too_long, "path too long", "path length"},
    {certificate::name_constraint, "name constraint", "permitted subtree"},
    {certificate::client_only, "for clients only", "purpose"},
    {certificate::weak_key, "weak key", "key too weak"},
    {certificate::sha1_signature, "SHA-1 signature", "digest algorithm too weak"},
};

void check_refused(authorization_server const& server, token_result const& got)
{
    BOOST_TEST(!got);
    BOOST_TEST(server.connections() >= 1U);
    BOOST_TEST(server.handshakes() == 0U);
    BOOST_TEST(server.bytes_received() == 0U);
    BOOST_TEST(server.requests().empty());
    check_no_secret(got);
    if (!got)
        BOOST_TEST(got.error().attempts() == 1U);
}

server_options with(certificate kind, int tls_version = 0)
{
    auto chosen = options();
    use_certificate(chosen, kind);
    chosen.min_tls_version = chosen.max_tls_version = tls_version;
    return chosen;
}

server_options refusing(connection_fault how, std::string plain_text = {})
{
    auto chosen = options();
    chosen.connection_fault = how;
    if (!plain_text.empty())
        chosen.plain_text = std::move(plain_text);
    return chosen;
}

// Whether a client that verifies nothing can connect.
bool handshake_succeeds(authorization_server const& server, int version, char const* ciphers)
{
    std::shared_ptr<SSL_CTX> const context(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
    SSL_CTX_set_security_level(context.get(), 0);
    SSL_CTX_set_min_proto_version(context.get(), version);
    SSL_CTX_set_max_proto_version(context.get(), version);
    std::shared_ptr<BIO> const peer(BIO_new_ssl_connect(context.get()), BIO_free_all);
    SSL* tls = nullptr;
    BIO_get_ssl(peer.get(), &tls);
    BOOST_REQUIRE(SSL_set_cipher_list(tls, *ciphers ? ciphers : "DEFAULT") == 1);
    BIO_set_conn_hostname(peer.get(), ("127.0.0.1:" + std::to_string(server.port())).c_str());
    bool const connected = BIO_do_handshake(peer.get()) == 1 && SSL_version(tls) == version;
    ERR_clear_error();
    return connected;
}

} // namespace

BOOST_AUTO_TEST_CASE(every_faulty_certificate_is_refused_before_the_request)
{
    for (auto const& row : certificate_cases)
        for (int const version : {0x0303, 0x0304})
            for (char const* const host : {"localhost", "127.0.0.1"})
                BOOST_TEST_CONTEXT(row.name << ", TLS " << version << ", " << host)
                {
                    auto const server = start(with(row.kind, version));
                    auto config = server.config();
                    config.server.token_endpoint = server.token_endpoint(host);
                    auto const got = fetch(config);
                    BOOST_TEST(outcome(got) == "certificate_verify_failed");
                    check_refused(server, got);
                    if (!got)
                        BOOST_TEST(
                            got.error().message().find(row.reason) != std::string::npos,
                            got.error().message());
                }
}

BOOST_AUTO_TEST_CASE(without_the_right_ca_nothing_is_trusted)
{
    auto const server = start();
    auto const other = start();
    auto config = server.config();
    config.tls.ca_pem = other.ca_pem();
    auto const got = fetch(config);
    BOOST_TEST(outcome(got) == "certificate_verify_failed");
    check_refused(server, got);

    config.tls = {};
    BOOST_TEST(outcome(fetch(config)) == "certificate_verify_failed");
    config.tls.ca_pem = other.ca_pem();
    config.tls.system_trust_store = true;
    BOOST_TEST(outcome(fetch(config)) == "certificate_verify_failed");
    BOOST_TEST(server.bytes_received() == 0U);
}

BOOST_AUTO_TEST_CASE(several_cas_may_be_trusted)
{
    auto const server = start();
    auto const other = start();
    auto config = server.config();
    config.tls.ca_pem = other.ca_pem() + server.ca_pem();
    BOOST_TEST(outcome(fetch(config)) == "success");
    config.tls.system_trust_store = true;
    BOOST_TEST(outcome(fetch(config)) == "success");
}

BOOST_AUTO_TEST_CASE(a_revoked_certificate_is_refused)
{
    auto const server = start();
    auto config = server.config();
    config.tls.crl_pem = server.crl_pem();
    auto const got = fetch(config);
    BOOST_TEST(outcome(got) == "certificate_verify_failed");
    check_refused(server, got);
    BOOST_TEST((got || got.error().message().find("revoked") != std::string::npos));

    config.tls.crl_pem = server.crl_pem(false);
    BOOST_TEST(outcome(fetch(config)) == "success");
}

BOOST_AUTO_TEST_CASE(a_certificate_that_no_list_covers_is_refused)
{
    auto const server = start();
    auto const other = start();
    auto config = server.config();
    config.tls.crl_pem = other.crl_pem(false);
    auto const got = fetch(config);
    BOOST_TEST(outcome(got) == "certificate_verify_failed");
    check_refused(server, got);
}

BOOST_AUTO_TEST_CASE(old_versions_and_weak_ciphers_are_refused)
{
    struct row
    {
        char const* name;
        certificate kind;
        int version;
        char const* ciphers;
        // Part of the error message.
        char const* reason;
    };
    for (auto const& row : {
             row{"TLS 1.0", certificate::valid, 0x0301, "", "protocol version"},
             row{"TLS 1.1", certificate::valid, 0x0302, "", "protocol version"},
             row{"static RSA", certificate::valid_rsa, 0x0303, "AES128-GCM-SHA256",
                 "handshake failure"},
             row{"anonymous", certificate::valid, 0x0303, "AECDH-AES128-SHA", "handshake failure"},
             row{"no encryption", certificate::valid_rsa, 0x0303, "NULL-SHA256",
                 "handshake failure"},
         })
        BOOST_TEST_CONTEXT(row.name)
        {
            auto chosen = with(row.kind, row.version);
            chosen.ciphers = row.ciphers;
            auto const server = start(chosen);
            auto const got = fetch(server.config());
            BOOST_TEST(outcome(got) == "tls_failed");
            check_refused(server, got);
            if (!got)
                BOOST_TEST(
                    got.error().message().find(row.reason) != std::string::npos,
                    got.error().message());
            BOOST_TEST(handshake_succeeds(server, row.version, row.ciphers));
        }
}

BOOST_AUTO_TEST_CASE(other_protocols_than_tls_are_refused)
{
    auto const repeated = [](std::string const& text, std::size_t count)
    {
        std::string out;
        for (std::size_t i = 0; i < count; ++i)
            out += text;
        return out;
    };
    std::pair<char const*, std::string> const rows[] = {
        {"SMTP", "220 mail.example ESMTP\r\n"},
        {"SSH", "SSH-2.0-OpenSSH_9.2\r\n"},
        {"HTTP", "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"},
        {"HTTP token", http_response(token_body)},
        {"zeros", std::string(1000, '\0')},
        {"noise", std::string("\xE1\x9A\x03\x7F\x00\xFE\x55\xAA\x12\x34\x56", 11)},
        {"alert: no application protocol", std::string("\x15\x03\x03\x00\x02\x02\x78", 7)},
        {"alert: handshake failure", std::string("\x15\x03\x03\x00\x02\x02\x28", 7)},
        {"record length 65535", std::string("\x16\x03\x03\xFF\xFF\x02\x00\x00", 8)},
        {"handshake message of 16 MiB",
         std::string("\x16\x03\x03\x40\x00\x02\xFF\xFF\xFF\x03\x03", 11) + std::string(20000, 'x')},
        {"flood of warnings", repeated(std::string("\x15\x03\x03\x00\x02\x01\x5A", 7), 10000)},
        {"flood of empty records", repeated(std::string("\x16\x03\x03\x00\x00", 5), 10000)},
    };
    for (auto const& [name, text] : rows)
        BOOST_TEST_CONTEXT(name)
        {
            auto const server = start(refusing(connection_fault::plain_text, text));
            auto const got = fetch(server.config());
            BOOST_TEST(outcome(got) == "tls_failed");
            check_refused(server, got);
        }
}

BOOST_AUTO_TEST_CASE(a_connection_that_ends_before_tls_is_a_lost_one)
{
    for (auto const how : {connection_fault::close_at_accept, connection_fault::reset_at_accept})
        BOOST_TEST_CONTEXT(static_cast<int>(how))
        {
            auto const server = start(refusing(how));
            auto const got = fetch(server.config());
            BOOST_TEST(outcome(got) == "connection_lost");
            check_refused(server, got);
        }
}

BOOST_AUTO_TEST_CASE(a_silent_server_is_abandoned_at_the_deadline)
{
    // No bytes at all, and half a record.
    for (auto const& chosen :
         {refusing(connection_fault::silence),
          refusing(connection_fault::plain_text, std::string("\x16\x03\x03\x00\x7A\x02", 6))})
    {
        auto const server = start(chosen);
        auto config = server.config();
        config.timeout = 300ms;
        stopwatch const watch;
        auto const got = fetch(config);
        BOOST_TEST(outcome(got) == "timeout");
        BOOST_TEST(watch.elapsed() >= 300ms);
        BOOST_TEST(watch.elapsed() < 3s);
        BOOST_TEST((got || got.error().message().find("tls") != std::string::npos));
        check_refused(server, got);
    }
}

BOOST_AUTO_TEST_SUITE_END()
