// The testing server verifies client assertions: each fault is refused with its own description, so
// that success against this server means a valid assertion.

#include "raw_client.hpp"

#include <boost/test/unit_test.hpp>

#include <functional>

using namespace test;

BOOST_AUTO_TEST_SUITE(testing_server_assertions)

using coauth::authentication_method;

namespace
{

namespace json = boost::json;

constexpr char const* id = "jwt-client";
constexpr char const* secret = "a secret of enough bytes for a hash";

std::int64_t seconds_from_now(std::int64_t seconds)
{
    auto const now = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::seconds>(now).count() + seconds;
}

token_draft good_draft(authorization_server const& server)
{
    static int count = 0;
    token_draft draft;
    draft.header["typ"] = "JWT";
    draft.claims["iss"] = id;
    draft.claims["sub"] = id;
    draft.claims["aud"] = server.token_endpoint();
    draft.claims["exp"] = seconds_from_now(60);
    draft.claims["jti"] = "assertion-" + std::to_string(++count);
    return draft;
}

std::string form_with(std::string const& assertion)
{
    return "grant_type=client_credentials&client_assertion_type=" +
           escaped("urn:ietf:params:oauth:client-assertion-type:jwt-bearer") +
           "&client_assertion=" + assertion;
}

server_options with_client(coauth::testing::registered_client client)
{
    auto chosen = options();
    client.id = id;
    chosen.clients = {std::move(client)};
    return chosen;
}

authorization_server with_key(std::string const& pem)
{
    coauth::testing::registered_client client;
    client.public_keys = {pem};
    return start(with_client(std::move(client)));
}

authorization_server with_secret()
{
    coauth::testing::registered_client client;
    client.assertion_secret = secret;
    return start(with_client(std::move(client)));
}

raw_response try_assertion(authorization_server const& server, std::string const& assertion)
{
    return send(server, {form_with(assertion)});
}

void check_refused(raw_response const& got, std::string const& reason)
{
    BOOST_TEST(got.status == 401U);
    BOOST_TEST(got.text("error") == "invalid_client");
    BOOST_TEST(
        got.text("error_description").find(reason) != std::string::npos,
        "'" << got.text("error_description") << "' does not say '" << reason << "'");
}

struct fault
{
    char const* name;
    std::function<void(token_draft&)> make;
    // Part of the description.
    char const* reason;
};

fault const faults[] = {
    {"another issuer", [](token_draft& d) { d.claims["iss"] = "other"; }, "(iss)"},
    {"no issuer", [](token_draft& d) { d.claims.erase("iss"); }, "(iss)"},
    {"another audience", [](token_draft& d) { d.claims["aud"] = "https://other.example"; },
     "(aud)"},
    {"no audience", [](token_draft& d) { d.claims.erase("aud"); }, "(aud)"},
    {"audiences of others",
     [](token_draft& d) { d.claims["aud"] = json::array{"https://other.example", 5}; }, "(aud)"},
    {"expired", [](token_draft& d) { d.claims["exp"] = seconds_from_now(-1); }, "expired (exp)"},
    {"no expiry", [](token_draft& d) { d.claims.erase("exp"); }, "no expiry"},
    {"expiry as text", [](token_draft& d) { d.claims["exp"] = "4102444800"; }, "no expiry"},
    {"expires late", [](token_draft& d) { d.claims["exp"] = seconds_from_now(700); }, "10 minutes"},
    {"not yet valid", [](token_draft& d) { d.claims["nbf"] = seconds_from_now(300); }, "(nbf)"},
    {"issued in the future", [](token_draft& d) { d.claims["iat"] = seconds_from_now(300); },
     "(iat)"},
    {"no identifier", [](token_draft& d) { d.claims.erase("jti"); }, "no identifier"},
};

} // namespace

