#ifndef COAUTH_SRC_PROTOCOL_RESPONSE_READER_HPP
#define COAUTH_SRC_PROTOCOL_RESPONSE_READER_HPP

#include <coauth/access_token.hpp>
#include <coauth/client_config.hpp>

#include "protocol/json_document.hpp"
#include "protocol/redaction.hpp"
#include "protocol/response_context.hpp"
#include "values/http_response.hpp"

#include <optional>
#include <string>
#include <string_view>

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

    [[nodiscard]] json_document const& document() const { return *document_; }
    [[nodiscard]] http_response& response() noexcept { return response_; }
    [[nodiscard]] bool succeeded() const noexcept
    {
        return response_.status >= 200 && response_.status < 300;
    }
    // True if there is a document with a member `error` that has a value.
    [[nodiscard]] bool has_oauth_error() const;
    // The error code as the server wrote it: the member `error` (RFC 6749 section 5.2),
    // `error.type` (SMS.CX), or the `error` of a WWW-Authenticate challenge. Untrusted.
    [[nodiscard]] std::string_view error_code_string() const;

    [[nodiscard]] error malformed(std::string context, errc code = errc::malformed_response) const;
    // Text of the server, redacted for logs.
    [[nodiscard]] std::string sanitize(std::string_view text) const;
    [[nodiscard]] std::string sanitize(json_value value) const;

    // The member `scope`, a string or a list of strings; empty if it is absent. None: it is
    // something else.
    [[nodiscard]] std::optional<std::string> scope() const;
    // A member as JSON text.
    [[nodiscard]] token_member member(std::size_t i) const;

private:
    [[nodiscard]] bool may_have_document() const;
    [[nodiscard]] bool is_identity_encoded() const;
    [[nodiscard]] error_info base_error_info() const;
    [[nodiscard]] std::optional<std::chrono::system_clock::time_point> retry_at(errc code) const;
    [[nodiscard]] std::string_view document_error_code() const;
    [[nodiscard]] std::string_view challenge_error_code() const;
    void read_flat(error_info& info) const;
    void read_nested(error_info& info) const;
    void read_problem(error_info& info) const;
    [[nodiscard]] error failure() const;
    [[nodiscard]] errc failure_code(std::string_view name) const;
    [[nodiscard]] std::string status_advice() const;

    client_config const& config_;
    http_response response_;
    response_context const& context_;
    std::optional<json_document> document_;
    // Constructed on first use.
    std::optional<redactor> mutable secrets_;
};

// Error codes and other short names are cut to this size.
inline constexpr std::size_t max_name = 256;

} // namespace coauth::protocol

#endif
