// The choice of a method of authentication that both client and server support.

#include <coauth/select_client_authentication.hpp>

#include "support.hpp"
#include "test_keys.hpp"
#include "values/signing_key_data.hpp"

using namespace test;

BOOST_AUTO_TEST_SUITE(select_client_authentication)

namespace
{

// The credentials of a client; flags.
enum has : unsigned
{
    nothing = 0,
    key = 1,
    certificate = 2,
    its_secret = 4,
    all = 7,
};

coauth::available_credentials credentials(unsigned flags)
{
    static auto const text = test_key("Ed25519").private_pem();
    coauth::available_credentials available;
    if ((flags & key) != 0)
        available.key = coauth::signing_key::pem(coauth::secret(std::string_view(text)));
    available.certificate = (flags & certificate) != 0;
    if ((flags & its_secret) != 0)
        available.client_secret = coauth::secret(client_secret);
    return available;
}

coauth::result<coauth::client_authentication>
choose(std::vector<std::string> const& supported, unsigned flags)
{
    coauth::authorization_server server;
    server.authentication_methods = supported;
    return coauth::select_client_authentication(server, client_id, credentials(flags));
}

std::shared_ptr<coauth::detail::signing_key_data const> data(coauth::signing_key const& key)
{
    return coauth::detail::signing_key_access::data(key);
}

std::vector<std::string> const every = {
    "client_secret_basic",
    "client_secret_post",
    "client_secret_jwt",
    "private_key_jwt",
    "tls_client_auth",
    "none",
    "self_signed_tls_client_auth"};

} // namespace

BOOST_AUTO_TEST_CASE(the_preferred_common_method_is_selected)
{
    struct row
    {
        std::vector<std::string> supported;
        unsigned flags;
        coauth::authentication_method chosen;
    };
    for (auto const& row : std::vector<row>{
             {every, all, coauth::authentication_method::private_key_jwt},
             {every, certificate | its_secret, coauth::authentication_method::client_secret_basic},
             {every, certificate, coauth::authentication_method::tls_client_auth},
             {every, its_secret, coauth::authentication_method::client_secret_basic},
             {every, nothing, coauth::authentication_method::none},
             {{}, all, coauth::authentication_method::client_secret_basic},
             {{"client_secret_basic"}, all, coauth::authentication_method::client_secret_basic},
             {{"client_secret_post"}, all, coauth::authentication_method::client_secret_post},
             {{"client_secret_jwt"}, all, coauth::authentication_method::client_secret_jwt},
             {{"private_key_jwt"}, all, coauth::authentication_method::private_key_jwt},
             {{"tls_client_auth"}, all, coauth::authentication_method::tls_client_auth},
             {{"self_signed_tls_client_auth"},
              all,
              coauth::authentication_method::self_signed_tls_client_auth},
             {{"client_secret_jwt", "client_secret_post"},
              its_secret,
              coauth::authentication_method::client_secret_post},
             {{"self_signed_tls_client_auth", "tls_client_auth"},
              certificate,
              coauth::authentication_method::tls_client_auth},
             {{"client_secret_basic", "self_signed_tls_client_auth"},
              key | certificate | its_secret,
              coauth::authentication_method::client_secret_basic},
             {{"client_secret_jwt", "self_signed_tls_client_auth"},
              key | certificate | its_secret,
              coauth::authentication_method::client_secret_jwt},
             {{"self_signed_tls_client_auth"},
              key | certificate | its_secret,
              coauth::authentication_method::self_signed_tls_client_auth},
             {{"client_secret_jwt", "none"},
              its_secret,
              coauth::authentication_method::client_secret_jwt},
             {{"a_method_of_tomorrow", "private_key_jwt"},
              key,
              coauth::authentication_method::private_key_jwt}})
        BOOST_TEST_CONTEXT(
            row.flags << " of " << (row.supported.empty() ? "" : row.supported.front()))
        {
            auto const got = choose(row.supported, row.flags);
            BOOST_TEST_REQUIRE(outcome(got) == "success");
            BOOST_TEST((got->type() == row.chosen));
            BOOST_TEST(got->client_id() == client_id);
        }
}

BOOST_AUTO_TEST_CASE(a_selected_method_has_its_key_or_secret)
{
    BOOST_TEST(!choose({"private_key_jwt"}, all)->key().empty());
    for (auto const* supported : {"client_secret_basic", "client_secret_post", "client_secret_jwt"})
    {
        auto const got = choose({supported}, all);
        BOOST_TEST(text(got->client_secret()) == client_secret);
        BOOST_TEST(got->key().empty());
    }
}

BOOST_AUTO_TEST_CASE(assertions_use_the_given_options)
{
    for (auto const* supported : {"private_key_jwt", "client_secret_jwt"})
    {
        coauth::authorization_server server;
        server.authentication_methods = {supported};
        auto have = credentials(key | its_secret);
        have.assertions.audience_source = coauth::audience_source::endpoint;
        have.assertions.lifetime = 30s;
        auto const got = coauth::select_client_authentication(server, client_id, have);
        BOOST_TEST_REQUIRE(outcome(got) == "success");
        BOOST_TEST((got->assertions().audience_source == coauth::audience_source::endpoint));
        BOOST_TEST((got->assertions().lifetime == 30s));
    }
}

