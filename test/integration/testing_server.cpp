// The testing server: metadata, introspection, revocation and further grants.

#include "raw_client.hpp"
#include "server_certificates.hpp"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <thread>

using namespace test;

BOOST_AUTO_TEST_SUITE(testing_server)

using coauth::authentication_method;
using coauth::testing::client_certificates;
using coauth::testing::dpop;

namespace
{

namespace json = boost::json;

constexpr char const* exchange = "urn:ietf:params:oauth:grant-type:token-exchange";
constexpr char const* jwt_bearer = "urn:ietf:params:oauth:grant-type:jwt-bearer";
constexpr char const* access_token_type = "urn:ietf:params:oauth:token-type:access_token";

raw_response
post(authorization_server const& server, std::string body, std::string path = "/oauth/token")
{
    raw_request request{std::move(body)};
    request.path = std::move(path);
    request.headers = {"Authorization: Basic " + std::string(basic_value)};
    return send(server, request);
}

raw_response get(authorization_server const& server, std::string path)
{
    raw_request request;
    request.path = std::move(path);
    request.method = "GET";
    return send(server, request);
}

std::string new_token(authorization_server const& server)
{
    auto const got = post(server, "grant_type=client_credentials&scope=read");
    BOOST_REQUIRE_EQUAL(got.status, 200U);
    return got.text("access_token");
}

raw_response introspect(authorization_server const& server, std::string const& token)
{
    return post(server, "token=" + escaped(token), "/oauth/introspect");
}

std::string list(json::object const& document, char const* name)
{
    auto const* const found = document.if_contains(name);
    return found ? json::serialize(*found) : "none";
}

void check_error(raw_response const& got, std::string const& error, unsigned status = 400)
{
    BOOST_TEST(got.status == status);
    BOOST_TEST(got.text("error") == error);
}

server_options accepting(std::string grant)
{
    auto chosen = options();
    chosen.grants.push_back(std::move(grant));
    return chosen;
}

} // namespace

BOOST_AUTO_TEST_CASE(metadata_of_a_plain_server)
{
    auto const server = start();
    auto const got = get(server, "/.well-known/oauth-authorization-server");
    BOOST_TEST(got.status == 200U);
    BOOST_TEST(got.body == get(server, "/.well-known/openid-configuration").body);
    auto const document = got.document();
    BOOST_TEST(got.text("issuer") == server.issuer());
    BOOST_TEST(got.text("token_endpoint") == server.token_endpoint());
    BOOST_TEST(got.text("introspection_endpoint") == server.introspection_endpoint());
    BOOST_TEST(got.text("revocation_endpoint") == server.revocation_endpoint());
    BOOST_TEST(list(document, "grant_types_supported") == R"(["client_credentials"])");
    BOOST_TEST(list(document, "scopes_supported") == R"(["read","write"])");
    for (char const* const prefix : {"token", "introspection", "revocation"})
        BOOST_TEST(
            list(document, (prefix + std::string("_endpoint_auth_methods_supported")).c_str()) ==
            R"(["client_secret_basic","client_secret_post"])");
    for (char const* const absent :
         {"token_endpoint_auth_signing_alg_values_supported", "dpop_signing_alg_values_supported",
          "mtls_endpoint_aliases", "tls_client_certificate_bound_access_tokens"})
        BOOST_TEST(!document.contains(absent), absent);
}

BOOST_AUTO_TEST_CASE(metadata_contains_the_enabled_features)
{
    auto chosen = accepting(exchange);
    chosen.dpop = dpop::accepted;
    chosen.client_certificates = client_certificates::requested;
    coauth::testing::registered_client client;
    client.id = "all";
    client.assertion_secret = client.subject = "x";
    client.public_keys = client.certificates = {"x"};
    chosen.clients = {client};
    auto const server = start(std::move(chosen));
    auto const document = get(server, "/.well-known/oauth-authorization-server").document();
    BOOST_TEST(
        list(document, "token_endpoint_auth_methods_supported") ==
        R"(["client_secret_basic","client_secret_post","client_secret_jwt","private_key_jwt",)"
        R"("tls_client_auth","self_signed_tls_client_auth"])");
    auto const keys = std::string(
        R"("RS256","RS384","RS512","PS256","PS384","PS512","ES256","ES384","ES512","EdDSA","Ed25519"])");
    BOOST_TEST(
        list(document, "token_endpoint_auth_signing_alg_values_supported") ==
        R"(["HS256","HS384","HS512",)" + keys);
    BOOST_TEST(list(document, "dpop_signing_alg_values_supported") == "[" + keys);
    BOOST_TEST(list(document, "tls_client_certificate_bound_access_tokens") == "true");
    BOOST_TEST(
        document.at("mtls_endpoint_aliases").at("token_endpoint").as_string() ==
        server.token_endpoint().c_str());
}

