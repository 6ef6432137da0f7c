// What is found out from an issuer alone, and from whom it is not believed.

#include "authentication.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/test/unit_test.hpp>

#include <functional>
#include <optional>
#include <thread>

using namespace test;
namespace asio = boost::asio;

namespace
{

using found = coauth::result<coauth::authorization_server>;

constexpr char const* oauth_path = "/.well-known/oauth-authorization-server";
constexpr char const* openid_path = "/.well-known/openid-configuration";

coauth::discovery_options trusting(authorization_server const& server)
{
    coauth::discovery_options options;
    options.tls.ca_pem = server.ca_pem();
    return options;
}

found discover(std::string const& issuer, coauth::discovery_options const& options)
{
    asio::io_context context;
    std::vector<found> got;
    coauth::async_discover(
        context.get_executor(), issuer, options, [&](found f) { got.push_back(std::move(f)); });
    BOOST_TEST(got.empty(), "completed within the initiating function");
    context.run();
    BOOST_REQUIRE_EQUAL(got.size(), 1U);
    return got.front();
}

found discover(authorization_server const& server)
{
    return discover(server.issuer(), trusting(server));
}

std::vector<std::string> targets(authorization_server const& server)
{
    std::vector<std::string> all;
    for (auto const& seen : server.requests())
        all.push_back(seen.method + " " + seen.target);
    return all;
}

void check_targets(authorization_server const& server, std::vector<std::string> const& expected)
{
    auto const seen = targets(server);
    BOOST_TEST(seen == expected, boost::test_tools::per_element());
}

answer at(char const* path, answer a)
{
    a.path = path;
    return a;
}

std::string metadata_with(authorization_server const& server, std::string const& more)
{
    return R"({"issuer":")" + server.issuer() + "\"" + more + "}";
}

} // namespace

BOOST_AUTO_TEST_SUITE(discovery)

BOOST_AUTO_TEST_CASE(tells_all_that_a_client_needs)
{
    private_key const key("P-256");
    auto chosen = knowing(key);
    chosen.dpop = coauth::testing::dpop::accepted;
    chosen.client_certificates = coauth::testing::client_certificates::asked_at_alias;
    auto const server = start(std::move(chosen));
    auto const got = discover(server);
    BOOST_REQUIRE_MESSAGE(got, outcome(got));
    BOOST_TEST(got->issuer == server.issuer());
    BOOST_TEST(got->token_endpoint == server.token_endpoint());
    BOOST_TEST(got->introspection_endpoint == server.introspection_endpoint());
    BOOST_TEST(got->revocation_endpoint == server.revocation_endpoint());
    BOOST_TEST(got->mtls_endpoint_aliases.token_endpoint == server.mtls_token_endpoint());
    BOOST_TEST(got->grant_types == std::vector<std::string>{"client_credentials"});
    BOOST_TEST(got->introspection_authentication_methods == got->authentication_methods);
    BOOST_TEST(got->revocation_authentication_methods == got->authentication_methods);
    BOOST_TEST(!got->dpop_algorithms.empty());

    coauth::client_credentials have;
    have.key = signing_key_of(key);
    auto const how = coauth::choose_authentication(*got, other_id, have);
    BOOST_REQUIRE_MESSAGE(how, outcome(how));
    auto config = authenticated(server, *how);
    config.server = *got;
    BOOST_TEST(outcome(fetch(config)) == "success");
}

BOOST_AUTO_TEST_CASE(asks_beside_the_path_of_the_issuer)
{
    auto chosen = options();
    chosen.issuer_path = "/tenant/one";
    auto server = start(std::move(chosen));
    BOOST_TEST(outcome(discover(server)) == "success");
    check_targets(server, {"GET /.well-known/oauth-authorization-server/tenant/one"});
}