BOOST_AUTO_TEST_CASE(every_algorithm_of_keys_is_accepted)
{
    for (char const* const algorithm :
         {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"})
        BOOST_TEST_CONTEXT(algorithm)
        {
            test_key const key(kind_of(algorithm));
            auto const server = with_key(key.public_pem());
            auto const got = try_assertion(server, signed_by(key, algorithm, good_draft(server)));
            BOOST_TEST(got.status == 200U, got.body);
            BOOST_TEST(!got.text("access_token").empty());
            auto const seen = server.requests().front();
            BOOST_TEST((seen.authentication == authentication_method::private_key_jwt));
            BOOST_TEST(seen.client_id == id);
        }
}

BOOST_AUTO_TEST_CASE(every_algorithm_of_secrets_is_accepted)
{
    auto const server = with_secret();
    for (char const* const algorithm : {"HS256", "HS384", "HS512"})
        BOOST_TEST_CONTEXT(algorithm)
        {
            auto const got =
                try_assertion(server, signed_by(secret, algorithm, good_draft(server)));
            BOOST_TEST(got.status == 200U, got.body);
            auto const seen = server.requests().back();
            BOOST_TEST((seen.authentication == authentication_method::client_secret_jwt));
        }
}

BOOST_AUTO_TEST_CASE(the_key_may_be_registered_as_a_certificate)
{
    auto const known = make_identity("client");
    auto const server = with_key(known.certificate_pem);
    auto const got = try_assertion(server, signed_by(known.key, "ES256", good_draft(server)));
    BOOST_TEST(got.status == 200U, got.body);
}

BOOST_AUTO_TEST_CASE(every_wrong_claim_is_refused_for_its_own_reason)
{
    test_key const key("P-256");
    auto const server = with_key(key.public_pem());
    for (auto const& row : faults)
        BOOST_TEST_CONTEXT(row.name)
        {
            auto draft = good_draft(server);
            row.make(draft);
            check_refused(try_assertion(server, signed_by(key, "ES256", draft)), row.reason);
        }
}

BOOST_AUTO_TEST_CASE(the_subject_is_the_client)
{
    test_key const key("P-256");
    auto const server = with_key(key.public_pem());
    auto draft = good_draft(server);
    draft.claims["sub"] = "other";
    auto const form = form_with(signed_by(key, "ES256", draft));
    check_refused(send(server, {form + "&client_id=" + id}), "(sub)");
    // Without a client_id the subject identifies the client, which does not exist.
    check_refused(send(server, {form}), "Client authentication failed.");
}

BOOST_AUTO_TEST_CASE(an_assertion_is_valid_once)
{
    test_key const key("P-256");
    auto const server = with_key(key.public_pem());
    auto const assertion = signed_by(key, "ES256", good_draft(server));
    BOOST_TEST(try_assertion(server, assertion).status == 200U);
    check_refused(try_assertion(server, assertion), "used before (jti)");
}

BOOST_AUTO_TEST_CASE(every_wrong_signature_is_refused)
{
    test_key const key("RSA");
    test_key const other("RSA");
    auto const server = with_key(key.public_pem());
    auto const draft = good_draft(server);
    auto const good = signed_by(key, "RS256", draft);
    auto const head = good.substr(0, good.rfind('.') + 1);
    auto renamed = draft;
    renamed.header["alg"] = "none";

    check_refused(try_assertion(server, signed_by(other, "RS256", draft)), "signature");
    check_refused(try_assertion(server, head), "signature");
    check_refused(try_assertion(server, head + base64url(key.sign("PS256", head))), "signature");
    // The public key as HMAC secret.
    check_refused(try_assertion(server, signed_by(key.public_pem(), "HS256", draft)), "signature");
    check_refused(
        try_assertion(server, base64url(R"({"alg":"none"})") + head.substr(head.find('.'))),
        "signature");
    // None of these attempts has consumed the assertion.
    BOOST_TEST(try_assertion(server, good).status == 200U);
}

BOOST_AUTO_TEST_CASE(malformed_assertions_are_refused)
{
    test_key const key("P-256");
    auto const server = with_key(key.public_pem());
    for (char const* const text : {"x", "a.b", "a.b.c", "a.b.c.d", "e30.e30.%21"})
        check_refused(send(server, {form_with(text) + "&client_id=" + id}), "not a JSON Web Token");
    auto form = form_with(signed_by(key, "ES256", good_draft(server)));
    form.replace(form.find("jwt-bearer"), 10, "saml2-bearer");
    check_refused(send(server, {form}), "client_assertion_type");
}

BOOST_AUTO_TEST_CASE(an_assertion_secret_is_not_accepted_by_basic_or_post)
{
    auto const server = with_secret();
    check_refused(
        send(
            server, {"grant_type=client_credentials&client_id=" + std::string(id) +
                     "&client_secret=" + escaped(secret)}),
        "Client authentication failed.");
    check_refused(
        send(server, {"grant_type=client_credentials&client_id=" + std::string(id)}),
        "Client authentication failed.");
}

BOOST_AUTO_TEST_CASE(two_authentication_methods_in_one_request_are_refused)
{
    test_key const key("P-256");
    auto const server = with_key(key.public_pem());
    auto const got = send(
        server, {form_with(signed_by(key, "ES256", good_draft(server))) + "&client_secret=secret"});
    BOOST_TEST(got.status == 400U);
    BOOST_TEST(got.text("error") == "invalid_request");
}

BOOST_AUTO_TEST_CASE(the_accepted_audience_is_configurable)
{
    test_key const key("P-256");
    coauth::testing::registered_client client;
    client.public_keys = {key.public_pem()};
    auto chosen = with_client(std::move(client));
    chosen.audiences = {"urn:us"};
    auto const server = start(std::move(chosen));
    auto draft = good_draft(server);
    check_refused(try_assertion(server, signed_by(key, "ES256", draft)), "(aud)");
    draft.claims["aud"] = json::array{"urn:others", "urn:us"};
    BOOST_TEST(try_assertion(server, signed_by(key, "ES256", draft)).status == 200U);
}

BOOST_AUTO_TEST_CASE(the_issuer_is_an_audience_by_default)
{
    test_key const key("P-256");
    auto const server = with_key(key.public_pem());
    auto draft = good_draft(server);
    draft.claims["aud"] = server.issuer();
    BOOST_TEST(try_assertion(server, signed_by(key, "ES256", draft)).status == 200U);
}

BOOST_AUTO_TEST_SUITE_END()