BOOST_AUTO_TEST_CASE(its_client_configuration_agrees_with_its_metadata)
{
    for (bool const alias : {false, true})
    {
        coauth::testing::server_options chosen;
        chosen.issuer_path = "/tenant";
        chosen.client_certificates =
            alias ? client_certificates::requested_at_alias : client_certificates::not_requested;
        if (alias)
            chosen.revocation_path.clear();
        auto const started = start(std::move(chosen));
        auto const said = started.config().server;
        auto const known =
            get(started, "/.well-known/oauth-authorization-server/tenant").document();
        auto const text = [](json::object const& from, char const* name)
        {
            auto const* const found = from.if_contains(name);
            return found != nullptr ? std::string(found->as_string()) : std::string();
        };
        BOOST_TEST(said.issuer == text(known, "issuer"));
        BOOST_TEST(said.token_endpoint == text(known, "token_endpoint"));
        BOOST_TEST(said.introspection_endpoint == text(known, "introspection_endpoint"));
        BOOST_TEST(said.revocation_endpoint == text(known, "revocation_endpoint"));
        auto const* const found = known.if_contains("mtls_endpoint_aliases");
        auto const aliases = found != nullptr ? found->as_object() : json::object();
        auto const& at_alias = said.mtls_endpoint_aliases;
        BOOST_TEST(at_alias.token_endpoint == text(aliases, "token_endpoint"));
        BOOST_TEST(at_alias.introspection_endpoint == text(aliases, "introspection_endpoint"));
        BOOST_TEST(at_alias.revocation_endpoint == text(aliases, "revocation_endpoint"));
        BOOST_TEST(at_alias.token_endpoint.empty() != alias);
    }
}

BOOST_AUTO_TEST_CASE(a_path_of_the_issuer_moves_the_metadata)
{
    auto chosen = options();
    chosen.issuer_path = "/tenant/1";
    auto const server = start(std::move(chosen));
    BOOST_TEST(server.issuer().ends_with("/tenant/1"));
    for (char const* const path :
         {"/.well-known/oauth-authorization-server/tenant/1",
          "/tenant/1/.well-known/openid-configuration"})
        BOOST_TEST(get(server, path).text("issuer") == server.issuer());
    for (char const* const path :
         {"/.well-known/oauth-authorization-server", "/.well-known/openid-configuration",
          "/tenant/1/.well-known/oauth-authorization-server"})
        BOOST_TEST(get(server, path).status == 404U);
}

BOOST_AUTO_TEST_CASE(metadata_accepts_only_get)
{
    auto const server = start();
    auto const got = post(server, "", "/.well-known/openid-configuration");
    BOOST_TEST(got.status == 405U);
    BOOST_TEST(got.header("Allow") == "GET");
}

BOOST_AUTO_TEST_CASE(introspection_knows_the_servers_tokens)
{
    auto const server = start();
    auto const document = introspect(server, new_token(server)).document();
    BOOST_TEST(document.at("active").as_bool());
    BOOST_TEST(document.at("scope").as_string() == "read");
    BOOST_TEST(document.at("client_id").as_string() == client_id);
    BOOST_TEST(document.at("token_type").as_string() == "Bearer");
    BOOST_TEST(document.at("exp").as_int64() - document.at("iat").as_int64() == 3600);
    BOOST_TEST(!document.contains("cnf"));
    BOOST_TEST(introspect(server, "unknown").body == R"({"active":false})");
}

