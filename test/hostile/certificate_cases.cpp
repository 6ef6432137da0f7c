// TLS servers that the testing server cannot imitate: names that almost match, weak groups and
// issuers, large certificates and chains, other protocols.

#include "resource_meter.hpp"
#include "tls_peer.hpp"

#include <boost/test/unit_test.hpp>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>

using namespace test;

BOOST_AUTO_TEST_SUITE(certificate_cases)

namespace
{

struct name_case
{
    char const* name;
    char const* names;
    char const* host;
};

void check_refused_for_its_name(name_case const& row)
{
    BOOST_TEST_CONTEXT(row.name << ": " << row.names << " for " << row.host)
    {
        issued_certificate const certificate({row.names, "localhost"});
        raw_tls_server server(tls_settings(certificate), serve_one_token);
        auto const got = fetch(config_for(server, certificate, row.host));
        check_refused(server, got, "certificate_verify_failed");
        if (!got)
            BOOST_TEST(
                got.error().message().find("mismatch") != std::string::npos, got.error().message());
    }
}

std::string thousand_names(std::string const& right, std::size_t before)
{
    std::string names;
    for (std::size_t i = 0; i < 1000; ++i)
        names += (i == 0 ? "DNS:" : ",DNS:") +
                 (i == before ? right : "host" + std::to_string(i) + ".example");
    return names;
}

// The group with the prime of RFC 2409 (1024 bits) or RFC 3526 (2048 or 8192 bits).
std::shared_ptr<EVP_PKEY> make_dh_group(int bits)
{
    std::shared_ptr<BIGNUM> const prime(
        bits == 1024   ? BN_get_rfc2409_prime_1024(nullptr)
        : bits == 2048 ? BN_get_rfc3526_prime_2048(nullptr)
                       : BN_get_rfc3526_prime_8192(nullptr),
        BN_free);
    std::shared_ptr<BIGNUM> const generator(BN_new(), BN_free);
    std::shared_ptr<OSSL_PARAM_BLD> const builder(OSSL_PARAM_BLD_new(), OSSL_PARAM_BLD_free);
    check(prime && generator && builder && BN_set_word(generator.get(), 2) == 1);
    check(OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_FFC_P, prime.get()) == 1);
    check(OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_FFC_G, generator.get()) == 1);
    std::shared_ptr<OSSL_PARAM> const parameters(
        OSSL_PARAM_BLD_to_param(builder.get()), OSSL_PARAM_free);
    std::shared_ptr<EVP_PKEY_CTX> const context(
        EVP_PKEY_CTX_new_from_name(nullptr, "DH", nullptr), EVP_PKEY_CTX_free);
    EVP_PKEY* result = nullptr;
    check(EVP_PKEY_fromdata_init(context.get()) == 1);
    check(
        EVP_PKEY_fromdata(context.get(), &result, EVP_PKEY_KEY_PARAMETERS, parameters.get()) == 1);
    return {result, EVP_PKEY_free};
}

raw_tls_server::settings with_dh_group(issued_certificate const& certificate, int bits)
{
    return [&certificate, bits](SSL_CTX& context)
    {
        tls_settings(certificate, tls_1_2)(context);
        check(SSL_CTX_set_cipher_list(&context, "DHE-RSA-AES128-GCM-SHA256") == 1);
        auto const group = make_dh_group(bits);
        check(EVP_PKEY_up_ref(group.get()) == 1);
        check(SSL_CTX_set0_tmp_dh_pkey(&context, group.get()) == 1);
    };
}

constexpr std::string_view h2 = "\x02h2";

int choose_h2(
    SSL*, unsigned char const** selected, unsigned char* size, unsigned char const*, unsigned,
    void*)
{
    *selected = reinterpret_cast<unsigned char const*>(h2.data()) + 1;
    *size = 2;
    return SSL_TLSEXT_ERR_OK;
}

int choose_nothing(
    SSL*, unsigned char const**, unsigned char*, unsigned char const* offered, unsigned size, void*)
{
    // An h2 server has no protocol in common with a client that offers others only.
    std::string_view const list(reinterpret_cast<char const*>(offered), size);
    return list.find(h2) == std::string_view::npos ? SSL_TLSEXT_ERR_ALERT_FATAL
                                                   : SSL_TLSEXT_ERR_NOACK;
}

} // namespace

