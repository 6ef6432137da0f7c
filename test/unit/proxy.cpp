#include "protocol/proxy.hpp"

#include "support.hpp"

#include <map>

using namespace test;

BOOST_AUTO_TEST_SUITE(proxy)

using coauth::protocol::bypasses_proxy;

namespace
{

using variables = std::map<std::string, std::string>;

auto find(
    coauth::proxy_options const& options, variables const& set = {},
    std::string const& url = "https://as.example.com/token")
{
    auto const server = coauth::protocol::parse_endpoint(url, "url", true);
    return coauth::protocol::find_proxy(
        options, *server,
        [&](char const* name) -> std::optional<std::string>
        {
            auto const found = set.find(name);
            return found == set.end() ? std::nullopt : std::optional(found->second);
        });
}

coauth::proxy_options by_url(std::string url)
{
    coauth::proxy_options options;
    options.url = std::move(url);
    return options;
}

} // namespace

BOOST_AUTO_TEST_CASE(no_proxy_by_default)
{
    auto const got = find({}, {{"HTTPS_PROXY", "http://proxy:1"}});
    BOOST_TEST_REQUIRE(got.has_value());
    BOOST_TEST(!got->has_value());
}

BOOST_AUTO_TEST_CASE(the_proxy_is_read_from_the_options)
{
    auto options = by_url("http://proxy.example:3128");
    auto got = find(options);
    BOOST_TEST_REQUIRE(got.has_value());
    BOOST_TEST((*got)->host == "proxy.example");
    BOOST_TEST((*got)->port == 3128);
    BOOST_TEST(
        text((*got)->request) ==
        "CONNECT as.example.com:443 HTTP/1.1\r\nHost: as.example.com:443\r\n\r\n");
    options.user = "me";
    options.password = coauth::secret("p w");
    check_contains(
        text((*find(options))->request), "\r\nProxy-Authorization: Basic bWU6cCB3\r\n\r\n");
    check_contains(
        text((*find(options, {}, "https://[::1]:8443/t"))->request), "CONNECT [::1]:8443 HTTP");
}

BOOST_AUTO_TEST_CASE(valid_forms_of_the_proxy_url_are_accepted)
{
    struct row
    {
        char const* url;
        char const* host;
        int port;
    };
    for (auto const& row : std::vector<row>{
             {"http://proxy", "proxy", 80},
             {"http://proxy/", "proxy", 80},
             {"http://10.0.0.1:8080", "10.0.0.1", 8080},
             {"http://[2001:db8::1]:8080", "2001:db8::1", 8080},
             {"http://u%40x:p%3Aq@proxy:1", "proxy", 1},
             {"http://u:p@[::1]", "::1", 80},
             {"http://proxy:0443", "proxy", 443},
             {"https://proxy", "proxy", 443},
             {"HTTPS://u:p@proxy:3129", "proxy", 3129},
             {"https://[::1]", "::1", 443},
             // Not the host 10.0.0.1 and a path.
             {"http://10.0.0.1.example:3128", "10.0.0.1.example", 3128},
         })
        BOOST_TEST_CONTEXT(row.url)
        {
            auto const got = find(by_url(row.url));
            BOOST_TEST_REQUIRE(got.has_value());
            BOOST_TEST((*got)->host == row.host);
            BOOST_TEST((*got)->port == row.port);
            BOOST_TEST((*got)->tls == (row.url[4] == 's' || row.url[4] == 'S'));
            BOOST_TEST(
                (*got)->ip_literal ==
                (row.host[0] == ':' || row.host == "10.0.0.1"s || row.host[0] == '2'));
        }
    check_contains(
        text((*find(by_url("http://u%40x:p%3Aq@proxy:1")))->request),
        "Proxy-Authorization: Basic dUB4OnA6cQ==\r\n");
}

BOOST_AUTO_TEST_CASE(invalid_urls_are_rejected_and_not_repeated)
{
    for (char const* url :
         {"proxy:3128", "socks5://proxy:1", "https://", "http://", "http://pro xy",
          "http://u:hunter2@proxy:x", "http://u%0d%0aX:hunter2@proxy", "http://proxy:0",
          "http://proxy:", "http://proxy:65664", "http://proxy:3128x",
          "http://u:hunter2@10.0.0.1:"})
        BOOST_TEST_CONTEXT(url)
        {
            auto const got = find(by_url(url));
            BOOST_TEST_REQUIRE(outcome(got) == "invalid_configuration");
            check_contains(got.error().message(), "proxy.url");
            check_lacks(got.error().message(), "hunter2");
        }
}

