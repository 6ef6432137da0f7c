#include "protocol/header_fields.hpp"

#include "values/encoding.hpp"
#include "values/make_error.hpp"

#include <algorithm>
#include <array>

namespace coauth::protocol
{
namespace
{

// More than servers accept.
constexpr std::size_t max_size = std::size_t(16) * 1024;

// The fields that the library sets itself, and those that would change the framing of the message
// or the use of the connection.
constexpr std::array<std::string_view, 20> reserved_fields = {
    "accept",
    "accept-encoding",
    "authorization",
    "connection",
    "content-encoding",
    "content-length",
    "content-range",
    "content-type",
    "dpop",
    "expect",
    "host",
    "http2-settings",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent"};

constexpr std::array<std::string_view, 8> allow_listed_fields = {
    "accept", "accept-encoding", "content-type", "content-length",
    "host",   "traceparent",     "tracestate",   "user-agent"};

template <std::size_t N>
bool is_one_of(std::array<std::string_view, N> const& names, std::string_view name)
{
    return std::any_of(
        names.begin(), names.end(),
        [&](std::string_view one) { return detail::equal_ignoring_case(one, name); });
}

// `tchar` of RFC 9110 section 5.6.2.
bool is_token_character(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

result<void> check_field(std::string const& name, secret const& value, errc code)
{
    if (name.empty())
        return detail::make_error(code, "a header field has no name");
    // Not shown: it may be a whole field with its value.
    if (!std::all_of(name.begin(), name.end(), is_token_character))
        return detail::make_error(
            code, "the name of a header field contains a character that RFC 9110 does not allow; "
                  "give the name without colon and value");
    auto const quoted = "the header field '" + name + "'";
    if (is_one_of(reserved_fields, name))
        return detail::make_error(
            code, quoted + " is reserved: the library sets it itself, or it would change how the "
                           "request is sent");
    auto const text = value.view();
    if (text.empty())
        return detail::make_error(code, quoted + " has no value; set one, or leave it out");
    if (detail::has_control(text))
        return detail::make_error(
            code, "the value of " + quoted +
                      " contains a control character; check for a line break at its end");
    if (text.front() == ' ' || text.back() == ' ')
        return detail::make_error(
            code, "the value of " + quoted + " begins or ends with a space; remove it");
    return {};
}

bool is_in(header_fields fields, std::string_view name)
{
    return std::any_of(
        fields.begin(), fields.end(),
        [&](auto const& field) { return detail::equal_ignoring_case(field.first, name); });
}

void append_line(secret& out, std::pair<std::string, secret> const& field)
{
    out.append(field.first).append(": ").append(field.second.view()).append("\r\n");
}

} // namespace

result<void> check_header_fields(header_fields fields, errc code)
{
    std::size_t size = 0;
    for (std::size_t i = 0; i < fields.size(); ++i)
    {
        auto const& [name, value] = fields[i];
        if (auto const checked = check_field(name, value, code); !checked)
            return checked;
        if (is_in(fields.first(i), name))
            return detail::make_error(
                code, "the header field '" + name + "' is set twice; set it once");
        size += name.size() + value.size();
    }
    if (size > max_size)
        return detail::make_error(
            code, "the header fields have " + std::to_string(size) +
                      " bytes together; they may have at most " + std::to_string(max_size));
    return {};
}

void append_header_fields(secret& out, header_fields common, header_fields own)
{
    for (auto const& field : common)
        if (!is_in(own, field.first))
            append_line(out, field);
    for (auto const& field : own)
        append_line(out, field);
}

bool is_allow_listed_field(std::string_view name) noexcept
{
    return is_one_of(allow_listed_fields, name);
}

} // namespace coauth::protocol
