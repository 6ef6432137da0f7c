#ifndef COAUTH_SRC_PROTOCOL_HEADER_FIELDS_HPP
#define COAUTH_SRC_PROTOCOL_HEADER_FIELDS_HPP

#include <coauth/result.hpp>
#include <coauth/secret.hpp>

#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace coauth::protocol
{

// Header fields of the user: names and values.
using header_fields = std::span<std::pair<std::string, secret> const>;

// Checks fields before they are sent. The error has this code; it never shows a value.
result<void> check_header_fields(header_fields fields, errc code);

// Appends each field as a line. A field of `own` replaces one of `common` with the same name.
void append_header_fields(secret& out, header_fields common, header_fields own);

// True if logs may show the value of this field of a request: it is one that the library sets and
// that is not secret, or of W3C Trace Context.
bool is_allow_listed_field(std::string_view name) noexcept;

} // namespace coauth::protocol

#endif
