#include "authentication/client_assertion.hpp"

#include "crypto/digest.hpp"

namespace coauth::detail
{

std::shared_ptr<crypto::key_source> load_key(client_config const& config)
{
    if (config.authentication.type() != authentication_method::private_key_jwt)
        return nullptr;
    return std::make_shared<crypto::key_source>(
        config.authentication.key(), "authentication: the signing key");
}

std::string_view audience_of(client_config const& config, std::string_view url)
{
    auto const& options = config.authentication.assertions();
    if (!options.audience.empty())
        return options.audience;
    if (options.audience_source == audience_source::endpoint)
        return url;
    bool const use_issuer =
        options.audience_source == audience_source::issuer && !config.server.issuer.empty();
    return use_issuer ? config.server.issuer : config.server.token_endpoint;
}

result<crypto::unsigned_jwt> make_client_assertion(
    client_config const& config, crypto::private_key const* key, std::string_view url,
    std::chrono::system_clock::time_point now)
{
    auto const id = crypto::random_id();
    if (!id)
        return id.error();
    auto const& authentication = config.authentication;
    crypto::assertion_content content;
    content.issuer = authentication.client_id();
    content.subject = authentication.client_id();
    content.audience = audience_of(config, url);
    content.type = authentication.assertions().type;
    content.id = *id;
    content.issued_at = now;
    content.lifetime = authentication.assertions().lifetime;
    content.json_claims = authentication.assertions().json_claims;
    content.backdate = authentication.assertions().backdate;
    content.not_before = authentication.assertions().not_before;
    return key != nullptr ? crypto::assertion_jwt(content, *key)
                          : crypto::assertion_jwt(content, authentication.algorithm());
}

} // namespace coauth::detail
