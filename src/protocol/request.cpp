#include "protocol/request.hpp"

#include "protocol/encoding.hpp"

#include <algorithm>
#include <array>

namespace coauth::protocol
{
namespace
{

using method = client_authentication::method;

// More than any server reads, and little enough to build without a thought.
constexpr std::size_t longest_body = std::size_t(64) * 1024;

constexpr std::array<std::string_view, 8> reserved = {
    "grant_type", "scope",         "resource",         "audience",
    "client_id",  "client_secret", "client_assertion", "client_assertion_type"};

error refuse(std::string context)
{
    error_info info;
    info.context = std::move(context);
    return {errc::invalid_parameter, std::move(info)};
}

// scope-token of RFC 6749 section 3.3.
bool is_scope_character(char c)
{
    return c == 0x21 || (c >= 0x23 && c <= 0x5b) || (c >= 0x5d && c <= 0x7e);
}

result<void> check_scope(std::string_view scope)
{
    if (scope.empty())
        return {};
    if (scope.front() == ' ' || scope.back() == ' ' || scope.find("  ") != std::string_view::npos)
        return refuse("scope has a space at an end or two in a row; separate its words by one");
    bool const good = std::all_of(
        scope.begin(), scope.end(), [](char c) { return c == ' ' || is_scope_character(c); });
    if (!good)
        return refuse("scope contains a character that RFC 6749 section 3.3 does not allow; its "
                      "words are printable ASCII without quote and backslash");
    return {};
}

// An absolute URI without a fragment (RFC 8707 section 2): enough is checked to catch mistakes.
result<void> check_resource(std::string_view uri)
{
    auto const colon = uri.find(':');
    bool const scheme = colon != std::string_view::npos && colon != 0 &&
                        std::all_of(
                            uri.begin(), uri.begin() + static_cast<std::ptrdiff_t>(colon),
                            [](char c)
                            {
                                return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                                       (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
                            });
    if (!scheme || has_control(uri) || uri.find(' ') != std::string_view::npos)
        return refuse("resource is not an absolute URI; write it as https://host/path");
    if (uri.find('#') != std::string_view::npos)
        return refuse("resource contains a fragment; remove it from the '#' on");
    return {};
}

result<void> check_parameter(std::string_view name, std::string_view value)
{
    if (name.empty())
        return refuse("a parameter has an empty name");
    if (has_control(name) || has_control(value))
        return refuse("a parameter's name or value contains a control character");
    if (std::find(reserved.begin(), reserved.end(), name) != reserved.end())
        return refuse(
            "the parameter '" + std::string(name) +
            "' has a meaning of its own; set it by the function of token_request or by "
            "client_config::authentication");
    return {};
}

result<void> check(token_request const& request)
{
    auto checked = check_scope(request.scope());
    for (auto const& uri : request.resources())
        if (checked)
            checked = check_resource(uri);
    if (checked && has_control(request.audience()))
        return refuse("audience contains a control character");
    for (auto const& [name, value] : request.parameters())
        if (checked)
            checked = check_parameter(name, value);
    return checked;
}

void append_pair(secret& body, std::string_view name, std::string_view value)
{
    if (!body.empty())
        body.append('&');
    append_form_encoded(body, name);
    body.append('=');
    append_form_encoded(body, value);
}

secret form_body(client_authentication const& who, token_request const& request)
{
    secret body;
    body.reserve(256);
    append_pair(body, "grant_type", "client_credentials");
    if (!request.scope().empty())
        append_pair(body, "scope", request.scope());
    for (auto const& uri : request.resources())
        append_pair(body, "resource", uri);
    if (!request.audience().empty())
        append_pair(body, "audience", request.audience());
    for (auto const& [name, value] : request.parameters())
        append_pair(body, name, value);
    if (who.how() == method::client_secret_post || who.how() == method::none)
        append_pair(body, "client_id", who.client_id());
    if (who.how() == method::client_secret_post)
        append_pair(body, "client_secret", who.client_secret().view());
    return body;
}

bool uses_basic(client_authentication const& who)
{
    return who.how() == method::client_secret_basic || who.how() == method::client_secret_basic_raw;
}

void append_head(secret& out, client_config const& config, endpoint const& where, std::size_t body)
{
    out.append("POST ").append(where.target).append(" HTTP/1.1\r\n");
    out.append("Host: ").append(where.host_header).append("\r\n");
    if (!config.user_agent.empty())
        out.append("User-Agent: ").append(config.user_agent).append("\r\n");
    out.append("Accept: application/json\r\n");
    auto const& who = config.authentication;
    if (uses_basic(who))
        out.append("Authorization: Basic ")
            .append(basic_credentials(
                        who.client_id(), who.client_secret().view(),
                        who.how() == method::client_secret_basic)
                        .view())
            .append("\r\n");
    out.append("Content-Type: application/x-www-form-urlencoded\r\n");
    out.append("Content-Length: ").append(std::to_string(body)).append("\r\n\r\n");
}

} // namespace

result<secret> build_token_request(
    client_config const& config, endpoint const& where, token_request const& request)
{
    auto const checked = check(request);
    if (!checked)
        return checked.error();
    auto const body = form_body(config.authentication, request);
    if (body.size() > longest_body)
        return refuse(
            "the request's body would be " + std::to_string(body.size()) +
            " bytes; it may be at most " + std::to_string(longest_body));
    secret wire;
    wire.reserve(512 + where.target.size() + body.size());
    append_head(wire, config, where, body.size());
    wire.append(body.view());
    return wire;
}

} // namespace coauth::protocol
