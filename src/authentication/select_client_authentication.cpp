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

using loaded_key = std::shared_ptr<protocol::private_key const>;

std::string algorithms_of(protocol::private_key const& key)
{
    std::string text;
    for (auto const one : key.algorithms())
        text.append(text.empty() ? "" : ", ").append(to_string(one));
    return text;
}

result<loaded_key> load(signing_key const& key, std::string_view what)
{
    return protocol::private_key::load(key, what, std::chrono::system_clock::now());
}

class choice
{
public:
    choice(authorization_server const& server, std::string client_id, available_credentials have)
        : server_(server)
        , client_id_(std::move(client_id))
        , have_(std::move(have))
    {
    }

    result<client_authentication> make()
    {
        for (auto const one : {&choice::by_key, &choice::by_secret, &choice::by_certificate})
            if (auto made = (this->*one)())
                return std::move(*made);
        bool const has_nothing =
            have_.client_secret.empty() && have_.key.empty() && !have_.certificate;
        if (has_nothing && knows("none"))
            return client_authentication::none(client_id_);
        return nothing_fits();
    }

private:
    using attempt = std::optional<result<client_authentication>>;

    // A server that does not say takes Basic (RFC 8414 section 2).
    [[nodiscard]] detail::supported_names known() const
    {
        auto const& said = server_.authentication_methods;
        return said.empty() ? detail::supported_names{"client_secret_basic"} : said;
    }

    [[nodiscard]] bool knows(std::string_view method) const
    {
        return detail::contains(known(), method);
    }

    attempt by_key()
    {
        if (have_.key.empty() || !knows("private_key_jwt"))
            return std::nullopt;
        auto const key = load(have_.key, "authentication: the signing key");
        if (!key)
            return key.error();
        auto const algorithm =
            detail::first_supported(server_.authentication_algorithms, (*key)->algorithms());
        if (algorithm)
            return client_authentication::private_key_jwt(
                client_id_, have_.key.algorithm(*algorithm), have_.assertions);
        key_signs_by_ = algorithms_of(**key);
        return std::nullopt;
    }

    attempt by_secret()
    {
        using enum signature_algorithm;
        auto const& text = have_.client_secret;
        if (text.empty())
            return std::nullopt;
        if (knows("client_secret_basic"))
            return client_authentication::client_secret_basic(client_id_, text);
        if (knows("client_secret_post"))
            return client_authentication::client_secret_post(client_id_, text);
        auto const algorithm =
            detail::first_supported(server_.authentication_algorithms, {hs256, hs384, hs512});
        if (algorithm && knows("client_secret_jwt"))
            return client_authentication::client_secret_jwt(
                client_id_, text, *algorithm, have_.assertions);
        return std::nullopt;
    }

    attempt by_certificate()
    {
        if (!have_.certificate)
            return std::nullopt;
        if (knows("tls_client_auth"))
            return client_authentication::tls_client_auth(client_id_);
        if (knows("self_signed_tls_client_auth"))
            return client_authentication::self_signed_tls_client_auth(client_id_);
        return std::nullopt;
    }

    [[nodiscard]] error nothing_fits() const
    {
        auto const who =
            client_authentication::client_secret_basic(client_id_, have_.client_secret);
        if (!key_signs_by_.empty())
            return detail::no_common_method(
                "authentication: the signing key signs by " + key_signs_by_ +
                    ", and the server knows:",
                server_.authentication_algorithms, who);
        return detail::no_common_method(
            "authentication: there are no credentials for what the server knows:", known(), who);
    }

    authorization_server const& server_;
    std::string client_id_;
    available_credentials have_;
    // Empty, unless that is why the key does not serve.
    std::string key_signs_by_;
};

} // namespace

result<client_authentication> select_client_authentication(
    authorization_server const& server, detail::text_argument client_id,
    available_credentials credentials)
{
    return choice(server, std::move(client_id), std::move(credentials)).make();
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
        "dpop: the key signs by " + algorithms_of(**loaded) + ", and the server knows:",
        server.dpop_algorithms);
}

} // namespace coauth
