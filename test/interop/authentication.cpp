// Client authentication at npm's oidc-provider, as server.mjs configures it. Every row of the
// tables is a test case; run.sh makes the keys and starts the server.

#define BOOST_TEST_NO_MAIN
#define BOOST_TEST_ALTERNATIVE_INIT_API
#include <coauth/coauth.hpp>

#include "authentication_methods.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <cstdlib>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace
{

using namespace interop;
using coauth::client_authentication;
using coauth::signature_algorithm;
using coauth::signing_key;
using token_result = coauth::result<coauth::access_token>;
using enum coauth::audience_source;
using enum coauth::signature_algorithm;

struct row
{
    std::string name;
    authentication authentication_method;
    // "token", or the name of the error.
    std::string outcome = "token";
    // File names without extension.
    std::string certificate = {};
    std::string dpop = {};
    std::optional<signature_algorithm> dpop_algorithm = {};
};

std::string const secret_of_64(64, 'k');

// clang-format off
std::vector<row> const rows = {
    // Signed with a private key, by every algorithm.
    {"key_rs256",                 key("key-RS256", "rsa")},
    {"key_rs384",                 key("key-RS384", "rsa", rs384)},
    {"key_rs512",                 key("key-RS512", "rsa", rs512)},
    {"key_ps256",                 key("key-PS256", "rsa", ps256)},
    {"key_ps384",                 key("key-PS384", "rsa", ps384)},
    {"key_ps512",                 key("key-PS512", "rsa", ps512)},
    {"key_es256",                 key("key-ES256", "p256")},
    {"key_es384",                 key("key-ES384", "p384")},
    {"key_es512",                 key("key-ES512", "p521")},
    {"key_eddsa",                 key("key-EdDSA", "ed25519")},
    {"key_ed25519",               key("key-Ed25519", "ed25519", ed25519)},
    {"key_ed25519_as_eddsa",      key("key-Ed25519", "ed25519"),             "invalid_client"},
    {"key_other_algorithm",       key("key-RS256", "rsa", ps256),            "invalid_client"},
    {"key_of_another",            key("key-ES256", "other"),                 "invalid_client"},
    {"key_unknown_client",        key("nobody", "p256"),                     "invalid_client"},
    {"key_at_a_basic_client",     key("basic", "p256"),                      "invalid_client"},
    {"key_not_there",             key("key-ES256", "nothing"),               "invalid_configuration"},
    {"key_is_public",             key("key-ES256", "public"),                "invalid_configuration"},
    {"key_too_short",             key("key-RS256", "short"),                 "invalid_configuration"},
    {"key_wrong_curve",           key("key-ES256", "p384", es256),           "invalid_configuration"},
    {"key_for_hmac",              key("key-ES256", "p256", hs256),           "invalid_configuration"},
    {"key_encrypted",             encrypted_key("key-ES256", "open sesame")},
    {"key_encrypted_wrong",       encrypted_key("key-ES256", "open barley"), "invalid_configuration"},
    {"key_audience_unknown",      key_for_audience("key-ES256", "https://elsewhere.example/"), "invalid_client"},
    {"key_for_issuer",            key("for-issuer", "p256")},
    {"key_for_token_endpoint",    key_for_audience("for-token-endpoint", token_endpoint)},
    {"key_for_endpoint",          key_for_audience("for-endpoint", endpoint)},
    {"key_for_endpoint_at_alias", key_for_audience("for-endpoint", endpoint), "token", "client"},
    {"key_for_another",           key("for-token-endpoint", "p256"),         "invalid_client"},
    {"key_of_type",               key_of_type("of-type", "client-authentication+jwt")},
    {"key_of_usual_type",         key("of-type", "p256"),                    "invalid_client"},
    {"key_by_certificate",        key_and_certificate("by-certificate", "signing")},
    {"key_by_another_certificate", key_and_certificate("by-certificate", "client"), "invalid_configuration"},
    {"assertion",                 assertion("key-ES256", "key-ES256")},
    {"assertion_alone",           assertion("", "key-ES256")},
    {"assertion_of_another",      assertion("key-ES256", "key-nonce"),       "invalid_request"},
    {"signer",                    openssl("key-RS256")},
    {"signer_wrong_signature",    signer("key-ES256", std::string(64, 'x')), "invalid_client"},
    {"signer_short_signature",    signer("key-ES256", "x"),                  "invalid_configuration"},

    // Signed with the client secret.
    {"secret_hs256",              secret_jwt("secret-HS256", secret_of_64)},
    {"secret_hs384",              secret_jwt("secret-HS384", secret_of_64, hs384)},
    {"secret_hs512",              secret_jwt("secret-HS512", secret_of_64, hs512)},
    {"secret_other_algorithm",    secret_jwt("secret-HS256", secret_of_64, hs512),  "invalid_client"},
    {"secret_wrong",              secret_jwt("secret-HS256", secret_of_64 + "x"),   "invalid_client"},
    {"secret_empty",              secret_jwt("secret-HS256", ""),                   "invalid_configuration"},
    {"secret_not_hmac",           secret_jwt("secret-HS256", secret_of_64, es256),  "invalid_configuration"},
    {"secret_unknown_client",     secret_jwt("nobody", secret_of_64),               "invalid_client"},

    // The certificate of the connection.
    {"certificate",               certificate("tls"),            "token", "client"},
    {"certificate_of_another",    certificate("tls"),            "invalid_client", "other-client"},
    {"certificate_self_signed",   self_signed("self-signed"),    "token", "self-signed"},
    {"certificate_not_registered", self_signed("self-signed"),   "invalid_client", "client"},
    {"certificate_without_ca",    certificate("tls"),            "invalid_client", "self-signed"},
    {"certificate_missing",       certificate("tls"),            "invalid_configuration"},
    {"certificate_not_there",     certificate("tls"),            "invalid_configuration", "nothing"},
    {"certificate_bound",         basic("certificate-bound", "certificate-bound-secret"), "token", "client"},
    {"certificate_bound_without", basic("certificate-bound", "certificate-bound-secret"), "invalid_grant"},

    // Bound to a key.
    {"dpop_es256",                basic("basic", "basic-secret"), "token", "", "p256"},
    {"dpop_es384",                basic("basic", "basic-secret"), "token", "", "p384"},
    {"dpop_rs256",                basic("basic", "basic-secret"), "token", "", "rsa"},
    {"dpop_ps256",                basic("basic", "basic-secret"), "token", "", "rsa", ps256},
    {"dpop_eddsa",                basic("basic", "basic-secret"), "token", "", "ed25519"},
    {"dpop_ed25519",              basic("basic", "basic-secret"), "token", "", "ed25519", ed25519},
    {"dpop_required",             basic("dpop", "dpop-secret"),   "token", "", "p256"},
    {"dpop_required_without",     basic("dpop", "dpop-secret"),   "invalid_grant"},
    {"dpop_nonce",                basic("dpop-nonce", "dpop-nonce-secret"), "token", "", "p256"},
    {"dpop_nonce_key",            key("key-nonce", "p256"),       "token", "", "ed25519"},
    {"dpop_key_not_there",        basic("basic", "basic-secret"), "invalid_configuration", "", "nothing"},
    {"dpop_with_certificate",     certificate("tls"),             "token", "client", "p256"},
};

// A token is fetched, introspected and revoked: the client authenticates at each endpoint.
std::vector<row> const token_lifecycles = {
    {"lifecycle_basic",                basic("basic", "basic-secret")},
    {"lifecycle_secret_jwt",           secret_jwt("secret-HS256", secret_of_64)},
    {"lifecycle_key",                  key("key-ES256", "p256")},
    {"lifecycle_key_for_endpoint",     key_for_audience("for-endpoint", endpoint)},
    {"lifecycle_key_at_alias",         key_for_audience("for-endpoint", endpoint), "token", "client"},
    {"lifecycle_assertion",            assertion("key-ES256", "key-ES256")},
    {"lifecycle_signer",               openssl("key-RS256")},
    {"lifecycle_certificate",          certificate("tls"),             "token", "client"},
    {"lifecycle_self_signed",          self_signed("self-signed"),     "token", "self-signed"},
    {"lifecycle_dpop",                 basic("basic", "basic-secret"), "token", "", "p256"},
    {"lifecycle_dpop_nonce",           key("key-nonce", "p256"),       "token", "", "ed25519"},
};
// clang-format on

coauth::client_config config_for(row const& test)
{
    coauth::client_config config;
    config.server.issuer = server_url;
    config.server.token_endpoint = server_url + "/token";
    config.server.introspection_endpoint = server_url + "/token/introspection";
    config.server.revocation_endpoint = server_url + "/token/revocation";
    config.authentication = test.authentication_method();
    // Retries have tests of their own.
    config.retry.max_attempts = 1;
    config.tls.ca_file = file("ca.pem");
    if (!test.certificate.empty())
    {
        std::string const mtls = std::getenv("COAUTH_INTEROP_MTLS_URL");
        config.server.mtls_endpoint_aliases = {
            mtls + "/token", mtls + "/token/introspection", mtls + "/token/revocation"};
        config.tls.certificate_file = file(test.certificate + ".pem");
        config.tls.key_file = file(test.certificate + ".key");
    }
    if (!test.dpop.empty())
    {
        auto key = signing_key::pem_file(file(test.dpop + ".key"));
        if (test.dpop_algorithm)
            key = key.algorithm(*test.dpop_algorithm);
        config.dpop = std::make_shared<coauth::dpop_prover>(key);
    }
    return config;
}

// Calls `start(client, done)` and returns the result that `done` receives.
template <class T, class Start>
coauth::result<T> get(coauth::client_config const& config, Start const& start)
{
    boost::asio::io_context context;
    coauth::client client(context.get_executor(), config);
    std::optional<coauth::result<T>> got;
    start(client, [&](coauth::result<T> r) { got = std::move(r); });
    context.run();
    BOOST_REQUIRE(got.has_value());
    return *got;
}

template <class T>
std::string message_of(coauth::result<T> const& got)
{
    return got ? std::string() : got.error().message();
}

token_result get_token(coauth::client_config const& config)
{
    return get<coauth::access_token>(
        config, [](coauth::client& client, auto done)
        { client.async_get_access_token(coauth::token_request(), std::move(done)); });
}

coauth::introspection
introspect(coauth::client_config const& config, coauth::access_token const& token)
{
    auto const got = get<coauth::introspection>(
        config,
        [&](coauth::client& client, auto done)
        {
            client.async_introspect(coauth::secret(token.value()), "access_token", std::move(done));
        });
    BOOST_REQUIRE_MESSAGE(got.has_value(), message_of(got));
    return *got;
}

void run(row const& test)
{
    auto const config = config_for(test);
    // Twice: assertions and proofs must be new, and the second time the nonce is known.
    for (int i = 0; i < 2; ++i)
    {
        auto const got = get_token(config);
        if (!got)
            BOOST_TEST_MESSAGE(got.error());
        BOOST_REQUIRE_EQUAL(got ? "token" : coauth::to_string(got.error().value()), test.outcome);
        if (got)
            BOOST_TEST(got->token_type() == (test.dpop.empty() ? "Bearer" : "DPoP"));
        else
            BOOST_TEST(got.error().message().find("PRIVATE") == std::string::npos);
    }
}

row const basic_client{"", basic("basic", "basic-secret")};

void run_lifecycle(row const& test)
{
    auto const config = config_for(test);
    auto const got = get_token(config);
    BOOST_REQUIRE_MESSAGE(got.has_value(), message_of(got));
    auto const& token = *got;
    auto const before = introspect(config, token);
    BOOST_TEST(before.active);
    BOOST_TEST(before.client_id == config.authentication.client_id());
    BOOST_TEST(before.expires_at.has_value());
    // The server binds tokens to certificates only for clients that are registered so.
    BOOST_TEST(before.member("cnf").has_value() == !test.dpop.empty());
    auto const revoked = get<void>(
        config, [&](coauth::client& client, auto done)
        { client.async_revoke(coauth::secret(token.value()), "", std::move(done)); });
    BOOST_REQUIRE_MESSAGE(revoked.has_value(), message_of(revoked));
    BOOST_TEST(!introspect(config, token).active);
}

// Lets the server verify the proof of another request with the token; see server.mjs.
bool proof_is_good(row const& bound, std::string const& method, std::string const& url)
{
    auto config = config_for(bound);
    auto const token = get_token(config).value();
    auto const proof = config.dpop->proof_for(method, url, token);
    BOOST_REQUIRE(proof.has_value());
    config.dpop = nullptr;
    config.server.introspection_endpoint = server_url + "/proof";
    auto const seen = get<coauth::introspection>(
        config,
        [&](coauth::client& client, auto done)
        {
            client.async_introspect(
                coauth::secret(token.value()), std::string(proof->view()), std::move(done));
        });
    BOOST_REQUIRE_MESSAGE(seen.has_value(), message_of(seen));
    return seen->active;
}

void a_dpop_proof_is_valid_for_its_token_method_and_url_only()
{
    std::string const url = "https://api.example/messages";
    for (auto const* const name : {"p256", "p384", "rsa", "ed25519"})
    {
        row const bound{"", basic("basic", "basic-secret"), "token", "", name};
        BOOST_TEST(proof_is_good(bound, "GET", url), name);
        BOOST_TEST(proof_is_good(bound, "GET", url + "?page=2"), name);
        BOOST_TEST(!proof_is_good(bound, "POST", url), name);
        BOOST_TEST(!proof_is_good(bound, "GET", url + "/1"), name);
    }
}

void introspection_shows_the_key_of_a_bound_token()
{
    row const bound{"", basic("basic", "basic-secret"), "token", "", "p256"};
    auto config = config_for(bound);
    auto const token = get_token(config).value();
    auto const thumbprint = config.dpop->thumbprint();
    config.dpop = nullptr;
    auto const seen = introspect(config, token);
    BOOST_TEST(seen.active);
    BOOST_REQUIRE(seen.member("cnf").has_value());
    BOOST_TEST(seen.member("cnf")->find(thumbprint) != std::string_view::npos);
}

void signed_introspection_responses_are_verified()
{
    auto config = config_for(basic_client);
    config.server.issuer = server_url;
    auto const token = get_token(config).value();
    config.signed_introspection.fetch_jwks = true;
    config.server.jwks_uri = server_url + "/jwks";
    auto const seen = introspect(config, token);
    BOOST_TEST(seen.active);
    BOOST_TEST(seen.client_id == "basic");
    config.signed_introspection.audience = "another";
    auto const refused = get<coauth::introspection>(
        config, [](coauth::client& client, auto done)
        { client.async_introspect(coauth::secret("t"), "", std::move(done)); });
    BOOST_REQUIRE(!refused);
    BOOST_TEST(
        message_of(refused).find("its audience (aud) is not 'another'") != std::string::npos);
}

void introspection_and_revocation_with_a_wrong_secret_are_refused()
{
    row const wrong{"", basic("basic", "other")};
    auto const config = config_for(wrong);
    auto const seen = get<coauth::introspection>(
        config, [](coauth::client& client, auto done)
        { client.async_introspect(coauth::secret("t"), "", std::move(done)); });
    BOOST_TEST((!seen && seen.error() == coauth::errc::invalid_client));
    auto const revoked = get<void>(
        config, [](coauth::client& client, auto done)
        { client.async_revoke(coauth::secret("t"), "", std::move(done)); });
    BOOST_TEST((!revoked && revoked.error() == coauth::errc::invalid_client));
}

coauth::result<coauth::authorization_server> discover(std::string issuer)
{
    boost::asio::io_context context;
    coauth::discovery_options options;
    options.tls.ca_file = file("ca.pem");
    std::optional<coauth::result<coauth::authorization_server>> got;
    coauth::async_discover(
        context.get_executor(), std::move(issuer), options,
        [&](coauth::result<coauth::authorization_server> r) { got = std::move(r); });
    context.run();
    BOOST_REQUIRE(got.has_value());
    return *got;
}

void a_client_works_with_a_discovered_server()
{
    auto const found = discover(server_url);
    BOOST_REQUIRE_MESSAGE(found.has_value(), message_of(found));
    BOOST_TEST(found->token_endpoint == server_url + "/token");
    BOOST_TEST(!found->introspection_endpoint.empty());
    BOOST_TEST(!found->mtls_endpoint_aliases.token_endpoint.empty());
    BOOST_TEST(!found->authentication_methods.empty());
    auto config = config_for({"", key("key-ES256", "p256")});
    config.server = *found;
    BOOST_TEST(get_token(config).has_value());
    row const by_certificate{"", certificate("tls"), "token", "client"};
    config = config_for(by_certificate);
    config.server = *found;
    BOOST_TEST(get_token(config).has_value());
}

// The tenant has a document of OpenID Connect, but none at the URL of RFC 8414.
void a_client_works_with_a_discovered_tenant()
{
    auto const found = discover(server_url + "/tenant");
    BOOST_REQUIRE_MESSAGE(found.has_value(), message_of(found));
    BOOST_TEST(found->token_endpoint == server_url + "/tenant/token");
    auto config = config_for({"", key("key-ES256", "p256")});
    config.server = *found;
    BOOST_TEST(get_token(config).has_value());
}

void the_discovered_server_decides_the_algorithm_of_the_assertion()
{
    auto const found = discover(server_url);
    BOOST_REQUIRE_MESSAGE(found.has_value(), message_of(found));
    for (auto const& [client, name] :
         {std::pair("key-Ed25519", "ed25519"), {"key-ES384", "p384"}, {"key-RS256", "rsa"}})
    {
        coauth::available_credentials credentials;
        credentials.key = signing_key::pem_file(file(name + std::string(".key"))).key_id(name);
        // The server supports both names of the algorithm, this client is registered with one.
        auto server = *found;
        if (client == std::string("key-Ed25519"))
            std::erase(server.authentication_algorithms, "EdDSA");
        auto const chosen = coauth::select_client_authentication(server, client, credentials);
        BOOST_REQUIRE_MESSAGE(chosen.has_value(), message_of(chosen));
        auto config = config_for(basic_client);
        config.server = server;
        config.authentication = *chosen;
        BOOST_TEST(get_token(config).has_value(), client);
    }
}

void a_document_of_another_issuer_or_none_is_an_error()
{
    // The document is found, but contains another issuer.
    auto const found = discover(server_url + "/");
    BOOST_REQUIRE(!found);
    BOOST_TEST(coauth::to_string(found.error().value()) == "malformed_response");
    auto const nowhere = discover(server_url + "/nowhere");
    BOOST_REQUIRE(!nowhere);
    BOOST_TEST(nowhere.error().http_status() == 404U);
}

bool make_tests()
{
    auto* const suite = BOOST_TEST_SUITE("authentication");
    for (auto const& test : rows)
        suite->add(boost::unit_test::make_test_case(
            [&test] { run(test); }, test.name, __FILE__, __LINE__));
    for (auto const& test : token_lifecycles)
        suite->add(boost::unit_test::make_test_case(
            [&test] { run_lifecycle(test); }, test.name, __FILE__, __LINE__));
    suite->add(BOOST_TEST_CASE(a_dpop_proof_is_valid_for_its_token_method_and_url_only));
    suite->add(BOOST_TEST_CASE(introspection_shows_the_key_of_a_bound_token));
    suite->add(BOOST_TEST_CASE(signed_introspection_responses_are_verified));
    suite->add(BOOST_TEST_CASE(introspection_and_revocation_with_a_wrong_secret_are_refused));
    suite->add(BOOST_TEST_CASE(a_client_works_with_a_discovered_server));
    suite->add(BOOST_TEST_CASE(a_client_works_with_a_discovered_tenant));
    suite->add(BOOST_TEST_CASE(the_discovered_server_decides_the_algorithm_of_the_assertion));
    suite->add(BOOST_TEST_CASE(a_document_of_another_issuer_or_none_is_an_error));
    auto& all = boost::unit_test::framework::master_test_suite();
    all.p_name.value = "coauth_interop_authentication";
    all.add(suite);
    return true;
}

} // namespace

int main(int argc, char* argv[])
{
    char const* const url = std::getenv("COAUTH_INTEROP_URL");
    char const* const tls = std::getenv("COAUTH_INTEROP_TLS");
    if (url == nullptr || tls == nullptr)
    {
        std::cerr << "COAUTH_INTEROP_URL, COAUTH_INTEROP_TLS: not set; start this by run.sh\n";
        return EXIT_FAILURE;
    }
    server_url = url;
    directory = tls;
    return boost::unit_test::unit_test_main(&make_tests, argc, argv);
}
