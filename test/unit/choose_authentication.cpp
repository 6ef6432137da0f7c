#include <coauth/choose_authentication.hpp>

#include "support.hpp"

using namespace test;

BOOST_AUTO_TEST_SUITE(choose_authentication)

BOOST_AUTO_TEST_CASE(names_of_the_server_are_shown_as_its_text)
{
    coauth::authorization_server server;
    server.authentication_methods = {
        "other", "\x1b[31m", "a "s + client_secret, std::string(5000, 'x')};
    coauth::client_credentials with;
    with.client_secret = client_secret;
    auto const chosen = coauth::choose_authentication(server, client_id, with);
    BOOST_TEST_REQUIRE(outcome(chosen) == "invalid_configuration");
    auto const message = chosen.error().message();
    check_contains(message, "what the server knows: other");
    check_lacks(message, client_secret);
    check_lacks(message, "\x1b");
    BOOST_TEST(message.size() < 2048U);
}

BOOST_AUTO_TEST_SUITE_END()