BOOST_AUTO_TEST_CASE(an_expired_token_is_not_active)
{
    auto chosen = options();
    chosen.token_lifetime = 0s;
    auto const server = start(std::move(chosen));
    BOOST_TEST(introspect(server, new_token(server)).body == R"({"active":false})");
}

BOOST_AUTO_TEST_CASE(lifetimes_may_be_unlimited)
{
    auto chosen = options();
    chosen.token_lifetime = std::chrono::seconds::max();
    auto server = start(std::move(chosen));
    auto const token = new_token(server);
    auto const document = introspect(server, token).document();
    BOOST_TEST(document.at("active").as_bool());
    BOOST_TEST(server.wait_for_requests(2, std::chrono::milliseconds::max()));
}

BOOST_AUTO_TEST_CASE(a_revoked_token_is_not_active)
{
    auto const server = start();
    auto const token = new_token(server);
    auto const got = post(server, "token=" + token, "/oauth/revoke");
    BOOST_TEST(got.status == 200U);
    BOOST_TEST(got.body.empty());
    BOOST_TEST(introspect(server, token).body == R"({"active":false})");
    BOOST_TEST(post(server, "token=unknown", "/oauth/revoke").status == 200U);
}

BOOST_AUTO_TEST_CASE(a_token_of_another_client_is_not_revoked)
{
    auto chosen = options();
    coauth::testing::registered_client other;
    other.id = "other";
    other.secret = "word";
    chosen.clients = {other};
    auto const server = start(std::move(chosen));
    auto const token = new_token(server);
    raw_request request{"token=" + token + "&client_id=other&client_secret=word"};
    request.path = "/oauth/revoke";
    BOOST_TEST(send(server, request).status == 200U);
    BOOST_TEST(introspect(server, token).document().at("active").as_bool());
}

BOOST_AUTO_TEST_CASE(introspection_and_revocation_require_an_authenticated_client_and_a_token)
{
    auto const server = start();
    for (char const* const path : {"/oauth/introspect", "/oauth/revoke"})
    {
        raw_request request{"token=x"};
        request.path = path;
        check_error(send(server, request), "invalid_client", 401);
        check_error(post(server, "", path), "invalid_request");
        BOOST_TEST(get(server, path).status == 405U);
    }
}

BOOST_AUTO_TEST_CASE(endpoints_may_be_moved_and_left_out)
{
    auto chosen = options();
    chosen.introspection_path = "/look";
    chosen.revocation_path.clear();
    auto const server = start(std::move(chosen));
    BOOST_TEST(post(server, "token=x", "/look").status == 200U);
    BOOST_TEST(post(server, "token=x", "/oauth/introspect").status == 404U);
    BOOST_TEST(post(server, "token=x", "/oauth/revoke").status == 404U);
    auto const metadata = get(server, "/.well-known/oauth-authorization-server").document();
    BOOST_TEST(metadata.at("introspection_endpoint").as_string().ends_with("/look"));
    BOOST_TEST(!metadata.contains("revocation_endpoint"));
}

BOOST_AUTO_TEST_CASE(other_grants_are_refused_unless_accepted)
{
    auto const server = start();
    for (std::string const grant : {"refresh_token", jwt_bearer, exchange, "password"})
        check_error(
            post(server, "grant_type=" + escaped(grant) + "&refresh_token=x&assertion=x"),
            "unsupported_grant_type");
}

BOOST_AUTO_TEST_CASE(token_exchange_returns_the_issued_token_type)
{
    auto const server = start(accepting(exchange));
    auto const form = "grant_type=" + escaped(exchange);
    auto const typed = form + "&subject_token_type=" + escaped(access_token_type);
    auto const got = post(server, typed + "&subject_token=x&audience=a&audience=b");
    BOOST_TEST(got.status == 200U, got.body);
    BOOST_TEST(got.text("issued_token_type") == access_token_type);
    BOOST_TEST(
        post(server, typed + "&subject_token=x&requested_token_type=urn%3Ax")
            .text("issued_token_type") == "urn:x");

    check_error(post(server, typed), "invalid_request");
    check_error(post(server, form + "&subject_token=x"), "invalid_request");
    check_error(post(server, typed + "&subject_token=x&actor_token=x"), "invalid_request");
}

