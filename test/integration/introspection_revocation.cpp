// Introspection (RFC 7662) and revocation (RFC 7009), with the errors, limits and retries of token
// requests.

#include "client_authentication.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/test/unit_test.hpp>

#include <optional>
#include <thread>

using namespace test;
namespace asio = boost::asio;

BOOST_AUTO_TEST_SUITE(introspection_revocation)

using coauth::secret;

namespace
{

using introspection_result = coauth::result<coauth::introspection>;

coauth::client_config config_with_endpoints(authorization_server const& server)
{
    auto config = single_attempt(server);
    config.server.introspection_endpoint = server.introspection_endpoint();
    config.server.revocation_endpoint = server.revocation_endpoint();
    return config;
}

struct client_for_introspection : client_fixture
{
    using client_fixture::client_fixture;

    introspection_result introspect(std::string const& token, std::string const& hint = {})
    {
        std::optional<introspection_result> got;
        client.async_introspect(
            secret(token), hint, [&](introspection_result r) { got = std::move(r); });
        BOOST_TEST(!got, "completed within the initiating function");
        context.restart();
        context.run();
        BOOST_REQUIRE(got);
        return *got;
    }
    coauth::result<void> revoke(std::string const& token, std::string const& hint = {})
    {
        std::optional<coauth::result<void>> got;
        client.async_revoke(secret(token), hint, [&](coauth::result<void> r) { got = r; });
        BOOST_TEST(!got, "completed within the initiating function");
        context.restart();
        context.run();
        BOOST_REQUIRE(got);
        return *got;
    }
};

} // namespace

BOOST_AUTO_TEST_CASE(a_token_can_be_introspected_and_revoked)
{
    auto const server = start();
    client_for_introspection fixture(config_with_endpoints(server));
    auto const token = require_token(fixture.fetch(coauth::token_request().scope("read")));
    auto const text = std::string(token.value());
    auto const before = fixture.introspect(text, "access_token");
    BOOST_REQUIRE_MESSAGE(before, outcome(before));
    BOOST_TEST(before->active);
    BOOST_TEST(before->scope == "read");
    BOOST_TEST(before->client_id == client_id);
    BOOST_REQUIRE(before->expires_at && before->issued_at);
    BOOST_TEST((*before->expires_at - *before->issued_at == 1h));
    BOOST_TEST(parameter(server.requests().back(), "token_type_hint") == "access_token");

    BOOST_TEST(outcome(fixture.revoke(text)) == "success");
    auto const after = fixture.introspect(text);
    BOOST_REQUIRE_MESSAGE(after, outcome(after));
    BOOST_TEST(!after->active);
    BOOST_TEST(after->scope.empty());
    // Revoking an unknown token succeeds (RFC 7009 section 2.2).
    BOOST_TEST(outcome(fixture.revoke(text)) == "success");
    // The endpoints have the same origin, so all requests use one connection.
    BOOST_TEST(server.connections() == 1U);
}

BOOST_AUTO_TEST_CASE(introspection_and_revocation_can_be_awaited)
{
    auto const server = start();
    asio::io_context context;
    coauth::client client(context.get_executor(), with_log_scan(config_with_endpoints(server)));
    auto const whole = [&]() -> asio::awaitable<std::string>
    {
        auto token = co_await client.async_get_access_token();
        if (!token)
            co_return outcome(token);
        auto known = co_await client.async_introspect(secret(token->value()));
        if (!known || !known->active)
            co_return "not active";
        auto done = co_await client.async_revoke(secret(token->value()), "access_token");
        co_return outcome(done);
    };
    auto ended = asio::co_spawn(context, whole(), asio::use_future);
    context.run();
    BOOST_TEST(ended.get() == "success");
}

BOOST_AUTO_TEST_CASE(introspection_and_revocation_need_an_endpoint_and_a_token)
{
    auto const server = start();
    auto config = config_with_endpoints(server);
    client_for_introspection whole(config);
    BOOST_TEST(outcome(whole.introspect("")) == "invalid_parameter");
    BOOST_TEST(outcome(whole.revoke("a\nb")) == "invalid_parameter");
    config.server.introspection_endpoint.clear();
    config.server.revocation_endpoint = "http://as.example/revoke";
    client_for_introspection part(config);
    auto const got = part.introspect("t");
    BOOST_TEST(outcome(got) == "invalid_configuration");
    BOOST_TEST(
        got.error().message().find("server.introspection_endpoint") != std::string::npos,
        got.error());
    BOOST_TEST(outcome(part.revoke("t")) == "invalid_configuration");
    // Unknown members are ignored.
    BOOST_TEST(outcome(part.fetch()) == "success");
    BOOST_TEST(server.requests().size() == 1U);
}

