// Tokens that are bound to a key (RFC 9449), from the client's side.

#include "client_authentication.hpp"

#include <boost/test/unit_test.hpp>

#include <set>

using namespace test;
namespace json = boost::json;

namespace
{

server_options with_dpop(coauth::testing::dpop mode, bool nonce = false)
{
    auto chosen = options();
    chosen.dpop = mode;
    chosen.dpop_nonce = nonce;
    return chosen;
}

coauth::client_config bound(authorization_server const& server, test_key const& key)
{
    auto config = once(server);
    config.dpop = std::make_shared<coauth::dpop_prover>(signing_key_of(key));
    return config;
}

json::object proof_in(coauth::testing::received_request const& request)
{
    return part_of(request.headers.find("DPoP").value_or(""), 1);
}

response wants_nonce(char const* nonce)
{
    auto made = response::json(400, R"({"error":"use_dpop_nonce"})");
    made.headers.add("DPoP-Nonce", nonce);
    return made;
}

} // namespace

BOOST_AUTO_TEST_SUITE(dpop)

BOOST_AUTO_TEST_CASE(binds_the_token_by_every_algorithm)
{
    auto const server = start(with_dpop(coauth::testing::dpop::required));
    for (char const* const name : {"RS256", "PS256", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"})
        BOOST_TEST_CONTEXT(name)
        {
            test_key const key(kind_of(name));
            auto config = once(server);
            config.dpop = std::make_shared<coauth::dpop_prover>(
                signing_key_of(key).algorithm(coauth::parse_signature_algorithm(name).value()));
            auto const token = require_token(fetch(config));
            BOOST_TEST(token.token_type() == "DPoP");
            BOOST_TEST(server.requests().back().dpop_thumbprint == key.thumbprint());
            BOOST_TEST(config.dpop->thumbprint() == key.thumbprint());
        }
}

BOOST_AUTO_TEST_CASE(an_algorithm_that_the_server_does_not_know_is_a_mistake)
{
    test_key const key("RSA");
    auto const server = start(with_dpop(coauth::testing::dpop::required));
    auto config = bound(server, key);
    config.server.dpop_algorithms = {"ES256", "PS256"};
    auto const got = fetch(config);
    BOOST_TEST_REQUIRE(outcome(got) == "invalid_configuration");
    BOOST_TEST(
        got.error().message().find("signs by RS256; select_dpop_key chooses an algorithm "
                                   "that the server supports. It supports: ES256 PS256") !=
        std::string::npos);
    BOOST_TEST(coauth::validate(config).has_error());
    auto const chosen = coauth::select_dpop_key(config.server, signing_key_of(key));
    BOOST_TEST_REQUIRE(chosen.has_value());
    config.dpop = std::make_shared<coauth::dpop_prover>(*chosen);
    BOOST_TEST(coauth::validate(config).has_value());
    BOOST_TEST(outcome(fetch(config)) == "success");
}

BOOST_AUTO_TEST_CASE(learns_the_nonce_by_one_more_request)
{
    test_key const key("P-256");
    auto server = start(with_dpop(coauth::testing::dpop::required, true));
    client_fixture kept(bound(server, key));
    BOOST_TEST(outcome(kept.fetch()) == "success");
    BOOST_TEST(server.requests().size() == 2U);
    BOOST_TEST(outcome(kept.fetch()) == "success");
    BOOST_TEST(server.requests().size() == 3U);
    server.rotate_dpop_nonce();
    BOOST_TEST(outcome(kept.fetch()) == "success");
    BOOST_TEST(server.requests().size() == 5U);
    std::set<std::string> ids;
    for (auto const& seen : server.requests())
        ids.insert(proof_in(seen).at("jti").as_string().c_str());
    BOOST_TEST(ids.size() == 5U);
}

BOOST_AUTO_TEST_CASE(takes_the_nonce_that_comes_with_a_good_response)
{
    test_key const key("P-256");
    auto server = start(with_dpop(coauth::testing::dpop::accepted));
    auto next = response::json(200, R"({"access_token":"t","token_type":"DPoP"})");
    next.headers.add("DPoP-Nonce", "the-next");
    server.push_response(next);
    client_fixture kept(bound(server, key));
    BOOST_TEST(outcome(kept.fetch()) == "success");
    (void)kept.fetch();
    BOOST_TEST(!proof_in(server.requests().front()).contains("nonce"));
    BOOST_TEST(proof_in(server.requests().back()).at("nonce").as_string() == "the-next");
}

BOOST_AUTO_TEST_CASE(gives_up_on_a_server_that_always_wants_another_nonce)
{
    test_key const key("P-256");
    auto server = start(with_dpop(coauth::testing::dpop::required));
    server.push_response(wants_nonce("a"));
    server.push_response(wants_nonce("b"));
    server.push_response(wants_nonce("c"));
    auto const got = fetch(bound(server, key));
    BOOST_TEST(outcome(got) == "use_dpop_nonce");
    BOOST_TEST(got.error().attempts() == 2U);
    BOOST_TEST(server.requests().size() == 2U);
}

BOOST_AUTO_TEST_CASE(puts_no_nonce_that_could_break_a_field_into_a_proof)
{
    test_key const key("P-256");
    for (std::string const nonce : {"with space", "quote\"", "back\\slash", ""})
        BOOST_TEST_CONTEXT(nonce)
        {
            auto server = start(with_dpop(coauth::testing::dpop::accepted));
            server.push_response(wants_nonce(nonce.c_str()));
            BOOST_TEST(outcome(fetch(bound(server, key))) == "success");
            BOOST_TEST(!proof_in(server.requests().back()).contains("nonce"));
        }
}

BOOST_AUTO_TEST_CASE(goes_with_an_assertion_that_is_new_too)
{
    test_key const key("P-256");
    test_key const proof_key("Ed25519");
    auto chosen = knowing(key);
    chosen.dpop = coauth::testing::dpop::required;
    chosen.dpop_nonce = true;
    auto const server = start(std::move(chosen));
    auto config = bound(server, proof_key);
    config.authentication =
        coauth::client_authentication::private_key_jwt(other_id, signing_key_of(key));
    BOOST_TEST(outcome(fetch(config)) == "success");
    auto const all = server.requests();
    BOOST_REQUIRE_EQUAL(all.size(), 2U);
    BOOST_TEST(parameter(all[0], "client_assertion") != parameter(all[1], "client_assertion"));
}

// The server may have seen what was sent on the dead one, and remembers the ids.
BOOST_AUTO_TEST_CASE(and_assertions_are_new_when_a_dead_connection_is_replaced)
{
    test_key const key("P-256");
    test_key const proof_key("Ed25519");
    auto chosen = knowing(key);
    chosen.dpop = coauth::testing::dpop::required;
    auto server = start(std::move(chosen));
    auto config = bound(server, proof_key);
    config.authentication =
        coauth::client_authentication::private_key_jwt(other_id, signing_key_of(key));
    client_fixture kept(config);
    BOOST_TEST(outcome(kept.fetch()) == "success");
    auto nothing = response::bytes("x", response_end::close);
    nothing.cut_at = 0;
    server.push_response(nothing);
    BOOST_TEST(outcome(kept.fetch()) == "success");
    std::set<std::string> proofs;
    std::set<std::string> assertions;
    for (auto const& seen : server.requests())
    {
        proofs.insert(proof_in(seen).at("jti").as_string().c_str());
        auto const claims = part_of(parameter(seen, "client_assertion"), 1);
        assertions.insert(claims.at("jti").as_string().c_str());
    }
    BOOST_TEST(server.requests().size() == 3U);
    BOOST_TEST(proofs.size() == 3U);
    BOOST_TEST(assertions.size() == 3U);
    BOOST_TEST(kept.client.counters().attempts == 2U);
}

BOOST_AUTO_TEST_CASE(asks_not_again_where_the_server_gave_no_nonce)
{
    test_key const key("P-256");
    auto server = start(with_dpop(coauth::testing::dpop::required));
    server.push_response(response::json(400, R"({"error":"use_dpop_nonce"})"));
    auto const got = fetch(bound(server, key));
    BOOST_TEST(outcome(got) == "use_dpop_nonce");
    BOOST_TEST(server.requests().size() == 1U);
}

BOOST_AUTO_TEST_CASE(and_the_type_of_the_token_agree)
{
    test_key const key("P-256");
    for (auto const& [proves, type, expected] :
         std::vector<std::tuple<bool, char const*, char const*>>{
             {true, "DPoP", "success"},
             {true, "dpop", "success"},
             {true, "Bearer", "unexpected_token_type"},
             {false, "DPoP", "unexpected_token_type"},
             {false, "Bearer", "success"}})
        BOOST_TEST_CONTEXT(proves << " " << type)
        {
            auto server = start();
            server.push_response(response::json(
                200, std::string(R"({"access_token":"t","token_type":")") + type + "\"}"));
            auto const config = proves ? bound(server, key) : once(server);
            BOOST_TEST(outcome(fetch(config)) == expected);
        }
}

BOOST_AUTO_TEST_CASE(proves_calls_of_an_api)
{
    test_key const key("P-256");
    auto const server = start(with_dpop(coauth::testing::dpop::required));
    auto const config = bound(server, key);
    auto const token = require_token(fetch(config));
    auto& prover = *config.dpop;
    prover.remember_nonce("https://api.example/login", "n1");
    auto const proof = prover.proof_for("GET", "https://api.example/a?b=c#d", token);
    BOOST_REQUIRE(proof);
    auto const claims = part_of(proof->view(), 1);
    BOOST_TEST(claims.at("htm").as_string() == "GET");
    BOOST_TEST(claims.at("htu").as_string() == "https://api.example/a");
    BOOST_TEST(claims.at("nonce").as_string() == "n1");
    BOOST_TEST(claims.contains("ath"));
    BOOST_TEST(!part_of(proof->view(), 0).at("jwk").as_object().contains("d"));
    // Of another origin, which gave no nonce.
    auto const other = prover.proof_for("GET", "https://api.example:8443/a", token);
    BOOST_REQUIRE(other);
    BOOST_TEST(!part_of(other->view(), 1).contains("nonce"));
    BOOST_TEST(outcome(prover.proof_for("GET", "https://api.example/", {})) == "invalid_parameter");
}

BOOST_AUTO_TEST_CASE(with_a_key_of_no_use_is_said_before_anything_is_sent)
{
    auto const server = start();
    auto const by_function = coauth::signing_key::signer(
        coauth::signature_algorithm::es256,
        [](std::string const&, std::function<void(coauth::result<std::string>)> const&) {});
    for (auto const& key : {coauth::signing_key(), by_function})
    {
        auto config = once(server);
        config.dpop = std::make_shared<coauth::dpop_prover>(key);
        BOOST_TEST(outcome(config.dpop->validate()) == "invalid_configuration");
        BOOST_TEST(outcome(fetch(config)) == "invalid_configuration");
    }
    BOOST_TEST(server.connections() == 0U);
}

BOOST_AUTO_TEST_SUITE_END()
