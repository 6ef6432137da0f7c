#ifndef COAUTH_TEST_SUPPORT_CLIENT_AUTHENTICATION_HPP
#define COAUTH_TEST_SUPPORT_CLIENT_AUTHENTICATION_HPP

#include "client_fixture.hpp"
#include "fixture.hpp"
#include "test_keys.hpp"

#include <memory>
#include <string>
#include <utility>

namespace test
{

// The id of a further client of the testing server.
inline constexpr char const* other_id = "other-client";

inline server_options options_with_client(coauth::testing::registered_client client)
{
    auto settings = options();
    client.id = other_id;
    settings.clients = {std::move(client)};
    return settings;
}

inline server_options options_with_client(test_key const& key)
{
    coauth::testing::registered_client client;
    client.public_keys = {key.public_pem()};
    return options_with_client(std::move(client));
}

inline coauth::signing_key signing_key_of(test_key const& key)
{
    return coauth::signing_key::pem(coauth::secret(key.private_pem()));
}

// A prover whose private key is elsewhere.
inline std::shared_ptr<coauth::dpop_prover>
elsewhere(test_key const& key, coauth::signer_function sign)
{
    return std::make_shared<coauth::dpop_prover>(
        coauth::signing_key::signer(coauth::signature_algorithm::es256, std::move(sign))
            .public_key(key.public_pem()));
}

inline coauth::client_config
authenticated(authorization_server const& server, coauth::client_authentication method)
{
    auto config = single_attempt(server);
    config.authentication = std::move(method);
    return config;
}

// The encoded value of a form parameter, or an empty string.
inline std::string
parameter(coauth::testing::received_request const& request, std::string const& name)
{
    auto const body = "&" + request.body + "&";
    auto const start = body.find("&" + name + "=");
    if (start == std::string::npos)
        return {};
    auto const value = start + name.size() + 2;
    return body.substr(value, body.find('&', value) - value);
}

} // namespace test

#endif