BOOST_AUTO_TEST_CASE(names_that_almost_match_are_refused)
{
    for (auto const& row : {
             name_case{"partial wildcard", "DNS:loc*host", "localhost"},
             {"partial wildcard at the start", "DNS:*a.b.example", "a.b.example"},
             {"partial wildcard at the end", "DNS:a*.b.example", "a.b.example"},
             {"wildcard of a parent", "DNS:*.example", "b.example"},
             {"wildcard of a parent of two labels", "DNS:*.b.example", "b.example"},
             {"wildcard for two labels", "DNS:*.b.example", "x.a.b.example"},
             {"wildcard within", "DNS:a.*.example", "a.b.example"},
             {"two wildcards", "DNS:*.*.example", "a.b.example"},
             {"name of a parent", "DNS:b.example", "a.b.example"},
             {"name for an address", "DNS:localhost", "127.0.0.1"},
             {"wildcard for an address", "DNS:*.0.0.1", "127.0.0.1"},
             {"address for a name", "IP:127.0.0.1", "localhost"},
             {"another address", "IP:127.0.0.2,DNS:127.0.0.1", "127.0.0.1"},
             {"mail address", "email:a@localhost", "localhost"},
             {"URI", "URI:https://localhost/", "localhost"},
         })
        check_refused_for_its_name(row);
}

BOOST_AUTO_TEST_CASE(names_that_match_are_accepted)
{
    for (auto const& row : {
             name_case{"wildcard", "DNS:*.b.example", "a.b.example"},
             {"other case", "DNS:A.B.example", "a.b.EXAMPLE"},
             {"the last of two", "DNS:other.example,DNS:b.example", "b.example"},
             {"address", "IP:127.0.0.1", "127.0.0.1"},
         })
        BOOST_TEST_CONTEXT(row.name)
        {
            issued_certificate const certificate({row.names, "other.example"});
            raw_tls_server server(tls_settings(certificate), serve_one_token);
            check_accepted(server, fetch(config_for(server, certificate, row.host)));
        }
}

BOOST_AUTO_TEST_CASE(unusual_certificates_are_accepted)
{
    std::pair<char const*, certificate_text> const rows[] = {
        {"RSA of 4096 bits", {.rsa_bits = 4096}},
        {"no common name", {.common_name = ""}},
        {"1,000 names, the right one last", {.names = thousand_names("localhost", 999)}},
        {"1,000 names, the right one among them", {.names = thousand_names("localhost", 500)}},
    };
    for (auto const& [name, text] : rows)
    {
        issued_certificate const certificate(text);
        for (int const version : {tls_1_2, tls_1_3})
            BOOST_TEST_CONTEXT(name << ", TLS " << version)
            {
                raw_tls_server server(tls_settings(certificate, version), serve_one_token);
                check_accepted(server, fetch(config_for(server, certificate, "localhost")));
            }
    }
}

BOOST_AUTO_TEST_CASE(certificates_of_unsuitable_issuers_are_refused)
{
    struct row
    {
        char const* name;
        intermediate_text intermediate;
        // Part of the error message; null: the certificate is accepted.
        char const* reason;
    };
    row const rows[] = {
        {"good intermediate", {}, nullptr},
        {"intermediate with RSA of 2048 bits", {.rsa_bits = 2048}, nullptr},
        {"intermediate with RSA of 1024 bits", {.rsa_bits = 1024}, "CA certificate key too weak"},
        {"intermediate signed with SHA-1", {.digest_of_it = "SHA1"}, "digest algorithm too weak"},
        {"intermediate that signs with SHA-1",
         {.digest_by_it = "SHA1"},
         "digest algorithm too weak"},
        {"intermediate for other names and addresses",
         {.constraints = "excluded;DNS:other.example,excluded;IP:192.0.2.0/255.255.255.0"},
         nullptr},
        {"name excluded", {.constraints = "excluded;DNS:localhost"}, "excluded subtree"},
        {"address excluded",
         {.constraints = "excluded;IP:127.0.0.0/255.0.0.0"},
         "excluded subtree"},
        {"name not permitted", {.constraints = "permitted;DNS:other.example"}, "permitted subtree"},
    };
    for (auto const& [name, intermediate, reason] : rows)
        for (int const version : {tls_1_2, tls_1_3})
            BOOST_TEST_CONTEXT(name << ", TLS " << version)
            {
                issued_certificate const certificate({.intermediate = intermediate});
                raw_tls_server server(tls_settings(certificate, version), serve_one_token);
                auto const got = fetch(config_for(server, certificate));
                if (reason == nullptr)
                {
                    check_accepted(server, got);
                    continue;
                }
                check_refused(server, got, "certificate_verify_failed");
                if (!got)
                    BOOST_TEST(
                        got.error().message().find(reason) != std::string::npos,
                        got.error().message());
            }
}

