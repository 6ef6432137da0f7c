// Client certificates (RFC 8705): authentication, replacement while the client runs, separation of
// sessions.

#include "client_authentication.hpp"
#include "scratch_file.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <sstream>
#include <thread>

using namespace test;

BOOST_AUTO_TEST_SUITE(client_certificates)

using coauth::authentication_method;
using coauth::client_authentication;
namespace wanted = coauth::testing;

namespace
{

constexpr int both_versions[] = {0x0303, 0x0304};

server_options options_with_client(std::vector<identity> const& known)
{
    coauth::testing::registered_client client;
    for (auto const& one : known)
        client.certificates.push_back(one.certificate_pem);
    auto chosen = test::options_with_client(std::move(client));
    chosen.client_certificates = wanted::client_certificates::requested;
    return chosen;
}

coauth::client_config showing(authorization_server const& server, identity const& shown)
{
    auto config =
        authenticated(server, client_authentication::self_signed_tls_client_auth(other_id));
    config.tls.certificate_pem = shown.certificate_pem;
    config.tls.key_pem = coauth::secret(shown.key.private_pem());
    return config;
}

// A certificate and its key in files.
struct files
{
    explicit files(identity const& first)
        : certificate("certificate", first.certificate_pem)
        , key("key", first.key.private_pem())
    {
    }
    void write(identity const& next) const
    {
        certificate.write(next.certificate_pem);
        key.write(next.key.private_pem());
    }

