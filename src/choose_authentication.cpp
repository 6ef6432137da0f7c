#include <coauth/choose_authentication.hpp>

#include "protocol/assertion_key.hpp"
#include "protocol/mask.hpp"

#include <algorithm>
#include <optional>
#include <vector>

namespace coauth
{
namespace
{

using names = std::vector<std::string>;

bool contains(names const& list, std::string_view name)
{
    return std::find(list.begin(), list.end(), name) != list.end();
}

// The names are text of the server.
error fits_none(std::string const& context, names const& known, client_authentication const& who)
{
    std::string listed;
    for (auto const& one : known)
        listed += ' ' + one;
    error_info info;
    info.context = context + protocol::safe_text(listed, who);
    return {errc::invalid_configuration, std::move(info)};
}

// The first of the algorithms of which the server knows.
std::optional<signature_algorithm>
first_known(authorization_server const& server, std::vector<signature_algorithm> const& of)
{
    auto const& known = server.authentication_algorithms;
    for (auto const one : of)
        if (known.empty() || contains(known, to_string(one)))
            return one;
    return std::nullopt;
}

result<client_authentication> sign_with(
    authorization_server const& server, std::string client_id,
    client_credentials const& credentials)
{
    auto const& key = credentials.key;
    auto const loaded = protocol::assertion_key::load(
        key, "authentication: the signing key", std::chrono::system_clock::now());
    if (!loaded)
        return loaded.error();
    auto const algorithm = first_known(server, (*loaded)->algorithms());
    if (!algorithm)
        return fits_none(
            "authentication: the signing key signs by " +
                std::string(to_string((*loaded)->algorithm())) + ", and the server knows:",
            server.authentication_algorithms,
            client_authentication::client_secret_basic(client_id, credentials.client_secret));
    return client_authentication::private_key_jwt(std::move(client_id), key.algorithm(*algorithm));
}

} // namespace

result<client_authentication> choose_authentication(
    authorization_server const& server, std::string client_id, client_credentials credentials)
{
    using enum signature_algorithm;
    auto const& known = server.authentication_methods;
    auto const knows = [&](std::string_view method)
    { return known.empty() ? method == "client_secret_basic" : contains(known, method); };
    if (!credentials.key.empty() && knows("private_key_jwt"))
        return sign_with(server, std::move(client_id), credentials);
    if (credentials.certificate && knows("tls_client_auth"))
        return client_authentication::tls_client_auth(std::move(client_id));
    if (credentials.certificate && knows("self_signed_tls_client_auth"))
        return client_authentication::self_signed_tls_client_auth(std::move(client_id));
    bool const has_secret = !credentials.client_secret.empty();
    if (has_secret && knows("client_secret_basic"))
        return client_authentication::client_secret_basic(
            std::move(client_id), std::move(credentials.client_secret));
    if (has_secret && knows("client_secret_post"))
        return client_authentication::client_secret_post(
            std::move(client_id), std::move(credentials.client_secret));
    auto const hmac = first_known(server, {hs256, hs384, hs512});
    if (has_secret && hmac && knows("client_secret_jwt"))
        return client_authentication::client_secret_jwt(
            std::move(client_id), std::move(credentials.client_secret), *hmac);
    bool const has_nothing = !has_secret && credentials.key.empty() && !credentials.certificate;
    if (has_nothing && knows("none"))
        return client_authentication::none(std::move(client_id));
    return fits_none(
        "authentication: there are no credentials for what the server knows:",
        known.empty() ? names{"client_secret_basic"} : known,
        client_authentication::client_secret_basic(client_id, credentials.client_secret));
}

} // namespace coauth
