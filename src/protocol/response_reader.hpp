#ifndef COAUTH_SRC_PROTOCOL_RESPONSE_READER_HPP
#define COAUTH_SRC_PROTOCOL_RESPONSE_READER_HPP

#include <coauth/access_token.hpp>
#include <coauth/client_config.hpp>

#include "protocol/error_document.hpp"
#include "protocol/redaction.hpp"
#include "protocol/response_context.hpp"
#include "values/http_response.hpp"
#include "values/json_document.hpp"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace coauth::protocol
{

// Reads the parts that the responses of all endpoints have in common: a JSON document or an error.
class response_reader
{
public:
    response_reader(
        client_config const& config, http_response response, response_context const& context);

    // The error that the response contains or is. None: `document()` may be used.
    std::optional<error> read_error();

    [[nodiscard]] detail::json_document const& document() const { return *document_; }
    // True if there is a document with the status of one.
    [[nodiscard]] bool has_document() const { return document_ && may_have_document(); }
    [[nodiscard]] http_response& response() noexcept { return response_; }
    [[nodiscard]] bool succeeded() const noexcept
    {
        return response_.status >= 200 && response_.status < 300;
    }
    // True if there is a document with a member `error` that has a value.
    [[nodiscard]] bool has_oauth_error() const;
    // The error code as the server wrote it: the member `error` (RFC 6749 section 5.2),
    // `error.type` (SMS.CX), the `error` of a WWW-Authenticate challenge, or another member of an
    // error document. Untrusted.
    [[nodiscard]] std::string_view error_code_string() const;

    [[nodiscard]] error malformed(std::string context, errc code = errc::malformed_response) const;
    // The error of a document without this member, which may be an error document without `error`.
    [[nodiscard]] error missing_member(std::string_view name) const;
    // Text of the server, redacted for logs.
    [[nodiscard]] std::string sanitize(std::string_view text) const;
    [[nodiscard]] std::string sanitize(detail::json_value value) const;

    // The member `scope`, a string or a list of strings; empty if it is absent. None: it is
    // something else.
    [[nodiscard]] std::optional<std::string> scope() const;
    // A member as JSON text.
    [[nodiscard]] token_member member(std::size_t i) const;

private:
    [[nodiscard]] bool may_have_document() const;
    [[nodiscard]] bool is_identity_encoded() const;
    [[nodiscard]] error_info base_error_info() const;
    [[nodiscard]] error malformed_with_text(std::string context) const;
    [[nodiscard]] redactor const& secrets() const;
    // Text of the server for logs, without white space at its ends.
    [[nodiscard]] std::string trimmed(secret const& text) const;

    // In response_error.cpp.
    [[nodiscard]] error_document const& error_in_body() const;
    [[nodiscard]] error_document error_in_text() const;
    [[nodiscard]] std::optional<std::chrono::system_clock::time_point> retry_at(errc code) const;
    [[nodiscard]] std::string_view document_error_code() const;
    [[nodiscard]] std::string_view challenge_parameter(std::string_view name) const;
    [[nodiscard]] std::string_view aws_error_code() const;
    [[nodiscard]] error failure() const;
    [[nodiscard]] errc failure_code(std::string_view name) const;
    [[nodiscard]] std::string advice(errc code, error_info const& info) const;
    [[nodiscard]] std::string credentials_advice() const;
    [[nodiscard]] std::vector<error_member> error_members() const;
    void append_members(
        std::vector<error_member>& members, std::span<detail::json_member const> source) const;

    client_config const& config_;
    http_response response_;
    response_context const& context_;
    std::optional<detail::json_document> document_;
    // Both are constructed on first use.
    std::optional<redactor> mutable secrets_;
    std::optional<error_document> mutable error_document_;
};

// Error codes and other short names are cut to this size.
inline constexpr std::size_t max_name = 256;

} // namespace coauth::protocol

#endif
