#include "protocol/expires_in.hpp"
#include "protocol/response_reader.hpp"
#include "protocol/token_response.hpp"
#include "protocol/trim.hpp"
#include "values/saturating_time.hpp"

#include <utility>

namespace coauth::protocol
{
namespace
{

// None if the member is absent.
result<std::optional<std::chrono::system_clock::time_point>>
read_time(response_reader const& response, std::string_view name)
{
    auto value = response.document().find(name);
    if (value.kind == detail::json_kind::string)
        value.text = trim(value.text);
    auto const time = value.as_time();
    if (!time && !value.absent_or_null())
        return response.malformed("its " + std::string(name) + " is not a number of seconds");
    return time;
}

// An `exp` that is not positive means what such an `expires_in` means to this server (RFC 7662 does
// not say). None: it is positive, or not a number.
std::optional<lifetime> unusual_expiry(client_config const& config, detail::json_value exp)
{
    bool const number =
        exp.kind == detail::json_kind::number || exp.kind == detail::json_kind::string;
    auto const read = number ? interpret_expires_in(exp, expires_in_rules()) : lifetime();
    if (!read.valid || read.seconds != std::chrono::seconds(0))
        return std::nullopt;
    return apply_rule(config.server.expires_in.zero, config.server.expires_in);
}

result<std::optional<std::chrono::system_clock::time_point>> read_expiry(
    client_config const& config, response_reader const& response,
    std::chrono::system_clock::time_point received)
{
    using time_point = std::chrono::system_clock::time_point;
    auto const rule = unusual_expiry(config, response.document().find("exp"));
    if (!rule)
        return read_time(response, "exp");
    if (!rule->valid)
        return response.malformed("its exp is not a positive number of seconds");
    if (!rule->seconds)
        return std::optional<time_point>();
    // A token for a single use must not be cached: it has expired.
    bool const single_use = *rule->seconds == std::chrono::seconds(0);
    return std::optional(single_use ? time_point() : detail::after(received, *rule->seconds));
}

result<void> read_times(response_reader const& response, introspection& token)
{
    for (auto const& [name, member] :
         {std::pair("iat", &introspection::issued_at), {"nbf", &introspection::not_before}})
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
    auto const confirmation = value.kind == detail::json_kind::object
                                  ? detail::json_document::parse(value.text)
                                  : std::optional<detail::json_document>();
    if (!confirmation)
        return response.malformed("its cnf is not an object, or has a member twice");
    for (auto const& [name, member] :
         {std::pair("x5t#S256", &introspection::certificate_thumbprint),
          {"jkt", &introspection::key_thumbprint}})
    {
        auto const thumbprint = confirmation->find(name);
        if (thumbprint.kind == detail::json_kind::absent)
            continue;
        if (thumbprint.kind != detail::json_kind::string || thumbprint.text.empty())
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

result<introspection> read_members(
    client_config const& config, response_reader const& response,
    std::chrono::system_clock::time_point received)
{
    auto const& document = response.document();
    auto const active = document.find("active");
    if (active.kind != detail::json_kind::boolean)
        return response.malformed("its member active is missing or is not a boolean");
    introspection token;
    token.active = active.text == "true";
    for (std::size_t i = 0; i < document.size(); ++i)
        token.members.push_back(response.member(i));
    // Other members of an inactive token mean nothing (RFC 7662 section 2.2).
    if (!token.active)
        return token;
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
    auto const expiry = read_expiry(config, response, received);
    if (!expiry)
        return expiry.error();
    token.expires_at = *expiry;
    return token;
}

} // namespace

result<introspection> read_introspection_response(
    client_config const& config, http_response response, response_context const& context)
{
    response_reader reader(config, std::move(response), context);
    auto const failure = reader.read_error();
    // Some servers say with an error why a token is inactive.
    if (failure && !(reader.has_document() && reader.document().find("active").text == "false"))
        return *failure;
    return read_members(config, reader, context.received);
}

} // namespace coauth::protocol
