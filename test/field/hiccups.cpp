// A hiccup must not become an outage: one odd response while a server, an ingress or a database
// restarts, then all is well. A source without a token has one within 5 s, and one with a token
// keeps returning it. All options of the source are the defaults.

#include "fixture.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <string>
#include <thread>
#include <vector>

using namespace test;

BOOST_AUTO_TEST_SUITE(hiccups)

namespace
{

struct row
{
    char const* name;
    response odd;
};

response html(unsigned status, std::string body)
{
    response page;
    page.status = status;
    page.headers.add("Content-Type", "text/html");
    page.body = std::move(body);
    return page;
}

response redirect(unsigned status)
{
    response away = html(status, "<html>moved</html>");
    away.headers.add("Location", "https://maintenance.example/");
    return away;
}

response broken(std::string bytes, response_end end)
{
    return response::bytes(std::move(bytes), end);
}

std::vector<row> table()
{
    return {
        {"an empty body", response()},
        {"an empty object", response::json(200, "{}")},
        {"a login page", html(200, "<html><title>Log in</title></html>")},
        {"no content", html(204, "")},
        {"half a document", response::json(200, R"({"access_token":"abc)")},
        {"an unknown token type",
         response::json(200, R"({"access_token":"a","token_type":"mac"})")},
        {"an ingress without a backend", html(404, "default backend - 404")},
        {"404 as JSON", response::json(404, R"({"status":404,"error":"Not Found"})")},
        {"a moved page", redirect(301)},
        {"a maintenance page", redirect(302)},
        {"405", html(405, "")},
        {"410", html(410, "")},
        {"a firewall", html(403, "<html>Forbidden</html>")},
        {"a gateway", response::json(403, R"({"message":"Forbidden"})")},
        {"a bad request", html(400, "<html>Bad Request</html>")},
        {"invalid_client while a database starts",
         response::json(401, R"({"error":"invalid_client"})")},
        {"invalid_client with 400", response::json(400, R"({"error":"invalid_client"})")},
        {"401 without a document", html(401, "")},
        {"invalid_scope", response::json(400, R"({"error":"invalid_scope"})")},
        {"invalid_request", response::json(400, R"({"error":"invalid_request"})")},
        {"unauthorized_client", response::json(400, R"({"error":"unauthorized_client"})")},
        {"access_denied", response::json(403, R"({"error":"access_denied"})")},
        {"an unknown error", response::json(400, R"({"error":"something_else"})")},
        {"Spring", response::json(503, R"({"status":503,"error":"Service Unavailable"})")},
        {"Rails", response::json(500, R"({"status":500,"error":"Internal Server Error"})")},
        {"AWS", response::json(503, R"({"message":"Service Unavailable"})")},
        {"an OAuth error with 500", response::json(500, R"({"error":"invalid_client"})")},
        {"nginx", html(502, "<html><title>502 Bad Gateway</title></html>")},
        {"Envoy", html(503, "no healthy upstream")},
        {"408", html(408, "")},
        {"425", html(425, "")},
        {"429 without a delay", html(429, "")},
        {"a reset connection", broken("", response_end::reset)},
        {"a closed connection", broken("", response_end::close)},
        {"a reset within the header", broken("HTTP/1.1 200 OK\r\nCont", response_end::reset)},
        {"a truncated body",
         broken("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{", response_end::close)},
        {"not HTTP", broken("SSH-2.0-OpenSSH_9.2\r\n", response_end::close)},
    };
}

// A call every 50 ms until one has a token. How long that took.
std::chrono::milliseconds
time_to_token(boost::asio::io_context& context, coauth::token_source& tokens)
{
    stopwatch const watch;
    for (bool served = false; !served && watch.elapsed() < 20s;)
    {
        tokens.async_get_access_token([&](token_result const& r) { served = r.has_value(); });
        context.restart();
        context.run();
        if (!served)
            std::this_thread::sleep_for(50ms);
    }
    return watch.elapsed();
}

} // namespace

BOOST_AUTO_TEST_CASE(a_source_without_a_token_has_one_within_seconds)
{
    for (auto const& [name, odd] : table())
    {
        auto server = start();
        server.push_response(odd);
        boost::asio::io_context context;
        coauth::client client(context.get_executor(), server.config());
        coauth::token_source tokens(client);
        auto const time = time_to_token(context, tokens);
        BOOST_TEST((time < 5s), name << ": " << time.count() << " ms");
        BOOST_TEST(tokens.status().ready(), name);
        BOOST_TEST(!tokens.status().last_error, name);
        BOOST_TEST(server.requests().size() <= 3U, name);
    }
}

// A forced fetch stands for the refresh, which would be due after most of an hour.
BOOST_AUTO_TEST_CASE(a_source_with_a_token_keeps_it)
{
    for (auto const& [name, odd] : table())
    {
        auto server = start();
        boost::asio::io_context context;
        coauth::client client(context.get_executor(), server.config());
        coauth::token_source tokens(client);
        (void)time_to_token(context, tokens);
        auto const before = tokens.try_get();
        server.push_response(odd);
        tokens.async_get_new_access_token([](token_result const&) {});
        context.restart();
        context.run();
        BOOST_TEST(!tokens.try_get().empty(), name);
        BOOST_TEST(tokens.status().ready(), name);
    }
}

// A load balancer may start with the certificate of another host.
BOOST_AUTO_TEST_CASE(a_wrong_certificate_is_tried_again_soon)
{
    auto options = test::options();
    options.certificate = coauth::testing::certificate::wrong_host;
    auto server = start(options);
    boost::asio::io_context context;
    coauth::client client(context.get_executor(), server.config());
    coauth::token_source tokens(client);
    token_result first = coauth::errc::cancelled;
    tokens.async_get_access_token([&](token_result r) { first = std::move(r); });
    context.run();
    BOOST_TEST(outcome(first) == "certificate_verify_failed");
    auto const delay = first.error().retry_at().value() - std::chrono::system_clock::now();
    BOOST_TEST((delay <= 1s));
}

// Refusals are few: a source that is called all the time makes at most three requests in the first
// seconds, and each further wait is longer.
BOOST_AUTO_TEST_CASE(refusals_are_repeated_rarely)
{
    auto server = start();
    server.set_response(response::json(401, R"({"error":"invalid_client"})"));
    boost::asio::io_context context;
    coauth::client client(context.get_executor(), server.config());
    coauth::token_source tokens(client);
    for (stopwatch const watch; watch.elapsed() < 4s;)
    {
        tokens.async_get_access_token([](token_result const&) {});
        context.restart();
        context.run();
        std::this_thread::sleep_for(20ms);
    }
    auto const requests = server.requests().size();
    BOOST_TEST(requests >= 2U);
    BOOST_TEST(requests <= 3U);
}

BOOST_AUTO_TEST_SUITE_END()
