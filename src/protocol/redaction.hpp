#ifndef COAUTH_SRC_PROTOCOL_REDACTION_HPP
#define COAUTH_SRC_PROTOCOL_REDACTION_HPP

#include <coauth/client_authentication.hpp>
#include <coauth/secret.hpp>

#include "values/json_document.hpp"
#include "values/wipe.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace coauth::protocol
{

// Replaces secrets in text that a server sent. Servers repeat what they received.
class redactor
{
public:
    // Adds the client secret, and both values that it has in HTTP Basic.
    explicit redactor(client_authentication const& authentication);

    // Adds the secrets of a request: every field and every parameter that is not on an allow list.
    void add_request(std::string_view wire);
    // Adds the tokens of a response.
    void add_response(detail::json_document const& document);
    // Adds a secret. It is recognized as it is, with escapes of forms, URLs, HTML and JSON, of
    // which any characters may be escaped, and in Base64, also in part. Ignores secrets of less
    // than 4 characters, which occur in ordinary words.
    void add(std::string_view secret_text);

    // Replaces secrets and everything that looks like a JWT by the mask, and control characters
    // that are not allowed by spaces.
    void redact(std::string& text, std::string_view allowed_controls = {}) const;
    // A copy for logs: redacted, without control characters, at most 1 KiB.
    [[nodiscard]] std::string sanitize(std::string_view text) const;

private:
    void add_form(std::string_view form);
    void add_exact(std::string_view secret_text);
    void add_encoded(std::string_view form);
    void add_fragments(std::string_view secret_text);
    [[nodiscard]] bool is_fragment(std::uint64_t window, std::size_t bytes) const;
    [[nodiscard]] bool has_fragment(std::string_view base64) const;
    void mask_base64(std::string& text) const;

    // The longest first.
    std::vector<secret> secrets_;
    // Short parts of secrets, packed and sorted.
    std::vector<std::uint64_t, detail::wiping_allocator<std::uint64_t>> fragments_;
};

// The replacement of a secret.
inline constexpr std::string_view mask = "***";

// True if logs may show the value of this request parameter.
bool is_allow_listed_parameter(std::string_view name) noexcept;

// Cuts at a character boundary, so that the result is valid UTF-8 if `text` is.
std::string_view cut(std::string_view text, std::size_t max_size) noexcept;

// As `redactor::sanitize`, for text without a request.
std::string sanitize(
    std::string_view text, client_authentication const& authentication,
    std::string_view token = {});

} // namespace coauth::protocol

#endif
