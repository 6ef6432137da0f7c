#include "protocol/error_text.hpp"

#include "protocol/trim.hpp"
#include "values/encoding.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <deque>
#include <utility>
#include <vector>

namespace coauth::protocol
{
namespace
{

constexpr std::size_t max_elements = 200;

bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

// Without case; `part` is in lower case.
std::size_t find_ignoring_case(std::string_view text, std::string_view part, std::size_t from = 0)
{
    if (from >= text.size())
        return std::string_view::npos;
    auto const found = std::search(
        text.begin() + static_cast<std::ptrdiff_t>(from), text.end(), part.begin(), part.end(),
        [](char x, char y) { return detail::lower(x) == y; });
    return found == text.end() ? std::string_view::npos
                               : static_cast<std::size_t>(found - text.begin());
}

void append_utf8(secret& out, unsigned code)
{
    auto const byte = [](unsigned value) { return static_cast<char>(value); };
    if (code < 0x80)
        out.append(byte(code));
    else if (code < 0x800)
        out.append(byte(0xc0 | code >> 6)).append(byte(0x80 | (code & 0x3f)));
    else if (code < 0x10000)
        out.append(byte(0xe0 | code >> 12))
            .append(byte(0x80 | (code >> 6 & 0x3f)))
            .append(byte(0x80 | (code & 0x3f)));
}

// The size of the character that begins there; 0: it is not UTF-8.
std::size_t character_size(std::string_view text)
{
    auto const first = static_cast<unsigned char>(text.front());
    std::size_t const size = first < 0x80   ? 1
                             : first < 0xc2 ? 0
                             : first < 0xe0 ? 2
                             : first < 0xf0 ? 3
                             : first < 0xf5 ? 4
                                            : 0;
    auto const rest = text.substr(std::min(text.size(), std::size_t(1)), size == 0 ? 0 : size - 1);
    bool const complete = rest.size() + 1 == size;
    bool const continued = std::all_of(
        rest.begin(), rest.end(),
        [](char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; });
    return complete && continued ? size : 0;
}

// Old servers write ISO-8859-1: every byte that is no UTF-8 is one of its characters.
secret to_utf8(std::string_view text)
{
    secret out;
    while (!text.empty())
    {
        auto const size = character_size(text);
        if (size == 0)
            append_utf8(out, static_cast<unsigned char>(text.front()));
        else
            out.append(text.substr(0, size));
        text.remove_prefix(std::max(size, std::size_t(1)));
    }
    return out;
}

// The character of `&name;` or `&#number;`. None: the reference is unknown.
std::optional<unsigned> parse_reference(std::string_view name)
{
    constexpr std::array<std::pair<std::string_view, unsigned>, 10> names = {
        {{"amp", '&'},
         {"lt", '<'},
         {"gt", '>'},
         {"quot", '"'},
         {"apos", '\''},
         {"nbsp", ' '},
         {"ndash", 0x2013},
         {"mdash", 0x2014},
         {"copy", 0xa9},
         {"hellip", 0x2026}}};
    for (auto const& [known, code] : names)
        if (name == known)
            return code;
    if (!name.starts_with('#'))
        return std::nullopt;
    name.remove_prefix(1);
    bool const hex = name.starts_with('x') || name.starts_with('X');
    name.remove_prefix(hex ? 1 : 0);
    unsigned code = 0;
    auto const* const end = name.data() + name.size();
    auto const [stop, failure] = std::from_chars(name.data(), end, code, hex ? 16 : 10);
    if (failure != std::errc() || stop != end || code == 0 || code >= 0x10000)
        return std::nullopt;
    return code;
}

// The visible text of markup: tags become spaces, references characters, and white space one space.
secret plain_text(std::string_view markup)
{
    secret out;
    bool pending_space = false;
    while (!markup.empty())
    {
        char const c = markup.front();
        constexpr std::size_t max_reference = 10;
        auto const semicolon =
            c == '&' ? markup.substr(0, max_reference).find(';') : std::string_view::npos;
        // 0: no reference.
        unsigned const code = semicolon != std::string_view::npos
                                  ? parse_reference(markup.substr(1, semicolon - 1)).value_or(0)
                                  : 0;
        if (c == '<' && markup.starts_with("<![CDATA["))
        {
            markup.remove_prefix(9);
            continue;
        }
        if (c == '<')
        {
            markup.remove_prefix(std::min(markup.find('>'), markup.size() - 1) + 1);
            pending_space = true;
            continue;
        }
        if (markup.starts_with("]]>"))
        {
            markup.remove_prefix(3);
            continue;
        }
        markup.remove_prefix(code != 0 ? semicolon + 1 : 1);
        if (is_space(c) || code == ' ')
        {
            pending_space = true;
            continue;
        }
        if (pending_space && !out.empty())
            out.append(' ');
        pending_space = false;
        if (code != 0)
            append_utf8(out, code);
        else
            out.append(c);
    }
    return out;
}

// The markup between the first start tag with this name and the next end tag. Empty: there is none.
std::string_view element(std::string_view markup, std::string_view start, std::string_view end)
{
    auto const tag = find_ignoring_case(markup, start);
    auto const open = tag == std::string_view::npos ? tag : markup.find('>', tag);
    if (open == std::string_view::npos)
        return {};
    auto const close = find_ignoring_case(markup, end, open);
    return markup.substr(open + 1, close == std::string_view::npos ? 0 : close - open - 1);
}

bool is_html(std::string_view body)
{
    constexpr std::size_t head = 1024;
    body = body.substr(0, head);
    for (std::string_view const tag :
         {"<!doctype html", "<html", "<head", "<title", "<body", "<h1", "<center", "<p>", "<div"})
        if (find_ignoring_case(body, tag) != std::string_view::npos)
            return true;
    return false;
}

// Removes scripts and styles, whose text is not visible.
secret without_scripts(std::string_view page)
{
    secret out;
    constexpr int max_parts = 100;
    for (int i = 0; i < max_parts && !page.empty(); ++i)
    {
        auto begin = std::string_view::npos;
        std::string_view end_tag;
        for (auto const& [start, end] :
             {std::pair<std::string_view, std::string_view>("<script", "</script>"),
              {"<style", "</style>"},
              {"<!--", "-->"}})
            if (auto const found = find_ignoring_case(page, start); found < begin)
            {
                begin = found;
                end_tag = end;
            }
        out.append(page.substr(0, begin)).append(' ');
        auto const end =
            begin == std::string_view::npos ? begin : find_ignoring_case(page, end_tag, begin);
        page.remove_prefix(end == std::string_view::npos ? page.size() : end + end_tag.size());
    }
    return out;
}

// As in "Invalid token: expired".
bool is_prose(std::string_view after_token)
{
    constexpr std::size_t longest_word = 12;
    if (!after_token.starts_with(": "))
        return false;
    auto const word = after_token.substr(2, after_token.find_first_of(" .,;!\r\n", 2) - 2);
    return word.size() <= longest_word &&
           std::all_of(word.begin(), word.end(), [](char c) { return c >= 'a' && c <= 'z'; });
}

// Text that may contain a token, or damaged JSON with escapes that hide a secret.
bool is_unsafe(std::string_view text)
{
    bool const json = text.starts_with('{') || text.starts_with('[') || text.starts_with('"');
    if (json && text.find('\\') != std::string_view::npos)
        return true;
    for (auto token = find_ignoring_case(text, "token"); token != std::string_view::npos;
         token = find_ignoring_case(text, "token", token + 1))
    {
        auto const next = text.find_first_not_of(" \t\"'", token + 5);
        bool const assigned =
            next != std::string_view::npos && (text[next] == '=' || text[next] == ':');
        if (assigned && !is_prose(text.substr(token + 5)))
            return true;
    }
    return false;
}

// Says no more than the status does.
bool is_generic_title(std::string_view title)
{
    for (std::string_view const known : {"error", "error response"})
        if (detail::equal_ignoring_case(title, known))
            return true;
    return title.ends_with(" - Error report");
}

secret page_text(std::string_view page, bool success)
{
    auto title = plain_text(element(page, "<title", "</title"));
    bool const may_be_token = success && title.view().find('=') != std::string_view::npos;
    if ((!title.empty() && !is_generic_title(title.view())) || success)
        return may_be_token ? secret() : std::move(title);
    return plain_text(without_scripts(page).view());
}

// Adds the attributes that describe an error, as in `<err code="100" msg="Invalid API Key"/>`.
void add_attributes(
    std::string_view tag, std::deque<secret>& texts, std::vector<detail::json_member>& members)
{
    for (std::string_view const name :
         {"code", "errorcode", "error", "msg", "message", "desc", "description", "reason"})
    {
        auto const begin = find_ignoring_case(tag, " " + std::string(name) + "=\"");
        if (begin == std::string_view::npos)
            continue;
        auto const value = tag.substr(begin + name.size() + 3);
        texts.push_back(plain_text(value.substr(0, value.find('"'))));
        if (!texts.back().empty())
            members.push_back({name, {detail::json_kind::string, texts.back().view()}});
    }
}

// The local names and texts of the elements without child elements, and attributes.
error_document read_xml(std::string_view body, unsigned http_status)
{
    std::deque<secret> texts;
    std::vector<detail::json_member> members;
    while (members.size() < max_elements)
    {
        auto const open = body.find('<');
        auto const close = body.find('>', std::min(open, body.size()));
        if (close == std::string_view::npos)
            break;
        auto tag = body.substr(open + 1, close - open - 1);
        body.remove_prefix(close + 1);
        add_attributes(tag, texts, members);
        auto name = tag.substr(0, tag.find_first_of(" \t\r\n/"));
        name.remove_prefix(name.rfind(':') + 1);
        auto const cdata = body.starts_with("<![CDATA[") ? body.find("]]>") : 0;
        auto const end = body.find('<', std::min(body.size(), cdata));
        bool const is_leaf = end != std::string_view::npos && body.substr(end).starts_with("</");
        if (!is_leaf || name.empty() || tag.starts_with('/') || tag.starts_with('!'))
            continue;
        texts.push_back(plain_text(body.substr(0, end)));
        if (!texts.back().empty())
            members.push_back({name, {detail::json_kind::string, texts.back().view()}});
    }
    return read_error_members(members, http_status);
}

error_document read_markup(std::string_view body, unsigned http_status)
{
    bool const success = http_status >= 200 && http_status < 300;
    error_document result;
    if (!is_html(body) && !success)
        result = read_xml(body, http_status);
    if (result.description.empty())
        result.description = page_text(body, success);
    // Only what is shown: scripts and forms of a page often have a token of their own.
    for (auto* const shown : {&result.description, &result.code, &result.uri})
        if (is_unsafe(shown->view()))
            *shown = secret();
    return result;
}

// A form with a member such as `error`.
std::optional<error_document> read_form(std::string_view body, unsigned http_status)
{
    bool const has_error = body.starts_with("error") || body.find("&error") != body.npos;
    bool const is_form = std::all_of(body.begin(), body.end(), [](char c) { return c > 0x20; });
    if (!has_error || !is_form || body.find('=') == std::string_view::npos)
        return std::nullopt;
    std::deque<secret> texts;
    std::vector<detail::json_member> members;
    while (!body.empty() && members.size() < max_elements)
    {
        auto const pair = body.substr(0, body.find('&'));
        body.remove_prefix(std::min(body.size(), pair.size() + 1));
        auto const name = pair.substr(0, pair.find('='));
        auto const value = pair.substr(std::min(pair.size(), name.size() + 1));
        auto const name_text = texts.emplace_back(detail::decode_form(name)).view();
        auto const text = texts.emplace_back(detail::decode_form(value)).view();
        if (!is_secret_name(name_text))
            members.push_back({name_text, {detail::json_kind::string, text}});
    }
    auto result = read_error_members(members, http_status);
    if (result.code.empty())
        return std::nullopt;
    return result;
}

// A JSON array or string as the body, or an object in another encoding.
std::optional<error_document> read_json_value(std::string_view body, unsigned http_status)
{
    secret wrapped;
    wrapped.append("{\"errors\":").append(body).append("}");
    auto const document = detail::json_document::parse(wrapped.view());
    if (!document)
        return std::nullopt;
    auto result = read_error_document(*document, http_status);
    // A member that is there twice makes an object unreadable.
    if (result.code.empty() && result.description.empty())
        return std::nullopt;
    return result;
}

} // namespace

bool is_text(std::string_view body) noexcept
{
    return std::none_of(
        body.begin(), body.end(), [](char c) { return detail::is_control(c) && !is_space(c); });
}

error_document read_error_text(std::string_view body, unsigned http_status)
{
    bool const success = http_status >= 200 && http_status < 300;
    if (body.starts_with("\xEF\xBB\xBF"))
        body.remove_prefix(3);
    auto const text = to_utf8(trim(body));
    body = text.view();
    if (body.empty() || body == "null" || body == "{}" || body == "[]" || body == "\"\"")
        return {};
    if (auto form = read_form(body, http_status))
        return std::move(*form);
    bool const is_json = body.starts_with('{') || body.starts_with('[') || body.starts_with('"');
    bool const has_object = body.starts_with('[') && trim(body.substr(1)).starts_with('{');
    if (is_json && (!success || has_object))
        if (auto value = read_json_value(body, http_status))
            return std::move(*value);
    if (body.starts_with('<'))
        return read_markup(body, http_status);
    if (success || is_unsafe(body))
        return {};
    error_document result;
    result.description = secret(body);
    return result;
}

} // namespace coauth::protocol
