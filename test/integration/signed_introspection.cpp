// Signed responses to introspection (RFC 9701).

#include "client_authentication.hpp"
#include "scratch_file.hpp"

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <functional>
#include <optional>

using namespace test;
namespace json = boost::json;

BOOST_AUTO_TEST_SUITE(signed_introspection)

using coauth::secret;

namespace
{

using introspection_result = coauth::result<coauth::introspection>;

constexpr char const* media_type = "application/token-introspection+jwt";

introspection_result introspect(client_fixture& fixture, std::string const& token)
{
    std::optional<introspection_result> got;
    fixture.client.async_introspect(
        secret(token), "", [&](introspection_result r) { got = std::move(r); });
    fixture.context.restart();
    fixture.context.run();
    BOOST_REQUIRE(got);
    return *got;
}

std::string key_set_of(std::vector<json::object> keys)
{
    json::object set;
    set["keys"] = json::array(keys.begin(), keys.end());
    return json::serialize(set);
}

coauth::client_config verifying(authorization_server const& server, std::string jwks)
{
    auto config = single_attempt(server);
    config.signed_introspection.jwks = std::move(jwks);
    return config;
}

coauth::client_config fetching(authorization_server const& server)
{
    auto config = single_attempt(server);
    config.signed_introspection.fetch_jwks = true;
    return config;
}

// The number of requests for the keys.
std::size_t fetches(authorization_server const& server)
{
    auto const all = server.requests();
    return static_cast<std::size_t>(std::count_if(
        all.begin(), all.end(), [](auto const& one) { return one.target == "/oauth/jwks"; }));
}

// What a server signs for the token.
token_draft statement(authorization_server const& server)
{
    token_draft draft;
    draft.header["typ"] = "token-introspection+jwt";
    draft.claims["iss"] = server.issuer();
    draft.claims["aud"] = client_id;
    draft.claims["iat"] = 1'700'000'000;
    draft.claims["token_introspection"] = {{"active", true}, {"scope", "read"}, {"sub", "ann"}};
    return draft;
}

response signed_response(std::string token)
{
    response made;
    made.headers.add("Content-Type", media_type);
    made.body = std::move(token);
    return made;
}

std::string algorithm_of(std::string const& kind)
{
    return kind == "RSA"     ? "PS256"
           : kind == "P-384" ? "ES384"
           : kind == "P-521" ? "ES512"
           : kind == "P-256" ? "ES256"
                             : "EdDSA";
}

} // namespace

BOOST_AUTO_TEST_CASE(a_signed_response_is_requested_and_verified)
{
    auto const server = start();
    client_fixture plain(single_attempt(server));
    auto const token =
        std::string(require_token(plain.fetch(coauth::token_request().scope("read"))).value());
    client_fixture verifier(verifying(server, server.jwks()));
    auto const known = introspect(verifier, token);
    BOOST_REQUIRE_MESSAGE(known, outcome(known));
    BOOST_TEST(known->active);
    BOOST_TEST(known->scope == "read");
    BOOST_TEST(server.requests().back().headers.find("Accept").value_or("") == media_type);
    auto const unknown = introspect(verifier, "unknown");
    BOOST_REQUIRE_MESSAGE(unknown, outcome(unknown));
    BOOST_TEST(!unknown->active);
    // Without keys it is the JSON of RFC 7662.
    BOOST_TEST(introspect(plain, token)->active);
    BOOST_TEST(server.requests().back().headers.find("Accept").value_or("") == "application/json");
}

