#include "token_source/shared_name.hpp"

#include "crypto/digest.hpp"
#include "token_source/cache_key.hpp"
#include "values/encoding.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace coauth::detail
{
namespace
{

// Changes when names are made of something else.
constexpr std::string_view version = "coauth shared token 1";

// The values of parameters that functions return are not known here.
std::string fingerprint(token_grant const& grant)
{
    std::string text(crypto::sha256(grant_content(grant).view()));
    for (auto const& [name, function] : grant.dynamic_parameters)
        append_field(text, name);
    return text;
}

// Those of a client may select an account, as those of a request must not.
using header_fields = std::vector<std::pair<std::string, secret>>;

void append_headers(std::string& text, header_fields const& headers)
{
    std::vector<std::pair<std::string, std::string>> sorted;
    for (auto const& [name, value] : headers)
    {
        std::string lower_name(name);
        std::transform(name.begin(), name.end(), lower_name.begin(), &lower);
        if (lower_name != "traceparent" && lower_name != "tracestate")
            sorted.emplace_back(std::move(lower_name), crypto::sha256(value.view()));
    }
    std::sort(sorted.begin(), sorted.end());
    text.append(std::to_string(sorted.size())).append(1, ';');
    for (auto const& [name, digest] : sorted)
    {
        append_field(text, name);
        append_field(text, digest);
    }
}

} // namespace

bool knows_identity_of(client_config const& config) noexcept
{
    auto const& authentication = config.authentication;
    return !authentication.client_id().empty() ||
           authentication.type() == authentication_method::anonymous;
}

std::optional<std::string>
identity_of(client_config const& config, std::optional<std::string> const& key_binding)
{
    if (!key_binding)
        return std::nullopt;
    auto const& server = config.server;
    std::string identity;
    for (std::string_view const text :
         {std::string_view(config.issuer), std::string_view(server.issuer),
          std::string_view(server.token_endpoint),
          std::string_view(server.mtls_endpoint_aliases.token_endpoint),
          std::string_view(config.authentication.client_id()), std::string_view(*key_binding)})
        append_field(identity, text);
    append_headers(identity, config.headers);
    return identity;
}

std::optional<std::string> shared_name(
    std::string_view prefix, std::string_view fetcher, std::string_view user,
    token_request const& request)
{
    auto const* const grant = request.grant();
    if (grant != nullptr &&
        (grant->type == "refresh_token" || (!grant->dynamic_parameters.empty() && user.empty())))
        return std::nullopt;
    std::string text(version);
    append_field(text, fetcher);
    append_field(text, user);
    append_request_key(text, request, grant != nullptr ? fingerprint(*grant) : std::string());
    return std::string(prefix) + ":{" + base64url(crypto::sha256(text)) + '}';
}

} // namespace coauth::detail
