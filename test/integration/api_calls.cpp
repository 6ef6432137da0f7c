// Calls of an API with a token: the fields of the request, proofs, nonces and challenges.

#include "client_authentication.hpp"
#include "raw_client.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/test/unit_test.hpp>

#include <map>
#include <optional>
#include <string>
#include <vector>

using namespace test;
namespace asio = boost::asio;

BOOST_AUTO_TEST_SUITE(api_calls)

using coauth::challenge_remedy;

namespace
{

// A response with the interface of Beast's messages.
struct api_response
{
    raw_response raw;

    [[nodiscard]] unsigned result_int() const { return raw.status; }
    std::string operator[](char const* name) const { return raw.header(name); }
};

using field_map = std::map<std::string, std::string>;

api_response call_api(authorization_server const& server, field_map const& fields)
{
    raw_request request;
    request.method = "GET";
    request.path = "/api?a=b";
    for (auto const& [name, value] : fields)
        request.headers.push_back(name + ": " + value);
    return {send(server, request)};
}

api_response call_api(authorization_server const& server, coauth::access_token const& token)
{
    field_map fields;
    auto const done = coauth::authorize(fields, token, "GET", server.api_url() + "?a=b");
    BOOST_REQUIRE_MESSAGE(done, outcome(done));
    return call_api(server, fields);
}

api_response call_api_with(
    authorization_server const& server, coauth::access_token const& token,
    coauth::result<coauth::secret> const& proof)
{
    BOOST_REQUIRE_MESSAGE(proof, outcome(proof));
    return call_api(
        server, field_map{
                    {"Authorization", std::string(token.authorization())},
                    {"DPoP", std::string(proof->view())}});
}

// A server with an API, and a token source for it.
struct api_user
{
    explicit api_user(server_options chosen) : server(start(std::move(chosen))) {}

    void use(coauth::client_config config, coauth::token_request request = {})
    {
        tokens.reset();
        client.emplace(context.get_executor(), with_log_scan(std::move(config)));
        tokens.emplace(*client, std::move(request));
    }

    coauth::result<api_response> call()
    {
        auto const operation = [this](coauth::access_token token) -> asio::awaitable<api_response>
        {
            used.push_back(token);
            co_return call_api(server, token);
        };
        auto work = coauth::async_call_with_token(*tokens, operation);
        auto future = asio::co_spawn(context, std::move(work), asio::use_future);
        context.restart();
        context.run();
        return future.get();
    }

    authorization_server server;
    asio::io_context context;
    std::optional<coauth::client> client;
    std::optional<coauth::token_source> tokens;
    std::vector<coauth::access_token> used;
};

std::size_t count_at(authorization_server const& server, std::string const& path)
{
    std::size_t count = 0;
    for (auto const& request : server.requests())
        count += request.target.starts_with(path) ? 1U : 0U;
    return count;
}

coauth::client_config bound(authorization_server const& server, test_key const& key)
{
    auto config = single_attempt(server);
    config.dpop = std::make_shared<coauth::dpop_prover>(signing_key_of(key));
    return config;
}

server_options with_dpop(bool nonce)
{
    auto chosen = options();
    chosen.dpop = coauth::testing::dpop::required;
    chosen.dpop_nonce = nonce;
    return chosen;
}

} // namespace