BOOST_AUTO_TEST_CASE(any_assertion_is_a_grant_without_trusted_issuers)
{
    auto const server = start(accepting(jwt_bearer));
    auto const form = "grant_type=" + escaped(jwt_bearer);
    BOOST_TEST(post(server, form + "&assertion=x").status == 200U);
    check_error(post(server, form), "invalid_request");
}

BOOST_AUTO_TEST_CASE(an_assertion_of_a_trusted_issuer_is_a_grant)
{
    test_key const key("P-256");
    test_key const other("P-256");
    auto chosen = accepting(jwt_bearer);
    chosen.assertion_issuers = {{"https://issuer.example", {key.public_pem()}}};
    auto const server = start(std::move(chosen));
    token_draft draft;
    draft.claims["iss"] = "https://issuer.example";
    draft.claims["sub"] = "somebody";
    draft.claims["aud"] = server.issuer();
    draft.claims["exp"] =
        std::chrono::system_clock::to_time_t(std::chrono::system_clock::now()) + 60;
    draft.claims["jti"] = "1";
    auto const grant = [&](test_key const& by)
    {
        auto const assertion = signed_by(by, "ES256", draft);
        return post(server, "grant_type=" + escaped(jwt_bearer) + "&assertion=" + assertion);
    };
    check_error(grant(other), "invalid_grant");
    BOOST_TEST(grant(key).status == 200U);
    check_error(grant(key), "invalid_grant");
    draft.claims["iss"] = "https://other.example";
    check_error(grant(key), "invalid_grant");
}

BOOST_AUTO_TEST_CASE(a_refresh_token_is_valid_until_it_is_revoked)
{
    auto chosen = accepting("refresh_token");
    chosen.refresh_tokens = {"first"};
    auto const server = start(std::move(chosen));
    auto const form = std::string("grant_type=refresh_token&refresh_token=");
    for (int i = 0; i < 2; ++i)
    {
        auto const got = post(server, form + "first");
        BOOST_TEST(got.status == 200U, got.body);
        BOOST_TEST(got.text("refresh_token").empty());
    }
    auto const known = introspect(server, "first").document();
    BOOST_TEST(known.at("active").as_bool());
    BOOST_TEST(!known.contains("token_type"));
    check_error(post(server, form + "unknown"), "invalid_grant");
    // An access token is not a refresh token.
    check_error(post(server, form + new_token(server)), "invalid_grant");
    post(server, "token=first", "/oauth/revoke");
    check_error(post(server, form + "first"), "invalid_grant");
}

BOOST_AUTO_TEST_CASE(a_rotated_refresh_token_is_valid_once)
{
    auto chosen = accepting("refresh_token");
    chosen.refresh_tokens = {"first"};
    chosen.rotate_refresh_tokens = true;
    auto const server = start(std::move(chosen));
    auto const form = std::string("grant_type=refresh_token&refresh_token=");
    auto const next = post(server, form + "first").text("refresh_token");
    BOOST_TEST(!next.empty());
    check_error(post(server, form + "first"), "invalid_grant");
    BOOST_TEST(post(server, form + next).status == 200U);
}

BOOST_AUTO_TEST_CASE(a_scripted_response_may_be_for_one_path)
{
    auto server = start();
    auto scripted = response::json(500, R"({"error":"scripted"})");
    scripted.path = "/oauth/introspect";
    server.push_response(scripted);
    auto const token = new_token(server);
    check_error(introspect(server, token), "scripted", 500);
    BOOST_TEST(introspect(server, token).document().at("active").as_bool());

    server.set_response(response::json(503, "{}"));
    server.set_response(scripted);
    BOOST_TEST(get(server, "/.well-known/openid-configuration").status == 503U);
    BOOST_TEST(introspect(server, token).status == 500U);
    server.clear_responses();
    BOOST_TEST(introspect(server, token).status == 200U);
}

