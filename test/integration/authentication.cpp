// Client authentication: every kind of key, new assertions for each attempt, changed credentials.

#include "client_authentication.hpp"
#include "scratch_file.hpp"

#include <boost/json/array.hpp>
#include <boost/test/unit_test.hpp>

#include <ctime>
#include <set>

using namespace test;

BOOST_AUTO_TEST_SUITE(authentication)

using coauth::authentication_method;
using coauth::client_authentication;
using coauth::secret;

namespace
{

constexpr char const* hmac_secret = "a secret of enough bytes for a hash";
constexpr char const* assertion_type = "urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-"
                                       "bearer";

std::string assertion_of(coauth::testing::received_request const& request)
{
    return parameter(request, "client_assertion");
}

// A valid assertion for the other client, such as a platform makes it.
std::string platform_assertion(authorization_server const& server, test_key const& key)
{
    static int count = 0;
    using seconds = std::chrono::seconds;
    auto const now =
        std::chrono::duration_cast<seconds>(std::chrono::system_clock::now().time_since_epoch())
            .count();
    token_draft draft;
    draft.claims["iss"] = other_id;
    draft.claims["sub"] = other_id;
    draft.claims["aud"] = server.token_endpoint();
    draft.claims["exp"] = now + 60;
    draft.claims["jti"] = "platform-" + std::to_string(++count);
    return signed_by(key, "ES256", draft);
}

} // namespace

BOOST_AUTO_TEST_CASE(private_key_jwt_works_with_every_algorithm)
{
    for (char const* const name :
         {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA",
          "Ed25519"})
        BOOST_TEST_CONTEXT(name)
        {
            test_key const key(kind_of(name));
            auto const server = start(options_with_client(key));
            auto const by = signing_key_of(key)
                                .algorithm(coauth::parse_signature_algorithm(name).value())
                                .key_id("k1");
            auto const config =
                authenticated(server, client_authentication::private_key_jwt(other_id, by));
            BOOST_TEST(outcome(fetch(config)) == "success");
            auto const seen = server.requests().back();
            BOOST_TEST((seen.authentication == authentication_method::private_key_jwt));
            BOOST_TEST(parameter(seen, "client_assertion_type") == assertion_type);
            BOOST_TEST(part_of(assertion_of(seen), 0).at("alg").as_string() == name);
            BOOST_TEST(part_of(assertion_of(seen), 0).at("kid").as_string() == "k1");
        }
}

BOOST_AUTO_TEST_CASE(client_secret_jwt_works_with_every_algorithm)
{
    coauth::testing::registered_client client;
    client.assertion_secret = hmac_secret;
    auto const server = start(options_with_client(client));
    for (char const* const name : {"HS256", "HS384", "HS512"})
        BOOST_TEST_CONTEXT(name)
        {
            auto const config = authenticated(
                server,
                client_authentication::client_secret_jwt(
                    other_id, hmac_secret, coauth::parse_signature_algorithm(name).value()));
            BOOST_TEST(outcome(fetch(config)) == "success");
            auto const seen = server.requests().back();
            BOOST_TEST((seen.authentication == authentication_method::client_secret_jwt));
            BOOST_TEST(seen.body.find(hmac_secret) == std::string::npos);
        }
    auto const wrong =
        authenticated(server, client_authentication::client_secret_jwt(other_id, "another"));
    BOOST_TEST(outcome(fetch(wrong)) == "invalid_client");
}

