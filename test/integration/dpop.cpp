// DPoP (RFC 9449): tokens that are bound to a key.

#include "client_authentication.hpp"
#include "scratch_file.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/test/unit_test.hpp>

#include <functional>
#include <optional>
#include <set>
#include <stdexcept>
#include <thread>

using namespace test;
namespace json = boost::json;

BOOST_AUTO_TEST_SUITE(dpop)

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
    auto config = single_attempt(server);
    config.dpop = std::make_shared<coauth::dpop_prover>(signing_key_of(key));
    return config;
}

json::object proof_in(coauth::testing::received_request const& request)
{
    return part_of(request.headers.find("DPoP").value_or(""), 1);
}

response wants_nonce(char const* nonce)
{
    auto result = response::json(400, R"({"error":"use_dpop_nonce"})");
    result.headers.add("DPoP-Nonce", nonce);
    return result;
}

using signed_handler = std::function<void(coauth::result<std::string>)>;
using proof_result = coauth::result<coauth::secret>;

// An access token for a proof.
coauth::access_token some_token()
{
    coauth::access_token_info info;
    info.value = "tok.en-1";
    info.token_type = "DPoP";
    return coauth::access_token(std::move(info));
}

} // namespace

BOOST_AUTO_TEST_CASE(a_proof_of_every_algorithm_binds_the_token)
{
    auto const server = start(with_dpop(coauth::testing::dpop::required));
    for (char const* const name : {"RS256", "PS256", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"})
        BOOST_TEST_CONTEXT(name)
        {
            test_key const key(kind_of(name));
            auto config = single_attempt(server);
            config.dpop = std::make_shared<coauth::dpop_prover>(
                signing_key_of(key).algorithm(coauth::parse_signature_algorithm(name).value()));
            auto const token = require_token(fetch(config));
            BOOST_TEST(token.token_type() == "DPoP");
            BOOST_TEST(server.requests().back().dpop_thumbprint == key.thumbprint());
            BOOST_TEST(config.dpop->thumbprint() == key.thumbprint());
        }
}

BOOST_AUTO_TEST_CASE(an_algorithm_that_the_server_does_not_support_is_a_configuration_error)
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

BOOST_AUTO_TEST_CASE(a_required_nonce_causes_one_more_request)
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

BOOST_AUTO_TEST_CASE(a_nonce_of_a_successful_response_is_used_for_the_next_request)
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

BOOST_AUTO_TEST_CASE(a_server_that_always_requires_a_new_nonce_is_an_error)
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

BOOST_AUTO_TEST_CASE(a_nonce_with_invalid_characters_is_not_used)
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

BOOST_AUTO_TEST_CASE(a_request_with_the_nonce_has_a_new_assertion_too)
{
    test_key const key("P-256");
    test_key const proof_key("Ed25519");
    auto chosen = options_with_client(key);
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

// The server may have received the first request and stored its ids.
BOOST_AUTO_TEST_CASE(proofs_and_assertions_are_new_when_a_lost_connection_is_replaced)
{
    test_key const key("P-256");
    test_key const proof_key("Ed25519");
    auto chosen = options_with_client(key);
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

BOOST_AUTO_TEST_CASE(a_use_dpop_nonce_error_without_a_nonce_is_not_retried)
{
    test_key const key("P-256");
    auto server = start(with_dpop(coauth::testing::dpop::required));
    server.push_response(response::json(400, R"({"error":"use_dpop_nonce"})"));
    auto const got = fetch(bound(server, key));
    BOOST_TEST(outcome(got) == "use_dpop_nonce");
    BOOST_TEST(server.requests().size() == 1U);
}

BOOST_AUTO_TEST_CASE(the_token_type_must_match_the_use_of_dpop)
{
    test_key const key("P-256");
    for (auto const& [with_dpop, type, expected] :
         std::vector<std::tuple<bool, char const*, char const*>>{
             {true, "DPoP", "success"},
             {true, "dpop", "success"},
             {true, "Bearer", "unexpected_token_type"},
             {false, "DPoP", "unexpected_token_type"},
             {false, "Bearer", "success"}})
        BOOST_TEST_CONTEXT(with_dpop << " " << type)
        {
            auto server = start();
            server.push_response(response::json(
                200, std::string(R"({"access_token":"t","token_type":")") + type + "\"}"));
            auto const config = with_dpop ? bound(server, key) : single_attempt(server);
            BOOST_TEST(outcome(fetch(config)) == expected);
        }
}

BOOST_AUTO_TEST_CASE(a_prover_makes_proofs_for_calls_of_an_api)
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
    // Another origin, which has not sent a nonce.
    auto const other = prover.proof_for("GET", "https://api.example:8443/a", token);
    BOOST_REQUIRE(other);
    BOOST_TEST(!part_of(other->view(), 1).contains("nonce"));
    BOOST_TEST(outcome(prover.proof_for("GET", "https://api.example/", {})) == "invalid_parameter");
}

// A token stays bound to the key that it was requested with.
BOOST_AUTO_TEST_CASE(a_replaced_key_file_signs_for_new_tokens)
{
    test_key const before("P-256");
    test_key const after("P-256");
    auto const server = start(with_dpop(coauth::testing::dpop::required));
    scratch_file const file("dpop_key", before.private_pem());
    auto config = single_attempt(server);
    config.dpop = std::make_shared<coauth::dpop_prover>(coauth::signing_key::pem_file(file.path()));
    auto const old_token = require_token(fetch(config));
    BOOST_TEST(server.requests().back().dpop_thumbprint == before.thumbprint());
    file.write(after.private_pem());
    auto const new_token = require_token(fetch(config));
    BOOST_TEST(server.requests().back().dpop_thumbprint == after.thumbprint());
    auto const key_of_proof = [&](coauth::access_token const& token)
    {
        auto const proof = config.dpop->proof_for("GET", "https://api.example/", token);
        return part_of(proof.value().view(), 0).at("jwk").as_object().at("x").as_string();
    };
    BOOST_TEST(key_of_proof(old_token) == before.jwk().at("x").as_string());
    BOOST_TEST(key_of_proof(new_token) == after.jwk().at("x").as_string());
}

BOOST_AUTO_TEST_CASE(an_unusable_dpop_key_is_an_error_before_any_request)
{
    auto const server = start();
    auto const by_function = coauth::signing_key::signer(
        coauth::signature_algorithm::es256,
        [](std::string const&, std::function<void(coauth::result<std::string>)> const&) {});
    // Without its public half.
    for (auto const& key : {coauth::signing_key(), by_function})
    {
        auto config = single_attempt(server);
        config.dpop = std::make_shared<coauth::dpop_prover>(key);
        BOOST_TEST(outcome(config.dpop->validate()) == "invalid_configuration");
        BOOST_TEST(outcome(fetch(config)) == "invalid_configuration");
    }
    BOOST_TEST(server.connections() == 0U);
}

BOOST_AUTO_TEST_CASE(a_signer_function_signs_the_proofs_of_a_client)
{
    test_key const key("P-256");
    auto const server = start(with_dpop(coauth::testing::dpop::required, true));
    std::thread other;
    auto const sign = [&](std::string const& input, signed_handler const& done)
    {
        if (other.joinable())
            other.join();
        other = std::thread([&key, input, done] { done(key.sign("ES256", input)); });
    };
    auto config = single_attempt(server);
    config.dpop = elsewhere(key, sign);
    BOOST_TEST(outcome(config.dpop->validate()) == "success");
    auto const token = require_token(fetch(config));
    BOOST_TEST(token.token_type() == "DPoP");
    BOOST_TEST(server.requests().back().dpop_thumbprint == key.thumbprint());
    // Once more with the nonce.
    BOOST_TEST(server.requests().size() == 2U);
    auto const at_once = config.dpop->proof_for("GET", "https://api.example/", token);
    BOOST_TEST(outcome(at_once) == "invalid_configuration");
    boost::asio::io_context context;
    auto ended = boost::asio::co_spawn(
        context,
        coauth::async_dpop_proof(
            context.get_executor(), config.dpop, "GET", "https://api.example/a?b", token),
        boost::asio::use_future);
    context.run();
    auto const proof = ended.get();
    BOOST_REQUIRE_MESSAGE(proof, outcome(proof));
    auto const text = proof->view();
    BOOST_TEST(part_of(text, 1).at("htu").as_string() == "https://api.example/a");
    BOOST_TEST(key.verifies(
        "ES256", text.substr(0, text.rfind('.')),
        from_base64url(text.substr(text.rfind('.') + 1))));
    other.join();
}

BOOST_AUTO_TEST_CASE(a_failing_signer_of_proofs_is_an_error)
{
    test_key const key("P-256");
    auto const server = start(with_dpop(coauth::testing::dpop::required));
    struct row
    {
        coauth::signer_function sign;
        char const* outcome;
        char const* says;
    };
    for (auto const& [sign, expected, says] :
         std::vector<row>{
             {[](auto const&, auto const& done)
              { done(coauth::error(coauth::errc::rate_limited)); }, "rate_limited", ""},
             {[](auto const&, auto const&) {}, "invalid_configuration", "without a response"},
             {[](auto const&, auto const&) { throw std::runtime_error("hush"); },
              "invalid_configuration", "threw an exception"},
             {[](auto const&, auto const& done) { done(std::string("x")); },
              "invalid_configuration", "r followed by s, 64 bytes"}})
        BOOST_TEST_CONTEXT(says)
        {
            auto config = single_attempt(server);
            config.dpop = elsewhere(key, sign);
            auto const got = fetch(config);
            BOOST_TEST(outcome(got) == expected);
            boost::asio::io_context context;
            std::optional<proof_result> proof;
            coauth::async_dpop_proof(
                context.get_executor(), config.dpop, "GET", "https://api.example/", some_token(),
                [&](proof_result r) { proof = std::move(r); });
            BOOST_TEST(!proof, "completed within the initiating function");
            context.run();
            BOOST_REQUIRE(proof && !*proof && !got);
            BOOST_TEST(outcome(*proof) == expected);
            for (auto const& failure : {got.error(), proof->error()})
            {
                BOOST_TEST(failure.message().find(says) != std::string::npos, failure);
                BOOST_TEST(failure.message().find("hush") == std::string::npos);
            }
        }
    BOOST_TEST(server.requests().empty());
}

BOOST_AUTO_TEST_CASE(a_proof_of_one_s_own_is_cancelled_or_abandoned_with_its_context)
{
    test_key const key("P-256");
    signed_handler kept;
    auto const prover =
        elsewhere(key, [&](std::string const&, signed_handler done) { kept = std::move(done); });
    std::optional<proof_result> got;
    {
        boost::asio::io_context context;
        boost::asio::cancellation_signal signal;
        auto const ask = [&]
        {
            coauth::async_dpop_proof(
                context.get_executor(), prover, "GET", "https://api.example/", some_token(),
                boost::asio::bind_cancellation_slot(
                    signal.slot(), [&](proof_result r) { got = std::move(r); }));
        };
        ask();
        signal.emit(boost::asio::cancellation_type::total);
        context.run();
        BOOST_REQUIRE(got);
        BOOST_TEST(outcome(*got) == "cancelled");
        kept(std::string(64, 'x'));
        got.reset();
        ask();
    }
    // The context is gone.
    kept(std::string(64, 'x'));
    kept = nullptr;
    BOOST_TEST(!got);
    boost::asio::io_context context;
    coauth::async_dpop_proof(
        context.get_executor(), prover, "GET", "https://api.example/", {},
        [&](proof_result r) { got = std::move(r); });
    context.run();
    BOOST_REQUIRE(got);
    BOOST_TEST(outcome(*got) == "invalid_parameter");
}

BOOST_AUTO_TEST_SUITE_END()