BOOST_AUTO_TEST_CASE(requests_contain_the_authentication_of_the_client)
{
    auto const server = start();
    post(server, "grant_type=client_credentials");
    send(server, {"grant_type=client_credentials&client_id=x&client_secret=y"});
    send(server, {"grant_type=client_credentials&client_id=z"});
    auto const seen = server.requests();
    BOOST_TEST((seen[0].authentication == authentication_method::client_secret_basic));
    BOOST_TEST(seen[0].client_id == client_id);
    BOOST_TEST((seen[1].authentication == authentication_method::client_secret_post));
    BOOST_TEST(seen[1].client_id == "x");
    BOOST_TEST((seen[2].authentication == authentication_method::none));
    BOOST_TEST(seen[2].client_id == "z");
    BOOST_TEST(to_string(seen[0].authentication) == "client_secret_basic");
}

BOOST_AUTO_TEST_CASE(uses_a_certificate_from_the_options)
{
    auto chosen = options();
    use_certificate(chosen, server_certificate::valid_rsa);
    auto const server = start(chosen);
    BOOST_TEST(server.ca_pem() == chosen.ca_pem);
    BOOST_TEST(server.crl_pem().empty());
    BOOST_TEST(outcome(fetch(server.config())) == "success");

    auto other_ca = server.config();
    other_ca.tls.ca_pem = start().ca_pem();
    BOOST_TEST(outcome(fetch(other_ca)) == "certificate_verify_failed");
}

BOOST_AUTO_TEST_CASE(reports_an_unusable_certificate_from_the_options)
{
    auto good = options();
    use_certificate(good, server_certificate::valid_rsa);
    auto other = options();
    use_certificate(other, server_certificate::valid_rsa);
    auto with = [&good](std::string certificate_pem, std::string key_pem)
    {
        auto chosen = good;
        chosen.certificate_pem = std::move(certificate_pem);
        chosen.key_pem = std::move(key_pem);
        return chosen;
    };
    std::pair<server_options, char const*> const rows[] = {
        {with("not PEM", good.key_pem), "certificate_pem contains no certificate"},
        {with(good.key_pem, good.key_pem), "certificate_pem contains no certificate"},
        {with(good.certificate_pem, {}), "key_pem contains no unencrypted private key"},
        {with(good.certificate_pem, good.certificate_pem),
         "key_pem contains no unencrypted private key"},
        {with(good.certificate_pem, other.key_pem), "the key does not fit the certificate"},
    };
    for (auto const& [chosen, message] : rows)
        BOOST_TEST_CONTEXT(message)
        {
            auto const server = authorization_server::start(chosen);
            BOOST_REQUIRE(!server);
            BOOST_TEST((server.error() == coauth::errc::tls_failed));
            BOOST_TEST(
                server.error().message().find(message) != std::string::npos,
                server.error().message());
        }
}

BOOST_AUTO_TEST_CASE(scripted_tokens_and_scripted_silence_are_sent_unchanged)
{
    auto server = start();
    server.push_response(coauth::testing::response::token("a-token", 90s));
    auto const token = fetch(server.config());
    BOOST_REQUIRE(token);
    BOOST_TEST(token->value() == "a-token");
    BOOST_TEST((token->lifetime() == 90s));

    // The server counts a response after sending it.
    for (stopwatch const watch; server.bytes_sent() == 0 && watch.elapsed() < 10s;)
        std::this_thread::yield();

    auto config = server.config();
    config.retry.max_attempts = 1;
    config.timeout = 300ms;
    using coauth::testing::response_end;
    std::pair<response_end, char const*> const rows[] = {
        {response_end::close, "connection_lost"},
        {response_end::truncate, "connection_lost"},
        {response_end::reset, "connection_lost"},
        {response_end::stall, "timeout"},
    };
    for (auto const& [end, expected] : rows)
        BOOST_TEST_CONTEXT(expected << ' ' << static_cast<int>(end))
        {
            auto const before = server.bytes_sent();
            server.push_response(coauth::testing::response::nothing(end));
            BOOST_TEST(outcome(fetch(config)) == expected);
            BOOST_TEST(server.bytes_sent() == before);
        }
}

BOOST_AUTO_TEST_SUITE_END()