BOOST_AUTO_TEST_CASE(each_attempt_has_a_new_assertion)
{
    test_key const key("P-256");
    auto server = start(options_with_client(key));
    auto config = authenticated(
        server, client_authentication::private_key_jwt(other_id, signing_key_of(key)));
    config.retry.max_attempts = 3;
    config.retry.initial_back_off = 1ms;
    server.push_response(response::json(503, ""));
    server.push_response(response::json(503, ""));
    client_fixture kept(config);
    BOOST_TEST(outcome(kept.fetch()) == "success");
    BOOST_TEST(outcome(kept.fetch()) == "success");
    std::set<std::string> ids;
    for (auto const& seen : server.requests())
    {
        auto const claims = part_of(assertion_of(seen), 1);
        ids.insert(claims.at("jti").as_string().c_str());
        BOOST_TEST(claims.at("exp").as_int64() - claims.at("iat").as_int64() == 60);
    }
    BOOST_TEST(ids.size() == 4U);
}

// Some servers accept only the URL of the endpoint as audience.
BOOST_AUTO_TEST_CASE(the_audience_may_be_the_url_of_the_endpoint)
{
    test_key const key("P-256");
    auto chosen = options_with_client(key);
    chosen.client_certificates = coauth::testing::client_certificates::requested_at_alias;
    auto const server = start(std::move(chosen));
    auto const certificate = make_identity("client");
    struct row
    {
        coauth::audience_source audience_source;
        bool shown;
        std::string token;
        std::string introspection;
    };
    using enum coauth::audience_source;
    auto const to_issuer = server.issuer();
    auto const to_token = server.token_endpoint();
    auto const mtls_introspection =
        "https://127.0.0.1:" + std::to_string(server.mtls_port()) + "/oauth/introspect";
    for (auto const& [audience_source, shown, token, introspection] : std::vector<row>{
             {issuer, false, to_issuer, to_issuer},
             {token_endpoint, false, to_token, to_token},
             {token_endpoint, true, to_token, to_token},
             {endpoint, false, to_token, server.introspection_endpoint()},
             {endpoint, true, server.mtls_token_endpoint(), mtls_introspection}})
    {
        coauth::assertion_options options;
        options.audience_source = audience_source;
        auto config = authenticated(
            server, client_authentication::private_key_jwt(other_id, signing_key_of(key), options));
        config.server = server.config().server;
        if (shown)
        {
            config.server.mtls_endpoint_aliases = {
                server.mtls_token_endpoint(), mtls_introspection, ""};
            config.tls.certificate_pem = certificate.certificate_pem;
            config.tls.key_pem = secret(certificate.key.private_pem());
        }
        client_fixture kept(config);
        (void)kept.fetch();
        BOOST_TEST(
            part_of(assertion_of(server.requests().back()), 1).at("aud").as_string() == token);
        kept.client.async_introspect(
            secret("t"), "", [](coauth::result<coauth::introspection> const&) {});
        kept.context.restart();
        kept.context.run();
        BOOST_TEST(
            part_of(assertion_of(server.requests().back()), 1).at("aud").as_string() ==
            introspection);
    }
}

BOOST_AUTO_TEST_CASE(the_audience_may_be_set_to_what_the_server_expects)
{
    test_key const key("P-256");
    auto chosen = options_with_client(key);
    chosen.audiences = {"urn:own"};
    auto const server = start(std::move(chosen));
    struct row
    {
        char const* issuer;
        char const* audience;
        std::string said;
    };
    for (auto const& [issuer, audience, said] : std::vector<row>{
             {"", "", server.token_endpoint()},
             {"https://issuer.example", "", "https://issuer.example"},
             {"https://issuer.example", "urn:own", "urn:own"}})
        BOOST_TEST_CONTEXT(said)
        {
            coauth::assertion_options options;
            options.audience = audience;
            options.lifetime = 10s;
            auto config = authenticated(
                server,
                client_authentication::private_key_jwt(other_id, signing_key_of(key), options));
            config.server.issuer = issuer;
            bool const expected = said == "urn:own";
            BOOST_TEST(outcome(fetch(config)) == (expected ? "success" : "invalid_client"));
            auto const claims = part_of(assertion_of(server.requests().back()), 1);
            BOOST_TEST(claims.at("aud").as_string() == said.c_str());
            BOOST_TEST(claims.at("exp").as_int64() - claims.at("iat").as_int64() == 10);
        }
}

