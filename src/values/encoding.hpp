#ifndef COAUTH_SRC_VALUES_ENCODING_HPP
#define COAUTH_SRC_VALUES_ENCODING_HPP

#include <coauth/secret.hpp>

#include <string_view>

namespace coauth::protocol
{

// RFC 4648 section 4, with padding.
void append_base64(secret& out, std::string_view bytes);

// application/x-www-form-urlencoded, escaping as little as allowed: letters, digits and `-._*`
// stay, space is `+`. Many servers do not decode Basic credentials.
void append_form_encoded(secret& out, std::string_view text);

// The text that was encoded so; what is no escape stays as it is.
secret decode_form(std::string_view text);

// True for C0 controls and DEL.
bool is_control(char c) noexcept;
bool has_control(std::string_view text) noexcept;
bool is_printable_ascii(std::string_view text) noexcept;

// The case of ASCII alone, whatever the locale says.
char lower(char c) noexcept;
bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept;

// "id:secret" in base64, the credentials as they are or form-encoded first.
secret basic_credentials(std::string_view id, std::string_view password, bool form_encode);

// Appends `text` as a JSON string, quotes included, and never longer than a server would have to
// write it.
void append_json_string(secret& out, std::string_view text);

} // namespace coauth::protocol

#endif
