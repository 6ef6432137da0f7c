// Errors and traces of responses of the endpoints for tokens, introspection and revocation.

#include "fuzz.hpp"
#include "protocol/redacted_trace.hpp"
#include "values/json_document.hpp"

namespace
{

void check_introspection(coauth::client_config const& config, coauth::http_response const& response)
{
    auto const got = coauth::protocol::read_introspection_response(config, response, fuzz::times());
    if (!got)
        return fuzz::check_error(got.error(), response);
    std::chrono::system_clock::time_point const epoch;
    for (auto const& time : {got->expires_at, got->issued_at, got->not_before})
        fuzz::require(!time || *time >= epoch, "no time is before 1970");
    fuzz::require(response.status / 100 == 2, "only a success describes a token");
}

void check_trace(coauth::client_config const& config, coauth::http_response const& response)
{
    auto const text = coauth::protocol::redact_response(response, config.authentication);
    fuzz::check_text(text, "\n");
    fuzz::require(text.size() <= 4096, "a trace has at most 4 KiB");
    auto const document = coauth::detail::json_document::parse(response.body.view());
    auto const token = document ? document->find("access_token").as_string() : std::nullopt;
    fuzz::require(!token || token->size() < 16 || !fuzz::holds(text, *token), "a token is masked");
}

} // namespace

int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    fuzz::input const from(data, size);
    auto const config = fuzz::config(from);
    auto const response = fuzz::response(from);
    auto const got = coauth::protocol::read_token_response(config, {}, response, fuzz::times());
    auto const revoked =
        coauth::protocol::read_revocation_response(config, response, fuzz::times());
    if (!got)
        fuzz::check_error(got.error(), response);
    if (!revoked)
        fuzz::check_error(revoked.error(), response);
    fuzz::require(got.has_error() || revoked, "a response with a token contains no error");
    check_introspection(config, response);
    check_trace(config, response);
    return 0;
}
