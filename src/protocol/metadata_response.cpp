#include "protocol/endpoint_url.hpp"
#include "protocol/response_reader.hpp"
#include "protocol/token_response.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

namespace coauth::protocol
{
namespace
{

// Without a final slash and the default port, scheme and host in lower case.
std::string normal_form(std::string_view issuer)
{
    auto const scheme = issuer.find("://");
    auto const host = scheme == std::string_view::npos ? 0 : scheme + 3;
    auto const path = std::min(issuer.find('/', host), issuer.size());
    std::string origin(issuer.substr(0, path));
    for (char& c : origin)
        if (c >= 'A' && c <= 'Z')
            c = static_cast<char>(c - 'A' + 'a');
    if (origin.starts_with("https://") && origin.ends_with(":443"))
        origin.resize(origin.size() - 4);
    issuer.remove_prefix(path);
    if (issuer.ends_with('/'))
        issuer.remove_suffix(1);
    return origin + std::string(issuer);
}

class metadata_reader
{
public:
    metadata_reader(client_config const& config, response_reader const& response)
        : config_(config)
        , response_(response)
    {
    }

    [[nodiscard]] result<authorization_server> read(std::string_view issuer) const
    {
        auto const& document = response_.document();
        // Identical (RFC 8414 section 3.3): otherwise one server could impersonate another.
        if (document.find("issuer").as_string() != issuer)
            return wrong_issuer(issuer);
        authorization_server server;
        server.issuer = issuer;
        auto const token = token_endpoint();
        if (!token)
            return token.error();
        server.token_endpoint = *token;
        server.introspection_endpoint = optional_endpoint(document, "introspection_endpoint");
        server.revocation_endpoint = optional_endpoint(document, "revocation_endpoint");
        server.jwks_uri = optional_endpoint(document, "jwks_uri");
        read_aliases(server.mtls_endpoint_aliases);
        read_lists(server);
        auto const bound = document.find("tls_client_certificate_bound_access_tokens");
        server.certificate_bound_tokens =
            bound.kind == detail::json_kind::boolean && bound.text == "true";
        return server;
    }

private:
    // Most often the program has a final slash too many or too few.
    [[nodiscard]] error wrong_issuer(std::string_view requested) const
    {
        auto const issuer = response_.document().find("issuer");
        auto const name = response_.sanitize(issuer).substr(0, max_name);
        auto context = "its issuer is '" + name + "', not the requested one";
        if (normal_form(issuer.as_string().value_or("")) == normal_form(requested))
            context += "; did you mean '" + name + "'?";
        else if (without_scheme(name) == without_scheme(requested))
            context +=
                "; if a proxy in front of it speaks TLS, set expected_issuer to '" + name + "'";
        return response_.malformed(std::move(context));
    }

    static std::string_view without_scheme(std::string_view url)
    {
        return url.substr(std::min(url.find(':'), url.size()));
    }

    [[nodiscard]] result<endpoint> parse(std::string_view url, std::string_view name) const
    {
        return parse_endpoint(url, name, config_.allow_http_loopback);
    }

    [[nodiscard]] result<std::string> token_endpoint() const
    {
        auto const value = response_.document().find("token_endpoint");
        if (value.absent_or_null() || value.as_string() == "")
            return response_.malformed("it has no token_endpoint");
        if (value.kind != detail::json_kind::string)
            return response_.malformed("its token_endpoint is not a string");
        auto const parsed = parse(value.text, "token_endpoint");
        if (!parsed)
            return response_.malformed(response_.sanitize(parsed.error().context()));
        return std::string(value.text);
    }

    // Empty if the endpoint is absent or its URL is invalid: tokens can be requested without it.
    [[nodiscard]] std::string
    optional_endpoint(detail::json_document const& document, std::string_view name) const
    {
        auto const url = document.find(name).as_string();
        return url && parse(*url, name) ? std::string(*url) : std::string();
    }

    void read_aliases(server_endpoints& endpoints) const
    {
        auto const value = response_.document().find("mtls_endpoint_aliases");
        auto const aliases = value.kind == detail::json_kind::object
                                 ? detail::json_document::parse(value.text)
                                 : std::optional<detail::json_document>();
        if (!aliases)
            return;
        endpoints.token_endpoint = optional_endpoint(*aliases, "token_endpoint");
        endpoints.introspection_endpoint = optional_endpoint(*aliases, "introspection_endpoint");
        endpoints.revocation_endpoint = optional_endpoint(*aliases, "revocation_endpoint");
    }

    void read_lists(authorization_server& server) const
    {
        for (auto const& [name, member] :
             {std::pair(
                  "token_endpoint_auth_methods_supported",
                  &authorization_server::authentication_methods),
              {"token_endpoint_auth_signing_alg_values_supported",
               &authorization_server::authentication_algorithms},
              {"dpop_signing_alg_values_supported", &authorization_server::dpop_algorithms},
              {"grant_types_supported", &authorization_server::grant_types},
              {"introspection_endpoint_auth_methods_supported",
               &authorization_server::introspection_authentication_methods},
              {"revocation_endpoint_auth_methods_supported",
               &authorization_server::revocation_authentication_methods}})
            server.*member =
                response_.document().find(name).as_strings().value_or(std::vector<std::string>());
    }

    client_config const& config_;
    response_reader const& response_;
};

} // namespace

result<authorization_server> read_metadata_response(
    client_config const& config, std::string_view issuer, http_response response,
    response_context const& context)
{
    response_reader reader(config, std::move(response), context);
    if (auto const failure = reader.read_error())
        return *failure;
    return metadata_reader(config, reader).read(issuer);
}

} // namespace coauth::protocol
