#include "token_source/cache_key.hpp"

#include "support.hpp"

#include <set>

using namespace test;

BOOST_AUTO_TEST_SUITE(cache_key)

using coauth::token_request;

namespace
{

std::string
key(token_request const& request, std::uint64_t client = 1, std::string_view fingerprint = {})
{
    std::string text;
    coauth::detail::append_cache_key(text, client, request, fingerprint);
    return text;
}

} // namespace

BOOST_AUTO_TEST_CASE(the_order_of_scopes_and_resources_does_not_change_the_key)
{
    BOOST_TEST(key(token_request().scope("a b")) == key(token_request().scope("b a")));
    BOOST_TEST(key(token_request().scope("a b a")) == key(token_request().scope("a b")));
    BOOST_TEST(
        key(token_request().resource("x").resource("y")) ==
        key(token_request().resource("y").resource("x").resource("y")));
}

BOOST_AUTO_TEST_CASE(header_fields_and_the_order_of_audiences_do_not_change_the_key)
{
    BOOST_TEST(key(token_request().header("traceparent", "00-1-2-01")) == key(token_request()));
    BOOST_TEST(
        key(token_request().audience("x").audience("y")) ==
        key(token_request().audience("y").audience("x").audience("y")));
}

BOOST_AUTO_TEST_CASE(each_parameter_of_a_request_changes_the_key)
{
    std::vector<token_request> const different{
        token_request(),
        token_request().scope("a"),
        token_request().scope("a b"),
        token_request().scope("ab"),
        token_request().scope("A"),
        token_request().resource("a"),
        token_request().resource("a b"),
        token_request().resource("a").resource("b"),
        token_request().audience("a"),
        token_request().audience("1:a"),
        token_request().audience("a").audience("b"),
        token_request().audience("ab"),
        token_request().resource("a").audience("a"),
        token_request().authorization_details("[1]"),
        token_request().authorization_details("[2]"),
        token_request().scope("a").audience("b"),
        token_request().parameter("a", "b"),
        token_request().parameter("ab", ""),
        token_request().parameter("a", "b").parameter("c", "d"),
        token_request().parameter("a", "b1:c1:d"),
        token_request().parameter("c", "d").parameter("a", "b"),
    };
    std::set<std::string> keys;
    for (auto const& request : different)
        for (std::uint64_t const client : {1U, 11U})
            BOOST_TEST(keys.insert(key(request, client)).second);
}

BOOST_AUTO_TEST_CASE(grants_with_equal_content_have_equal_keys)
{
    auto const content = [](token_request const& request)
    { return std::string(coauth::detail::grant_content(*request.grant()).view()); };
    std::set<std::string> seen;
    for (auto const& request :
         {token_request::jwt_bearer("a"), token_request::jwt_bearer("b"),
          token_request::refresh_token("a"), token_request::token_exchange("a"),
          token_request::token_exchange("a", "b"),
          token_request::token_exchange("a", "b", "c", "d"),
          token_request::token_exchange("a", "b1:c")})
        BOOST_TEST(seen.insert(content(request)).second);
    BOOST_TEST(
        content(token_request::jwt_bearer("a")) ==
        content(token_request::jwt_bearer("a").scope("other")));

    auto const one = token_request::jwt_bearer("a");
    BOOST_TEST(key(one, 1, "x") == key(token_request::jwt_bearer("a"), 1, "x"));
    BOOST_TEST(key(one, 1, "x") != key(one, 1, "y"));
    BOOST_TEST(key(one, 1, "") != key(token_request()));
    BOOST_TEST(
        key(token_request::jwt_bearer("a").parameter("b", "c"), 1, "d") !=
        key(token_request().parameter("b", "c").parameter("d", "")));
}

BOOST_AUTO_TEST_SUITE_END()