BOOST_AUTO_TEST_CASE(an_assertion_of_another_key_is_refused_without_a_secret_in_the_error)
{
    test_key const key("P-256");
    test_key const other("P-256");
    auto const server = start(options_with_client(key));
    auto config = authenticated(
        server, client_authentication::private_key_jwt(other_id, signing_key_of(other)));
    std::string shown;
    config.debug = [&](std::string_view text) { shown += text; };
    auto const got = fetch(config);
    BOOST_TEST(outcome(got) == "invalid_client");
    auto const assertion = assertion_of(server.requests().back());
    BOOST_REQUIRE(!assertion.empty());
    check_no_secret(got, assertion);
    BOOST_TEST(shown.find("client_assertion=***") != std::string::npos, shown);
    BOOST_TEST(shown.find(assertion.substr(assertion.rfind('.'))) == std::string::npos);
}

BOOST_AUTO_TEST_CASE(an_assertion_is_read_again_from_a_replaced_file)
{
    test_key const key("P-256");
    auto const server = start(options_with_client(key));
    scratch_file const file("assertion", platform_assertion(server, key) + "\n");
    client_fixture kept(authenticated(
        server,
        client_authentication::client_assertion(other_id, coauth::secret_from_file(file.path()))));
    BOOST_TEST(outcome(kept.fetch()) == "success");
    // The server has accepted this assertion before.
    BOOST_TEST(outcome(kept.fetch()) == "invalid_client");
    file.write(platform_assertion(server, key));
    BOOST_TEST(outcome(kept.fetch()) == "success");
    BOOST_TEST(server.requests().size() == 3U);
}

BOOST_AUTO_TEST_CASE(a_refused_assertion_that_has_changed_is_sent_again_once)
{
    test_key const key("P-256");
    auto const server = start(options_with_client(key));
    int calls = 0;
    auto const give = [&]() -> coauth::result<secret>
    { return secret(++calls == 1 ? "stale" : platform_assertion(server, key)); };
    // Only the assertion contains the client id.
    auto const config = authenticated(server, client_authentication::client_assertion("", give));
    BOOST_TEST(outcome(fetch(config)) == "success");
    BOOST_TEST(calls == 2);
    auto const all = server.requests();
    BOOST_REQUIRE_EQUAL(all.size(), 2U);
    BOOST_TEST(assertion_of(all[0]) == "stale");
    BOOST_TEST(all[1].client_id == other_id);
}

// The server may accept each assertion only once.
BOOST_AUTO_TEST_CASE(an_assertion_function_is_called_before_each_request)
{
    test_key const key("P-256");
    auto server = start(options_with_client(key));
    int calls = 0;
    auto const give = [&]() -> coauth::result<secret>
    {
        ++calls;
        return secret(platform_assertion(server, key));
    };
    auto config = authenticated(server, client_authentication::client_assertion(other_id, give));
    config.retry.max_attempts = 2;
    config.retry.initial_back_off = 1ms;
    client_fixture kept(config);
    server.push_response(response::json(503, ""));
    BOOST_TEST(outcome(kept.fetch()) == "success");
    BOOST_TEST(calls == 2);
    auto dead = response::bytes("x", response_end::close);
    dead.cut_at = 0;
    server.push_response(dead);
    BOOST_TEST(outcome(kept.fetch()) == "success");
    BOOST_TEST(calls == 4);
    std::set<std::string> sent;
    for (auto const& seen : server.requests())
        sent.insert(assertion_of(seen));
    BOOST_TEST(server.requests().size() == 4U);
    BOOST_TEST(sent.size() == 4U);
}