BOOST_AUTO_TEST_CASE(signatures_of_every_kind_of_key_are_verified)
{
    auto server = start();
    for (std::string const kind : {"RSA", "P-256", "P-384", "P-521", "Ed25519"})
        BOOST_TEST_CONTEXT(kind)
        {
            test_key const key(kind);
            test_key const other(kind);
            auto jwk = key.jwk();
            jwk["kid"] = "right";
            auto unused = other.jwk();
            unused["kid"] = "other";
            client_fixture verifier(verifying(server, key_set_of({unused, jwk})));
            auto draft = statement(server);
            draft.header["kid"] = "right";
            auto const algorithm = algorithm_of(kind);
            server.push_response(signed_response(signed_by(key, algorithm, draft)));
            auto const good = introspect(verifier, "t");
            BOOST_REQUIRE_MESSAGE(good, outcome(good));
            BOOST_TEST(good->subject == "ann");
            // Without a key id each key is tried.
            draft.header.erase("kid");
            server.push_response(signed_response(signed_by(key, algorithm, draft) + "\r\n"));
            BOOST_TEST(outcome(introspect(verifier, "t")) == "success");
            draft.header["kid"] = "other";
            server.push_response(signed_response(signed_by(key, algorithm, draft)));
            BOOST_TEST(outcome(introspect(verifier, "t")) == "malformed_response");
        }
}

