#include "protocol/endpoint_url.hpp"
#include "protocol/response_reader.hpp"

#include <utility>

namespace coauth::protocol
{
namespace
{

class metadata_reader
{
public:
    metadata_reader(client_config const& config, response_reader const& from)
        : config_(config)
        , from_(from)
    {
    }

    [[nodiscard]] result<authorization_server> read(std::string_view issuer) const
    {
        auto const& document = from_.document();
        // To the letter (RFC 8414 section 3.3): else one server could speak for another.
        if (document.find("issuer").as_string() != issuer)
            return from_.malformed(
                "its issuer is '" +
                from_.sanitize(document.find("issuer")).substr(0, longest_word) +
                "', not the one that was asked for");
        authorization_server found;
        found.issuer = issuer;
        auto const token = token_endpoint();
        if (!token)
            return token.error();
        found.token_endpoint = *token;
        found.introspection_endpoint = further(document, "introspection_endpoint");
        found.revocation_endpoint = further(document, "revocation_endpoint");
        read_aliases(found.mtls_endpoint_aliases);
        read_lists(found);
        auto const bound = document.find("tls_client_certificate_bound_access_tokens");
        found.certificate_bound_tokens = bound.kind == json_kind::boolean && bound.text == "true";
        return found;
    }

private:
    [[nodiscard]] result<endpoint> parse(std::string_view url, std::string_view name) const
    {
        return parse_endpoint(url, name, config_.allow_http_loopback);
    }

    [[nodiscard]] result<std::string> token_endpoint() const
    {
        auto const value = from_.document().find("token_endpoint");
        if (value.absent_or_null() || value.as_string() == "")
            return from_.malformed("it names no token_endpoint");
        if (value.kind != json_kind::string)
            return from_.malformed("its token_endpoint is not a string");
        auto const good = parse(value.text, "token_endpoint");
        if (!good)
            return from_.malformed(from_.sanitize(good.error().context()));
        return std::string(value.text);
    }

    // One without which there are tokens all the same: what cannot be asked is not there.
    [[nodiscard]] std::string further(json_document const& where, std::string_view name) const
    {
        auto const url = where.find(name).as_string();
        return url && parse(*url, name) ? std::string(*url) : std::string();
    }

    void read_aliases(server_endpoints& found) const
    {
        auto const value = from_.document().find("mtls_endpoint_aliases");
        auto const aliases = value.kind == json_kind::object ? json_document::parse(value.text)
                                                             : std::optional<json_document>();
        if (!aliases)
            return;
        found.token_endpoint = further(*aliases, "token_endpoint");
        found.introspection_endpoint = further(*aliases, "introspection_endpoint");
        found.revocation_endpoint = further(*aliases, "revocation_endpoint");
    }

    void read_lists(authorization_server& found) const
    {
        for (auto const& [name, into] :
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
            found.*into =
                from_.document().find(name).as_strings().value_or(std::vector<std::string>());
    }

    client_config const& config_;
    response_reader const& from_;
};

} // namespace

result<authorization_server> read_metadata_response(
    client_config const& config, std::string_view issuer, http_response response,
    response_context const& facts)
{
    response_reader reader(config, std::move(response), facts);
    if (auto const failed = reader.look())
        return *failed;
    return metadata_reader(config, reader).read(issuer);
}

} // namespace coauth::protocol