BOOST_AUTO_TEST_CASE(a_changed_secret_signs_the_next_assertion)
{
    coauth::testing::registered_client client;
    client.assertion_secret = hmac_secret;
    auto const server = start(options_with_client(client));
    int calls = 0;
    auto const give = [&]() -> coauth::result<secret>
    { return secret(++calls == 1 ? "the one of yesterday, also long enough" : hmac_secret); };
    auto const config =
        authenticated(server, client_authentication::client_secret_jwt(other_id, give));
    BOOST_TEST(outcome(fetch(config)) == "success");
    BOOST_TEST(server.requests().size() == 2U);
}

BOOST_AUTO_TEST_CASE(a_failing_provider_is_named_in_the_error)
{
    auto const server = start();
    auto const nowhere = coauth::secret_from_file("/nowhere/secret");
    auto const throwing = []() -> coauth::result<secret> { throw std::runtime_error("hush"); };
    auto const broken = []() -> coauth::result<secret> { return secret("one\ntwo"); };
    using method = client_authentication;
    struct row
    {
        client_authentication how;
        char const* says;
    };
    for (auto const& [how, says] : std::vector<row>{
             {method::client_assertion("", nowhere), "the client assertion cannot be obtained: the "
                                                     "secret file '/nowhere/secret' cannot be "
                                                     "read"},
             {method::client_assertion("", throwing),
              "the function that returns the client assertion threw"},
             {method::client_assertion("", broken), "the client assertion contains a control"},
             {method::client_secret_post("id", nowhere),
              "the client secret cannot be obtained: the secret file '/nowhere/secret' cannot be "
              "read"},
             {method::client_secret_post("id", throwing),
              "the function that returns the client secret threw"},
             {method::client_secret_post("id", broken), "the client secret contains a control"}})
    {
        auto const got = fetch(authenticated(server, how));
        BOOST_TEST(outcome(got) == "invalid_configuration");
        BOOST_TEST(
            got.error().message().find(says) != std::string::npos, got.error() << ": " << says);
    }
    BOOST_TEST(server.connections() == 0U);
}

BOOST_AUTO_TEST_CASE(an_unusable_authentication_method_is_an_error_before_any_request)
{
    auto const server = start();
    auto const config = authenticated(
        server, client_authentication::private_key_jwt(
                    other_id, coauth::signing_key::pem_file("no-such-file.pem")));
    auto const got = fetch(config);
    BOOST_TEST(outcome(got) == "invalid_configuration");
    BOOST_TEST(got.error().message().find("'no-such-file.pem'") != std::string::npos);
    BOOST_TEST(server.connections() == 0U);
}

BOOST_AUTO_TEST_CASE(basic_may_repeat_the_client_id_in_the_body)
{
    auto const server = start();
    auto const basic = client_authentication::client_secret_basic(client_id, client_secret);
    BOOST_TEST(outcome(fetch(authenticated(server, basic.with_client_id_in_body()))) == "success");
    BOOST_TEST(server.requests().back().parameter("client_id") == client_id);
    BOOST_TEST(outcome(fetch(authenticated(server, basic))) == "success");
    BOOST_TEST(server.requests().back().parameters("client_id").empty());
}

BOOST_AUTO_TEST_CASE(a_posted_secret_may_come_without_a_client_id)
{
    auto const server = start();
    auto const config =
        authenticated(server, client_authentication::client_secret_post("", client_secret));
    BOOST_TEST(outcome(fetch(config)) == "success");
    BOOST_TEST(server.requests().back().parameters("client_id").empty());
    auto const wrong = fetch(
        authenticated(server, client_authentication::client_secret_post("", "another secret")));
    BOOST_TEST(outcome(wrong) == "invalid_client");
}

