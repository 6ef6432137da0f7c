#ifndef COAUTH_SRC_PROTOCOL_REDACTION_HPP
#define COAUTH_SRC_PROTOCOL_REDACTION_HPP

#include <coauth/client_authentication.hpp>
#include <coauth/secret.hpp>

#include "protocol/json_document.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace coauth::protocol
{

// What no text may show although a server may repeat it.
class redactor
{
public:
    // The client's secret, as `add` does, and as Basic value.
    explicit redactor(client_authentication const& who);

    // What a request proves or presents: its Authorization and DPoP, and every parameter that is
    // not known to be harmless.
    void add_request(std::string_view wire);
    // The tokens that a response holds.
    void add_response(json_document const& document);
    // As it is, and as forms, URLs, HTML and JSON have it. Not if it is so short that it would hit
    // ordinary words.
    void add(std::string_view word);

    // Puts a mask in the place of each, and of what looks like a signed token; controls but those
    // to be kept become spaces.
    void redact(std::string& text, std::string_view kept_controls = {}) const;
    // Text of the server made fit for logs: hidden, without controls, and at most 1 KiB.
    [[nodiscard]] std::string sanitize(std::string_view text) const;

private:
    void add_form(std::string_view form);
    void add_one(std::string_view word);

    // The longest first.
    std::vector<secret> words_;
};

// What stands for what is hidden.
inline constexpr std::string_view mask = "***";

// Whether a parameter of a request may be shown.
bool is_harmless_parameter(std::string_view name) noexcept;

// Cuts at a character's boundary, so that no broken UTF-8 remains.
std::string_view cut(std::string_view text, std::size_t longest) noexcept;

// The same without a request.
std::string
sanitize(std::string_view text, client_authentication const& who, std::string_view token = {});

} // namespace coauth::protocol

#endif