BOOST_AUTO_TEST_CASE(invalid_introspection_responses_are_refused)
{
    struct row
    {
        char const* outcome;
        response scripted;
    };
    for (auto const& [expected, scripted] : std::vector<row>{
             {"malformed_response", response::json(200, "{}")},
             {"malformed_response", response::json(206, R"({"active":true})")},
             {"malformed_response", response::json(200, R"({"active":"true"})")},
             {"malformed_response", response::json(200, R"({"active":1})")},
             {"malformed_response", response::json(200, R"([{"active":true}])")},
             {"malformed_response", response::json(200, R"({"active":true,"aud":["a",1]})")},
             {"malformed_response", response::json(200, R"({"active":true,"aud":{"a":1}})")},
             {"malformed_response", response::json(200, R"({"active":true,"aud":false})")},
             {"malformed_response", response::json(200, "")},
             {"invalid_client", response::json(401, R"({"error":"invalid_client"})")},
             {"invalid_client", response::json(200, R"({"error":"invalid_client"})")},
             {"http_error", response::json(404, "")},
             {"http_error", response::json(500, R"({"active":true})")},
             {"rate_limited", response::json(429, "")},
             {"redirect_refused", response::json(307, "")},
             {"malformed_response", response::json(200, R"({"active":true,"active":false})")},
             {"malformed_response", response::json(200, R"({"active":true,"exp":1,"exp":2})")},
             {"malformed_response", response::json(200, R"({"active":true,"exp":"never"})")},
             {"success", response::json(200, R"({"active":true,"exp":-1,"x":{"y":1}})")},
             {"malformed_response", response::json(200, R"({"active":true,"nbf":true})")},
             {"malformed_response", response::json(200, R"({"active":true,"iat":[1]})")},
             {"malformed_response", response::json(200, R"({"active":true,"scope":5})")},
             {"malformed_response", response::json(200, R"({"active":true,"scope":["a",1]})")},
             {"malformed_response", response::json(200, R"({"active":true,"cnf":"x"})")},
             {"malformed_response", response::json(200, R"({"active":true,"cnf":{"jkt":1}})")},
             {"malformed_response", response::json(200, R"({"active":true,"cnf":{"jkt":""}})")},
             {"malformed_response",
              response::json(200, R"({"active":true,"cnf":{"jkt":"a","jkt":"b"}})")},
             {"success", response::json(200, R"({"active":true,"aud":["a","b"],"x":{"y":1}})")}})
        BOOST_TEST_CONTEXT(scripted.status << scripted.body)
        {
            auto server = start();
            server.push_response(scripted);
            client_for_introspection fixture(config_with_endpoints(server));
            auto const got = fixture.introspect("hush-hush");
            BOOST_TEST(outcome(got) == expected);
            if (!got)
                BOOST_TEST(got.error().message().find("hush-hush") == std::string::npos);
            else
                BOOST_TEST(got->member("x").value_or("") == R"({"y":1})");
        }
}