BOOST_AUTO_TEST_CASE(an_assertion_may_have_further_claims_and_an_earlier_time)
{
    test_key const key("P-256");
    auto const server = start(options_with_client(key));
    coauth::assertion_options options;
    options.json_claims = R"({"roles":["reader"],"level":3})";
    options.backdate = 120s;
    options.not_before = true;
    auto const by = client_authentication::private_key_jwt(other_id, signing_key_of(key), options);
    BOOST_TEST(outcome(fetch(authenticated(server, by))) == "success");
    auto const claims = part_of(assertion_of(server.requests().back()), 1);
    BOOST_TEST(claims.at("roles").as_array().at(0).as_string() == "reader");
    BOOST_TEST(claims.at("level").as_int64() == 3);
    BOOST_TEST(claims.at("nbf").as_int64() == claims.at("iat").as_int64());
    BOOST_TEST(claims.at("exp").as_int64() - claims.at("iat").as_int64() == 180);
}

// draft-ietf-oauth-spiffe-client-auth: an agent writes the JWT-SVID to a file and replaces it.
BOOST_AUTO_TEST_CASE(a_jwt_svid_authenticates_the_client)
{
    constexpr auto* spiffe_id = "spiffe://example.org/billing";
    constexpr auto* jwt_spiffe = "urn:ietf:params:oauth:client-assertion-type:jwt-spiffe";
    test_key const key("P-256");
    coauth::testing::registered_client workload;
    workload.id = spiffe_id;
    workload.public_keys = {key.public_pem()};
    auto settings = options();
    settings.clients = {workload};
    auto const server = start(std::move(settings));
    auto const svid = [&](char const* id)
    {
        token_draft draft;
        draft.claims["sub"] = spiffe_id;
        draft.claims["iss"] = spiffe_id;
        draft.claims["aud"] = server.issuer();
        draft.claims["exp"] = std::time(nullptr) + 60;
        draft.claims["jti"] = id;
        return signed_by(key, "ES256", draft);
    };
    scratch_file const file("svid", svid("1") + "\n");
    for (char const* const id : {spiffe_id, ""})
    {
        client_fixture kept(authenticated(
            server, client_authentication::client_assertion(
                        id, coauth::secret_from_file(file.path()), jwt_spiffe)));
        file.write(svid((std::string(id) + "first").c_str()));
        BOOST_TEST(outcome(kept.fetch()) == "success");
        file.write(svid((std::string(id) + "again").c_str()));
        BOOST_TEST(outcome(kept.fetch()) == "success");
        auto const seen = server.requests().back();
        BOOST_TEST(seen.parameter("client_assertion_type") == jwt_spiffe);
        BOOST_TEST(seen.parameters("client_id").size() == (*id == '\0' ? 0U : 1U));
    }
}

// The kubelet writes the token of the service account to a file and replaces it.
BOOST_AUTO_TEST_CASE(a_kubernetes_service_account_authenticates_the_client)
{
    constexpr auto* account = "system:serviceaccount:shop:billing";
    test_key const cluster("RSA");
    coauth::testing::registered_client workload;
    workload.id = account;
    workload.public_keys = {cluster.public_pem()};
    auto settings = options();
    settings.clients = {workload};
    auto const server = start(std::move(settings));
    auto const projected = [&](char const* id)
    {
        token_draft draft;
        draft.claims["iss"] = account;
        draft.claims["sub"] = account;
        draft.claims["aud"] = boost::json::array({server.issuer(), "other", "third"});
        draft.claims["exp"] = std::time(nullptr) + 600;
        draft.claims["jti"] = id;
        draft.claims["kubernetes.io"] = {{"namespace", "shop"}, {"pod", "billing-1"}};
        return signed_by(cluster, "RS256", draft);
    };
    scratch_file const file("account", projected("1"));
    client_fixture kept(authenticated(
        server,
        client_authentication::client_assertion("", coauth::secret_from_file(file.path()))));
    BOOST_TEST(outcome(kept.fetch()) == "success");
    file.write(projected("2"));
    BOOST_TEST(outcome(kept.fetch()) == "success");
    BOOST_TEST(server.requests().back().client_id == account);
}

BOOST_AUTO_TEST_SUITE_END()
