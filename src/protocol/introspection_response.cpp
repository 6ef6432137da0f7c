#include "protocol/response_reader.hpp"
#include "protocol/token_response.hpp"

#include <utility>

namespace coauth::protocol
{
namespace
{

// None if the member is absent.
result<std::optional<std::chrono::system_clock::time_point>>
read_time(response_reader const& response, std::string_view name)
{
    auto const value = response.document().find(name);
    auto const time = value.as_time();
    if (!time && !value.absent_or_null())
        return response.malformed("its " + std::string(name) + " is not a number of seconds");
    return time;
}

result<void> read_times(response_reader const& response, introspection& token)
{
    for (auto const& [name, member] :
         {std::pair("exp", &introspection::expires_at),
          {"iat", &introspection::issued_at},
          {"nbf", &introspection::not_before}})
    {
        auto const time = read_time(response, name);
        if (!time)
            return time.error();
        token.*member = *time;
    }
    return {};
}

// The key or certificate that the token is bound to (RFC 7800). A binding that cannot be read is an
// error, because without it the token would look like a bearer token.
result<void> read_confirmation(response_reader const& response, introspection& token)
{
    auto const value = response.document().find("cnf");
    if (value.absent_or_null())
        return {};
    auto const confirmation = value.kind == json_kind::object ? json_document::parse(value.text)
                                                              : std::optional<json_document>();
    if (!confirmation)
        return response.malformed("its cnf is not an object, or has a member twice");
    for (auto const& [name, member] :
         {std::pair("x5t#S256", &introspection::certificate_thumbprint),
          {"jkt", &introspection::key_thumbprint}})
    {
        auto const thumbprint = confirmation->find(name);
        if (thumbprint.kind == json_kind::absent)
            continue;
        if (thumbprint.kind != json_kind::string || thumbprint.text.empty())
            return response.malformed("the " + std::string(name) + " in its cnf is not a string");
        token.*member = thumbprint.text;
    }
    return {};
}

result<void> read_audience(response_reader const& response, introspection& token)
{
    auto const value = response.document().find("aud");
    auto audience = value.as_strings();
    // Without its audience the token would look valid for every resource.
    if (!audience && !value.absent_or_null())
        return response.malformed("its aud is neither a string nor strings of at most 64 KiB");
    token.audience = std::move(audience).value_or(std::vector<std::string>());
    return {};
}

result<introspection> read_members(response_reader const& response)
{
    auto const& document = response.document();
    auto const active = document.find("active");
    if (active.kind != json_kind::boolean)
        return response.malformed("its member active is missing or is not a boolean");
    introspection token;
    token.active = active.text == "true";
    for (auto const& [name, member] :
         {std::pair("client_id", &introspection::client_id),
          {"username", &introspection::username},
          {"token_type", &introspection::token_type},
          {"sub", &introspection::subject},
          {"iss", &introspection::issuer}})
        token.*member = document.find(name).as_string().value_or(std::string_view());
    auto scope = response.scope();
    if (!scope)
        return response.malformed("its scope is neither a string nor a list of strings");
    token.scope = std::move(*scope);
    for (auto const read : {read_audience, read_times, read_confirmation})
        if (auto const checked = read(response, token); !checked)
            return checked.error();
    for (std::size_t i = 0; i < document.size(); ++i)
        token.members.push_back(response.member(i));
    return token;
}

} // namespace

result<introspection> read_introspection_response(
    client_config const& config, http_response response, response_context const& context)
{
    response_reader reader(config, std::move(response), context);
    if (auto const failure = reader.read_error())
        return *failure;
    return read_members(reader);
}

} // namespace coauth::protocol
