#include "protocol/redaction.hpp"

#include "protocol/decoded_text.hpp"
#include "protocol/header_fields.hpp"
#include "values/encoding.hpp"
#include "values/wipe.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <span>

namespace coauth::protocol
{
namespace
{

constexpr std::size_t max_text = 1024;
// Shorter secrets occur in ordinary words.
constexpr std::size_t min_secret = 4;
static_assert(mask.size() < min_secret);
// Base64 text with this many bytes of a secret is masked. Text does not contain them by accident.
constexpr std::size_t max_fragment = 6;
constexpr std::size_t max_fragmented = 256;

constexpr std::array<std::string_view, 10> allow_listed_parameters = {
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

// Characters that forms, URLs, HTML and JSON never encode. JWTs consist of them.
bool is_never_encoded(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
}

struct text_range
{
    std::size_t begin;
    std::size_t size;
};

// Replaces every range that `find(from)` returns by the mask, which is shorter. Moves the text in
// between once, in linear time.
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
    while (std::optional<text_range> const found = find(read))
    {
        move_until(found->begin);
        written += mask.copy(text.data() + written, mask.size());
        read = found->begin + found->size;
    }
    move_until(text.size());
    detail::wipe(text.data() + written, text.size() - written);
    text.resize(written);
}

void mask_all(std::string& text, std::string_view secret_text)
{
    mask_each(
        text,
        [&](std::size_t from) -> std::optional<text_range>
        {
            auto const begin = text.find(secret_text, from);
            if (begin == std::string::npos)
                return std::nullopt;
            return text_range{begin, secret_text.size()};
        });
}

// Masks everything that looks like a JWT: assertions and tokens.
void mask_jwts(std::string& text)
{
    mask_each(
        text,
        [&](std::size_t from) -> std::optional<text_range>
        {
            // Continues after each candidate, so that the search takes linear time.
            for (auto position = text.find("eyJ", from); position != std::string::npos;
                 position = text.find("eyJ", from))
            {
                auto const begin = text.begin() + static_cast<std::ptrdiff_t>(position);
                auto const end = std::find_if_not(begin, text.end(), is_never_encoded);
                if (std::count(begin, end, '.') >= 2)
                    return text_range{position, static_cast<std::size_t>(end - begin)};
                from = static_cast<std::size_t>(end - text.begin());
            }
            return std::nullopt;
        });
}

// Replaces C0 and C1 controls. Terminals interpret C1 controls, two bytes in UTF-8, like ESC.
void replace_controls(std::string& text, std::string_view allowed)
{
    for (std::size_t i = 0; i < text.size(); ++i)
    {
        if (detail::is_control(text[i]) && allowed.find(text[i]) == std::string_view::npos)
            text[i] = ' ';
        bool const c1 = text[i] == '\xc2' && i + 1 < text.size() &&
                        static_cast<unsigned char>(text[i + 1]) < 0xa0;
        if (c1)
            text[i] = text[i + 1] = ' ';
    }
}

std::string_view escape_characters(text_encoding encoding)
{
    switch (encoding)
    {
    case text_encoding::percent:
        return "%";
    case text_encoding::form:
        return "%+";
    case text_encoding::json:
        return "\\";
    case text_encoding::html:
        return "&";
    }
    return {};
}

// Masks a secret wherever the encoding turns it into something else.
void mask_encoded(std::string& text, std::span<secret const> secrets, text_encoding encoding)
{
    if (text.find_first_of(escape_characters(encoding)) == std::string::npos)
        return;
    // Masked one by one, because each changes the positions.
    decoded_text decoded(text, encoding);
    for (auto const& known : secrets)
    {
        if (decoded.text().find(known.view()) == std::string_view::npos)
            continue;
        std::size_t index = 0;
        mask_each(
            text,
            [&](std::size_t) -> std::optional<text_range>
            {
                auto const found = decoded.text().find(known.view(), index);
                if (found == std::string_view::npos)
                    return std::nullopt;
                index = found + known.size();
                auto const begin = decoded.position(found);
                return text_range{begin, decoded.position(index) - begin};
            });
        decoded = decoded_text(text, encoding);
    }
}

bool is_base64(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' ||
           c == '/' || c == '-' || c == '_' || c == '=';
}

// The last bytes of a window.
std::uint64_t last_bytes(std::uint64_t window, std::size_t size)
{
    return window & ((std::uint64_t(1) << 8 * size) - 1);
}

std::uint64_t shift_in(std::uint64_t window, char c)
{
    return last_bytes(window << 8 | static_cast<unsigned char>(c), max_fragment);
}

// Tells windows of different sizes apart.
std::uint64_t tag(std::uint64_t window, std::size_t size)
{
    return window | static_cast<std::uint64_t>(size) << 56;
}

} // namespace

bool is_allow_listed_parameter(std::string_view name) noexcept
{
    return std::find(allow_listed_parameters.begin(), allow_listed_parameters.end(), name) !=
           allow_listed_parameters.end();
}

std::string_view cut(std::string_view text, std::size_t max_size) noexcept
{
    if (text.size() <= max_size)
        return text;
    std::size_t end = max_size;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80)
        --end;
    return text.substr(0, end);
}

