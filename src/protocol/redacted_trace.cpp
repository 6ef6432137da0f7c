#include "protocol/redacted_trace.hpp"

#include "protocol/header_fields.hpp"
#include "values/encoding.hpp"
#include "values/json_document.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <utility>

namespace coauth::protocol
{
namespace
{

constexpr std::size_t max_trace = 4096;

constexpr std::array<std::string_view, 11> allow_listed_members = {
    "token_type",         "expires_in", "scope",  "error",          "error_description",
    "error_uri",          "error_code", "issuer", "token_endpoint", "introspection_endpoint",
    "revocation_endpoint"};
// Members of the nested error object of SMS.CX.
constexpr std::array<std::string_view, 4> allow_listed_error_members = {
    "type", "message", "uri", "code"};

template <std::size_t N>
bool contains(std::array<std::string_view, N> const& names, std::string_view name)
{
    return std::find(names.begin(), names.end(), name) != names.end();
}

bool contains_ignoring_case(std::string_view text, std::string_view word)
{
    return std::search(
               text.begin(), text.end(), word.begin(), word.end(),
               [](char x, char y) { return detail::lower(x) == y; }) != text.end();
}

bool is_secret_field(std::string_view name)
{
    for (std::string_view const word :
         {"authorization", "authenticat", "cookie", "token", "secret"})
        if (contains_ignoring_case(name, word))
            return true;
    return false;
}

void append_masked_form(std::string& out, std::string_view body)
{
    while (!body.empty())
    {
        auto const pair = body.substr(0, body.find('&'));
        body.remove_prefix(std::min(body.size(), pair.size() + 1));
        auto const name = pair.substr(0, pair.find('='));
        if (is_allow_listed_parameter(name))
            out += pair;
        else
            out.append(name).append("=").append(mask);
        if (!body.empty())
            out += '&';
    }
}

void append_masked_line(std::string& out, std::string_view line)
{
    auto const name = line.substr(0, line.find(':'));
    if (detail::equal_ignoring_case(name, "authorization"))
    {
        auto const value = line.substr(std::min(line.size(), name.size() + 2));
        out.append(name).append(": ").append(value.substr(0, value.find(' '))).append(" ");
        out.append(mask);
    }
    else if (name.size() == line.size() || is_allow_listed_field(name))
        out += line;
    else
        out.append(name).append(": ").append(mask);
    out += '\n';
}

// Writes a response as text and stops at the size limit.
class trace_writer
{
public:
    trace_writer(http_response const& response, redactor const& secrets)
        : response_(response)
        , secrets_(secrets)
    {
    }

    std::string write(std::optional<detail::json_document> const& document)
    {
        out_ = "HTTP/1.1 " + std::to_string(response_.status) + "\n";
        for (auto const& field : response_.headers)
            if (!full())
                append_field(field);
        out_ += '\n';
        if (document && !is_encoded())
            append_members(document->members(), allow_listed_members, document->error_members());
        else
            append_other_body();
        // Again, because a secret may cross two parts.
        secrets_.redact(out_, "\n");
        constexpr std::string_view ellipsis = "...";
        if (full())
            out_ = std::string(cut(out_, max_trace - ellipsis.size())).append(ellipsis);
        return std::move(out_);
    }

private:
    [[nodiscard]] bool full() const { return out_.size() > max_trace; }

    [[nodiscard]] bool is_encoded() const
    {
        auto const coding = response_.headers.find("Content-Encoding");
        return coding && !coding->empty() && !detail::equal_ignoring_case(*coding, "identity");
    }

    void append_field(http_header const& field)
    {
        out_.append(secrets_.sanitize(field.name)).append(": ");
        if (is_secret_field(field.name))
            out_ += mask;
        else
            out_ += secrets_.sanitize(field.value);
        out_ += '\n';
    }

    template <std::size_t N>
    void append_members(
        std::span<detail::json_member const> members,
        std::array<std::string_view, N> const& allow_list,
        std::span<detail::json_member const> error_members)
    {
        out_ += '{';
        char const* separator = "";
        for (auto const& [name, value] : members)
        {
            if (full())
                return;
            out_ += std::exchange(separator, ", ");
            append_string(name);
            out_ += ": ";
            bool const nested = name == "error" && value.kind == detail::json_kind::object;
            if (nested && !error_members.empty())
                append_members(error_members, allow_listed_error_members, {});
            else if (contains(allow_list, name))
                append_value(value);
            else
                append_string(mask);
        }
        out_ += '}';
    }

    void append_value(detail::json_value const& value)
    {
        if (value.kind == detail::json_kind::string)
            append_string(value.text);
        else if (value.kind == detail::json_kind::object || value.kind == detail::json_kind::array)
            append_string(mask);
        else
            out_ += secrets_.sanitize(value.text);
    }

    // Redacted before it is escaped, because escaping may change a secret.
    void append_string(std::string_view text)
    {
        secret json;
        detail::append_json_string(json, secrets_.sanitize(text));
        out_ += json.view();
    }

    // A success may contain a token in an unknown format and is not shown. A failure is shown if it
    // is text without the word "token", unless it is damaged JSON, which may escape a secret.
    void append_other_body()
    {
        auto const body = response_.body.view();
        bool const text = std::none_of(
            body.begin(), body.end(), [](unsigned char c)
            { return c == 0x7f || (c < 0x20 && c != '\t' && c != '\r' && c != '\n'); });
        bool const failure = response_.status < 200 || response_.status > 299;
        auto const first = body.substr(std::min(body.find_first_not_of(" \t\r\n"), body.size()), 1);
        bool const json = first == "{" || first == "[" || first == "\"";
        if (body.empty())
            return;
        if (failure && text && !json && !is_encoded() && !contains_ignoring_case(body, "token"))
            out_ += secrets_.sanitize(body);
        else
            append_summary();
    }

    void append_summary()
    {
        constexpr std::size_t max_type = 256;
        auto const type = response_.headers.find("Content-Type");
        out_.append("(").append(std::to_string(response_.body.size())).append(" bytes that ");
        out_ += is_encoded() ? "are compressed or encoded" : "are not JSON";
        if (type)
            out_.append(", ").append(cut(secrets_.sanitize(*type), max_type));
        out_ += ')';
    }

    http_response const& response_;
    redactor const& secrets_;
    std::string out_;
};

} // namespace

std::string redact_request(secret const& wire)
{
    auto const text = wire.view();
    auto const split = text.find("\r\n\r\n");
    std::string out;
    for (auto head = text.substr(0, split); !head.empty();)
    {
        auto const line = head.substr(0, head.find("\r\n"));
        append_masked_line(out, line);
        head.remove_prefix(std::min(head.size(), line.size() + 2));
    }
    out += '\n';
    append_masked_form(out, text.substr(split + 4));
    return out;
}

std::string redact_response(
    http_response const& response, client_authentication const& authentication,
    std::string_view request)
{
    auto const document = detail::json_document::parse(response.body.view());
    redactor secrets(authentication);
    secrets.add_request(request);
    if (document)
        secrets.add_response(*document);
    return trace_writer(response, secrets).write(document);
}

} // namespace coauth::protocol
