// No response makes the client contact another host, or send further requests to this one.

#include "client_fixture.hpp"
#include "fixture.hpp"

#include <boost/test/unit_test.hpp>

using namespace test;

BOOST_AUTO_TEST_SUITE(secret_leaks)

namespace
{

// A server that must receive no connection.
class another_server
{
public:
    ~another_server() { BOOST_TEST(server_.connections() == 0U); }
    [[nodiscard]] std::string port() const { return std::to_string(server_.port()); }

private:
    authorization_server server_ = start();
};

// The next request has the same fields as the first.
void check_says_the_same_as_ever(
    authorization_server& server, client_fixture& kept, std::string const& ever)
{
    auto const before = server.requests().size();
    BOOST_TEST(outcome(kept.fetch()) == "success");
    BOOST_REQUIRE_EQUAL(server.requests().size(), before + 1);
    BOOST_TEST(server.requests().back().bytes == ever);
}

std::string first_request(authorization_server const& server, client_fixture& kept)
{
    (void)require_token(kept.fetch());
    return server.requests().back().bytes;
}

} // namespace

BOOST_AUTO_TEST_CASE(no_redirect_is_followed)
{
    auto server = start();
    another_server const other;
    client_fixture kept(single_attempt(server));
    auto const ever = first_request(server, kept);
    auto const port = std::to_string(server.port());
    std::string const places[] = {
        server.token_endpoint(),
        "https://localhost:" + port + "/oauth/token",
        "https://127.0.0.1:" + other.port() + "/oauth/token",
        "//127.0.0.1:" + other.port() + "/oauth/token",
        "https://user:password@127.0.0.1:" + port + "/oauth/token",
        "https://user:password@127.0.0.1:" + other.port() + "/oauth/token",
        "http://127.0.0.1:" + port + "/oauth/token",
        "http://127.0.0.1:" + other.port() + "/oauth/token",
        "//localhost:" + port + "/",
        "/oauth/token",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "",
    };
    std::size_t requests = 1;
    for (unsigned const status : {300U, 301U, 302U, 303U, 307U, 308U})
        for (auto const& place : places)
            BOOST_TEST_CONTEXT(status << " to " << place)
            {
                // It contains a token, which must not be used.
                auto redirect = response::json(status, token_body);
                redirect.headers.add("Location", place);
                server.push_response(redirect);
                auto const got = kept.fetch();
                BOOST_REQUIRE_EQUAL(outcome(got), "redirect_refused");
                BOOST_TEST(got.error().http_status() == status);
                BOOST_TEST(server.requests().size() == ++requests);
                check_no_secret(got, "tok.en-1");
            }
    check_says_the_same_as_ever(server, kept, ever);
}

BOOST_AUTO_TEST_CASE(header_fields_that_request_further_connections_are_ignored)
{
    auto server = start();
    another_server const other;
    client_fixture kept(single_attempt(server));
    auto const ever = first_request(server, kept);
    auto const elsewhere = "127.0.0.1:" + other.port();
    std::pair<char const*, std::string> const fields[] = {
        {"Alt-Svc", "http/1.1=\"" + elsewhere + "\"; ma=3600; persist=1"},
        {"Link", "<https://" + elsewhere + "/>; rel=preconnect"},
        {"Refresh", "0; url=https://" + elsewhere + "/"},
        {"Set-Cookie", "session=1; Path=/; Secure"},
        {"Location", "https://" + elsewhere + "/"},
        {"Content-Location", "https://" + elsewhere + "/"},
        {"WWW-Authenticate", "Basic realm=\"other\""},
        {"Strict-Transport-Security", "max-age=31536000"},
        {"Accept-CH", "Sec-CH-UA"},
        {"Upgrade", "h2c"},
    };
    for (auto const& [name, value] : fields)
        for (unsigned const status : {200U, 400U})
            BOOST_TEST_CONTEXT(name << ", " << status)
            {
                auto a = response::json(
                    status, status == 200 ? token_body : R"({"error":"invalid_scope"})");
                a.headers.add(name, value);
                server.push_response(a);
                BOOST_TEST(outcome(kept.fetch()) == (status == 200 ? "success" : "invalid_scope"));
                check_says_the_same_as_ever(server, kept, ever);
            }
    BOOST_TEST(server.connections() == 1U);
}

// The credentials are not sent again in another form or for another realm.
BOOST_AUTO_TEST_CASE(challenges_cause_no_further_request)
{
    auto server = start();
    client_fixture kept(single_attempt(server));
    auto const ever = first_request(server, kept);
    std::size_t requests = 1;
    for (auto const* const challenge :
         {"Basic realm=\"other\"", "Basic realm=\"token endpoint\", charset=\"UTF-8\"", "Negotiate",
          "Negotiate YII=", "NTLM", R"(Digest realm="other", nonce="n", qop="auth")",
          "Bearer realm=\"other\"", R"(DPoP algs="ES256")"})
        for (unsigned const status : {401U, 407U})
            BOOST_TEST_CONTEXT(status << ", " << challenge)
            {
                response refusal;
                refusal.status = status;
                refusal.headers.add(
                    status == 401 ? "WWW-Authenticate" : "Proxy-Authenticate", challenge);
                server.push_response(refusal);
                auto const got = kept.fetch();
                BOOST_REQUIRE(!got);
                BOOST_TEST(outcome(got) == "http_error");
                BOOST_TEST(got.error().http_status() == status);
                BOOST_TEST(server.requests().size() == ++requests);
                BOOST_TEST(server.requests().back().bytes == ever);
                check_no_secret(got);
            }
    check_says_the_same_as_ever(server, kept, ever);
}

BOOST_AUTO_TEST_SUITE_END()
