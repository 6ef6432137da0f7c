#include "protocol/redaction.hpp"

#include "values/encoding.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

namespace coauth::protocol
{
namespace
{

constexpr std::size_t longest_text = 1024;
// A shorter one would hit ordinary words.
constexpr std::size_t shortest = 4;
static_assert(mask.size() < shortest);

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

// In forms, URLs, HTML or JSON; so are signed tokens.
bool is_never_encoded(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
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
    wipe(text.data() + written, text.size() - written);
    text.resize(written);
}

void replace_all(std::string& text, std::string_view what)
{
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
    mask_each(
        text,
        [&](std::size_t from) -> std::optional<part>
        {
            // On from its end, whether it was one or not: nothing is looked at twice.
            for (auto at = text.find("eyJ", from); at != std::string::npos;
                 at = text.find("eyJ", from))
            {
                auto const begin = text.begin() + static_cast<std::ptrdiff_t>(at);
                auto const end = std::find_if_not(begin, text.end(), is_never_encoded);
                if (std::count(begin, end, '.') >= 2)
                    return part{at, static_cast<std::size_t>(end - begin)};
                from = static_cast<std::size_t>(end - text.begin());
            }
            return std::nullopt;
        });
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

// As RFC 3986 has it, out of what forms have: they differ in a space, an asterisk and a tilde.
secret percent_encoded(std::string_view form)
{
    secret out;
    out.reserve(form.size() + 64);
    while (!form.empty())
    {
        bool const tilde = form.starts_with("%7E");
        if (tilde)
            out.append('~');
        else if (form.front() == '+' || form.front() == '*')
            out.append(form.front() == '+' ? "%20" : "%2A");
        else
            out.append(form.front());
        form.remove_prefix(tilde ? 3 : 1);
    }
    return out;
}

// Without the quotes.
secret json_encoded(std::string_view text)
{
    secret quoted;
    append_json_string(quoted, text);
    return secret(quoted.view().substr(1, quoted.size() - 2));
}

secret html_encoded(std::string_view text)
{
    constexpr std::string_view special = "&<>\"'";
    constexpr std::array<std::string_view, 5> names = {"&amp;", "&lt;", "&gt;", "&quot;", "&#39;"};
    secret out;
    out.reserve(text.size() + 64);
    for (char const c : text)
    {
        auto const found = special.find(c);
        if (found == std::string_view::npos)
            out.append(c);
        else
            out.append(names[found]);
    }
    return out;
}

} // namespace

bool is_harmless_parameter(std::string_view name) noexcept
{
    return std::find(harmless_parameters.begin(), harmless_parameters.end(), name) !=
           harmless_parameters.end();
}

std::string_view cut(std::string_view text, std::size_t longest) noexcept
{
    if (text.size() <= longest)
        return text;
    std::size_t end = longest;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80)
        --end;
    return text.substr(0, end);
}

redactor::redactor(client_authentication const& who)
{
    auto const& plain = who.client_secret();
    if (plain.empty())
        return;
    for (bool const encode : {false, true})
        add_one(basic_credentials(who.client_id(), plain.view(), encode).view());
    add(plain.view());
}

void redactor::add(std::string_view word)
{
    add_one(word);
    // Most tokens, long ones among them, are the same in every form.
    if (word.size() < shortest || std::all_of(word.begin(), word.end(), is_never_encoded))
        return;
    add_one(html_encoded(word).view());
    add_one(json_encoded(word).view());
    secret form;
    append_form_encoded(form, word);
    add_one(form.view());
    add_one(percent_encoded(form.view()).view());
}

void redactor::add_one(std::string_view word)
{
    if (word.size() < shortest)
        return;
    auto const shorter = std::find_if(
        words_.begin(), words_.end(),
        [&](secret const& other) { return other.size() <= word.size(); });
    for (auto same = shorter; same != words_.end() && same->size() == word.size(); ++same)
        if (same->view() == word)
            return;
    words_.insert(shorter, secret(word));
}

void redactor::add_request(std::string_view wire)
{
    auto const split = std::min(wire.find("\r\n\r\n"), wire.size());
    for (auto head = wire.substr(0, split); !head.empty();)
    {
        auto const line = head.substr(0, head.find("\r\n"));
        head.remove_prefix(std::min(head.size(), line.size() + 2));
        auto const name = line.substr(0, line.find(':'));
        if (equal_ignoring_case(name, "authorization") || equal_ignoring_case(name, "dpop"))
            add_one(line.substr(line.find_last_of(' ') + 1));
    }
    add_form(wire.substr(std::min(wire.size(), split + 4)));
}

void redactor::add_form(std::string_view form)
{
    while (!form.empty())
    {
        auto const pair = form.substr(0, form.find('&'));
        form.remove_prefix(std::min(form.size(), pair.size() + 1));
        auto const name = pair.substr(0, pair.find('='));
        if (is_harmless_parameter(name) || name.size() == pair.size())
            continue;
        auto const value = pair.substr(name.size() + 1);
        add(decode_form(value).view());
    }
}

void redactor::add_response(json_document const& document)
{
    for (auto const* const name : {"access_token", "refresh_token", "id_token"})
        add(document.find(name).as_string().value_or(std::string_view()));
}

void redactor::redact(std::string& text, std::string_view kept_controls) const
{
    auto const hide = [&]
    {
        for (auto const& word : words_)
            replace_all(text, word.view());
    };
    // What is replaced may have stood within a secret, or be part of one.
    hide();
    replace_controls(text, kept_controls);
    hide();
    mask_jwts(text);
}

std::string redactor::sanitize(std::string_view text) const
{
    // Hidden before it is cut: half a secret would not be found.
    constexpr std::size_t looked_at = 16 * longest_text;
    struct wiped
    {
        explicit wiped(std::string_view from) : text(from) {}
        ~wiped() { wipe(text); }
        wiped(wiped const&) = delete;
        wiped& operator=(wiped const&) = delete;
        std::string text;
    } copy(text.substr(0, looked_at));
    std::string& shown = copy.text;
    redact(shown);
    // Where much of it was hidden, its end comes near, and with it such a half.
    std::size_t const half = text.size() <= looked_at || words_.empty() ? 0 : words_.front().size();
    shown.resize(shown.size() - std::min(shown.size(), half));
    return std::string(cut(shown, longest_text));
}

std::string
sanitize(std::string_view text, client_authentication const& who, std::string_view token)
{
    redactor hidden(who);
    hidden.add(token);
    return hidden.sanitize(text);
}

} // namespace coauth::protocol