BOOST_AUTO_TEST_CASE(introspection_responses_of_real_servers_are_accepted)
{
    auto server = start();
    client_for_introspection fixture(config_with_endpoints(server));
    server.push_response(response::json(
        200,
        R"({"active":true,"scope":["a","b"],"exp":1.683061093e+09,"iat":"1683057493.5",)"
        R"("nbf":253402300799,"cnf":{"x5t#S256":"bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2",)"
        R"("jkt":"0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}})"));
    auto const got = fixture.introspect("t");
    BOOST_REQUIRE_MESSAGE(got, outcome(got));
    BOOST_TEST(got->scope == "a b");
    using std::chrono::seconds;
    using time = std::chrono::system_clock::time_point;
    BOOST_TEST((got->expires_at == time(seconds(1'683'061'093))));
    BOOST_TEST((got->issued_at == time(seconds(1'683'057'493))));
    // The clock cannot represent the year 9999.
    BOOST_TEST((got->not_before && *got->not_before > time(seconds(9'000'000'000))));
    BOOST_TEST(got->certificate_thumbprint == "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2");
    BOOST_TEST(got->key_thumbprint == "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I");
    server.push_response(response::json(200, R"({"active":true,"cnf":{"jwk":{"kty":"EC"}}})"));
    auto const other = fixture.introspect("t");
    BOOST_REQUIRE_MESSAGE(other, outcome(other));
    BOOST_TEST(!other->expires_at);
    BOOST_TEST(other->certificate_thumbprint == "");
    BOOST_TEST(other->member("cnf").value_or("") == R"({"jwk":{"kty":"EC"}})");
}

// The server repeats the introspected token in every part of the response.
BOOST_AUTO_TEST_CASE(the_introspected_token_is_in_no_text_of_an_error)
{
    std::string const token = "opaque\"to\\ken/1";
    std::string const escaped = R"(opaque\"to\\ken/1)";
    for (std::string const form :
         {R"({"error":"invalid_request","error_description":"no T here"})",
          R"({"error":"invalid_request","error_uri":"https://x/T"})", R"({"error":"T"})",
          R"({"error":{"type":"x","message":"no T","uri":"T"}})", R"({"error":{"type":"T"}})",
          R"({"detail":"no T","title":"T"})", R"({"error":"x","error":"T"})", "<html>T</html>",
          "T"})
        for (unsigned const status : {200U, 400U, 401U, 500U})
            BOOST_TEST_CONTEXT(status << " " << form)
            {
                auto body = form;
                for (auto i = body.find('T'); i != std::string::npos; i = body.find('T', i + 20))
                    body.replace(i, 1, escaped);
                auto server = start();
                auto responded = response::json(status, body);
                responded.headers.add("X-Echo", token);
                server.set_response(responded);
                auto config = config_with_endpoints(server);
                config.keep_headers = true;
                std::string shown;
                config.debug = [&](std::string_view text) { shown += text; };
                client_for_introspection fixture(config);
                auto const introspected = fixture.introspect(token);
                auto const done = fixture.revoke(token);
                if (!introspected)
                    check_no_secret(introspected.error(), "opaque");
                if (!done)
                    check_no_secret(done.error(), "opaque");
                BOOST_TEST(shown.find("opaque") == std::string::npos, shown);
            }
}

BOOST_AUTO_TEST_CASE(revocation_ignores_the_body_of_a_success)
{
    struct row
    {
        char const* outcome;
        response scripted;
    };
    for (auto const& [expected, scripted] : std::vector<row>{
             {"success", response::json(200, "")},
             {"success", response::json(204, "")},
             {"success", response::json(200, "<html>")},
             {"success", response::json(200, "{}")},
             {"success", response::json(200, R"({"error":""})")},
             {"success", response::json(400, R"({"error":"invalid_token"})")},
             {"success", response::json(400, R"({"error":{"type":"invalid_token"}})")},
             {"other_oauth_error", response::json(401, R"({"error":"invalid_token"})")},
             {"other_oauth_error", response::json(200, R"({"error":"invalid_token"})")},
             {"unsupported_token_type",
              response::json(400, R"({"error":"unsupported_token_type"})")},
             {"http_error", response::json(503, "")},
             {"invalid_client", response::json(401, R"({"error":"invalid_client"})")}})
        BOOST_TEST_CONTEXT(scripted.status << scripted.body)
        {
            auto server = start();
            server.push_response(scripted);
            client_for_introspection fixture(config_with_endpoints(server));
            BOOST_TEST(outcome(fixture.revoke("t")) == expected);
        }
}

BOOST_AUTO_TEST_CASE(introspection_and_revocation_are_retried_after_transient_errors)
{
    auto server = start();
    auto config = config_with_endpoints(server);
    config.retry.max_attempts = 3;
    config.retry.initial_back_off = 1ms;
    client_for_introspection fixture(config);
    server.push_response(response::json(503, ""));
    server.push_response(response::json(502, ""));
    BOOST_TEST(outcome(fixture.introspect("t")) == "success");
    server.push_response(response::json(503, ""));
    BOOST_TEST(outcome(fixture.revoke("t")) == "success");
    BOOST_TEST(server.requests().size() == 5U);
}

BOOST_AUTO_TEST_CASE(introspection_and_revocation_use_their_own_endpoints)
{
    auto const server = start();
    auto const other = start();
    auto config = config_with_endpoints(server);
    config.tls.ca_pem += other.ca_pem();
    config.server.introspection_endpoint = other.introspection_endpoint();
    client_for_introspection fixture(config);
    auto const token = std::string(require_token(fixture.fetch()).value());
    auto const got = fixture.introspect(token);
    BOOST_REQUIRE_MESSAGE(got, outcome(got));
    // Another server does not know the token.
    BOOST_TEST(!got->active);
    BOOST_TEST(other.requests().size() == 1U);
    BOOST_TEST(server.requests().size() == 1U);
}

BOOST_AUTO_TEST_CASE(introspection_and_revocation_authenticate_by_assertion)
{
    test_key const key("P-256");
    auto const server = start(options_with_client(key));
    auto config = config_with_endpoints(server);
    config.authentication =
        coauth::client_authentication::private_key_jwt(other_id, signing_key_of(key));
    client_for_introspection fixture(config);
    auto const token = std::string(require_token(fixture.fetch()).value());
    auto const got = fixture.introspect(token);
    BOOST_REQUIRE_MESSAGE(got, outcome(got));
    BOOST_TEST(got->active);
    BOOST_TEST(outcome(fixture.revoke(token)) == "success");
    BOOST_TEST(server.requests().size() == 3U);
}

BOOST_AUTO_TEST_CASE(introspection_and_revocation_authenticate_by_a_bearer_token)
{
    auto const server = start();
    client_fixture own(single_attempt(server));
    auto const token = require_token(own.fetch());
    auto config = config_with_endpoints(server);
    secret given("unknown");
    int calls = 0;
    config.authentication = coauth::client_authentication::bearer_token(
        [&]() -> coauth::result<secret> { return ++calls, given; });
    client_for_introspection by_token(config);
    auto const refused = by_token.introspect(std::string(token.value()));
    BOOST_TEST(outcome(refused) == "invalid_client");
    // It may have been replaced in the meantime.
    BOOST_TEST(calls == 2);
    given = secret(token.value());
    auto const known = by_token.introspect(std::string(token.value()));
    BOOST_REQUIRE_MESSAGE(known, outcome(known));
    BOOST_TEST(known->active);
    auto const seen = server.requests().back();
    BOOST_TEST(
        seen.headers.find("Authorization").value_or("") == "Bearer " + std::string(token.value()));
    BOOST_TEST((seen.authentication == coauth::authentication_method::bearer_token));
    BOOST_TEST(seen.body.find("client_") == std::string::npos);
    BOOST_TEST(outcome(by_token.revoke(std::string(token.value()))) == "success");
    given = secret();
    BOOST_TEST(outcome(by_token.introspect("t")) == "invalid_configuration");
}

BOOST_AUTO_TEST_CASE(introspection_and_revocation_end_at_the_deadline_or_by_cancellation)
{
    auto server = start();
    auto never = response::bytes("x", response_end::stall);
    never.cut_at = 0;
    server.set_response(never);
    auto config = config_with_endpoints(server);
    config.timeout = 200ms;
    client_for_introspection fixture(config);
    BOOST_TEST(outcome(fixture.introspect("t")) == "timeout");
    BOOST_TEST(outcome(fixture.revoke("t")) == "timeout");

    config.timeout = 10s;
    asio::io_context context;
    coauth::client client(context.get_executor(), with_log_scan(config));
    asio::cancellation_signal signal;
    std::vector<std::string> ends;
    client.async_introspect(
        secret("t"), {},
        asio::bind_cancellation_slot(
            signal.slot(), [&](introspection_result const& r) { ends.push_back(outcome(r)); }));
    client.async_revoke(
        secret("t"), {}, [&](coauth::result<void> const& r) { ends.push_back(outcome(r)); });
    std::thread canceller(
        [&]
        {
            (void)server.wait_for_requests(4);
            asio::post(
                context,
                [&]
                {
                    signal.emit(asio::cancellation_type::total);
                    client.close();
                });
        });
    context.run();
    canceller.join();
    BOOST_TEST(
        (ends == std::vector<std::string>{"cancelled", "cancelled"}),
        boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()
