#include "protocol/redacted_trace.hpp"

#include "protocol/json_document.hpp"
#include "values/encoding.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <utility>

namespace coauth::protocol
{
namespace
{

constexpr std::size_t longest_response = 4096;

constexpr std::array<std::string_view, 11> harmless_members = {
    "token_type",         "expires_in", "scope",  "error",          "error_description",
    "error_uri",          "error_code", "issuer", "token_endpoint", "introspection_endpoint",
    "revocation_endpoint"};
// Of SMS.CX.
constexpr std::array<std::string_view, 4> harmless_in_error = {"type", "message", "uri", "code"};

template <std::size_t N>
bool contains(std::array<std::string_view, N> const& names, std::string_view name)
{
    return std::find(names.begin(), names.end(), name) != names.end();
}

bool holds_ignoring_case(std::string_view text, std::string_view word)
{
    return std::search(
               text.begin(), text.end(), word.begin(), word.end(),
               [](char x, char y) { return lower(x) == y; }) != text.end();
}

bool is_secret_field(std::string_view name)
{
    for (std::string_view const word :
         {"authorization", "authenticat", "cookie", "token", "secret"})
        if (holds_ignoring_case(name, word))
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
        if (is_harmless_parameter(name))
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
    if (equal_ignoring_case(name, "dpop"))
        out.append(name).append(": ").append(mask);
    else if (equal_ignoring_case(name, "authorization"))
    {
        auto const value = line.substr(std::min(line.size(), name.size() + 2));
        out.append(name).append(": ").append(value.substr(0, value.find(' '))).append(" ");
        out.append(mask);
    }
    else
        out += line;
    out += '\n';
}

// A response as text, piece by piece, of which no more is made than will be shown.
class response_text
{
public:
    response_text(http_response const& response, redactor const& hidden)
        : response_(response)
        , hidden_(hidden)
    {
    }

    std::string write(std::optional<json_document> const& document)
    {
        out_ = "HTTP/1.1 " + std::to_string(response_.status) + "\n";
        for (auto const& field : response_.headers)
            if (!full())
                append_field(field);
        out_ += '\n';
        if (document && !coded())
            append_members(document->members(), harmless_members, document->error_members());
        else
            append_other_body();
        // Also what lies across two pieces.
        hidden_.redact(out_, "\n");
        constexpr std::string_view rest = "...";
        if (full())
            out_ = std::string(cut(out_, longest_response - rest.size())).append(rest);
        return std::move(out_);
    }

private:
    [[nodiscard]] bool full() const { return out_.size() > longest_response; }

    [[nodiscard]] bool coded() const
    {
        auto const coding = response_.headers.find("Content-Encoding");
        return coding && !coding->empty() && !equal_ignoring_case(*coding, "identity");
    }

    void append_field(http_header const& field)
    {
        out_.append(hidden_.sanitize(field.name)).append(": ");
        if (is_secret_field(field.name))
            out_ += mask;
        else
            out_ += hidden_.sanitize(field.value);
        out_ += '\n';
    }

    template <std::size_t N>
    void append_members(
        std::span<json_member const> members, std::array<std::string_view, N> const& harmless,
        std::span<json_member const> within)
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
            bool const nested = name == "error" && value.kind == json_kind::object;
            if (nested && !within.empty())
                append_members(within, harmless_in_error, {});
            else if (contains(harmless, name))
                append_value(value);
            else
                append_string(mask);
        }
        out_ += '}';
    }

    void append_value(json_value const& value)
    {
        if (value.kind == json_kind::string)
            append_string(value.text);
        else if (value.kind == json_kind::object || value.kind == json_kind::array)
            append_string(mask);
        else
            out_ += hidden_.sanitize(value.text);
    }

    // Hidden before it is escaped: a secret may hold what is.
    void append_string(std::string_view text)
    {
        secret json;
        append_json_string(json, hidden_.sanitize(text));
        out_ += json.view();
    }

    // Success could be a token in any shape; a failure is shown where it is text that speaks of
    // none. Not what should have been JSON: it may escape in any way what is to be hidden.
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
        if (failure && text && !json && !coded() && !holds_ignoring_case(body, "token"))
            out_ += hidden_.sanitize(body);
        else
            append_size();
    }

    void append_size()
    {
        constexpr std::size_t longest_type = 256;
        auto const type = response_.headers.find("Content-Type");
        out_.append("(").append(std::to_string(response_.body.size())).append(" bytes that ");
        out_ += coded() ? "are compressed or encoded" : "are not JSON";
        if (type)
            out_.append(", ").append(cut(hidden_.sanitize(*type), longest_type));
        out_ += ')';
    }

    http_response const& response_;
    redactor const& hidden_;
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
    http_response const& response, client_config const& config, std::string_view request)
{
    auto const document = json_document::parse(response.body.view());
    redactor hidden(config.authentication);
    hidden.add_request(request);
    if (document)
        hidden.add_response(*document);
    return response_text(response, hidden).write(document);
}

} // namespace coauth::protocol