BOOST_AUTO_TEST_CASE(asks_for_openid_metadata_where_there_are_no_others)
{
    for (unsigned const status : {404U, 400U, 405U, 302U})
        BOOST_TEST_CONTEXT(status)
        {
            auto server = start();
            server.always(at(oauth_path, answer::json(status, "")));
            BOOST_TEST(outcome(discover(server)) == "success");
            check_targets(
                server, {std::string("GET ") + oauth_path, std::string("GET ") + openid_path});
        }
}

BOOST_AUTO_TEST_CASE(says_what_is_wrong_when_there_are_none)
{
    struct row
    {
        char const* outcome;
        answer oauth;
        answer openid;
    };
    for (auto const& [expected, oauth, openid] : std::vector<row>{
             {"http_error", answer::json(404, ""), answer::json(404, "")},
             {"http_error", answer::json(404, ""), answer::json(500, "")},
             {"malformed_answer", answer::json(200, "<html>"), answer::json(404, "")},
             {"malformed_answer", answer::json(404, ""), answer::json(200, "[]")}})
        BOOST_TEST_CONTEXT(oauth.status << oauth.body << " " << openid.status << openid.body)
        {
            auto server = start();
            server.always(at(oauth_path, oauth));
            server.always(at(openid_path, openid));
            BOOST_TEST(outcome(discover(server)) == expected);
        }
}

BOOST_AUTO_TEST_CASE(does_not_ask_elsewhere_because_a_server_fails)
{
    auto server = start();
    server.always(at(oauth_path, answer::json(500, "")));
    BOOST_TEST(outcome(discover(server)) == "http_error");
    BOOST_TEST(server.requests().size() == 1U);
}

