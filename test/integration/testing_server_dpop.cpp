// The testing server verifies DPoP proofs: each fault is refused with its own description.

#include "raw_client.hpp"

#include <boost/test/unit_test.hpp>

#include <functional>

using namespace test;

BOOST_AUTO_TEST_SUITE(testing_server_dpop)

using coauth::testing::dpop;

namespace
{

namespace json = boost::json;

constexpr char const* algorithm = "ES256";

std::int64_t seconds_from_now(std::int64_t seconds)
{
    auto const now = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::seconds>(now).count() + seconds;
}

token_draft good_draft(authorization_server const& server, test_key const& key)
{
    static int count = 0;
    token_draft draft;
    draft.header["typ"] = "dpop+jwt";
    draft.header["jwk"] = key.jwk();
    draft.claims["htm"] = "POST";
    draft.claims["htu"] = server.token_endpoint();
    draft.claims["iat"] = seconds_from_now(0);
    draft.claims["jti"] = "proof-" + std::to_string(++count);
    return draft;
}

authorization_server start_with(dpop mode, bool nonce = false)
{
    auto chosen = options();
    chosen.dpop = mode;
    chosen.dpop_nonce = nonce;
    return start(std::move(chosen));
}

raw_request request_of(std::vector<std::string> const& proofs)
{
    raw_request request{"grant_type=client_credentials"};
    request.headers.push_back("Authorization: Basic " + std::string(basic_value));
    for (auto const& proof : proofs)
        request.headers.push_back("DPoP: " + proof);
    return request;
}

raw_response try_proof(authorization_server const& server, std::string const& proof)
{
    return send(server, request_of({proof}));
}

void check_refused(
    raw_response const& got, std::string const& reason,
    std::string const& error = "invalid_dpop_proof")
{
    BOOST_TEST(got.status == 400U);
    BOOST_TEST(got.text("error") == error);
    BOOST_TEST(
        got.text("error_description").find(reason) != std::string::npos,
        "'" << got.text("error_description") << "' does not say '" << reason << "'");
}

json::object introspect(authorization_server const& server, std::string const& token)
{
    raw_request request{"token=" + escaped(token)};
    request.headers.push_back("Authorization: Basic " + std::string(basic_value));
    request.path = "/oauth/introspect";
    return send(server, request).document();
}

struct fault
{
    char const* name;
    std::function<void(token_draft&)> make;
    // Part of the description.
    char const* reason;
};

fault const faults[] = {
    {"another type", [](token_draft& d) { d.header["typ"] = "JWT"; }, "(typ)"},
    {"no key", [](token_draft& d) { d.header.erase("jwk"); }, "no key (jwk)"},
    {"a private key", [](token_draft& d) { d.header["jwk"].as_object()["d"] = "AQAB"; },
     "private key (jwk)"},
    {"a key of no kind", [](token_draft& d) { d.header["jwk"].as_object()["kty"] = "oct"; },
     "unknown type (jwk)"},
    {"a point off the curve", [](token_draft& d)
     { d.header["jwk"].as_object()["x"] = base64url(std::string(32, 'x')); }, "unknown type (jwk)"},
    {"another method", [](token_draft& d) { d.claims["htm"] = "GET"; }, "(htm)"},
    {"another URL", [](token_draft& d) { d.claims["htu"] = "https://other.example/oauth/token"; },
     "(htu)"},
    {"no URL", [](token_draft& d) { d.claims.erase("htu"); }, "(htu)"},
    {"too old", [](token_draft& d) { d.claims["iat"] = seconds_from_now(-310); }, "(iat)"},
    {"of the future", [](token_draft& d) { d.claims["iat"] = seconds_from_now(310); }, "(iat)"},
    {"no time", [](token_draft& d) { d.claims.erase("iat"); }, "(iat)"},
    {"no identifier", [](token_draft& d) { d.claims.erase("jti"); }, "(jti)"},
    {"the hash of a token", [](token_draft& d) { d.claims["ath"] = "x"; }, "(ath)"},
};

} // namespace

