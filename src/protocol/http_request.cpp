#include "protocol/http_request.hpp"

#include "protocol/authorization_details.hpp"
#include "values/call_secret_provider.hpp"
#include "values/encoding.hpp"
#include "values/make_error.hpp"

#include <algorithm>
#include <array>

namespace coauth::protocol
{
namespace
{

// More than servers accept.
constexpr std::size_t max_body = std::size_t(64) * 1024;

constexpr std::array<std::string_view, 9> reserved_parameters = {
    "grant_type",
    "scope",
    "resource",
    "audience",
    "client_id",
    "client_secret",
    "client_assertion",
    "client_assertion_type",
    "authorization_details"};
// Reserved without a grant that may have them.
constexpr std::array<std::string_view, 6> grant_parameters = {"assertion",     "refresh_token",
                                                              "subject_token", "subject_token_type",
                                                              "actor_token",   "actor_token_type"};

// The characters of scope-token (RFC 6749 section 3.3).
bool is_scope_character(char c)
{
    return c == 0x21 || (c >= 0x23 && c <= 0x5b) || (c >= 0x5d && c <= 0x7e);
}

result<void> check_scope(std::string_view scope)
{
    if (scope.empty())
        return {};
    if (scope.front() == ' ' || scope.back() == ' ' || scope.find("  ") != std::string_view::npos)
        return detail::parameter_error(
            "scope has a leading, trailing or double space; separate scopes by one space");
    bool const valid = std::all_of(
        scope.begin(), scope.end(), [](char c) { return c == ' ' || is_scope_character(c); });
    if (!valid)
        return detail::parameter_error(
            "scope contains a character that RFC 6749 section 3.3 does not allow; use "
            "printable ASCII without quote and backslash");
    return {};
}

// An absolute URI without a fragment (RFC 8707 section 2). Checks enough to detect mistakes.
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
    if (!scheme || detail::has_control(uri) || uri.find(' ') != std::string_view::npos)
        return detail::parameter_error(
            "resource is not an absolute URI; write it as https://host/path");
    if (uri.find('#') != std::string_view::npos)
        return detail::parameter_error("resource contains a fragment; remove it from the '#' on");
    return {};
}

template <class Names>
bool contains(Names const& names, std::string_view name)
{
    return std::find(names.begin(), names.end(), name) != names.end();
}

bool has_parameter(token_grant const& grant, std::string_view name)
{
    auto const is_same = [&](auto const& one) { return one.first == name; };
    return std::any_of(grant.parameters.begin(), grant.parameters.end(), is_same) ||
           std::any_of(grant.dynamic_parameters.begin(), grant.dynamic_parameters.end(), is_same);
}

// `grant`: null for client credentials.
bool is_reserved(std::string_view name, token_grant const* grant)
{
    if (contains(reserved_parameters, name))
        return true;
    // A token source replaces refresh tokens, which are part of the grant.
    bool const of_grant = contains(grant_parameters, name);
    return of_grant && (grant == nullptr || grant->type == "client_credentials" ||
                        name == "refresh_token" || has_parameter(*grant, name));
}

result<void> check_parameter_name(std::string_view name, bool is_reserved)
{
    if (name.empty())
        return detail::parameter_error("a parameter has an empty name");
    if (detail::has_control(name))
        return detail::parameter_error("a parameter's name or value contains a control character");
    if (is_reserved)
        return detail::parameter_error(
            "the parameter '" + std::string(name) +
            "' is reserved; set it by the function of token_request or by "
            "client_config::authentication");
    return {};
}

result<void>
check_parameter(std::string_view name, std::string_view value, token_grant const* grant)
{
    if (auto const checked = check_parameter_name(name, is_reserved(name, grant)); !checked)
        return checked;
    if (detail::has_control(value))
        return detail::parameter_error("a parameter's name or value contains a control character");
    return {};
}

result<void> check_grant_value(std::string const& name, secret const& value)
{
    if (value.empty())
        return detail::parameter_error(name + " is empty");
    if (detail::has_control(value.view()))
        return detail::parameter_error(
            name + " contains a control character; check for a line break at its end");
    return {};
}

// Names are unique, which text parameters need not be: servers read one of two secrets.
result<void> check_grant_names(token_grant const& grant)
{
    bool const is_client_credentials = grant.type == "client_credentials";
    std::vector<std::string_view> names;
    names.reserve(grant.parameters.size() + grant.dynamic_parameters.size());
    for (auto const& [name, value] : grant.parameters)
        names.push_back(name);
    for (auto const& [name, function] : grant.dynamic_parameters)
        names.push_back(name);
    for (auto const name : names)
    {
        bool const is_reserved = contains(reserved_parameters, name) ||
                                 (is_client_credentials && contains(grant_parameters, name));
        if (auto const checked = check_parameter_name(name, is_reserved); !checked)
            return checked;
        if (std::count(names.begin(), names.end(), name) > 1)
            return detail::parameter_error(
                "the parameter '" + std::string(name) + "' is set twice; set it once");
    }
    return {};
}

result<void> check_grant(token_grant const& grant)
{
    if (grant.type.empty() || !detail::is_printable_ascii(grant.type))
        return detail::parameter_error(
            "the grant type is empty or contains a character that RFC 6749 does not allow; give "
            "the name that the server's documentation gives");
    if (auto const checked = check_grant_names(grant); !checked)
        return checked;
    for (auto const& [name, value] : grant.parameters)
        if (auto const checked = check_grant_value(name, value); !checked)
            return checked;
    for (auto const& [name, function] : grant.dynamic_parameters)
        if (!function)
            return detail::parameter_error("the function that returns the " + name + " is empty");
    return {};
}

result<void> check_timeout(std::chrono::milliseconds timeout)
{
    if (timeout < std::chrono::milliseconds(1) || timeout > std::chrono::hours(1))
        return detail::parameter_error(
            "the timeout of the request is " + std::to_string(timeout.count()) +
            " ms; it must be from 1 ms to 1 hour");
    return {};
}

result<void> check_request(token_request const& request)
{
    auto checked = check_scope(request.scope());
    if (checked && request.timeout())
        checked = check_timeout(*request.timeout());
    for (auto const& uri : request.resources())
        if (checked)
            checked = check_resource(uri);
    for (auto const& audience : request.audiences())
        if (checked && detail::has_control(audience))
            return detail::parameter_error("audience contains a control character");
    if (checked && !request.authorization_details().empty())
        checked = check_authorization_details(request.authorization_details());
    if (checked)
        checked = check_header_fields(request.headers(), errc::invalid_parameter);
    for (auto const& [name, value] : request.parameters())
        if (checked)
            checked = check_parameter(name, value, request.grant());
    if (checked && request.grant() != nullptr)
        checked = check_grant(*request.grant());
    return checked;
}

void append_pair(secret& body, std::string_view name, std::string_view value)
{
    if (!body.empty())
        body.append('&');
    detail::append_form_encoded(body, name);
    body.append('=');
    detail::append_form_encoded(body, value);
}

bool uses_basic(client_authentication const& authentication)
{
    return authentication.type() == authentication_method::client_secret_basic ||
           authentication.type() == authentication_method::client_secret_basic_unencoded;
}

// The parameters that authenticate the client.
void append_authentication(
    secret& body, client_authentication const& authentication,
    attempt_credentials const& credentials)
{
    bool const in_body = !uses_basic(authentication) || authentication.has_client_id_in_body();
    if (in_body && !authentication.client_id().empty())
        append_pair(body, "client_id", authentication.client_id());
    if (authentication.type() == authentication_method::client_secret_post)
        append_pair(body, "client_secret", authentication.client_secret().view());
    bool const has_assertion = authentication.type() == authentication_method::client_assertion;
    if (!has_assertion && credentials.assertion.empty())
        return;
    append_pair(body, "client_assertion_type", authentication.assertion_type());
    append_pair(
        body, "client_assertion",
        has_assertion ? authentication.client_secret().view() : credentials.assertion.view());
}

void append_head(
    secret& out, client_config const& config, endpoint const& endpoint, call_fields const& fields)
{
    out.append(endpoint.target).append(" HTTP/1.1\r\n");
    out.append("Host: ").append(endpoint.host_header).append("\r\n");
    if (!config.user_agent.empty())
        out.append("User-Agent: ").append(config.user_agent).append("\r\n");
    out.append("Accept: ").append(fields.accept).append("\r\n");
    // A proxy or a server may compress what is not refused.
    out.append("Accept-Encoding: identity\r\n");
    append_header_fields(out, config.headers, fields.own);
}

void append_form_head(
    secret& out, client_authentication const& authentication,
    attempt_credentials const& credentials, std::size_t body)
{
    if (uses_basic(authentication))
        out.append("Authorization: Basic ")
            .append(detail::basic_credentials(
                        authentication.client_id(), authentication.client_secret().view(),
                        authentication.type() == authentication_method::client_secret_basic)
                        .view())
            .append("\r\n");
    if (authentication.type() == authentication_method::bearer_token)
        out.append("Authorization: Bearer ")
            .append(authentication.client_secret().view())
            .append("\r\n");
    if (!credentials.dpop.empty())
        out.append("DPoP: ").append(credentials.dpop.view()).append("\r\n");
    out.append("Content-Type: application/x-www-form-urlencoded\r\n");
    out.append("Content-Length: ").append(std::to_string(body)).append("\r\n\r\n");
}

} // namespace