    scratch_file certificate;
    scratch_file key;
};

coauth::client_config showing(authorization_server const& server, files const& shown)
{
    auto config =
        authenticated(server, client_authentication::self_signed_tls_client_auth(other_id));
    config.tls.certificate_file = shown.certificate.path();
    config.tls.key_file = shown.key.path();
    // A new connection for each request, unless a test changes this.
    config.connections.idle_timeout = 0ms;
    return config;
}

std::string last_shown(authorization_server const& server)
{
    return server.requests().back().client_certificate_thumbprint;
}

std::string contents_of(char const* path)
{
    std::ifstream const file(path);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

} // namespace

BOOST_AUTO_TEST_CASE(a_self_signed_certificate_authenticates_the_client_and_binds_the_token)
{
    auto const known = make_identity("client");
    for (int const version : both_versions)
        BOOST_TEST_CONTEXT("TLS " << version)
        {
            auto chosen = options_with_client({known});
            chosen.min_tls_version = chosen.max_tls_version = version;
            auto const server = start(std::move(chosen));
            auto config = showing(server, known);
            config.server.introspection_endpoint = server.introspection_endpoint();
            client_fixture kept(config);
            auto const token = require_token(kept.fetch());
            auto const seen = server.requests().back();
            BOOST_TEST((seen.authentication == authentication_method::self_signed_tls_client_auth));
            BOOST_TEST(seen.client_certificate_thumbprint == known.thumbprint);

            std::optional<coauth::result<coauth::introspection>> introspected;
            kept.client.async_introspect(
                coauth::secret(token.value()), {}, [&](auto const& r) { introspected = r; });
            kept.context.restart();
            kept.context.run();
            BOOST_REQUIRE(introspected && *introspected);
            BOOST_TEST(
                (*introspected)->member("cnf").value_or("").find(known.thumbprint) !=
                std::string_view::npos);
        }
}

BOOST_AUTO_TEST_CASE(a_certificate_of_a_ca_authenticates_the_client)
{
    auto const ca = make_identity("CA", nullptr, true);
    auto const between = make_identity("between", &ca, true);
    auto const known = make_identity("client", &between);
    coauth::testing::registered_client client;
    client.subject = "CN=client,O=Example";
    auto chosen = test::options_with_client(std::move(client));
    chosen.client_certificates = wanted::client_certificates::requested;
    chosen.client_ca_pem = ca.certificate_pem;
    auto const server = start(std::move(chosen));
    auto config = showing(server, known);
    config.authentication = client_authentication::tls_client_auth(other_id);
    // Without the intermediate the server cannot build a chain to its CA.
    BOOST_TEST(outcome(fetch(config)) == "invalid_client");
    config.tls.certificate_pem = known.certificate_pem + between.certificate_pem;
    BOOST_TEST(outcome(fetch(config)) == "success");
    BOOST_TEST(last_shown(server) == known.thumbprint);
}

BOOST_AUTO_TEST_CASE(requests_with_a_certificate_use_the_mtls_alias_of_the_endpoint)
{
    auto const known = make_identity("client");
    auto chosen = options_with_client({known});
    chosen.client_certificates = wanted::client_certificates::requested_at_alias;
    auto const server = start(std::move(chosen));
    auto config = showing(server, known);
    config.server.mtls_endpoint_aliases.token_endpoint = server.mtls_token_endpoint();
    BOOST_TEST(outcome(fetch(config)) == "success");
    auto const at_alias = "127.0.0.1:" + std::to_string(server.mtls_port());
    BOOST_TEST(server.requests().back().headers.find("Host").value_or("") == at_alias);

    // A client without a certificate does not use the alias.
    auto other = single_attempt(server);
    other.server.mtls_endpoint_aliases = config.server.mtls_endpoint_aliases;
    BOOST_TEST(outcome(fetch(other)) == "success");
    BOOST_TEST(server.requests().back().headers.find("Host").value_or("") != at_alias);
}

BOOST_AUTO_TEST_CASE(new_connections_use_a_replaced_certificate)
{
    auto const first = make_identity("client");
    auto const second = make_identity("client");
    for (int const version : both_versions)
        BOOST_TEST_CONTEXT("TLS " << version)
        {
            auto chosen = options_with_client({first, second});
            chosen.min_tls_version = chosen.max_tls_version = version;
            auto const server = start(std::move(chosen));
            files const shown(first);
            client_fixture kept(showing(server, shown));
            BOOST_TEST(outcome(kept.fetch()) == "success");
            BOOST_TEST(outcome(kept.fetch()) == "success");
            BOOST_TEST(last_shown(server) == first.thumbprint);
            BOOST_TEST(server.resumed() == 1U);
            shown.write(second);
            BOOST_TEST(outcome(kept.fetch()) == "success");
            BOOST_TEST(last_shown(server) == second.thumbprint);
            // A TLS session contains the client certificate with which it was made.
            BOOST_TEST(server.resumed() == 1U);
            BOOST_TEST(outcome(kept.fetch()) == "success");
            BOOST_TEST(last_shown(server) == second.thumbprint);
            BOOST_TEST(server.resumed() == 2U);
        }
}

BOOST_AUTO_TEST_CASE(a_replaced_certificate_ends_a_back_off)
{
    auto const first = make_identity("client");
    auto const second = make_identity("client");
    auto const server = start(options_with_client({second}));
    files const shown(first);
    client_fixture kept(showing(server, shown));
    coauth::token_source tokens(kept.client);
    std::vector<std::string> ends;
    auto const call = [&]
    {
        tokens.async_get_access_token([&](token_result const& r) { ends.push_back(outcome(r)); });
        kept.context.restart();
        kept.context.run();
    };
    call();
    call();
    std::this_thread::sleep_for(1020ms);
    call();
    BOOST_TEST(server.requests().size() == 1U);
    shown.write(second);
    std::this_thread::sleep_for(1020ms);
    call();
    BOOST_TEST(
        ends == (std::vector<std::string>{
                    "invalid_client", "invalid_client", "invalid_client", "success"}),
        boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_replaced_certificate_does_not_affect_running_operations)
{
    auto const first = make_identity("client");
    auto const second = make_identity("client");
    auto server = start(options_with_client({first, second}));
    files const shown(first);
    auto config = showing(server, shown);
    config.connections.idle_timeout = 30s;
    client_fixture kept(config);
    auto late = response::json(200, token_body);
    late.delay = 200ms;
    server.push_response(late);
    std::thread deploys(
        [&]
        {
            (void)server.wait_for_requests(1);
            shown.write(second);
        });
    BOOST_TEST(outcome(kept.fetch()) == "success");
    deploys.join();
    BOOST_TEST(last_shown(server) == first.thumbprint);
    BOOST_TEST(server.connections() == 1U);

    // All later requests use the new certificate.
    for (int i = 0; i < 2; ++i)
    {
        BOOST_TEST(outcome(kept.fetch()) == "success");
        BOOST_TEST(last_shown(server) == second.thumbprint);
        BOOST_TEST(server.connections() == 2U);
    }
    BOOST_TEST(kept.client.counters().open == 1U);
}

BOOST_AUTO_TEST_CASE(rewriting_the_same_certificate_has_no_effect)
{
    auto const known = make_identity("client");
    auto const server = start(options_with_client({known}));
    files const shown(known);
    auto config = showing(server, shown);
    config.connections.idle_timeout = 30s;
    client_fixture kept(config);
    for (int i = 0; i < 3; ++i)
    {
        shown.write(known);
        BOOST_TEST(outcome(kept.fetch()) == "success");
    }
    BOOST_TEST(server.connections() == 1U);
}

BOOST_AUTO_TEST_CASE(a_certificate_that_has_expired_is_not_sent)
{
    auto const known = make_identity("client", nullptr, false, 2);
    auto const server = start(options_with_client({known}));
    auto config = showing(server, known);
    config.connections.idle_timeout = 0ms;
    client_fixture kept(config);
    BOOST_TEST(outcome(kept.client.validate()) == "success");
    std::this_thread::sleep_for(3s);
    auto const got = kept.fetch();
    BOOST_TEST(outcome(got) == "invalid_configuration");
    BOOST_REQUIRE(!got);
    BOOST_TEST(got.error().message().find("has expired") != std::string::npos, got.error());
    BOOST_TEST(server.requests().empty());
}

BOOST_AUTO_TEST_CASE(an_invalid_certificate_file_does_not_replace_a_valid_certificate)
{
    auto const first = make_identity("client");
    auto const second = make_identity("client");
    auto const expired = make_identity("client", nullptr, false, -60);
    auto const server = start(options_with_client({first, second}));
    files const shown(first);
    client_fixture kept(showing(server, shown));
    BOOST_TEST(outcome(kept.fetch()) == "success");
    for (auto const& text :
         {std::string(), std::string("garbage"), expired.certificate_pem,
          // The key does not exist yet.
          second.certificate_pem})
    {
        shown.certificate.write(text);
        BOOST_TEST(outcome(kept.fetch()) == "success");
        BOOST_TEST(last_shown(server) == first.thumbprint);
    }
    shown.key.write(second.key.private_pem());
    BOOST_TEST(outcome(kept.fetch()) == "success");
    BOOST_TEST(last_shown(server) == second.thumbprint);
}

BOOST_AUTO_TEST_CASE(clients_with_different_certificates_do_not_share_tls_sessions)
{
    auto const first = make_identity("client");
    auto const second = make_identity("client");
    for (int const version : both_versions)
        BOOST_TEST_CONTEXT("TLS " << version)
        {
            auto chosen = options_with_client({first, second});
            chosen.min_tls_version = chosen.max_tls_version = version;
            auto const server = start(std::move(chosen));
            for (auto const* const one : {&first, &second, &first})
            {
                auto config = showing(server, *one);
                config.connections.idle_timeout = 0ms;
                BOOST_TEST(outcome(fetch(config)) == "success");
                BOOST_TEST(last_shown(server) == one->thumbprint);
            }
            // A client without a certificate does not share them either.
            BOOST_TEST(outcome(fetch(without_reuse(server))) == "success");
            BOOST_TEST(last_shown(server).empty());
            BOOST_TEST(server.resumed() == 1U);
        }
}

BOOST_AUTO_TEST_CASE(an_unusable_certificate_is_an_error_before_any_request)
{
    auto const known = make_identity("client");
    auto const other = make_identity("client");
    auto const server = start(options_with_client({known}));
    struct row
    {
        char const* says;
        std::function<void(coauth::tls_options&)> make;
    };
    for (auto const& [says, make] :
         std::vector<row>{
             {"is not the key of the certificate",
              [&](auto& tls) { tls.key_pem = coauth::secret(other.key.private_pem()); }},
             {"has expired",
              [&](auto& tls)
              {
                  auto const expired = make_identity("client", nullptr, false, -60);
                  tls.certificate_pem = expired.certificate_pem;
                  tls.key_pem = coauth::secret(expired.key.private_pem());
              }},
             {"holds no PEM certificate", [](auto& tls) { tls.certificate_pem = "x"; }},
             {"holds no PEM private key", [](auto& tls) { tls.key_pem = coauth::secret("x"); }}})
        BOOST_TEST_CONTEXT(says)
        {
            auto config = showing(server, known);
            make(config.tls);
            auto const got = fetch(config);
            BOOST_TEST(outcome(got) == "invalid_configuration");
            BOOST_REQUIRE(!got);
            BOOST_TEST(got.error().message().find(says) != std::string::npos, got.error());
        }
    BOOST_TEST(server.connections() == 0U);
}

BOOST_AUTO_TEST_CASE(a_key_that_a_uri_names_authenticates_the_client)
{
    auto const known = make_identity("client");
    scratch_file const key("key", known.key.private_pem());
    for (int const version : both_versions)
        BOOST_TEST_CONTEXT("TLS " << version)
        {
            auto chosen = options_with_client({known});
            chosen.min_tls_version = chosen.max_tls_version = version;
            auto const server = start(std::move(chosen));
            auto config =
                authenticated(server, client_authentication::self_signed_tls_client_auth(other_id));
            config.tls.certificate_pem = known.certificate_pem;
            config.tls.key_uri = "file:" + std::filesystem::absolute(key.path()).string();
            BOOST_TEST_REQUIRE(outcome(fetch(config)) == "success");
            BOOST_TEST(last_shown(server) == known.thumbprint);
        }
}

// pkcs11.sh makes the token and runs this.
BOOST_AUTO_TEST_CASE(a_key_in_a_pkcs11_token_authenticates_the_client)
{
    char const* const uri = std::getenv("COAUTH_PKCS11_URI");
    if (uri == nullptr)
    {
        BOOST_TEST_MESSAGE("pkcs11.sh runs this test");
        return;
    }
    auto const certificate = contents_of(std::getenv("COAUTH_PKCS11_CERTIFICATE"));
    coauth::testing::registered_client known;
    known.certificates = {certificate};
    auto chosen = test::options_with_client(std::move(known));
    chosen.client_certificates = wanted::client_certificates::requested;
    auto const server = start(std::move(chosen));
    auto config =
        authenticated(server, client_authentication::self_signed_tls_client_auth(other_id));
    config.tls.certificate_pem = certificate;
    config.tls.key_uri = uri;
    std::string pin = "wrong";
    config.tls.key_passphrase = [&pin] { return coauth::result<coauth::secret>(pin); };
    auto const refused = fetch(config);
    BOOST_TEST(outcome(refused) == "invalid_configuration");
    pin = std::getenv("COAUTH_PKCS11_PIN");
    for (int i = 0; i < 2; ++i)
    {
        BOOST_TEST(outcome(fetch(config)) == "success");
        BOOST_TEST(!last_shown(server).empty());
    }
}

// draft-ietf-oauth-spiffe-client-auth: an agent writes the X.509-SVID to files and replaces it.
BOOST_AUTO_TEST_CASE(an_x509_svid_authenticates_the_client)
{
    constexpr auto* spiffe_id = "spiffe://example.org/billing";
    auto const first = make_identity("billing");
    auto const next = make_identity("billing");
    coauth::testing::registered_client workload;
    workload.id = spiffe_id;
    workload.certificates = {first.certificate_pem, next.certificate_pem};
    auto chosen = options();
    chosen.clients = {workload};
    chosen.client_certificates = wanted::client_certificates::requested;
    auto const server = start(std::move(chosen));
    files const svid(first);
    auto config = showing(server, svid);
    config.authentication = client_authentication::tls_client_auth(spiffe_id);
    client_fixture kept(config);
    BOOST_TEST(outcome(kept.fetch()) == "success");
    BOOST_TEST(last_shown(server) == first.thumbprint);
    svid.write(next);
    BOOST_TEST(outcome(kept.fetch()) == "success");
    BOOST_TEST(last_shown(server) == next.thumbprint);
    BOOST_TEST(server.requests().back().parameter("client_id") == spiffe_id);
}

BOOST_AUTO_TEST_SUITE_END()