BOOST_AUTO_TEST_CASE(a_bearer_token_is_one_field)
{
    auto const server = start();
    auto const token = require_token(fetch(single_attempt(server)));
    boost::beast::http::request<boost::beast::http::empty_body> request;
    BOOST_TEST(outcome(coauth::authorize(request, token, "GET", server.api_url())) == "success");
    BOOST_TEST(request["Authorization"] == std::string(token.authorization()));
    BOOST_TEST(request.count("DPoP") == 0U);
    std::vector<std::string> set;
    auto const by_function = [&](std::string_view name, std::string_view value)
    { set.push_back(std::string(name) + ": " + std::string(value)); };
    BOOST_TEST(outcome(coauth::authorize(by_function, token, "GET", "not a url")) == "success");
    BOOST_TEST(set.size() == 1U);
    BOOST_TEST(call_api(server, token).raw.status == 200U);
    BOOST_TEST(outcome(coauth::authorize(by_function, {}, "GET", "u")) == "invalid_parameter");
    coauth::access_token_info info;
    info.value = "a-refresh-token";
    info.token_type = "N_A";
    coauth::access_token const other(info);
    BOOST_TEST(outcome(coauth::authorize(by_function, other, "GET", "u")) == "invalid_parameter");
    BOOST_TEST(set.size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_bound_token_brings_its_proof)
{
    test_key const key("P-256");
    auto const server = start(with_dpop(false));
    auto const config = bound(server, key);
    auto const token = require_token(fetch(config));
    BOOST_TEST((token.dpop() == config.dpop));
    BOOST_TEST(call_api(server, token).raw.status == 200U);
    // Each request has a proof of its own.
    BOOST_TEST(call_api(server, token).raw.status == 200U);
    // A copy of the text knows no prover.
    coauth::access_token_info info;
    info.value = coauth::secret(token.value());
    info.token_type = "DPoP";
    field_map fields;
    auto const failed =
        coauth::authorize(fields, coauth::access_token(info), "GET", server.api_url());
    BOOST_TEST(outcome(failed) == "invalid_parameter");
    BOOST_TEST(fields.empty());
    info.dpop = config.dpop;
    BOOST_TEST(call_api(server, coauth::access_token(info)).raw.status == 200U);
}

BOOST_AUTO_TEST_CASE(a_nonce_that_an_api_demands_is_answered)
{
    test_key const key("P-256");
    api_user t(with_dpop(true));
    t.use(bound(t.server, key));
    auto const rows = {"the first call knows it from the token endpoint", "the second knows it"};
    for (auto const* const row : rows)
    {
        auto const got = t.call();
        BOOST_TEST_REQUIRE(got.has_value(), row);
        BOOST_TEST(got->raw.status == 200U, row);
    }
    BOOST_TEST(count_at(t.server, "/api") == 2U);
    t.server.rotate_dpop_nonce();
    auto const got = t.call();
    BOOST_TEST_REQUIRE(got.has_value());
    BOOST_TEST(got->raw.status == 200U);
    BOOST_TEST(count_at(t.server, "/api") == 4U);
    // The same token: no other was fetched.
    BOOST_TEST(t.tokens->counters().fetches == 1U);
    BOOST_TEST((t.used.at(2) == t.used.at(3)));
    auto const next = t.call();
    BOOST_TEST(next->raw.status == 200U);
    BOOST_TEST(count_at(t.server, "/api") == 5U);
}

BOOST_AUTO_TEST_CASE(a_nonce_reaches_the_proof_of_a_signer_function)
{
    test_key const key("P-256");
    api_user t(with_dpop(true));
    auto config = single_attempt(t.server);
    config.dpop = elsewhere(
        key, [&](std::string const& input, auto const& done) { done(key.sign("ES256", input)); });
    t.use(config);
    auto const call = [&](coauth::access_token token) -> asio::awaitable<api_response>
    {
        auto const executor = co_await asio::this_coro::executor;
        auto const proof = co_await coauth::async_dpop_proof(
            executor, config.dpop, "GET", t.server.api_url(), token);
        co_return call_api_with(t.server, token, proof);
    };
    for (std::size_t calls : {1U, 3U})
    {
        auto work = coauth::async_call_with_token(*t.tokens, call);
        auto future = asio::co_spawn(t.context, std::move(work), asio::use_future);
        t.context.restart();
        t.context.run();
        auto const got = future.get();
        BOOST_TEST_REQUIRE(got.has_value());
        BOOST_TEST(got->raw.status == 200U);
        BOOST_TEST(count_at(t.server, "/api") == calls);
        t.server.rotate_dpop_nonce();
    }
    BOOST_TEST(t.tokens->counters().fetches == 1U);
}

// A nonce in a success is used for the next call.
BOOST_AUTO_TEST_CASE(a_nonce_in_a_success_is_used_for_the_next_call)
{
    test_key const key("P-256");
    api_user t(with_dpop(true));
    t.use(bound(t.server, key));
    BOOST_TEST(t.call()->raw.status == 200U);
    auto next = response::json(200, "{}");
    next.headers.add("DPoP-Nonce", "the-next");
    next.path = "/api";
    t.server.push_response(next);
    BOOST_TEST(t.call()->raw.status == 200U);
    BOOST_TEST(t.call()->raw.status == 200U);
    auto const requests = t.server.requests();
    std::vector<std::string> nonces;
    for (auto const& request : requests)
        if (request.target.starts_with("/api"))
            nonces.emplace_back(
                part_of(request.headers.find("DPoP").value_or(""), 1).at("nonce").as_string());
    // The third call sent that nonce, which the server rejected, and repeated with its own.
    BOOST_TEST_REQUIRE(nonces.size() == 4U);
    BOOST_TEST(nonces[2] == "the-next");
    BOOST_TEST(nonces[3] == nonces[0]);
}

BOOST_AUTO_TEST_CASE(an_api_that_always_demands_a_nonce_causes_no_loop)
{
    test_key const key("P-256");
    api_user t(with_dpop(true));
    t.use(bound(t.server, key));
    auto demanding = response::json(401, "{}");
    demanding.headers.add("WWW-Authenticate", R"(DPoP error="use_dpop_nonce")");
    demanding.headers.add("DPoP-Nonce", "again");
    demanding.path = "/api";
    t.server.set_response(demanding);
    auto const got = t.call();
    BOOST_TEST_REQUIRE(got.has_value());
    BOOST_TEST(got->raw.status == 401U);
    BOOST_TEST(t.used.size() == 2U);
    BOOST_TEST(t.tokens->counters().fetches == 1U);
    auto const challenge = coauth::parse_api_challenge(*got);
    BOOST_TEST_REQUIRE(challenge.has_value());
    BOOST_TEST((challenge->remedy == challenge_remedy::dpop_nonce));
    // One without a nonce is not repeated.
    auto without = response::json(401, "{}");
    without.headers.add("WWW-Authenticate", R"(DPoP error="use_dpop_nonce")");
    without.path = "/api";
    t.server.set_response(without);
    t.used.clear();
    BOOST_TEST(t.call()->raw.status == 401U);
    BOOST_TEST(t.used.size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_new_token_is_fetched_only_if_it_can_help)
{
    auto chosen = options();
    chosen.api_scope = "admin";
    chosen.scopes = {"read", "admin"};
    api_user t(chosen);
    t.use(single_attempt(t.server), coauth::token_request().scope("read"));
    auto const refused = t.call();
    BOOST_TEST_REQUIRE(refused.has_value());
    BOOST_TEST(refused->raw.status == 403U);
    BOOST_TEST(t.tokens->counters().fetches == 1U);
    auto const challenge = coauth::parse_api_challenge(*refused);
    BOOST_TEST_REQUIRE(challenge.has_value());
    BOOST_TEST((challenge->remedy == challenge_remedy::scope));
    BOOST_TEST(challenge->scope == "admin");
    t.use(single_attempt(t.server), coauth::token_request().scope(challenge->scope));
    BOOST_TEST(t.call()->raw.status == 200U);
    // A token that the server does not know any more.
    t.server.push_response(response::token("unknown"));
    t.use(single_attempt(t.server), coauth::token_request().scope("admin"));
    BOOST_TEST(t.call()->raw.status == 200U);
    BOOST_TEST(t.tokens->counters().fetches == 2U);
}

BOOST_AUTO_TEST_CASE(a_source_gets_tokens_with_the_claims_that_an_api_demands)
{
    struct row
    {
        char const* name;
        char const* acr_values;
        char const* claims;
        char const* own_claims;
        char const* error;
    };
    for (auto const& [name, acr_values, claims, own_claims, error] : std::vector<row>{
             {"RFC 9470", "urn:mace:incommon:iap:silver", "", "",
              "insufficient_user_authentication"},
             {"Entra", "", R"({"access_token":{"nbf":{"essential":true,"value":"1604106651"}}})",
              "", "insufficient_claims"},
             {"Entra, merged with its own", "", R"({"access_token":{"nbf":{"essential":true}}})",
              R"({"access_token":{"xms_cc":{"values":["cp1"]}}})", "insufficient_claims"}})
        BOOST_TEST_CONTEXT(name)
        {
            auto chosen = options();
            chosen.api_acr_values = acr_values;
            chosen.api_claims = claims;
            api_user t(chosen);
            coauth::token_request request;
            if (*own_claims != '\0')
                request.parameter("claims", own_claims);
            t.use(single_attempt(t.server), request);
            auto const refused = t.call();
            BOOST_TEST_REQUIRE(refused.has_value());
            BOOST_TEST(refused->raw.status == 401U);
            BOOST_TEST(t.tokens->counters().fetches == 1U);
            auto const challenge = coauth::parse_api_challenge(*refused);
            BOOST_TEST_REQUIRE(challenge.has_value());
            BOOST_TEST(challenge->error == error);
            BOOST_TEST((challenge->remedy == challenge_remedy::claims));
            BOOST_TEST(t.tokens->invalidate(t.used.at(0), *challenge));
            // Of a thousand calls with the same old token, one drops it.
            BOOST_TEST(!t.tokens->invalidate(t.used.at(0), *challenge));
            BOOST_TEST(t.call()->raw.status == 200U);
            BOOST_TEST(t.tokens->counters().fetches == 2U);
            if (*own_claims != '\0')
                BOOST_TEST(t.server.requests().at(2).body.find("cp1") != std::string::npos);
        }
}

BOOST_AUTO_TEST_CASE(the_api_of_the_loopback_server_checks_what_it_says)
{
    test_key const key("P-256");
    auto const server = start(with_dpop(false));
    auto const config = bound(server, key);
    auto const token = require_token(fetch(config));
    auto const url = server.api_url();
    auto const proof = [&](char const* method, std::string const& target)
    { return "DPoP: " + std::string(config.dpop->proof_for(method, target, token)->view()); };
    auto const good = proof("GET", url);
    std::string const field = "Authorization: " + std::string(token.authorization());
    auto const as_bearer = "Authorization: Bearer " + std::string(token.value());
    struct row
    {
        char const* name;
        std::vector<std::string> headers;
        unsigned status;
        char const* error;
    };
    for (auto const& [name, headers, status, error] : std::vector<row>{
             {"nothing", {}, 401, ""},
             {"no proof", {field}, 401, "invalid_dpop_proof"},
             {"another method", {field, proof("POST", url)}, 401, "invalid_dpop_proof"},
             {"another URL", {field, proof("GET", url + "/x")}, 401, "invalid_dpop_proof"},
             {"as Bearer", {as_bearer, proof("GET", url)}, 401, "invalid_token"},
             {"right", {field, good}, 200, ""},
             {"the same proof again", {field, good}, 401, "invalid_dpop_proof"},
             {"unknown", {"Authorization: Bearer x"}, 401, "invalid_token"}})
        BOOST_TEST_CONTEXT(name)
        {
            raw_request request;
            request.method = "GET";
            request.path = "/api";
            request.headers = headers;
            auto const got = send(server, request);
            BOOST_TEST(got.status == status);
            auto const challenge =
                coauth::parse_api_challenge(got.status, got.header("WWW-Authenticate"));
            BOOST_TEST(challenge.has_value() == (status != 200));
            if (!challenge)
                continue;
            BOOST_TEST(challenge->error == error);
            BOOST_TEST(
                challenge->resource_metadata ==
                server.issuer() + "/.well-known/oauth-protected-resource/api");
        }
    auto elsewhere = coauth::token_request().resource("https://other.example");
    auto const other = start();
    auto const for_another = require_token(fetch(single_attempt(other), elsewhere));
    BOOST_TEST(call_api(other, for_another).raw.status == 401U);
}

BOOST_AUTO_TEST_SUITE_END()