bool has_dynamic_parameters(token_request const& request) noexcept
{
    return request.grant() != nullptr && !request.grant()->dynamic_parameters.empty();
}

result<secret> dynamic_parameters_form(
    token_request const& request, std::span<std::pair<std::string, secret> const> known)
{
    secret form;
    if (!has_dynamic_parameters(request))
        return form;
    for (auto const& [name, function] : request.grant()->dynamic_parameters)
    {
        auto const found = std::find_if(
            known.begin(), known.end(), [&](auto const& one) { return one.first == name; });
        auto const value = found != known.end() ? result<secret>(found->second)
                                                : detail::call_secret_provider(function, name);
        if (!value)
            return value.error();
        if (auto const checked = check_grant_value(name, *value); !checked)
            return checked.error();
        append_pair(form, name, value->view());
    }
    return form;
}

result<secret> token_request_form(token_request const& request, secret const& dynamic_parameters)
{
    if (auto const checked = check_request(request); !checked)
        return checked.error();
    secret form;
    form.reserve(256);
    auto const* const grant = request.grant();
    append_pair(form, "grant_type", grant != nullptr ? grant->type : "client_credentials");
    if (grant != nullptr)
        for (auto const& [name, value] : grant->parameters)
            append_pair(form, name, value.view());
    if (!dynamic_parameters.empty())
        form.append('&').append(dynamic_parameters.view());
    if (!request.scope().empty())
        append_pair(form, "scope", request.scope());
    for (auto const& uri : request.resources())
        append_pair(form, "resource", uri);
    for (auto const& audience : request.audiences())
        append_pair(form, "audience", audience);
    if (!request.authorization_details().empty())
        append_pair(form, "authorization_details", request.authorization_details());
    for (auto const& [name, value] : request.parameters())
        append_pair(form, name, value);
    return form;
}