redactor::redactor(client_authentication const& authentication)
{
    auto const& plain = authentication.client_secret();
    if (plain.empty())
        return;
    for (bool const encode : {false, true})
        add_exact(
            detail::basic_credentials(authentication.client_id(), plain.view(), encode).view());
    add(plain.view());
}

void redactor::add(std::string_view secret_text)
{
    add_exact(secret_text);
    if (secret_text.size() < min_secret)
        return;
    secret form;
    detail::append_form_encoded(form, secret_text);
    add_encoded(form.view());
    add_fragments(secret_text);
    add_fragments(form.view());
    std::sort(fragments_.begin(), fragments_.end());
}

// Gateways that log a form encode it once more.
void redactor::add_encoded(std::string_view form)
{
    if (form.find_first_of("%+") == std::string_view::npos)
        return;
    secret upper;
    secret lower;
    int digits = 0;
    for (char const c : form)
    {
        digits = c == '%' ? 3 : digits - 1;
        upper.append(c == '+' ? std::string_view("%20") : std::string_view(&c, 1));
        if (c == '+')
            lower.append("%20");
        else
            lower.append(digits > 0 ? detail::lower(c) : c);
    }
    add_exact(form);
    add_exact(upper.view());
    add_exact(lower.view());
}

void redactor::add_fragments(std::string_view secret_text)
{
    // Of long tokens, the beginning is enough.
    secret_text = secret_text.substr(0, max_fragmented);
    auto const size = std::min(secret_text.size(), max_fragment);
    std::uint64_t window = 0;
    for (std::size_t i = 0; i < secret_text.size(); ++i)
    {
        window = shift_in(window, secret_text[i]);
        if (i + 1 >= size)
            fragments_.push_back(tag(last_bytes(window, size), size));
    }
}

bool redactor::is_fragment(std::uint64_t window, std::size_t bytes) const
{
    for (auto const size : {min_secret, min_secret + 1, max_fragment})
        if (bytes >= size &&
            std::binary_search(
                fragments_.begin(), fragments_.end(), tag(last_bytes(window, size), size)))
            return true;
    return false;
}

// True if the Base64 text contains part of a secret, at any alignment.
bool redactor::has_fragment(std::string_view base64) const
{
    for (std::size_t alignment = 0; alignment < 4 && alignment < base64.size(); ++alignment)
    {
        auto const decoded = decode_base64_part(base64.substr(alignment));
        std::uint64_t window = 0;
        std::size_t bytes = 0;
        for (char const c : decoded.view())
        {
            window = shift_in(window, c);
            if (is_fragment(window, ++bytes))
                return true;
        }
    }
    return false;
}

