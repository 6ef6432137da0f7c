// URLs as DPoP proofs and nonces use them.

#include "authentication/dpop_url.hpp"

#include "support.hpp"

using namespace test;

BOOST_AUTO_TEST_SUITE(dpop_url)

BOOST_AUTO_TEST_CASE(origin_and_htu_are_derived_from_the_url)
{
    struct row
    {
        char const* url;
        char const* origin;
        char const* htu;
    };
    for (auto const& row : std::vector<row>{
             {"https://api.example/a?b=c#d", "https://api.example", "https://api.example/a"},
             {"https://user:p@ss@api.example/a", "https://api.example", "https://api.example/a"},
             {"HTTPS://API.Example:443/A", "https://api.example", "https://api.example/A"},
             {"https://api.example:0443/", "https://api.example", "https://api.example/"},
             {"https://api.example:/", "https://api.example", "https://api.example/"},
             {"http://api.example:80/", "http://api.example", "http://api.example/"},
             {"http://api.example:443/", "http://api.example:443", "http://api.example:443/"},
             {"https://api.example:80/", "https://api.example:80", "https://api.example:80/"},
             {"https://api.example:8443/a", "https://api.example:8443",
              "https://api.example:8443/a"},
             {"https://api.example", "https://api.example", "https://api.example/"},
             {"https://api.example?a=@b", "https://api.example", "https://api.example/"},
             {"https://[2001:DB8::1]:443/a", "https://[2001:db8::1]", "https://[2001:db8::1]/a"},
             {"https://[2001:db8::1]/a", "https://[2001:db8::1]", "https://[2001:db8::1]/a"},
             // A path is case-sensitive, and its escapes are the server's business.
             {"https://api.example/A%2fb//c/../@d", "https://api.example",
              "https://api.example/A%2fb//c/../@d"},
             {"/a?b", "/a", "/a"},
             {"", "", ""}})
        BOOST_TEST_CONTEXT(row.url)
        {
            auto const got = coauth::detail::parse_dpop_url(row.url);
            BOOST_TEST(got.origin == row.origin);
            BOOST_TEST(got.htu == row.htu);
        }
}

BOOST_AUTO_TEST_SUITE_END()
