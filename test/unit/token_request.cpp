#include <coauth/token_request.hpp>

#include "support.hpp"

#include <type_traits>

using namespace test;

BOOST_AUTO_TEST_SUITE(token_request)

namespace
{

using request_type = coauth::token_request;

} // namespace

BOOST_AUTO_TEST_CASE(setters_chain_and_getters_return_the_values)
{
    auto const request = request_type()
                             .scope("a b")
                             .resource("urn:1")
                             .resource("urn:2")
                             .audience("au")
                             .parameter("x", "1")
                             .parameter("x", "2");
    BOOST_TEST(request.scope() == "a b");
    BOOST_TEST(request.resources().size() == 2U);
    BOOST_TEST(request.resources()[1] == "urn:2");
    BOOST_TEST(request.audiences() == std::vector<std::string>{"au"});
    BOOST_TEST(request.parameters().size() == 2U);
    BOOST_TEST(request.parameters()[1].second == "2");
}

BOOST_AUTO_TEST_CASE(a_named_request_is_changed_in_place)
{
    request_type request;
    request.scope("a").audience("x");
    request.scope("b");
    BOOST_TEST(request.scope() == "b");
    BOOST_TEST(request.audiences() == std::vector<std::string>{"x"});
}

BOOST_AUTO_TEST_CASE(null_pointers_are_empty_strings)
{
    char const* const not_set = nullptr;
    BOOST_TEST((request_type().scope(not_set).audience(not_set) == request_type()));
    BOOST_TEST(request_type().resource(not_set).resources().front().empty());
    BOOST_TEST(request_type().parameter("x", not_set).parameters().front().second.empty());
}

BOOST_AUTO_TEST_CASE(token_request_is_not_an_aggregate)
{
    // GCC 12 destroys an aggregate temporary of an awaited expression twice.
    static_assert(!std::is_aggregate_v<request_type>);
    BOOST_TEST(std::is_default_constructible_v<request_type>);
}

BOOST_AUTO_TEST_SUITE_END()