result<secret> token_hint_form(secret const& token, std::string_view type_hint)
{
    if (token.empty())
        return detail::parameter_error("the token is empty");
    if (detail::has_control(token.view()) || detail::has_control(type_hint))
        return detail::parameter_error(
            "the token or the token type hint contains a control character");
    secret form;
    append_pair(form, "token", token.view());
    if (!type_hint.empty())
        append_pair(form, "token_type_hint", type_hint);
    return form;
}

result<secret> build_form_request(
    client_config const& config, client_authentication const& authentication,
    endpoint const& endpoint, secret const& form, attempt_credentials const& credentials,
    call_fields const& fields)
{
    secret body;
    body.reserve(form.size() + 256 + 2 * credentials.assertion.size());
    body.append(form.view());
    append_authentication(body, authentication, credentials);
    if (body.size() > max_body)
        return detail::parameter_error(
            "the request's body would be " + std::to_string(body.size()) +
            " bytes; it may be at most " + std::to_string(max_body));
    secret wire;
    wire.reserve(512 + endpoint.target.size() + credentials.dpop.size() + body.size());
    wire.append("POST ");
    append_head(wire, config, endpoint, fields);
    append_form_head(wire, authentication, credentials, body.size());
    wire.append(body.view());
    return wire;
}

secret build_get_request(client_config const& config, endpoint const& endpoint)
{
    secret wire;
    wire.append("GET ");
    append_head(wire, config, endpoint, {});
    wire.append("\r\n");
    return wire;
}

} // namespace coauth::protocol
