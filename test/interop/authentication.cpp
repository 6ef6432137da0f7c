// How clients prove who they are, at npm's oidc-provider as server.mjs sets it up. Every row of the
// table is a test case; run.sh makes the keys and starts the server.

#define BOOST_TEST_NO_MAIN
#define BOOST_TEST_ALTERNATIVE_INIT_API
#include <coauth/coauth.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <cstdlib>
#include <fstream>
#include <functional>
#include <iostream>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace
{

using coauth::client_authentication;
using coauth::signature_algorithm;
using coauth::signing_key;
using token_result = coauth::result<coauth::access_token>;
using enum coauth::audience_source;
using enum coauth::signature_algorithm;

// Where the server is (https://address:port), and where certificates and keys are.
std::string server_url;
std::string directory;

std::string file(std::string const& name)
{
    return directory + "/" + name;
}

// Filled in when the test runs: then the directory is known.
using authentication = std::function<client_authentication()>;

authentication
key(std::string client, std::string name, std::optional<signature_algorithm> algorithm = {},
    coauth::assertion_options const& options = {})
{
    return [=]
    {
        auto made = signing_key::pem_file(file(name + ".key")).key_id(name);
        if (algorithm)
            made = made.algorithm(*algorithm);
        return client_authentication::private_key_jwt(client, made, options);
    };
}

authentication key_made_out_to(std::string client, std::string audience)
{
    coauth::assertion_options options;
    options.audience = std::move(audience);
    return key(std::move(client), "p256", {}, options);
}

authentication key_made_out_to(std::string client, coauth::audience_source whom)
{
    coauth::assertion_options options;
    options.audience_source = whom;
    return key(std::move(client), "p256", {}, options);
}

authentication key_of_type(std::string client, std::string type)
{
    coauth::assertion_options options;
    options.type = std::move(type);
    return key(std::move(client), "p256", {}, options);
}

// Known by its certificate, and by no name.
authentication key_and_certificate(std::string client, std::string certificate)
{
    return [=]
    {
        return client_authentication::private_key_jwt(
            client, signing_key::pem_file(file("signing.key"))
                        .certificate_file(file(certificate + ".pem")));
    };
}

authentication encrypted_key(std::string client, std::string phrase)
{
    return [=]
    {
        auto const ask = [phrase]() -> coauth::result<coauth::secret>
        { return coauth::secret(std::string_view(phrase)); };
        return client_authentication::private_key_jwt(
            client, signing_key::pem_file(file("encrypted.key"), ask).key_id("p256"));
    };
}

// Signs as an HSM would: elsewhere, and later.
authentication signer(std::string client, std::string signature)
{
    return [=]
    {
        auto const sign =
            [=](std::string const&, std::function<void(coauth::result<std::string>)> const& done)
        { done(signature); };
        return client_authentication::private_key_jwt(
            client, signing_key::signer(es256, sign).key_id("p256"));
    };
}

// By another program.
std::string signed_by_openssl(std::string const& input)
{
    auto const path = file("to-be-signed");
    std::ofstream(path, std::ios::binary) << input;
    auto const command = "openssl dgst -sha256 -sign '" + file("rsa.key") + "' -out '" + path +
                         ".signature' '" + path + "'";
    BOOST_REQUIRE_EQUAL(std::system(command.c_str()), 0);
    std::ifstream in(path + ".signature", std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

authentication openssl(std::string client)
{
    return [=]
    {
        auto const sign = [](std::string const& input,
                             std::function<void(coauth::result<std::string>)> const& done)
        { done(signed_by_openssl(input)); };
        return client_authentication::private_key_jwt(
            client, signing_key::signer(rs256, sign).key_id("rsa"));
    };
}

// Made apart from the client, as a platform does; `client` may be empty.
authentication assertion(std::string client, std::string issuer)
{
    return [=]
    {
        coauth::assertion_claims claims;
        claims.issuer = issuer;
        claims.subject = issuer;
        claims.audience = server_url;
        auto const by = signing_key::pem_file(file("p256.key")).key_id("p256");
        return client_authentication::client_assertion(client, coauth::jwt_assertion(by, claims));
    };
}

authentication
secret_jwt(std::string client, std::string secret, signature_algorithm algorithm = hs256)
{
    return [=]
    {
        return client_authentication::client_secret_jwt(
            client, coauth::secret(std::string_view(secret)), algorithm);
    };
}

authentication basic(std::string client, std::string secret)
{
    return [=]
    {
        return client_authentication::client_secret_basic(
            client, coauth::secret(std::string_view(secret)));
    };
}

authentication certificate(std::string client)
{
    return [=] { return client_authentication::tls_client_auth(client); };
}

authentication self_signed(std::string client)
{
    return [=] { return client_authentication::self_signed_tls_client_auth(client); };
}

struct row
{
    std::string name;
    authentication who;
    // "token", or the name of the error.
    std::string outcome = "token";
    // Names of files, without their endings.
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
    {"key_audience_unknown",      key_made_out_to("key-ES256", "https://elsewhere.example/"), "invalid_client"},
    {"key_for_issuer",            key("for-issuer", "p256")},
    {"key_for_token_endpoint",    key_made_out_to("for-token-endpoint", token_endpoint)},
    {"key_for_endpoint",          key_made_out_to("for-endpoint", endpoint)},
    {"key_for_endpoint_at_alias", key_made_out_to("for-endpoint", endpoint), "token", "client"},
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

// A token is got, asked about and revoked: the client proves itself at each endpoint.
std::vector<row> const lives = {
    {"life_basic",                basic("basic", "basic-secret")},
    {"life_secret_jwt",           secret_jwt("secret-HS256", secret_of_64)},
    {"life_key",                  key("key-ES256", "p256")},
    {"life_key_for_endpoint",     key_made_out_to("for-endpoint", endpoint)},
    {"life_key_at_alias",         key_made_out_to("for-endpoint", endpoint), "token", "client"},
    {"life_assertion",            assertion("key-ES256", "key-ES256")},
    {"life_signer",               openssl("key-RS256")},
    {"life_certificate",          certificate("tls"),             "token", "client"},
    {"life_self_signed",          self_signed("self-signed"),     "token", "self-signed"},
    {"life_dpop",                 basic("basic", "basic-secret"), "token", "", "p256"},
    {"life_dpop_nonce",           key("key-nonce", "p256"),       "token", "", "ed25519"},
};
// clang-format on

coauth::client_config config_for(row const& test)
{
    coauth::client_config config;
    config.server.issuer = server_url;
    config.server.token_endpoint = server_url + "/token";
    config.server.introspection_endpoint = server_url + "/token/introspection";
    config.server.revocation_endpoint = server_url + "/token/revocation";
    config.authentication = test.who();
    // Each refusal is looked at as it is.
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
        auto made = signing_key::pem_file(file(test.dpop + ".key"));
        if (test.dpop_algorithm)
            made = made.algorithm(*test.dpop_algorithm);
        config.dpop = std::make_shared<coauth::dpop_prover>(made);
    }
    return config;
}

// Runs until `start(client, done)` has called `done`.
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
    // Twice: what is good once alone must be made anew, and nonces are known by then.
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

row const a_client{"", basic("basic", "basic-secret")};

void live(row const& test)
{
    auto const config = config_for(test);
    auto const got = get_token(config);
    BOOST_REQUIRE_MESSAGE(got.has_value(), message_of(got));
    auto const& token = *got;
    auto const before = introspect(config, token);
    BOOST_TEST(before.active);
    BOOST_TEST(before.client_id == config.authentication.client_id());
    BOOST_TEST(before.expires_at.has_value());
    // A certificate binds the tokens of those clients alone that are registered so.
    BOOST_TEST(before.member("cnf").has_value() == !test.dpop.empty());
    auto const revoked = get<void>(
        config, [&](coauth::client& client, auto done)
        { client.async_revoke(coauth::secret(token.value()), "", std::move(done)); });
    BOOST_REQUIRE_MESSAGE(revoked.has_value(), message_of(revoked));
    BOOST_TEST(!introspect(config, token).active);
}

// What the server says of the proof of another request with the token: see server.mjs.
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

void a_proof_goes_with_its_token()
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

void introspection_and_revocation_with_wrong_credentials()
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

void the_server_is_discovered()
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

// Has no document but that of OpenID Connect, as OAuth's is not where its path would have it.
void a_tenant_is_discovered()
{
    auto const found = discover(server_url + "/tenant");
    BOOST_REQUIRE_MESSAGE(found.has_value(), message_of(found));
    BOOST_TEST(found->token_endpoint == server_url + "/tenant/token");
    auto config = config_for({"", key("key-ES256", "p256")});
    config.server = *found;
    BOOST_TEST(get_token(config).has_value());
}

void what_was_discovered_decides_how_to_prove()
{
    auto const found = discover(server_url);
    BOOST_REQUIRE_MESSAGE(found.has_value(), message_of(found));
    for (auto const& [client, name] :
         {std::pair("key-Ed25519", "ed25519"), {"key-ES384", "p384"}, {"key-RS256", "rsa"}})
    {
        coauth::available_credentials have;
        have.key = signing_key::pem_file(file(name + std::string(".key"))).key_id(name);
        // The server knows both names, this client one.
        auto server = *found;
        if (client == std::string("key-Ed25519"))
            std::erase(server.authentication_algorithms, "EdDSA");
        auto const chosen = coauth::select_client_authentication(server, client, have);
        BOOST_REQUIRE_MESSAGE(chosen.has_value(), message_of(chosen));
        auto config = config_for(a_client);
        config.server = server;
        config.authentication = *chosen;
        BOOST_TEST(get_token(config).has_value(), client);
    }
}

void another_issuer_is_not_discovered()
{
    // Found, but it says that it is another.
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
    for (auto const& test : lives)
        suite->add(boost::unit_test::make_test_case(
            [&test] { live(test); }, test.name, __FILE__, __LINE__));
    suite->add(BOOST_TEST_CASE(a_proof_goes_with_its_token));
    suite->add(BOOST_TEST_CASE(introspection_shows_the_key_of_a_bound_token));
    suite->add(BOOST_TEST_CASE(introspection_and_revocation_with_wrong_credentials));
    suite->add(BOOST_TEST_CASE(the_server_is_discovered));
    suite->add(BOOST_TEST_CASE(a_tenant_is_discovered));
    suite->add(BOOST_TEST_CASE(what_was_discovered_decides_how_to_prove));
    suite->add(BOOST_TEST_CASE(another_issuer_is_not_discovered));
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
