#include "protocol/mask.hpp"

#include "protocol/encoding.hpp"
#include "protocol/json_document.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstring>
#include <optional>

namespace coauth::protocol
{
namespace
{

constexpr std::string_view mask = "***";
constexpr std::size_t longest_text = 1024;

template <std::size_t N>
bool contains(std::array<std::string_view, N> const& names, std::string_view name)
{
    return std::find(names.begin(), names.end(), name) != names.end();
}

constexpr std::array<std::string_view, 10> harmless_parameters = {
    "grant_type",
    "scope",
    "resource",
    "audience",
    "client_id",
    "client_assertion_type",
    "subject_token_type",
    "actor_token_type",
    "requested_token_type",
    "token_type_hint"};

constexpr std::array<std::string_view, 11> harmless_members = {
    "token_type",         "expires_in", "scope",  "error",          "error_description",
    "error_uri",          "error_code", "issuer", "token_endpoint", "introspection_endpoint",
    "revocation_endpoint"};

bool equal_ignoring_case(std::string_view a, std::string_view b)
{
    return std::equal(
        a.begin(), a.end(), b.begin(), b.end(),
        [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

bool holds_ignoring_case(std::string_view text, std::string_view word)
{
    return std::search(
               text.begin(), text.end(), word.begin(), word.end(),
               [](unsigned char x, unsigned char y) { return std::tolower(x) == y; }) != text.end();
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
        if (contains(harmless_parameters, name))
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

struct part
{
    std::size_t at;
    std::size_t size;
};

// Puts the mask in place of every part that `find(from)` yields, each longer than the mask. What
// follows moves once, not once for each.
template <class Find>
void mask_each(std::string& text, Find const& find)
{
    std::size_t read = 0;
    std::size_t written = 0;
    auto const move_until = [&](std::size_t end)
    {
        std::memmove(text.data() + written, text.data() + read, end - read);
        written += end - read;
    };
    while (std::optional<part> const found = find(read))
    {
        move_until(found->at);
        written += mask.copy(text.data() + written, mask.size());
        read = found->at + found->size;
    }
    move_until(text.size());
    text.resize(written);
}

void replace_all(std::string& text, std::string_view what)
{
    // A shorter one would hit ordinary words.
    constexpr std::size_t shortest = 4;
    static_assert(mask.size() < shortest);
    if (what.size() < shortest)
        return;
    mask_each(
        text,
        [&](std::size_t from) -> std::optional<part>
        {
            auto const at = text.find(what, from);
            if (at == std::string::npos)
                return std::nullopt;
            return part{at, what.size()};
        });
}

// Signed tokens, whoever made them: an assertion that the server repeats, or a token.
void mask_jwts(std::string& text)
{
    auto const in_jwt = [](char c)
    {
        return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
               c == '-' || c == '_' || c == '.';
    };
    mask_each(
        text,
        [&](std::size_t from) -> std::optional<part>
        {
            // On from its end, whether it was one or not: nothing is looked at twice.
            for (auto at = text.find("eyJ", from); at != std::string::npos;
                 at = text.find("eyJ", from))
            {
                auto const begin = text.begin() + static_cast<std::ptrdiff_t>(at);
                auto const end = std::find_if_not(begin, text.end(), in_jwt);
                if (std::count(begin, end, '.') >= 2)
                    return part{at, static_cast<std::size_t>(end - begin)};
                from = static_cast<std::size_t>(end - text.begin());
            }
            return std::nullopt;
        });
}

std::string_view token_in(json_document const& document)
{
    return document.find("access_token").as_string().value_or(std::string_view());
}

void remove_secrets(std::string& text, client_authentication const& who, std::string_view token)
{
    scrub(text, who);
    replace_all(text, token);
}

std::string
without_secrets(std::string_view text, client_authentication const& who, std::string_view token)
{
    std::string shown(text);
    remove_secrets(shown, who, token);
    return shown;
}

void append_masked_json(
    std::string& out, json_document const& document, client_authentication const& who)
{
    auto const token = token_in(document);
    out += '{';
    for (std::size_t i = 0; i < document.size(); ++i)
    {
        auto const name = document.name(i);
        auto const value = document.value(i);
        secret shown;
        append_json_string(shown, name);
        shown.append(": ");
        if (!contains(harmless_members, name))
            append_json_string(shown, mask);
        else if (value.kind == json_kind::string)
            // Before it is escaped: a secret may hold what is.
            append_json_string(shown, without_secrets(value.text, who, token));
        else
            shown.append(value.text);
        out.append(i == 0 ? "" : ", ").append(shown.view());
    }
    out += '}';
}

// A body that is not JSON is shown only when nothing in it speaks of tokens.
void append_other_body(std::string& out, std::string_view body)
{
    if (holds_ignoring_case(body, "token"))
        out.append("(").append(std::to_string(body.size())).append(" bytes that are not JSON)");
    else
        out += body.substr(0, longest_text);
}

// Cuts at a character's boundary, so that no broken UTF-8 remains.
std::string_view cut(std::string_view text, std::size_t longest)
{
    if (text.size() <= longest)
        return text;
    std::size_t end = longest;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80)
        --end;
    return text.substr(0, end);
}

// C1 controls are two bytes in UTF-8; terminals obey them like ESC.
void replace_controls(std::string& text, std::string_view kept)
{
    for (std::size_t i = 0; i < text.size(); ++i)
    {
        if (is_control(text[i]) && kept.find(text[i]) == std::string_view::npos)
            text[i] = ' ';
        bool const c1 = text[i] == '\xc2' && i + 1 < text.size() &&
                        static_cast<unsigned char>(text[i + 1]) < 0xa0;
        if (c1)
            text[i] = text[i + 1] = ' ';
    }
}

// What is replaced may have stood within a secret, or be part of one.
void hide(
    std::string& text, client_authentication const& who, std::string_view token,
    std::string_view kept_controls)
{
    remove_secrets(text, who, token);
    replace_controls(text, kept_controls);
    remove_secrets(text, who, token);
    mask_jwts(text);
}

} // namespace

std::string masked_request(secret const& wire)
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

std::string masked_answer(http_answer const& answer, client_config const& config)
{
    auto const document = json_document::parse(answer.body.view());
    std::string out = "HTTP/1.1 " + std::to_string(answer.status) + "\n";
    for (auto const& field : answer.headers)
        out.append(field.name)
            .append(": ")
            .append(is_secret_field(field.name) ? mask : std::string_view(field.value))
            .append("\n");
    out += '\n';
    if (document)
        append_masked_json(out, *document, config.authentication);
    else
        append_other_body(out, answer.body.view());
    hide(out, config.authentication, document ? token_in(*document) : std::string_view(), "\n");
    return out;
}

void scrub(std::string& text, client_authentication const& who)
{
    auto const& plain = who.client_secret();
    if (plain.empty())
        return;
    secret form;
    append_form_encoded(form, plain.view());
    for (bool const encode : {false, true})
        replace_all(text, basic_credentials(who.client_id(), plain.view(), encode).view());
    replace_all(text, form.view());
    replace_all(text, plain.view());
}

std::string
safe_text(std::string_view text, client_authentication const& who, std::string_view token)
{
    // Hidden before it is cut: half a secret would not be found.
    constexpr std::size_t looked_at = 16 * longest_text;
    std::string safe(text.substr(0, looked_at));
    hide(safe, who, token, {});
    return std::string(cut(safe, longest_text));
}

} // namespace coauth::protocol