BOOST_AUTO_TEST_CASE(a_thousand_names_without_the_right_one_are_refused)
{
    auto const names = thousand_names("locahost", 500);
    check_refused_for_its_name({"1,000 names", names.c_str(), "localhost"});
}

BOOST_AUTO_TEST_CASE(a_chain_of_more_than_100_kib_is_refused)
{
    issued_certificate const certificate;
    for (int const version : {tls_1_2, tls_1_3})
        for (std::size_t const copies : {10U, 1000U})
            BOOST_TEST_CONTEXT(copies << ", TLS " << version)
            {
                raw_tls_server server(
                    [&](SSL_CTX& context)
                    {
                        tls_settings(certificate, version)(context);
                        certificate.use(context, copies);
                    },
                    serve_one_token);
                resource_meter const meter;
                auto const got = fetch(config_for(server, certificate, "localhost"));
                BOOST_TEST(meter.memory() < 4 * mib);
                BOOST_TEST(meter.bytes() < 2 * mib);
                if (copies == 10)
                    check_accepted(server, got);
                else
                    check_refused(server, got, "tls_failed");
            }
}

// Small groups are weak and large ones are slow.
BOOST_AUTO_TEST_CASE(finite_field_dh_groups_are_refused)
{
    issued_certificate const certificate({.rsa_bits = 2048});
    for (int const bits : {1024, 2048, 8192})
        BOOST_TEST_CONTEXT(bits << " bits")
        {
            raw_tls_server server(with_dh_group(certificate, bits), serve_one_token);
            auto const got = fetch(config_for(server, certificate, "localhost"));
            check_refused(server, got, "tls_failed");
        }
    raw_tls_server server(tls_settings(certificate, tls_1_2), serve_one_token);
    check_accepted(server, fetch(config_for(server, certificate, "localhost")));
}

BOOST_AUTO_TEST_CASE(a_server_that_supports_only_h2_is_refused)
{
    issued_certificate const certificate;
    for (int const version : {tls_1_2, tls_1_3})
    {
        raw_tls_server server(
            [&](SSL_CTX& context)
            {
                tls_settings(certificate, version)(context);
                SSL_CTX_set_alpn_select_cb(&context, choose_nothing, nullptr);
            },
            serve_one_token);
        auto const got = fetch(config_for(server, certificate, "localhost"));
        check_refused(server, got, "tls_failed");
        if (!got)
            BOOST_TEST(
                got.error().message().find("no application protocol") != std::string::npos,
                got.error().message());
    }
}

// The client did not offer h2. The server may speak HTTP/1.1 nevertheless.
BOOST_AUTO_TEST_CASE(a_server_that_selects_h2_without_an_offer_is_refused_or_read_as_http_1_1)
{
    issued_certificate const certificate;
    std::string const settings("\0\0\x06\x04\0\0\0\0\0\0\x03\0\0\0\x64", 15);
    for (auto const& response : {http_response(token_body), settings})
    {
        raw_tls_server server(
            [&](SSL_CTX& context)
            {
                tls_settings(certificate)(context);
                SSL_CTX_set_alpn_select_cb(&context, choose_h2, nullptr);
            },
            [&](raw_connection& peer)
            {
                if (peer.handshake() && peer.read_request())
                    peer.write(response);
            });
        // Releases of OpenSSL differ in whether they accept it.
        auto const got = outcome(fetch(config_for(server, certificate)));
        BOOST_TEST(
            (got == (response == settings ? "malformed_http" : "success") || got == "tls_failed"),
            got);
    }
}

BOOST_AUTO_TEST_CASE(a_required_client_certificate_must_be_of_the_servers_ca)
{
    issued_certificate const certificate;
    issued_certificate const right({.common_name = "client"});
    issued_certificate const wrong({.common_name = "client"});
    struct row
    {
        char const* name;
        issued_certificate const* own;
    };
    for (auto const& row : {row{"none", nullptr}, {"of another CA", &wrong}, {"right", &right}})
        for (int const version : {tls_1_2, tls_1_3})
            BOOST_TEST_CONTEXT(row.name << ", TLS " << version)
            {
                raw_tls_server server(
                    [&](SSL_CTX& context)
                    {
                        tls_settings(certificate, version)(context);
                        right.require_of_clients(context);
                    },
                    serve_one_token);
                auto config = config_for(server, certificate, "localhost");
                if (row.own != nullptr)
                {
                    config.tls.certificate_pem = row.own->certificate_pem();
                    config.tls.key_pem = coauth::secret(row.own->key_pem());
                }
                auto const got = fetch(config);
                if (row.own == &right)
                    check_accepted(server, got);
                else
                    check_refused(server, got, "tls_failed");
            }
}

BOOST_AUTO_TEST_SUITE_END()