BOOST_AUTO_TEST_CASE(a_key_whose_algorithms_the_server_does_not_support_is_not_selected)
{
    coauth::authorization_server server;
    server.authentication_methods = every;
    server.authentication_algorithms = {"ES256", "RS256"};
    auto const chosen = [&](unsigned flags)
    { return coauth::select_client_authentication(server, client_id, credentials(flags)); };
    BOOST_TEST(
        (chosen(key | its_secret)->type() == coauth::authentication_method::client_secret_basic));
    BOOST_TEST(
        (chosen(key | certificate)->type() == coauth::authentication_method::tls_client_auth));
    auto const alone = chosen(key);
    BOOST_TEST_REQUIRE(outcome(alone) == "invalid_configuration");
    check_contains(
        alone.error().message(), "signs by EdDSA, Ed25519, and the server supports: ES256 RS256");
}

BOOST_AUTO_TEST_CASE(ed25519_is_selected_by_the_name_that_the_server_uses)
{
    using enum coauth::signature_algorithm;
    struct row
    {
        std::vector<std::string> supported;
        coauth::signature_algorithm chosen;
    };
    auto const sign = [](std::string const&,
                         std::function<void(coauth::result<std::string>)> const&) {};
    auto const read = credentials(key).key;
    for (auto const& [supported, expected] :
         std::vector<row>{{{}, eddsa}, {{"EdDSA"}, eddsa}, {{"RS256", "Ed25519"}, ed25519}})
        for (auto const& one :
             {read, read.algorithm(eddsa), coauth::signing_key::signer(eddsa, sign)})
        {
            coauth::authorization_server server;
            server.authentication_methods = {"private_key_jwt"};
            server.authentication_algorithms = supported;
            server.dpop_algorithms = supported;
            coauth::available_credentials have;
            have.key = one;
            auto const got = coauth::select_client_authentication(server, client_id, have);
            BOOST_TEST_REQUIRE(outcome(got) == "success");
            BOOST_TEST((data(got->key())->algorithm == expected));
            auto const proving = coauth::select_dpop_key(server, one);
            BOOST_TEST_REQUIRE(outcome(proving) == "success");
            BOOST_TEST((data(*proving)->algorithm == expected));
        }
}

BOOST_AUTO_TEST_CASE(a_dpop_key_is_selected_if_the_server_supports_it)
{
    using enum coauth::signature_algorithm;
    auto const text = test_key("RSA").private_pem();
    auto const rsa = coauth::signing_key::pem(coauth::secret(std::string_view(text)));
    coauth::authorization_server server;
    server.dpop_algorithms = {"ES256", "PS384", "PS256"};
    BOOST_TEST((data(*coauth::select_dpop_key(server, rsa))->algorithm == ps256));
    auto const other = coauth::select_dpop_key(server, rsa.algorithm(rs512));
    BOOST_TEST_REQUIRE(outcome(other) == "invalid_configuration");
    check_contains(
        other.error().message(),
        "dpop: the key signs by RS512, and the server supports: ES256 PS384 PS256");
    BOOST_TEST(
        outcome(coauth::select_dpop_key(server, coauth::signing_key())) == "invalid_configuration");
}

BOOST_AUTO_TEST_CASE(no_common_method_is_an_error_with_both_lists)
{
    struct row
    {
        std::vector<std::string> supported;
        unsigned flags;
        char const* names;
    };
    for (auto const& row : std::vector<row>{
             {{}, nothing, ": client_secret_basic"},
             {{}, key | certificate, ": client_secret_basic"},
             {{"private_key_jwt"}, certificate | its_secret, ": private_key_jwt"},
             {{"tls_client_auth", "self_signed_tls_client_auth"},
              key | its_secret,
              ": tls_client_auth self_signed_tls_client_auth"},
             {{"client_secret_basic", "client_secret_post", "client_secret_jwt"},
              key | certificate,
              ": client_secret_basic client_secret_post client_secret_jwt"},
             // A client with credentials does not want to be without authentication.
             {{"none"}, key, ": none"},
             {{"none"}, certificate, ": none"},
             {{"none"}, its_secret, ": none"},
             {{"Client_Secret_Basic"}, its_secret, ": Client_Secret_Basic"}})
        BOOST_TEST_CONTEXT(row.names)
        {
            auto const got = choose(row.supported, row.flags);
            BOOST_TEST_REQUIRE(outcome(got) == "invalid_configuration");
            check_contains(
                got.error().message(),
                "authentication: there are no credentials for what the server supports"s +
                    row.names);
            check_lacks(got.error().message(), client_secret);
        }
}

BOOST_AUTO_TEST_CASE(names_from_the_server_are_sanitized)
{
    coauth::authorization_server server;
    server.authentication_methods = {
        "other", "\x1b[31m", "a "s + client_secret, std::string(5000, 'x')};
    coauth::available_credentials with;
    with.client_secret = client_secret;
    auto const chosen = coauth::select_client_authentication(server, client_id, with);
    BOOST_TEST_REQUIRE(outcome(chosen) == "invalid_configuration");
    auto const message = chosen.error().message();
    check_contains(message, "what the server supports: other");
    check_lacks(message, client_secret);
    check_lacks(message, "\x1b");
    BOOST_TEST(message.size() < 2048U);
}

BOOST_AUTO_TEST_SUITE_END()