BOOST_AUTO_TEST_CASE(believes_no_metadata_that_are_wrong)
{
    auto const good = R"(,"token_endpoint":"https://as.example/token")";
    struct row
    {
        char const* says;
        std::string body;
    };
    auto server = start();
    for (auto const& [says, body] : std::vector<row>{
             {"not the one that was asked for", R"({"token_endpoint":"https://as.example/token"})"},
             {"not the one that was asked for",
              R"({"issuer":"https://evil.example","token_endpoint":"https://as.example/token"})"},
             {"not the one that was asked for",
              R"({"issuer":")" + server.issuer() +
                  R"(/","token_endpoint":"https://as.example/t"})"},
             {"names no token_endpoint", metadata_with(server, "")},
             {"token_endpoint",
              metadata_with(server, R"(,"token_endpoint":"http://as.example/t")")},
             {"token_endpoint", metadata_with(server, R"(,"token_endpoint":"http://127.0.0.1/t")")},
             {"token_endpoint",
              metadata_with(server, R"(,"token_endpoint":"https://u:p@as.example/t")")},
             {"token_endpoint is not a string",
              metadata_with(server, R"(,"token_endpoint":["x"])")},
             {"introspection_endpoint",
              metadata_with(
                  server, std::string(good) + R"(,"introspection_endpoint":"ftp://as.example/")")},
             {"token_endpoint",
              metadata_with(
                  server,
                  std::string(good) +
                      R"(,"mtls_endpoint_aliases":{"token_endpoint":"http://a.example/"})")},
             {"not a JSON object", metadata_with(server, std::string(good) + ",")}})
        BOOST_TEST_CONTEXT(body)
        {
            server.unscript();
            server.always(at(oauth_path, answer::json(200, body)));
            server.always(at(openid_path, answer::json(404, "")));
            auto const got = discover(server);
            BOOST_TEST(outcome(got) == "malformed_answer");
            BOOST_REQUIRE(!got);
            BOOST_TEST(got.error().message().find(says) != std::string::npos, got.error());
        }
    server.unscript();
    server.always(at(oauth_path, answer::json(200, metadata_with(server, good))));
    BOOST_TEST(outcome(discover(server)) == "success");
}

BOOST_AUTO_TEST_CASE(follows_no_redirect)
{
    auto server = start();
    auto away = answer::json(302, "");
    away.headers.add("Location", server.issuer() + "/elsewhere");
    server.always(at(oauth_path, away));
    server.always(at(openid_path, away));
    BOOST_TEST(outcome(discover(server)) == "redirect_refused");
    BOOST_TEST(server.requests().size() == 2U);
}

BOOST_AUTO_TEST_CASE(reads_no_more_than_the_limit)
{
    auto server = start();
    server.always(answer::json(200, std::string(2U << 20U, ' ')));
    BOOST_TEST(outcome(discover(server)) == "answer_too_large");
}

BOOST_AUTO_TEST_CASE(takes_issuers_alone)
{
    for (char const* const issuer :
         {"", "as.example", "http://as.example", "http://127.0.0.1", "https://as.example?x",
          "https://as.example/#x", "https://u:p@as.example", "ftp://as.example", "https://"})
        BOOST_TEST_CONTEXT(issuer)
        {
            auto const got = discover(issuer, {});
            BOOST_TEST(outcome(got) == "invalid_configuration");
            BOOST_TEST(got.error().message().find("issuer") != std::string::npos, got.error());
        }
}

BOOST_AUTO_TEST_CASE(is_kept_for_its_lifetime_and_for_those_who_trust_the_same)
{
    auto const server = start();
    auto options = trusting(server);
    BOOST_TEST(outcome(discover(server.issuer(), options)) == "success");
    BOOST_TEST(outcome(discover(server.issuer(), options)) == "success");
    BOOST_TEST(server.requests().size() == 1U);
    auto mistrusting = options;
    mistrusting.tls.ca_pem = start().ca_pem();
    BOOST_TEST(outcome(discover(server.issuer(), mistrusting)) == "certificate_rejected");
    options.lifetime = 0s;
    BOOST_TEST(outcome(discover(server.issuer(), options)) == "success");
    BOOST_TEST(outcome(discover(server.issuer(), options)) == "success");
    BOOST_TEST(server.requests().size() == 3U);
}

BOOST_AUTO_TEST_CASE(of_a_failure_is_not_kept)
{
    auto server = start();
    server.push(at(oauth_path, answer::json(500, "")));
    BOOST_TEST(outcome(discover(server)) == "http_error");
    BOOST_TEST(outcome(discover(server)) == "success");
}

BOOST_AUTO_TEST_CASE(has_one_deadline_for_all_that_it_asks)
{
    auto server = start();
    auto missing = answer::json(404, "");
    missing.delay = 100ms;
    server.always(at(oauth_path, missing));
    auto never = answer::bytes("x", ending::stall);
    never.cut_at = 0;
    server.always(at(openid_path, never));
    auto options = trusting(server);
    options.timeout = 300ms;
    stopwatch const watch;
    BOOST_TEST(outcome(discover(server.issuer(), options)) == "timeout");
    BOOST_TEST(watch.elapsed() >= 290ms);
    BOOST_TEST(watch.elapsed() < 2s);
}

BOOST_AUTO_TEST_CASE(is_ended_by_every_cancellation)
{
    for (auto const type :
         {asio::cancellation_type::terminal, asio::cancellation_type::partial,
          asio::cancellation_type::total})
    {
        auto server = start();
        auto never = answer::bytes("x", ending::stall);
        never.cut_at = 0;
        server.always(at(oauth_path, never));
        asio::io_context context;
        asio::cancellation_signal signal;
        std::vector<std::string> ends;
        stopwatch const watch;
        coauth::async_discover(
            context.get_executor(), server.issuer(), trusting(server),
            asio::bind_cancellation_slot(
                signal.slot(), [&](found const& f) { ends.push_back(outcome(f)); }));
        std::thread canceller(
            [&]
            {
                (void)server.wait_for_requests(1);
                asio::post(context, [&] { signal.emit(type); });
            });
        context.run();
        canceller.join();
        BOOST_TEST(ends == std::vector<std::string>{"cancelled"}, boost::test_tools::per_element());
        BOOST_TEST(watch.elapsed() < 2s);
    }
}

BOOST_AUTO_TEST_SUITE_END()
