#include "protocol/endpoint_url.hpp"

#include "support.hpp"

using namespace test;

BOOST_AUTO_TEST_SUITE(endpoint_url)

using coauth::protocol::parse_endpoint;

BOOST_AUTO_TEST_CASE(valid_urls_are_split_into_parts)
{
    struct row
    {
        char const* url;
        bool tls;
        char const* host;
        char const* port;
        char const* target;
        char const* host_header;
        bool ip_literal;
    };
    for (auto const& row : std::vector<row>{
             {"https://a.example/oauth/token", true, "a.example", "443", "/oauth/token",
              "a.example", false},
             {"https://a.example", true, "a.example", "443", "/", "a.example", false},
             {"https://a.example:443/t", true, "a.example", "443", "/t", "a.example", false},
             {"https://a.example:8443/t?x=1&y=%20", true, "a.example", "8443", "/t?x=1&y=%20",
              "a.example:8443", false},
             {"https://a.example?x=1", true, "a.example", "443", "/?x=1", "a.example", false},
             {"HTTPS://A.Example/T", true, "A.Example", "443", "/T", "A.Example", false},
             {"https://192.0.2.7:1/t", true, "192.0.2.7", "1", "/t", "192.0.2.7:1", true},
             {"https://[2001:db8::1]/t", true, "2001:db8::1", "443", "/t", "[2001:db8::1]", true},
             {"https://[::1]:65535/t", true, "::1", "65535", "/t", "[::1]:65535", true},
             {"https://a.example:0443/t", true, "a.example", "443", "/t", "a.example", false},
             {"https://10.0.0.1.nip.io:8443/t?x", true, "10.0.0.1.nip.io", "8443", "/t?x",
              "10.0.0.1.nip.io:8443", false},
             {"https://10.0.0.1x", true, "10.0.0.1x", "443", "/", "10.0.0.1x", false},
             {"https://256.0.0.1/", true, "256.0.0.1", "443", "/", "256.0.0.1", false},
             {"http://127.0.0.1/t", false, "127.0.0.1", "80", "/t", "127.0.0.1", true},
             {"http://127.1.2.3:80/t", false, "127.1.2.3", "80", "/t", "127.1.2.3", true},
             {"http://localhost:443/t", false, "localhost", "443", "/t", "localhost:443", false},
             {"http://[::1]:8080/t", false, "::1", "8080", "/t", "[::1]:8080", true},
         })
        BOOST_TEST_CONTEXT(row.url)
        {
            auto const got = parse_endpoint(row.url, "url", true);
            BOOST_TEST_REQUIRE(outcome(got) == "success");
            BOOST_TEST(got->tls == row.tls);
            BOOST_TEST(got->host == row.host);
            BOOST_TEST(got->port == row.port);
            BOOST_TEST(got->target == row.target);
            BOOST_TEST(got->host_header == row.host_header);
            BOOST_TEST(got->ip_literal == row.ip_literal);
        }
}

BOOST_AUTO_TEST_CASE(invalid_urls_are_rejected_with_advice)
{
    struct row
    {
        std::string url;
        char const* advice;
    };
    for (auto const& row : std::vector<row>{
             {"", "is empty"},
             {"a.example/token", "not an absolute URL"},
             {"/token", "not an absolute URL"},
             {"//a.example/token", "not an absolute URL"},
             {"https:/a.example", "has no host"},
             {"https:a.example", "has no host"},
             {"https://", "has no host"},
             {"https:///token", "has no host"},
             {"https://:443/token", "has no host"},
             {"ftp://a.example/token", "must begin with https://"},
             {"file:///etc/passwd", "must begin with https://"},
             {"javascript:alert(1)", "must begin with https://"},
             {"https://a.example/t#part", "contains a fragment"},
             {"https://a.example/t#", "contains a fragment"},
             {"https://a.example:0/t", "bad port"},
             {"https://a.example:65536/t", "bad port"},
             {"https://a.example:99999999999999999999/t", "bad port"},
             {"https://a.example:/t", "bad port"},
             {"https://a.example:x/t", "bad port"},
             {"https://a.example:4x/t", "bad port"},
             {"https://a.example:443.example/t", "bad port"},
             {"https://a%2eexample/t", "neither a name nor an IP address"},
             {"https://[v1.x]/t", "neither a name nor an IP address"},
             {"https://[::1/t", "not an absolute URL"},
             {"https://a b/t", "percent-encode"},
             {"https://a.example/t x", "percent-encode"},
             {"https://a.example/t\r\nX: y", "percent-encode"},
             {"https://a.example/\0t"s, "percent-encode"},
             {"https://b\xC3\xBC.example/t", "'xn--b-eha.example'"},
             {" https://a.example/t", "percent-encode"},
             {"https://a.example/t\n", "percent-encode"},
             {"https://a.example/%zz", "not an absolute URL"},
         })
        BOOST_TEST_CONTEXT(row.url)
        {
            auto const got = parse_endpoint(row.url, "server.token_endpoint", true);
            BOOST_TEST_REQUIRE(outcome(got) == "invalid_configuration");
            check_contains(got.error().message(), row.advice);
            check_contains(got.error().message(), "server.token_endpoint");
        }
}

BOOST_AUTO_TEST_CASE(user_information_is_rejected_and_not_repeated)
{
    for (auto const* url :
         {"https://user:hunter2@a.example/t", "https://hunter2@a.example/t",
          "https://:hunter2@a.example/t", "http://x:hunter2@127.0.0.1/t"})
        BOOST_TEST_CONTEXT(url)
        {
            auto const got = parse_endpoint(url, "url", true);
            BOOST_TEST_REQUIRE(outcome(got) == "invalid_configuration");
            check_contains(got.error().message(), "user information");
            check_lacks(got.error().message(), "hunter2");
        }
    for (auto const* mistyped : {"https:/u:hunter2@a.example/t", "https:u:hunter2@a.example/t#"})
        check_lacks(parse_endpoint(mistyped, "url", true).error().message(), "hunter2");
}

BOOST_AUTO_TEST_CASE(http_needs_the_option_and_a_loopback_address)
{
    struct row
    {
        char const* url;
        bool option;
        bool accepted;
    };
    for (auto const& row : std::vector<row>{
             {"http://127.0.0.1/t", true, true},
             {"http://localhost/t", true, true},
             {"http://[::1]/t", true, true},
             {"http://127.0.0.1/t", false, false},
             {"http://localhost/t", false, false},
             {"http://a.example/t", true, false},
             {"http://localhost.example/t", true, false},
             {"http://xlocalhost/t", true, false},
             {"http://128.0.0.1/t", true, false},
             {"http://127.0.0.1.example/t", true, false},
             {"http://127.0.0.1x/t", true, false},
             {"http://127.0.0.1@a.example/t", true, false},
             {"http://[::2]/t", true, false},
             {"http://0.0.0.0/t", true, false},
         })
        BOOST_TEST_CONTEXT(row.url << " with the option " << row.option)
        {
            auto const got = parse_endpoint(row.url, "url", row.option);
            BOOST_TEST(got.has_value() == row.accepted);
            if (!got && !contains(row.url, "@"))
                check_contains(got.error().message(), "allow_http_loopback");
        }
}

BOOST_AUTO_TEST_SUITE_END()