void redactor::mask_base64(std::string& text) const
{
    if (fragments_.empty())
        return;
    mask_each(
        text,
        [&](std::size_t from) -> std::optional<text_range>
        {
            // Four bytes need at least six characters.
            constexpr std::ptrdiff_t min_run = 6;
            auto begin = text.begin() + static_cast<std::ptrdiff_t>(from);
            for (begin = std::find_if(begin, text.end(), is_base64); begin != text.end();
                 begin = std::find_if(begin, text.end(), is_base64))
            {
                auto const end = std::find_if_not(begin, text.end(), is_base64);
                auto const position = static_cast<std::size_t>(begin - text.begin());
                auto const size = static_cast<std::size_t>(end - begin);
                if (end - begin >= min_run &&
                    has_fragment(std::string_view(text).substr(position, size)))
                    return text_range{position, size};
                begin = end;
            }
            return std::nullopt;
        });
}

void redactor::add_exact(std::string_view secret_text)
{
    if (secret_text.size() < min_secret)
        return;
    auto const shorter = std::find_if(
        secrets_.begin(), secrets_.end(),
        [&](secret const& other) { return other.size() <= secret_text.size(); });
    for (auto same = shorter; same != secrets_.end() && same->size() == secret_text.size(); ++same)
        if (same->view() == secret_text)
            return;
    secrets_.insert(shorter, secret(secret_text));
}

void redactor::add_request(std::string_view wire)
{
    auto const split = std::min(wire.find("\r\n\r\n"), wire.size());
    for (auto head = wire.substr(0, split); !head.empty();)
    {
        auto const line = head.substr(0, head.find("\r\n"));
        head.remove_prefix(std::min(head.size(), line.size() + 2));
        auto const name = line.substr(0, line.find(':'));
        if (detail::equal_ignoring_case(name, "authorization") ||
            detail::equal_ignoring_case(name, "dpop"))
            add_exact(line.substr(line.find_last_of(' ') + 1));
        // A field of the user. Its value follows a colon and a space.
        else if (name.size() != line.size() && !is_allow_listed_field(name))
            add(line.substr(std::min(line.size(), name.size() + 2)));
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
        if (is_allow_listed_parameter(name) || name.size() == pair.size())
            continue;
        auto const value = pair.substr(name.size() + 1);
        add(detail::decode_form(value).view());
    }
}

void redactor::add_response(detail::json_document const& document)
{
    for (auto const* const name : {"access_token", "refresh_token", "id_token"})
        add(document.find(name).as_string().value_or(std::string_view()));
}

void redactor::redact(std::string& text, std::string_view allowed_controls) const
{
    auto const mask_secrets = [&]
    {
        for (auto const& known : secrets_)
            mask_all(text, known.view());
        for (auto const encoding : all_encodings)
            mask_encoded(text, secrets_, encoding);
    };
    // A control may be part of a secret, and may stand where a secret has a space.
    mask_secrets();
    replace_controls(text, allowed_controls);
    mask_secrets();
    mask_base64(text);
    mask_jwts(text);
}

std::string redactor::sanitize(std::string_view text) const
{
    // Redacted before it is cut, because half a secret would not be found.
    constexpr std::size_t max_input = 16 * max_text;
    struct wiped_copy
    {
        explicit wiped_copy(std::string_view from) : text(from) {}
        ~wiped_copy() { detail::wipe(text); }
        wiped_copy(wiped_copy const&) = delete;
        wiped_copy& operator=(wiped_copy const&) = delete;
        std::string text;
    } copy(text.substr(0, max_input));
    redact(copy.text);
    // The end of a long input may be half a secret, and masking moves it towards the beginning.
    bool const may_end_in_half = text.size() > max_input && !secrets_.empty();
    // An escape has at most six characters.
    bool const has_escapes = text.find_first_of("%&\\") != std::string_view::npos;
    std::size_t const longest = may_end_in_half ? secrets_.front().size() : 0;
    std::size_t const half = has_escapes ? 6 * longest : longest;
    copy.text.resize(copy.text.size() - std::min(copy.text.size(), half));
    return std::string(cut(copy.text, max_text));
}

std::string
sanitize(std::string_view text, client_authentication const& authentication, std::string_view token)
{
    redactor secrets(authentication);
    secrets.add(token);
    return secrets.sanitize(text);
}

} // namespace coauth::protocol
