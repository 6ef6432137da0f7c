#include "protocol/response_reader.hpp"

#include <utility>

namespace coauth::protocol
{
namespace
{

// An absent one is none; what is no time is an error.
result<std::optional<std::chrono::system_clock::time_point>>
time_of(response_reader const& from, std::string_view name)
{
    auto const value = from.document().find(name);
    auto const time = value.as_time();
    if (!time && !value.absent_or_null())
        return from.malformed("its " + std::string(name) + " is not a number of seconds");
    return time;
}

result<void> read_times(response_reader const& from, introspection& found)
{
    for (auto const& [name, into] :
         {std::pair("exp", &introspection::expires_at),
          {"iat", &introspection::issued_at},
          {"nbf", &introspection::not_before}})
    {
        auto const time = time_of(from, name);
        if (!time)
            return time.error();
        found.*into = *time;
    }
    return {};
}

// To whom the token is bound (RFC 7800). What cannot be read would look like a token for anybody.
result<void> read_confirmation(response_reader const& from, introspection& found)
{
    auto const value = from.document().find("cnf");
    if (value.absent_or_null())
        return {};
    auto const confirmation = value.kind == json_kind::object ? json_document::parse(value.text)
                                                              : std::optional<json_document>();
    if (!confirmation)
        return from.malformed("its cnf is not an object without a member that comes twice");
    for (auto const& [name, into] :
         {std::pair("x5t#S256", &introspection::certificate_thumbprint),
          {"jkt", &introspection::key_thumbprint}})
    {
        auto const thumbprint = confirmation->find(name);
        if (thumbprint.kind == json_kind::absent)
            continue;
        if (thumbprint.kind != json_kind::string || thumbprint.text.empty())
            return from.malformed("the " + std::string(name) + " in its cnf is not a text");
        found.*into = thumbprint.text;
    }
    return {};
}

result<void> read_audience(response_reader const& from, introspection& found)
{
    auto const value = from.document().find("aud");
    auto audience = value.as_strings();
    // Else it would look like a token for everybody.
    if (!audience && !value.absent_or_null())
        return from.malformed("its aud is neither a string nor strings of at most 64 KiB");
    found.audience = std::move(audience).value_or(std::vector<std::string>());
    return {};
}

result<introspection> read(response_reader const& from)
{
    auto const& document = from.document();
    auto const active = document.find("active");
    if (active.kind != json_kind::boolean)
        return from.malformed("its member active is missing or is not a boolean");
    introspection found;
    found.active = active.text == "true";
    for (auto const& [name, into] :
         {std::pair("client_id", &introspection::client_id),
          {"username", &introspection::username},
          {"token_type", &introspection::token_type},
          {"sub", &introspection::subject},
          {"iss", &introspection::issuer}})
        found.*into = document.find(name).as_string().value_or(std::string_view());
    auto scope = from.scope();
    if (!scope)
        return from.malformed("its scope is neither a string nor a list of strings");
    found.scope = std::move(*scope);
    for (auto const part : {read_audience, read_times, read_confirmation})
        if (auto const good = part(from, found); !good)
            return good.error();
    for (std::size_t i = 0; i < document.size(); ++i)
        found.members.push_back(from.member(i));
    return found;
}

} // namespace

result<introspection> read_introspection_response(
    client_config const& config, http_response response, response_context const& facts)
{
    response_reader reader(config, std::move(response), facts);
    if (auto const failed = reader.look())
        return *failed;
    return read(reader);
}

} // namespace coauth::protocol
