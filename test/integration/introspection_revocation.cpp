// Introspection (RFC 7662) and revocation (RFC 7009): the same errors, limits and repetitions.

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
using coauth::secret;

namespace
{

using told = coauth::result<coauth::introspection>;

coauth::client_config knowing_all(authorization_server const& server)
{
    auto config = once(server);
    config.server.introspection_endpoint = server.introspection_endpoint();
    config.server.revocation_endpoint = server.revocation_endpoint();
    return config;
}

struct asking : client_fixture
{
    using client_fixture::client_fixture;

    told introspect(std::string const& token, std::string const& hint = {})
    {
        std::optional<told> got;
        client.async_introspect(secret(token), hint, [&](told r) { got = std::move(r); });
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

BOOST_AUTO_TEST_SUITE(introspection_revocation)

BOOST_AUTO_TEST_CASE(are_told_of_and_ended)
{
    auto const server = start();
    asking ask(knowing_all(server));
    auto const token = require_token(ask.fetch(coauth::token_request().scope("read")));
    auto const text = std::string(token.value());
    auto const before = ask.introspect(text, "access_token");
    BOOST_REQUIRE_MESSAGE(before, outcome(before));
    BOOST_TEST(before->active);
    BOOST_TEST(before->scope == "read");
    BOOST_TEST(before->client_id == client_id);
    BOOST_REQUIRE(before->expires_at && before->issued_at);
    BOOST_TEST((*before->expires_at - *before->issued_at == 1h));
    BOOST_TEST(parameter(server.requests().back(), "token_type_hint") == "access_token");

    BOOST_TEST(outcome(ask.revoke(text)) == "success");
    auto const after = ask.introspect(text);
    BOOST_REQUIRE_MESSAGE(after, outcome(after));
    BOOST_TEST(!after->active);
    BOOST_TEST(after->scope.empty());
    // Nothing to do is no failure (RFC 7009 section 2.2).
    BOOST_TEST(outcome(ask.revoke(text)) == "success");
    // All over one connection: it is the same origin.
    BOOST_TEST(server.connections() == 1U);
}

BOOST_AUTO_TEST_CASE(are_asked_about_from_coroutines)
{
    auto const server = start();
    asio::io_context context;
    coauth::client client(context.get_executor(), with_log_scan(knowing_all(server)));
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

BOOST_AUTO_TEST_CASE(cannot_be_asked_about_without_an_endpoint_or_a_token)
{
    auto const server = start();
    auto config = knowing_all(server);
    asking whole(config);
    BOOST_TEST(outcome(whole.introspect("")) == "invalid_parameter");
    BOOST_TEST(outcome(whole.revoke("a\nb")) == "invalid_parameter");
    config.server.introspection_endpoint.clear();
    config.server.revocation_endpoint = "http://as.example/revoke";
    asking part(config);
    auto const got = part.introspect("t");
    BOOST_TEST(outcome(got) == "invalid_configuration");
    BOOST_TEST(
        got.error().message().find("server.introspection_endpoint") != std::string::npos,
        got.error());
    BOOST_TEST(outcome(part.revoke("t")) == "invalid_configuration");
    // What is not asked for does no harm.
    BOOST_TEST(outcome(part.fetch()) == "success");
    BOOST_TEST(server.requests().size() == 1U);
}

BOOST_AUTO_TEST_CASE(are_told_of_in_one_way_alone)
{
    struct row
    {
        char const* outcome;
        response given;
    };
    for (auto const& [expected, given] : std::vector<row>{
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
        BOOST_TEST_CONTEXT(given.status << given.body)
        {
            auto server = start();
            server.push_response(given);
            asking ask(knowing_all(server));
            auto const got = ask.introspect("hush-hush");
            BOOST_TEST(outcome(got) == expected);
            if (!got)
                BOOST_TEST(got.error().message().find("hush-hush") == std::string::npos);
            else
                BOOST_TEST(got->member("x").value_or("") == R"({"y":1})");
        }
}

BOOST_AUTO_TEST_CASE(are_told_of_as_servers_write_it)
{
    auto server = start();
    asking ask(knowing_all(server));
    server.push_response(response::json(
        200,
        R"({"active":true,"scope":["a","b"],"exp":1.683061093e+09,"iat":"1683057493.5",)"
        R"("nbf":253402300799,"cnf":{"x5t#S256":"bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2",)"
        R"("jkt":"0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}})"));
    auto const got = ask.introspect("t");
    BOOST_REQUIRE_MESSAGE(got, outcome(got));
    BOOST_TEST(got->scope == "a b");
    using std::chrono::seconds;
    using time = std::chrono::system_clock::time_point;
    BOOST_TEST((got->expires_at == time(seconds(1'683'061'093))));
    BOOST_TEST((got->issued_at == time(seconds(1'683'057'493))));
    // The year 9999 is beyond the clock.
    BOOST_TEST((got->not_before && *got->not_before > time(seconds(9'000'000'000))));
    BOOST_TEST(got->certificate_thumbprint == "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2");
    BOOST_TEST(got->key_thumbprint == "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I");
    server.push_response(response::json(200, R"({"active":true,"cnf":{"jwk":{"kty":"EC"}}})"));
    auto const other = ask.introspect("t");
    BOOST_REQUIRE_MESSAGE(other, outcome(other));
    BOOST_TEST(!other->expires_at);
    BOOST_TEST(other->certificate_thumbprint == "");
    BOOST_TEST(other->member("cnf").value_or("") == R"({"jwk":{"kty":"EC"}})");
}

// The token that was asked about, wherever the server repeats it.
BOOST_AUTO_TEST_CASE(are_in_no_text_of_an_error)
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
                auto config = knowing_all(server);
                config.keep_headers = true;
                std::string shown;
                config.debug = [&](std::string_view text) { shown += text; };
                asking ask(config);
                auto const told = ask.introspect(token);
                auto const done = ask.revoke(token);
                if (!told)
                    check_no_secret(told.error(), "opaque");
                if (!done)
                    check_no_secret(done.error(), "opaque");
                BOOST_TEST(shown.find("opaque") == std::string::npos, shown);
            }
}

BOOST_AUTO_TEST_CASE(are_ended_whatever_the_body_says)
{
    struct row
    {
        char const* outcome;
        response given;
    };
    for (auto const& [expected, given] : std::vector<row>{
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
        BOOST_TEST_CONTEXT(given.status << given.body)
        {
            auto server = start();
            server.push_response(given);
            asking ask(knowing_all(server));
            BOOST_TEST(outcome(ask.revoke("t")) == expected);
        }
}

BOOST_AUTO_TEST_CASE(are_asked_about_again_when_that_may_help)
{
    auto server = start();
    auto config = knowing_all(server);
    config.retry.max_attempts = 3;
    config.retry.initial_back_off = 1ms;
    asking ask(config);
    server.push_response(response::json(503, ""));
    server.push_response(response::json(502, ""));
    BOOST_TEST(outcome(ask.introspect("t")) == "success");
    server.push_response(response::json(503, ""));
    BOOST_TEST(outcome(ask.revoke("t")) == "success");
    BOOST_TEST(server.requests().size() == 5U);
}

BOOST_AUTO_TEST_CASE(are_asked_about_where_they_are_kept)
{
    auto const server = start();
    auto const other = start();
    auto config = knowing_all(server);
    config.tls.ca_pem += other.ca_pem();
    config.server.introspection_endpoint = other.introspection_endpoint();
    asking ask(config);
    auto const token = std::string(require_token(ask.fetch()).value());
    auto const got = ask.introspect(token);
    BOOST_REQUIRE_MESSAGE(got, outcome(got));
    // Another server knows nothing of it.
    BOOST_TEST(!got->active);
    BOOST_TEST(other.requests().size() == 1U);
    BOOST_TEST(server.requests().size() == 1U);
}

BOOST_AUTO_TEST_CASE(are_asked_about_with_proofs)
{
    test_key const key("P-256");
    auto const server = start(knowing(key));
    auto config = knowing_all(server);
    config.authentication =
        coauth::client_authentication::private_key_jwt(other_id, signing_key_of(key));
    asking ask(config);
    auto const token = std::string(require_token(ask.fetch()).value());
    auto const got = ask.introspect(token);
    BOOST_REQUIRE_MESSAGE(got, outcome(got));
    BOOST_TEST(got->active);
    BOOST_TEST(outcome(ask.revoke(token)) == "success");
    BOOST_TEST(server.requests().size() == 3U);
}

BOOST_AUTO_TEST_CASE(are_not_waited_for_for_ever)
{
    auto server = start();
    auto never = response::bytes("x", response_end::stall);
    never.cut_at = 0;
    server.set_response(never);
    auto config = knowing_all(server);
    config.timeout = 200ms;
    asking ask(config);
    BOOST_TEST(outcome(ask.introspect("t")) == "timeout");
    BOOST_TEST(outcome(ask.revoke("t")) == "timeout");

    config.timeout = 10s;
    asio::io_context context;
    coauth::client client(context.get_executor(), with_log_scan(config));
    asio::cancellation_signal signal;
    std::vector<std::string> ends;
    client.async_introspect(
        secret("t"), {},
        asio::bind_cancellation_slot(
            signal.slot(), [&](told const& r) { ends.push_back(outcome(r)); }));
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