BOOST_AUTO_TEST_CASE(responses_that_cannot_be_trusted_are_refused)
{
    auto server = start();
    test_key const key("P-256");
    test_key const rsa("RSA");
    auto const public_pem = key.public_pem();
    auto const good = statement(server);
    auto const changed = [&](std::function<void(token_draft&)> const& change)
    {
        auto draft = good;
        change(draft);
        return signed_by(key, "ES256", draft);
    };
    auto const whole = signed_by(key, "ES256", good);
    auto const part = [&](std::size_t dot) { return whole.substr(0, whole.find('.', dot)); };
    auto const none = base64url(R"({"alg":"none","typ":"token-introspection+jwt"})") + "." +
                      base64url(json::serialize(good.claims)) + ".";
    struct row
    {
        std::string body;
        char const* says;
    };
    for (auto const& [body, says] :
         std::vector<row>{
             {R"({"active":true})", "is not a signed response (RFC 9701)"},
             {R"({"error":"invalid_request"})", "is not a signed response"},
             {"", "is not a signed response"},
             {part(0), "is not a signed response"},
             {none, "is not a signed response"},
             {none + "eA", "algorithm 'none' is not one"},
             {signed_by(public_pem, "HS256", good), "algorithm 'HS256' is not one"},
             {signed_by(test_key("P-256"), "ES256", good), "its signature is not valid"},
             {signed_by(test_key("RSA"), "RS256", good), "its signature is not valid"},
             {whole.substr(0, whole.size() - 4), "its signature is not valid"},
             {part(0) + ".e30" + whole.substr(whole.rfind('.')), "its signature is not valid"},
             {part(0) + ".e30.e30.e30.e30", "it is encrypted"},
             {part(0) + ".!.e30", "is not a signed response"},
             {"eA.e30.e30", "are not a JSON object"},
             {changed([](auto& d) { d.header["typ"] = "JWT"; }), "its type (typ) is not"},
             {changed([](auto& d) { d.header.erase("typ"); }), "its type (typ) is not"},
             {changed([](auto& d) { d.header["crit"] = json::parse(R"(["b64"])"); }),
              "critical header"},
             {changed([](auto& d) { d.header["kid"] = "gone"; }), "its key 'gone' is not among"},
             {changed([](auto& d) { d.claims["iss"] = "https://other.example"; }),
              "its issuer (iss) is 'https://other.example', not"},
             {changed([](auto& d) { d.claims.erase("iss"); }), "its issuer (iss) is ''"},
             {changed([](auto& d) { d.claims["aud"] = "other"; }), "its audience (aud) is not"},
             {changed([](auto& d) { d.claims["aud"] = json::parse(R"(["a","b"])"); }),
              "its audience (aud) is not"},
             {changed([](auto& d) { d.claims.erase("aud"); }), "its audience (aud) is not"},
             {changed([](auto& d) { d.claims.erase("iat"); }), "when it was issued"},
             {changed([](auto& d) { d.claims["exp"] = 1'700'000'001; }), "it has expired"},
             {changed([](auto& d) { d.claims["token_introspection"] = "x"; }), "has no object"},
             {changed([](auto& d) { d.claims.erase("token_introspection"); }), "has no object"},
             {changed([](auto& d) { d.claims["token_introspection"] = json::object(); }),
              "active is missing"}})
        BOOST_TEST_CONTEXT(says)
        {
            client_fixture verifier(verifying(server, key_set_of({key.jwk(), rsa.jwk()})));
            server.push_response(signed_response(body));
            auto const got = introspect(verifier, "t");
            BOOST_TEST(outcome(got) == "malformed_response");
            BOOST_REQUIRE(!got);
            BOOST_TEST(got.error().message().find(says) != std::string::npos, got.error());
            BOOST_TEST(got.error().message().find("eyJ") == std::string::npos, got.error());
        }
    // One of several audiences, and the full media type.
    for (auto const& accepted :
         {changed([](auto& d) { d.claims["aud"] = json::array({"other", client_id, "x"}); }),
          changed([](auto& d) { d.header["typ"] = "Application/Token-Introspection+JWT"; })})
    {
        client_fixture verifier(verifying(server, key_set_of({key.jwk()})));
        server.push_response(signed_response(accepted));
        BOOST_TEST(outcome(introspect(verifier, "t")) == "success");
    }
    // Errors are not signed.
    client_fixture verifier(verifying(server, key_set_of({key.jwk()})));
    server.push_response(response::json(401, R"({"error":"invalid_client"})"));
    BOOST_TEST(outcome(introspect(verifier, "t")) == "invalid_client");
}

BOOST_AUTO_TEST_CASE(a_replaced_key_set_file_is_read_again)
{
    auto server = start();
    test_key const first("P-256");
    test_key const second("Ed25519");
    scratch_file const file("jwks", key_set_of({first.jwk()}));
    auto config = single_attempt(server);
    config.signed_introspection.jwks_file = file.path();
    config.signed_introspection.audience = "the API";
    auto draft = statement(server);
    draft.claims["aud"] = "the API";
    client_fixture verifier(config);
    server.push_response(signed_response(signed_by(first, "ES256", draft)));
    BOOST_TEST(outcome(introspect(verifier, "t")) == "success");
    file.write(key_set_of({second.jwk()}));
    server.push_response(signed_response(signed_by(first, "ES256", draft)));
    BOOST_TEST(outcome(introspect(verifier, "t")) == "malformed_response");
    server.push_response(signed_response(signed_by(second, "EdDSA", draft)));
    BOOST_TEST(outcome(introspect(verifier, "t")) == "success");
}

BOOST_AUTO_TEST_CASE(unusable_options_are_reported_without_a_request)
{
    auto const server = start();
    auto short_key = test_key("RSA").jwk();
    short_key["use"] = "enc";
    struct row
    {
        std::function<void(coauth::client_config&)> change;
        char const* says;
    };
    for (auto const& [change, says] :
         std::vector<row>{
             {[](auto& c) { c.signed_introspection.jwks = "{}"; }, "is no JSON Web Key Set"},
             {[](auto& c) { c.signed_introspection.jwks = R"({"keys":[]})"; }, "no public key"},
             {[&](auto& c) { c.signed_introspection.jwks = key_set_of({short_key}); },
              "no public key"},
             {[](auto& c) { c.signed_introspection.jwks = R"({"keys":[{"kty":"oct","k":"eA"}]})"; },
              "no public key"},
             {[](auto& c) { c.signed_introspection.jwks_file = "/nowhere/jwks"; }, "/nowhere/jwks"},
             {[&](auto& c)
              {
                  c.signed_introspection.jwks = server.jwks();
                  c.signed_introspection.jwks_file = "jwks";
              },
              "more than one of"},
             {[&](auto& c)
              {
                  c.signed_introspection.jwks = server.jwks();
                  c.signed_introspection.fetch_jwks = true;
              },
              "more than one of"},
             {[](auto& c)
              {
                  c.signed_introspection.fetch_jwks = true;
                  c.server.jwks_uri.clear();
              },
              "server.jwks_uri is empty"},
             {[](auto& c)
              {
                  c.signed_introspection.fetch_jwks = true;
                  c.server.jwks_uri = "http://auth.example.com/jwks";
              },
              "server.jwks_uri"},
             {[](auto& c) { c.signed_introspection.audience = "x"; }, "without keys"},
             {[&](auto& c)
              {
                  c.signed_introspection.jwks = server.jwks();
                  c.server.issuer.clear();
              },
              "server.issuer is empty"}})
        BOOST_TEST_CONTEXT(says)
        {
            auto config = single_attempt(server);
            change(config);
            client_fixture verifier(config);
            auto const got = introspect(verifier, "t");
            BOOST_TEST(outcome(got) == "invalid_configuration");
            BOOST_REQUIRE(!got);
            BOOST_TEST(got.error().message().find(says) != std::string::npos, got.error());
        }
    BOOST_TEST(server.requests().empty());
}

BOOST_AUTO_TEST_CASE(a_client_of_an_issuer_verifies_signed_responses)
{
    auto const server = start();
    auto config = verifying(server, server.jwks());
    config.server = {};
    config.issuer = server.issuer();
    client_fixture verifier(config);
    auto const got = introspect(verifier, "unknown");
    BOOST_REQUIRE_MESSAGE(got, outcome(got));
    BOOST_TEST(!got->active);
}

BOOST_AUTO_TEST_CASE(published_keys_are_fetched_once_and_again_for_an_unknown_key)
{
    auto server = start();
    test_key const first("P-256");
    test_key const second("P-256");
    auto const named = [](test_key const& key, char const* id)
    {
        auto jwk = key.jwk();
        jwk["kid"] = id;
        return jwk;
    };
    auto const publish = [&](json::object const& jwk)
    {
        auto published = response::json(200, key_set_of({jwk}));
        published.path = "/oauth/jwks";
        server.set_response(published);
    };
    auto draft = statement(server);
    auto const push = [&](test_key const& key, char const* id)
    {
        draft.header["kid"] = id;
        auto made = signed_response(signed_by(key, "ES256", draft));
        made.path = "/oauth/introspect";
        server.push_response(made);
    };
    client_fixture verifier(fetching(server));
    publish(named(first, "first"));
    for (int i = 0; i < 2; ++i)
    {
        push(first, "first");
        BOOST_TEST(outcome(introspect(verifier, "t")) == "success");
    }
    BOOST_TEST(fetches(server) == 1U);
    publish(named(second, "second"));
    push(second, "second");
    push(second, "second");
    BOOST_TEST(outcome(introspect(verifier, "t")) == "success");
    BOOST_TEST(fetches(server) == 2U);
    // A server cannot cause a request for each response.
    push(first, "first");
    auto const got = introspect(verifier, "t");
    BOOST_TEST(outcome(got) == "malformed_response");
    BOOST_REQUIRE(!got);
    BOOST_TEST(
        got.error().message().find("not among those that the server publishes at") !=
            std::string::npos,
        got.error());
    BOOST_TEST(fetches(server) == 2U);
}

BOOST_AUTO_TEST_CASE(many_introspections_share_a_fetch_of_the_keys)
{
    auto const server = start();
    client_fixture verifier(fetching(server));
    constexpr std::size_t callers = 20;
    std::size_t succeeded = 0;
    for (std::size_t i = 0; i < callers; ++i)
        verifier.client.async_introspect(
            secret("t"), "", [&](introspection_result const& r) { succeeded += r ? 1U : 0U; });
    verifier.context.run();
    BOOST_TEST(succeeded == callers);
    BOOST_TEST(fetches(server) == 1U);
}

BOOST_AUTO_TEST_CASE(keys_that_cannot_be_fetched_are_an_error_and_fetched_again)
{
    auto server = start();
    struct row
    {
        response published;
        char const* outcome;
        char const* says;
    };
    client_fixture verifier(fetching(server));
    for (auto const& [published, expected, says] : std::vector<row>{
             {response::json(503, R"({"message":"Try later."})"), "http_error", "Try later."},
             {response::json(404, ""), "http_error", "cannot be fetched from https://127.0.0.1"},
             {response::json(200, "{}"), "malformed_response", "is not a JSON Web Key Set"},
             {response::json(200, R"({"keys":[]})"), "malformed_response", "with a public key"}})
        BOOST_TEST_CONTEXT(says)
        {
            auto at_the_keys = published;
            at_the_keys.path = "/oauth/jwks";
            server.push_response(at_the_keys);
            auto const got = introspect(verifier, "t");
            BOOST_TEST(outcome(got) == expected);
            BOOST_REQUIRE(!got);
            BOOST_TEST(got.error().message().find(says) != std::string::npos, got.error());
            BOOST_TEST(
                got.error().message().find("the server's keys cannot be fetched") !=
                    std::string::npos,
                got.error());
        }
    // Without keys its response would be of no use.
    BOOST_TEST(server.requests().size() == fetches(server));
    BOOST_TEST(outcome(introspect(verifier, "t")) == "success");
}

BOOST_AUTO_TEST_CASE(an_operation_does_not_outlast_its_deadline_for_the_keys)
{
    auto server = start();
    auto silent = response::nothing(response_end::stall);
    silent.path = "/oauth/jwks";
    server.set_response(silent);
    auto config = fetching(server);
    config.timeout = 100ms;
    client_fixture verifier(config);
    BOOST_TEST(outcome(introspect(verifier, "t")) == "timeout");
    // For a new key too.
    server.clear_responses();
    BOOST_TEST(outcome(introspect(verifier, "t")) == "success");
    server.set_response(silent);
    auto draft = statement(server);
    draft.header["kid"] = "new";
    auto by_new_key = signed_response(signed_by(test_key("P-256"), "ES256", draft));
    by_new_key.path = "/oauth/introspect";
    server.push_response(by_new_key);
    BOOST_TEST(outcome(introspect(verifier, "t")) == "timeout");
    // The end of the client and of the context ends the request too.
    config.timeout = 60s;
    std::optional<introspection_result> got;
    {
        client_fixture closed(config);
        closed.client.async_introspect(
            secret("t"), "", [&](introspection_result r) { got = std::move(r); });
        closed.context.run_for(50ms);
        closed.client.close();
        closed.context.run();
        BOOST_REQUIRE(got);
        BOOST_TEST(outcome(*got) == "cancelled");
        closed.context.restart();
    }
    got.reset();
    {
        client_fixture abandoned(config);
        abandoned.client.async_introspect(
            secret("t"), "", [&](introspection_result r) { got = std::move(r); });
        abandoned.context.run_for(50ms);
    }
    BOOST_TEST(!got);
}

BOOST_AUTO_TEST_CASE(a_client_of_an_issuer_finds_the_published_keys)
{
    auto chosen = options();
    auto const server = start(chosen);
    auto config = fetching(server);
    config.server = {};
    config.issuer = server.issuer();
    client_fixture verifier(config);
    BOOST_TEST(outcome(introspect(verifier, "unknown")) == "success");
    BOOST_TEST(fetches(server) == 1U);
    chosen.jwks_path.clear();
    auto const without_keys = start(chosen);
    config.issuer = without_keys.issuer();
    config.tls.ca_pem = without_keys.ca_pem();
    client_fixture other(config);
    auto const got = introspect(other, "unknown");
    BOOST_TEST(outcome(got) == "invalid_configuration");
    BOOST_REQUIRE(!got);
    BOOST_TEST(
        got.error().message().find("if the server's metadata have no jwks_uri") !=
        std::string::npos);
    // Tokens are fetched without them.
    BOOST_TEST(outcome(other.fetch()) == "success");
}

BOOST_AUTO_TEST_SUITE_END()
