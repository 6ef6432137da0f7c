#ifndef COAUTH_TEST_SUPPORT_DISCOVERY_FIXTURE_HPP
#define COAUTH_TEST_SUPPORT_DISCOVERY_FIXTURE_HPP

#include "client_authentication.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <string>
#include <utility>
#include <vector>

namespace test
{

using discovery_result = coauth::result<coauth::authorization_server>;

inline constexpr char const* oauth_path = "/.well-known/oauth-authorization-server";
inline constexpr char const* openid_path = "/.well-known/openid-configuration";

inline coauth::discovery_options trusting(authorization_server const& server)
{
    coauth::discovery_options options;
    options.tls.ca_pem = server.ca_pem();
    return options;
}

inline discovery_result
discover(std::string const& issuer, coauth::discovery_options const& options)
{
    boost::asio::io_context context;
    std::vector<discovery_result> results;
    coauth::async_discover(
        context.get_executor(), issuer, options,
        [&](discovery_result r) { results.push_back(std::move(r)); });
    BOOST_TEST(results.empty(), "completed within the initiating function");
    context.run();
    BOOST_REQUIRE_EQUAL(results.size(), 1U);
    return results.front();
}

inline discovery_result discover(authorization_server const& server)
{
    return discover(server.issuer(), trusting(server));
}

inline std::vector<std::string> targets(authorization_server const& server)
{
    std::vector<std::string> all;
    for (auto const& seen : server.requests())
        all.push_back(seen.method + " " + seen.target);
    return all;
}

inline void
check_targets(authorization_server const& server, std::vector<std::string> const& expected)
{
    auto const seen = targets(server);
    BOOST_TEST(seen == expected, boost::test_tools::per_element());
}

inline response at(char const* path, response at_any)
{
    at_any.path = path;
    return at_any;
}

inline std::string metadata_with(authorization_server const& server, std::string const& more)
{
    return R"({"issuer":")" + server.issuer() + "\"" + more + "}";
}

} // namespace test

#endif