BOOST_AUTO_TEST_CASE(a_proof_by_every_algorithm_binds_the_token_to_its_key)
{
    auto const server = start_with(dpop::accepted);
    for (char const* const name :
         {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"})
        BOOST_TEST_CONTEXT(name)
        {
            test_key const key(kind_of(name));
            auto const got = try_proof(server, signed_by(key, name, good_draft(server, key)));
            BOOST_TEST(got.status == 200U, got.body);
            BOOST_TEST(got.text("token_type") == "DPoP");
            BOOST_TEST(server.requests().back().dpop_thumbprint == key.thumbprint());

            auto const known = introspect(server, got.text("access_token"));
            BOOST_TEST(known.at("active").as_bool());
            BOOST_TEST(known.at("token_type").as_string() == "DPoP");
            BOOST_TEST(known.at("cnf").at("jkt").as_string() == key.thumbprint().c_str());
        }
}

BOOST_AUTO_TEST_CASE(every_wrong_proof_is_refused_for_its_own_reason)
{
    test_key const key("P-256");
    auto const server = start_with(dpop::accepted);
    for (auto const& row : faults)
        BOOST_TEST_CONTEXT(row.name)
        {
            auto draft = good_draft(server, key);
            row.make(draft);
            check_refused(try_proof(server, signed_by(key, algorithm, draft)), row.reason);
        }
}

BOOST_AUTO_TEST_CASE(every_wrong_signature_is_refused)
{
    test_key const key("P-256");
    test_key const other("P-256");
    auto const server = start_with(dpop::accepted);
    auto const draft = good_draft(server, key);
    check_refused(try_proof(server, signed_by(other, algorithm, draft)), "signature");
    check_refused(try_proof(server, signed_by(std::string("secret"), "HS256", draft)), "(alg)");
    check_refused(try_proof(server, "x"), "not a JSON Web Token");
    BOOST_TEST(try_proof(server, signed_by(key, algorithm, draft)).status == 200U);
}

BOOST_AUTO_TEST_CASE(a_proof_is_valid_once_and_must_be_the_only_one)
{
    test_key const key("P-256");
    auto const server = start_with(dpop::accepted);
    auto const proof = signed_by(key, algorithm, good_draft(server, key));
    BOOST_TEST(try_proof(server, proof).status == 200U);
    check_refused(try_proof(server, proof), "used before (jti)");
    check_refused(send(server, request_of({proof, proof})), "more than one");
}

BOOST_AUTO_TEST_CASE(the_dpop_mode_decides_about_requests_without_a_proof)
{
    test_key const key("P-256");
    auto const off = start_with(dpop::off);
    auto const accepted = start_with(dpop::accepted);
    auto const required = start_with(dpop::required);
    BOOST_TEST(send(off, request_of({"nonsense"})).text("token_type") == "Bearer");
    BOOST_TEST(send(accepted, request_of({})).text("token_type") == "Bearer");
    check_refused(send(required, request_of({})), "required");
    auto const proof = signed_by(key, algorithm, good_draft(required, key));
    BOOST_TEST(try_proof(required, proof).text("token_type") == "DPoP");
}

BOOST_AUTO_TEST_CASE(a_required_nonce_may_change)
{
    test_key const key("P-256");
    auto server = start_with(dpop::accepted, true);
    auto const without = try_proof(server, signed_by(key, algorithm, good_draft(server, key)));
    check_refused(without, "(nonce)", "use_dpop_nonce");
    auto const nonce = without.header("DPoP-Nonce");
    BOOST_REQUIRE(!nonce.empty());

    auto draft = good_draft(server, key);
    draft.claims["nonce"] = nonce;
    auto const good = try_proof(server, signed_by(key, algorithm, draft));
    BOOST_TEST(good.status == 200U, good.body);
    BOOST_TEST(good.header("DPoP-Nonce") == nonce);

    server.rotate_dpop_nonce();
    draft.claims["jti"] = "after the change";
    auto const stale = try_proof(server, signed_by(key, algorithm, draft));
    check_refused(stale, "(nonce)", "use_dpop_nonce");
    BOOST_TEST(stale.header("DPoP-Nonce") != nonce);
}

BOOST_AUTO_TEST_CASE(a_proof_without_the_nonce_consumes_the_assertion)
{
    test_key const key("P-256");
    auto chosen = options();
    chosen.dpop = dpop::required;
    chosen.dpop_nonce = true;
    coauth::testing::registered_client client;
    client.id = "jwt";
    client.public_keys = {key.public_pem()};
    chosen.clients = {client};
    auto const server = start(std::move(chosen));

    token_draft assertion;
    for (char const* const name : {"iss", "sub", "jti"})
        assertion.claims[name] = "jwt";
    assertion.claims["aud"] = server.issuer();
    assertion.claims["exp"] = seconds_from_now(60);
    raw_request request{
        "grant_type=client_credentials&client_assertion_type="
        "urn:ietf:params:oauth:client-assertion-type:jwt-bearer&client_assertion=" +
        signed_by(key, algorithm, assertion)};
    auto draft = good_draft(server, key);
    request.headers = {"DPoP: " + signed_by(key, algorithm, draft)};
    auto const first = send(server, request);
    check_refused(first, "(nonce)", "use_dpop_nonce");

    draft.claims["nonce"] = first.header("DPoP-Nonce");
    request.headers = {"DPoP: " + signed_by(key, algorithm, draft)};
    BOOST_TEST(send(server, request).text("error") == "invalid_client");
}

BOOST_AUTO_TEST_SUITE_END()
