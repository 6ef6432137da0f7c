#ifndef COAUTH_SRC_PROTOCOL_ERROR_TEXT_HPP
#define COAUTH_SRC_PROTOCOL_ERROR_TEXT_HPP

#include "protocol/error_document.hpp"

#include <string_view>

namespace coauth::protocol
{

// Reads an error from a body that is not a JSON object: a JSON array or string, a form, an HTML
// page (its title, else its text), XML (elements with the names of error members, else its text),
// or plain text. A body with a success status may be a token in an unknown format: only forms with
// an `error` and titles of pages are read. Redact the body before: removing markup could split a
// secret.
error_document read_error_text(std::string_view body, unsigned http_status);

// True for text in ASCII or UTF-8, false for binary data and UTF-16.
bool is_text(std::string_view body) noexcept;

} // namespace coauth::protocol

#endif
