#ifndef COAUTH_SRC_PROTOCOL_ERROR_DOCUMENT_HPP
#define COAUTH_SRC_PROTOCOL_ERROR_DOCUMENT_HPP

#include <coauth/secret.hpp>

#include "values/json_document.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace coauth::protocol
{

// The parts of an error document, as the server wrote them: not redacted. Empty: not found.
struct error_document
{
    secret code;
    secret description;
    secret uri;
    std::optional<std::int64_t> number;
    // When to try again, as in `"retry_after":0.65`: see `retry_at`.
    std::string wait;
    // True if the document says that it is an error: it has a code, or a member such as
    // `"success":false`, `"error":true` or `"status":"fail"`.
    bool is_error = false;
};

// Reads an error document in any of the usual shapes. Member names are compared without case and
// punctuation, on the top level first, then in nested objects and in the first elements of arrays,
// up to two levels down.
error_document read_error_document(detail::json_document const& document, unsigned http_status);

// The same for names and values of another format.
error_document
read_error_members(std::span<detail::json_member const> members, unsigned http_status);

// True if the name of a member says that its value is a secret, such as "refresh_token".
bool is_secret_name(std::string_view name) noexcept;

// The text of a JSON array's first element; empty if it has none.
std::string_view first_element(std::string_view array) noexcept;

// True for sentences and titles, such as "Service Unavailable". False for error codes, such as
// "invalid_client" or "E0000011".
bool is_sentence(std::string_view text) noexcept;

} // namespace coauth::protocol

#endif
