#include <coauth/select_client_authentication.hpp>

#include "authentication/algorithm_negotiation.hpp"
#include "crypto/private_key.hpp"

#include <chrono>
#include <optional>
#include <utility>

namespace coauth
{
namespace
{

using loaded_key = std::shared_ptr<crypto::private_key const>;

std::string algorithm_names(crypto::private_key const& key)
{
    std::string names;
    for (auto const algorithm : key.algorithms())
        names.append(names.empty() ? "" : ", ").append(to_string(algorithm));
    return names;
}

result<loaded_key> load(signing_key const& key, std::string_view subject)
{
    return crypto::private_key::load(key, subject, std::chrono::system_clock::now());
}

// Tries the credentials in the order of preference.
class selection
{
public:
    selection(
        authorization_server const& server, std::string client_id,
        available_credentials credentials)
        : server_(server)
        , client_id_(std::move(client_id))
        , credentials_(std::move(credentials))
    {
    }

    result<client_authentication> select()
    {
        for (auto const step :
             {&selection::use_key, &selection::use_secret, &selection::use_certificate})
            if (auto selected = (this->*step)())
                return std::move(*selected);
        bool const has_none = credentials_.client_secret.empty() && credentials_.key.empty() &&
                              !credentials_.certificate;
        if (has_none && supports("none"))
            return client_authentication::none(client_id_);
        return no_method();
    }

private:
    // None: these credentials do not fit.
    using step_result = std::optional<result<client_authentication>>;

    // If the metadata name no methods, the server accepts Basic (RFC 8414 section 2).
    [[nodiscard]] detail::supported_names supported_methods() const
    {
        auto const& methods = server_.authentication_methods;
        return methods.empty() ? detail::supported_names{"client_secret_basic"} : methods;
    }

    [[nodiscard]] bool supports(std::string_view method) const
    {
        return detail::contains(supported_methods(), method);
    }

    step_result use_key()
    {
        if (credentials_.key.empty() || !supports("private_key_jwt"))
            return std::nullopt;
        auto const key = load(credentials_.key, "authentication: the signing key");
        if (!key)
            return key.error();
        auto const algorithm =
            detail::first_supported(server_.authentication_algorithms, (*key)->algorithms());
        if (algorithm)
            return client_authentication::private_key_jwt(
                client_id_, credentials_.key.algorithm(*algorithm), credentials_.assertions);
        unsupported_algorithms_ = algorithm_names(**key);
        return std::nullopt;
    }

    step_result use_secret()
    {
        using enum signature_algorithm;
        auto const& secret = credentials_.client_secret;
        if (secret.empty())
            return std::nullopt;
        if (supports("client_secret_basic"))
            return client_authentication::client_secret_basic(client_id_, secret);
        if (supports("client_secret_post"))
            return client_authentication::client_secret_post(client_id_, secret);
        auto const algorithm =
            detail::first_supported(server_.authentication_algorithms, {hs256, hs384, hs512});
        if (algorithm && supports("client_secret_jwt"))
            return client_authentication::client_secret_jwt(
                client_id_, secret, *algorithm, credentials_.assertions);
        return std::nullopt;
    }

    step_result use_certificate()
    {
        if (!credentials_.certificate)
            return std::nullopt;
        if (supports("tls_client_auth"))
            return client_authentication::tls_client_auth(client_id_);
        if (supports("self_signed_tls_client_auth"))
            return client_authentication::self_signed_tls_client_auth(client_id_);
        return std::nullopt;
    }

    [[nodiscard]] error no_method() const
    {
        // Names the secret that must not appear in the message.
        auto const redacted =
            client_authentication::client_secret_basic(client_id_, credentials_.client_secret);
        if (!unsupported_algorithms_.empty())
            return detail::no_common_method(
                "authentication: the signing key signs by " + unsupported_algorithms_ +
                    ", and the server supports:",
                server_.authentication_algorithms, redacted);
        return detail::no_common_method(
            "authentication: there are no credentials for what the server supports:",
            supported_methods(), redacted);
    }

    authorization_server const& server_;
    std::string client_id_;
    available_credentials credentials_;
    // The algorithms of the key, if the server supports none of them.
    std::string unsupported_algorithms_;
};

} // namespace

result<client_authentication> select_client_authentication(
    authorization_server const& server, detail::text_argument client_id,
    available_credentials credentials)
{
    return selection(server, std::move(client_id), std::move(credentials)).select();
}

result<signing_key> select_dpop_key(authorization_server const& server, signing_key const& key)
{
    auto const loaded = load(key, "dpop: the key");
    if (!loaded)
        return loaded.error();
    auto const algorithm = detail::first_supported(server.dpop_algorithms, (*loaded)->algorithms());
    if (algorithm)
        return key.algorithm(*algorithm);
    return detail::no_common_method(
        "dpop: the key signs by " + algorithm_names(**loaded) + ", and the server supports:",
        server.dpop_algorithms);
}

} // namespace coauth