BOOST_AUTO_TEST_CASE(a_host_that_is_not_ascii_is_rejected_with_its_form)
{
    auto const got = find(by_url("http://u:hunter2@b\xC3\xBC"
                                 "cher.example:3128"));
    BOOST_TEST_REQUIRE(outcome(got) == "invalid_configuration");
    check_contains(got.error().message(), "'xn--bcher-kva.example'");
    check_lacks(got.error().message(), "hunter2");
}

BOOST_AUTO_TEST_CASE(the_proxy_is_read_from_the_environment)
{
    struct row
    {
        char const* name;
        variables set;
        char const* host;
    };
    coauth::proxy_options options;
    options.from_environment = true;
    for (auto const& row : std::vector<row>{
             {"nothing", {}, ""},
             {"empty", {{"HTTPS_PROXY", ""}}, ""},
             {"upper case", {{"HTTPS_PROXY", "http://a:1"}}, "a"},
             {"lower case first",
              {{"HTTPS_PROXY", "http://a:1"}, {"https_proxy", "http://b:1"}},
              "b"},
             {"address alone", {{"https_proxy", "a:1"}}, "a"},
             {"not that of http", {{"HTTP_PROXY", "http://a:1"}, {"http_proxy", "http://a:1"}}, ""},
             {"bypassed", {{"https_proxy", "http://a:1"}, {"NO_PROXY", "example.com"}}, ""},
             {"bypassed, lower case", {{"https_proxy", "http://a:1"}, {"no_proxy", "*"}}, ""},
         })
        BOOST_TEST_CONTEXT(row.name)
        {
            auto const got = find(options, row.set);
            BOOST_TEST_REQUIRE(got.has_value());
            BOOST_TEST((got->has_value() ? (*got)->host : "") == row.host);
        }
    options.url = "http://explicit:1";
    BOOST_TEST(
        (*find(options, {{"https_proxy", "http://a:1"}, {"no_proxy", "*"}}))->host == "explicit");
}

BOOST_AUTO_TEST_CASE(no_proxy_matches_hosts_domains_addresses_and_ranges)
{
    struct row
    {
        char const* list;
        char const* host;
        char const* port;
        bool bypassed;
    };
    for (auto const& row : std::vector<row>{
             {"", "a.example", "443", false},
             {"*", "a.example", "443", true},
             {"a.example", "a.example", "443", true},
             {"A.Example", "a.eXample", "443", true},
             {"example", "a.example", "443", true},
             {".example", "a.example", "443", true},
             {".a.example", "a.example", "443", true},
             {"*.example", "a.example", "443", true},
             {"ample", "a.example", "443", false},
             {"b.example", "a.example", "443", false},
             {"x, a.example ,y", "a.example", "443", true},
             {"x a.example", "a.example", "443", true},
             {",,", "a.example", "443", false},
             {"a.example:443", "a.example", "443", true},
             {"a.example:444", "a.example", "443", false},
             {"10.0.0.1", "10.0.0.1", "443", true},
             {"10.0.0.1:443", "10.0.0.1", "443", true},
             {"10.0.0.1:80", "10.0.0.1", "443", false},
             {"0.0.1", "10.0.0.1", "443", false},
             {"10.0.0.0/8", "10.255.0.1", "443", true},
             {"10.0.0.0/8", "11.0.0.1", "443", false},
             {"10.0.0.4/30", "10.0.0.7", "443", true},
             {"10.0.0.4/30", "10.0.0.8", "443", false},
             {"0.0.0.0/0", "11.0.0.1", "443", true},
             {"10.0.0.0/33", "10.0.0.1", "443", false},
             {"10.0.0.0/x", "10.0.0.1", "443", false},
             {"10.0.0.0/8", "a.example", "443", false},
             {"2001:db8::/32", "2001:db8::5", "443", true},
             {"2001:db8::/32", "2001:db9::5", "443", false},
             {"2001:db8::5", "2001:db8::5", "443", true},
             {"[2001:db8::5]:443", "2001:db8::5", "443", true},
             {"[2001:db8::5]:444", "2001:db8::5", "443", false},
             {"[2001:db8::5]", "2001:db8::5", "443", true},
             {"::/0", "10.0.0.1", "443", false},
             {"a.example.", "a.example", "443", true},
             {"a.example", "a.example.", "443", true},
         })
        BOOST_TEST_CONTEXT(row.list << " and " << row.host)
    BOOST_TEST(bypasses_proxy(row.list, row.host, row.port) == row.bypassed);
}

BOOST_AUTO_TEST_SUITE_END()
