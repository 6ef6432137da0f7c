#ifndef COAUTH_TEST_SUPPORT_CLIENT_AUTHENTICATION_HPP
#define COAUTH_TEST_SUPPORT_CLIENT_AUTHENTICATION_HPP

#include "client_fixture.hpp"
#include "fixture.hpp"
#include "test_keys.hpp"

#include <string>

namespace test
{

// A client of the testing server beside that of `options()`.
inline constexpr char const* other_id = "other-client";

inline server_options knowing(coauth::testing::registered_client client)
{
    auto chosen = options();
    client.id = other_id;
    chosen.clients = {std::move(client)};
    return chosen;
}

inline server_options knowing(test_key const& key)
{
    coauth::testing::registered_client client;
    client.public_keys = {key.public_pem()};
    return knowing(std::move(client));
}

inline coauth::signing_key signing_key_of(test_key const& key)
{
    return coauth::signing_key::pem(coauth::secret(key.private_pem()));
}

inline coauth::client_config
authenticated(authorization_server const& server, coauth::client_authentication how)
{
    auto config = once(server);
    config.authentication = std::move(how);
    return config;
}

// The value of a parameter as it is in the body; empty: it is not there.
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
