#ifndef COAUTH_SRC_PROTOCOL_RESPONSE_READER_HPP
#define COAUTH_SRC_PROTOCOL_RESPONSE_READER_HPP

#include "protocol/json_document.hpp"
#include "protocol/redaction.hpp"
#include "protocol/token_response.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace coauth::protocol
{

// What the responses of all endpoints have in common: the document, or the typed error.
class response_reader
{
public:
    response_reader(
        client_config const& config, http_response response, response_context const& facts);

    // Why there is nothing to be read; none: there is a document without an error.
    std::optional<error> look();

    [[nodiscard]] json_document const& document() const { return *document_; }
    [[nodiscard]] http_response& response() noexcept { return response_; }
    [[nodiscard]] bool succeeded() const noexcept
    {
        return response_.status >= 200 && response_.status < 300;
    }
    // There is a document, and it says that something failed.
    [[nodiscard]] bool has_oauth_error() const;
    // The word of an OAuth error: RFC 6749 has it flat, SMS.CX nested, others in a challenge.
    // Untrusted.
    [[nodiscard]] std::string_view error_word() const;

    [[nodiscard]] error malformed(std::string context, errc code = errc::malformed_response) const;
    // What the server wrote, without what must not be shown.
    [[nodiscard]] std::string sanitize(std::string_view text) const;
    [[nodiscard]] std::string sanitize(json_value value) const;

    // A scope, also as a list of its words; none: it is something else. Empty where it is absent.
    [[nodiscard]] std::optional<std::string> scope() const;
    // A member as JSON text.
    [[nodiscard]] token_member member(std::size_t i) const;

private:
    [[nodiscard]] bool is_whole() const;
    [[nodiscard]] bool is_identity_encoded() const;
    [[nodiscard]] error_info known() const;
    [[nodiscard]] std::optional<std::chrono::system_clock::time_point> retry_at(errc code) const;
    [[nodiscard]] std::string_view document_word() const;
    [[nodiscard]] std::string_view challenge_word() const;
    void read_flat(error_info& info) const;
    void read_nested(error_info& info) const;
    void read_problem(error_info& info) const;
    [[nodiscard]] error failure() const;
    [[nodiscard]] errc failure_code(std::string_view word) const;
    [[nodiscard]] std::string status_advice() const;

    client_config const& config_;
    http_response response_;
    response_context const& facts_;
    std::optional<json_document> document_;
    // Made when there is something to be hidden from.
    std::optional<redactor> mutable hidden_;
};

// So much is shown of what should be a word.
inline constexpr std::size_t longest_word = 256;

} // namespace coauth::protocol

#endif
