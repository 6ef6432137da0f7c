#include "protocol/resource_metadata.hpp"

#include "protocol/endpoint_url.hpp"
#include "protocol/redaction.hpp"
#include "protocol/response_reader.hpp"
#include "values/encoding.hpp"
#include "values/make_error.hpp"

#include <algorithm>
#include <utility>

namespace coauth::protocol
{
namespace
{

constexpr std::string_view well_known = "/.well-known/oauth-protected-resource";
constexpr std::size_t max_servers = 16;
constexpr std::size_t max_words = 1000;

// Scheme and authority, and what follows.
struct url_parts
{
    std::string origin;
    std::string rest;
};

url_parts split(std::string_view url)
{
    auto const origin = origin_of(url);
    return {std::string(origin), std::string(url.substr(origin.size()))};
}

// Without a slash that is the whole path: both are the same URL (RFC 3986 section 6.2.3).
std::string without_root(std::string_view url)
{
    auto parts = split(url);
    if (parts.rest == "/" || parts.rest.starts_with("/?"))
        parts.rest.erase(0, 1);
    return parts.origin + parts.rest;
}

bool is_same_resource(std::string_view a, std::string_view b)
{
    bool const are_urls =
        a.find("://") != std::string_view::npos && b.find("://") != std::string_view::npos;
    return a == b || (are_urls && without_root(a) == without_root(b));
}

// RFC 9728 section 3.1.
std::string insert_well_known(std::string const& resource)
{
    auto const parts = split(without_root(resource));
    return parts.origin + std::string(well_known) + parts.rest;
}

class resource_metadata_reader
{
public:
    resource_metadata_reader(client_config const& config, response_reader const& response)
        : config_(config)
        , response_(response)
    {
    }

    [[nodiscard]] result<resource_metadata> read(std::string_view resource) const
    {
        auto const name = response_.document().find("resource").as_string();
        if (!name || !is_same_resource(*name, resource))
            return wrong_resource(resource);
        resource_metadata metadata;
        metadata.resource = *name;
        metadata.name = cut(
            response_.sanitize(response_.document().find("resource_name").as_string().value_or("")),
            max_name);
        metadata.authorization_servers = servers();
        if (metadata.authorization_servers.empty())
            return response_.malformed(
                "it names no authorization server with an https URL (authorization_servers)");
        metadata.scopes = words("scopes_supported");
        metadata.bearer_methods = words("bearer_methods_supported");
        metadata.dpop_algorithms = words("dpop_signing_alg_values_supported");
        metadata.dpop_bound_tokens = flag("dpop_bound_access_tokens_required");
        metadata.certificate_bound_tokens = flag("tls_client_certificate_bound_access_tokens");
        return metadata;
    }

private:
    [[nodiscard]] error wrong_resource(std::string_view expected) const
    {
        auto const value = response_.document().find("resource");
        auto const name = response_.sanitize(value).substr(0, max_name);
        if (value.absent_or_null())
            return response_.malformed("it has no resource");
        return response_.malformed(
            "its resource is '" + name + "', not the requested '" +
            std::string(detail::without_query(expected)) +
            "'; if that is the API you mean, set expected_resource to it");
    }

    [[nodiscard]] std::vector<std::string> words(std::string_view name) const
    {
        auto all =
            response_.document().find(name).as_strings().value_or(std::vector<std::string>());
        if (all.size() > max_words)
            all.resize(max_words);
        return all;
    }

    [[nodiscard]] bool flag(std::string_view name) const
    {
        auto const value = response_.document().find(name);
        return value.kind == detail::json_kind::boolean && value.text == "true";
    }

    [[nodiscard]] std::vector<std::string> servers() const
    {
        auto all = words("authorization_servers");
        std::erase_if(
            all, [&](std::string const& issuer)
            { return !parse_endpoint(issuer, "issuer", config_.allow_http_loopback); });
        if (all.size() > max_servers)
            all.resize(max_servers);
        return all;
    }

    client_config const& config_;
    response_reader const& response_;
};

} // namespace

result<std::vector<resource_metadata_url>> resource_metadata_urls(
    std::string const& api_url, std::string const& expected_resource,
    std::string const& challenge_url, bool allow_http_loopback)
{
    auto const valid = parse_endpoint(api_url, "url", allow_http_loopback);
    if (!valid)
        return valid.error();
    if (!expected_resource.empty())
        if (auto const usable =
                parse_endpoint(expected_resource, "expected_resource", allow_http_loopback);
            !usable)
            return usable.error();
    auto const& resource = expected_resource.empty() ? api_url : expected_resource;
    if (!challenge_url.empty())
    {
        auto const usable = parse_endpoint(challenge_url, "resource_metadata", allow_http_loopback);
        if (!usable)
            return detail::make_error(
                errc::malformed_response,
                "the challenge of the API: " + std::string(usable.error().context()));
        return std::vector<resource_metadata_url>{{challenge_url, resource}};
    }
    std::vector<resource_metadata_url> urls = {{insert_well_known(resource), resource}};
    auto const origin = split(api_url).origin;
    if (expected_resource.empty() && without_root(api_url) != origin)
        urls.push_back({insert_well_known(origin), origin});
    return urls;
}

result<resource_metadata> read_resource_metadata(
    client_config const& config, std::string_view resource, http_response response,
    response_context const& context)
{
    response_reader reader(config, std::move(response), context);
    if (auto const failure = reader.read_error())
        return *failure;
    return resource_metadata_reader(config, reader).read(resource);
}

} // namespace coauth::protocol
