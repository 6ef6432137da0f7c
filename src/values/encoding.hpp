#ifndef COAUTH_SRC_VALUES_ENCODING_HPP
#define COAUTH_SRC_VALUES_ENCODING_HPP

#include <coauth/export.hpp>
#include <coauth/secret.hpp>

#include <string>
#include <string_view>

namespace coauth::detail
{

// Base64 with padding (RFC 4648 section 4).
void append_base64(secret& out, std::string_view bytes);

// Base64url without padding (RFC 4648 section 5).
void append_base64url(secret& out, std::string_view bytes);
std::string base64url(std::string_view bytes);

// Decodes base64 of either alphabet, with or without padding. White space is ignored. Empty: the
// text is empty or not base64.
secret decode_base64(std::string_view text);

// application/x-www-form-urlencoded with as few escapes as possible, because many servers do not
// decode Basic credentials: letters, digits and `-._*` are not escaped, and a space is `+`.
void append_form_encoded(secret& out, std::string_view text);

// The reverse. An invalid escape is copied unchanged.
secret decode_form(std::string_view text);

// True for C0 controls and DEL.
bool is_control(char c) noexcept;
bool has_control(std::string_view text) noexcept;
COAUTH_DECL bool is_printable_ascii(std::string_view text) noexcept;

// ASCII letters only, whatever the locale is.
COAUTH_DECL char lower(char c) noexcept;
COAUTH_DECL bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept;

// Without the query, which may have secrets.
inline std::string_view without_query(std::string_view url) noexcept
{
    return url.substr(0, url.find('?'));
}

// "id:password" in base64, for HTTP Basic.
secret basic_credentials(std::string_view id, std::string_view password, bool form_encode);

// Appends `text` as a JSON string with its quotes. Escapes only what RFC 8259 section 7 requires.
void append_json_string(secret& out, std::string_view text);

} // namespace coauth::detail

#endif
